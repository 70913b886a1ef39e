package analyze

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"mailforensics/mail"
)

// dimension is by what messages are grouped.
type dimension uint8

const (
	byAccount dimension = iota
	byUser              // local user: the number, else the name
	byNetwork           // /24 or /64; its addresses are told apart at the end
	byASN
	byDomain // of the envelope sender
	dimensions
)

// series is what is remembered of an account, a local user, a network, a system or a domain. With its name in Entities it fills three
// lines of the processor's cache, of which most messages touch one.
type series struct {
	// What every message changes comes first.
	total    int
	days     uint64 // one bit a day, modulo 64
	now      crowd  // the latest ten minutes …
	dim      dimension
	gathered bool   // see burstWatch.remembered
	hotness  uint16 // its place in burstWatch.hotUntil; others may share it

	before crowd  // … and those that come late
	wide   bool   // netKey.wide
	number uint64 // system, network: netKey.bits
	name   string // account, user, domain

	sources []mailSource // where accounts and local users send from, in the order in which they were first met
	hot     []stretch    // when it may be in a burst
	kept    []*record    // of hot stretches, when the ring had no more room for them; at the end: and those in the ring
	stories []*batch     // of kept ones, when they were too many
}

func (s *series) net() netKey { return netKey{s.number, s.wide} }

func (s *series) isHot(t mail.Instant) bool {
	for i := len(s.hot) - 1; i >= 0; i-- {
		if t >= s.hot[i].from && t <= s.hot[i].to {
			return true
		}
	}
	return false
}

// weight is how much a series matters: one that was hot must not be forgotten, and of others the busier ones know more of
// what is usual.
func (s *series) weight() int {
	if len(s.hot) > 0 {
		return 1 << 30
	}
	return s.total
}

// merge takes over what was counted and kept; what stands in the ring comes by readmit.
func (s *series) merge(o *series, pause time.Duration) {
	s.total += o.total
	s.days |= o.days
	for _, source := range o.sources {
		s.countSource(source)
	}
	s.hot = append(s.hot, o.hot...)
	s.kept = append(s.kept, o.kept...)
	for _, story := range o.stories {
		s.addStory(story, pause)
	}
}

// tenMinutes is the number of the ten minutes since 1970 that t lies in.
func tenMinutes(t mail.Instant) int32 { return int32(t.Minute() / 10) }

// crowd counts what falls into ten minutes and the ten before them: a cheap sign that a series may be in a burst.
type crowd struct {
	slot, now, last int32
}

func (c *crowd) add(slot int32) int32 {
	switch slot {
	case c.slot:
		c.now++
	case c.slot + 1:
		c.slot, c.last, c.now = slot, c.now, 1
	case c.slot - 1:
		c.last++
	default:
		c.slot, c.last, c.now = slot, 0, 1
	}
	return c.now + c.last
}

// netKey is a /24 or /64 as a number.
type netKey struct {
	bits uint64 // the first 24 or 64
	wide bool   // a /64
}

// netOf is the network of an address.
func netOf(ip netip.Addr) netKey {
	ip = ip.Unmap()
	if ip.Is4() {
		four := ip.As4()
		return netKey{uint64(four[0])<<16 | uint64(four[1])<<8 | uint64(four[2]), false}
	}
	sixteen := ip.As16()
	return netKey{binary.BigEndian.Uint64(sixteen[:8]), true}
}

// slot is a hash of it.
func (n netKey) slot() int { return int(n.bits * 0x9e3779b97f4a7c15 >> 52) }

// loginKey is an account as it is compared: mail programs write its case as they like.
func loginKey(account string) string { return strings.ToLower(account) }

func (w *burstWatch) named(d dimension, name string) *series {
	s := w.names[d].At(name)
	if s.hotness == 0 {
		s.dim, s.name, s.hotness = d, strings.Clone(name), w.hotness()
	}
	return s
}

func (w *burstWatch) network(net netKey) *series {
	s := w.nets.At(net)
	if s.hotness == 0 {
		s.dim, s.number, s.wide, s.hotness = byNetwork, net.bits, net.wide, w.hotness()
	}
	return s
}

func (w *burstWatch) system(asn uint32) *series {
	s := w.systems.At(asn)
	if s.hotness == 0 {
		s.dim, s.number, s.hotness = byASN, uint64(asn), w.hotness()
	}
	return s
}

// hotness is the next place in hotUntil; 0 stands for none.
func (w *burstWatch) hotness() uint16 {
	w.made = w.made%(1<<16-1) + 1
	return uint16(w.made)
}

// same is the series of w that stands for the same as s, one of another watch.
func (w *burstWatch) same(s *series) *series {
	switch s.dim {
	case byNetwork:
		return w.network(s.net())
	case byASN:
		return w.system(uint32(s.number))
	}
	return w.named(s.dim, s.name)
}

// current is the series that stands for s now: s may have been forgotten and met again.
func (w *burstWatch) current(s *series) *series {
	var found *series
	switch s.dim {
	case byNetwork:
		found = w.nets.Find(s.net())
	case byASN:
		found = w.systems.Find(uint32(s.number))
	default:
		found = w.names[s.dim].Find(s.name)
	}
	if found == nil {
		return s
	}
	return found
}

// all yields every series, in no particular order.
func (w *burstWatch) all(yield func(*series) bool) {
	for _, s := range w.nets.All() {
		if !yield(s) {
			return
		}
	}
	for _, s := range w.systems.All() {
		if !yield(s) {
			return
		}
	}
	for _, d := range []dimension{byAccount, byUser, byDomain} {
		for _, s := range w.names[d].All() {
			if !yield(s) {
				return
			}
		}
	}
}
