package correlate

import (
	"math/bits"
	"net/netip"
	"strings"

	"mailforensics/mail"
)

// table finds hops by the hash of their key: open addressing, linear probing, deletion by moving back, since the dead leave
// all the time and gravestones would fill it.
type table struct {
	slots []*hop
	used  int
}

func (t *table) find(hash uint64, q *queue, id string) *hop {
	if t.used == 0 {
		return nil
	}
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; t.slots[i] != nil; i = (i + 1) & mask {
		if h := t.slots[i]; h.hash == hash && h.queue == q && h.id == id {
			return h
		}
	}
	return nil
}

// put makes h the newest life of its key.
func (t *table) put(h *hop) {
	if 2*(t.used+1) > len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	i := h.hash & mask
	for ; t.slots[i] != nil; i = (i + 1) & mask {
		if o := t.slots[i]; o.hash == h.hash && o.queue == h.queue && o.id == h.id {
			t.slots[i] = h
			return
		}
	}
	t.slots[i] = h
	t.used++
}

// remove takes h out; an earlier life takes its place, where one lingers.
func (t *table) remove(h *hop) {
	if t.used == 0 {
		return
	}
	mask := uint64(len(t.slots) - 1)
	for i := h.hash & mask; t.slots[i] != nil; i = (i + 1) & mask {
		o := t.slots[i]
		if o == h {
			if h.previous != nil {
				t.slots[i] = h.previous
			} else {
				t.vacate(i)
			}
			h.previous = nil
			return
		}
		if o.hash == h.hash && o.queue == h.queue && o.id == h.id {
			for ; o.previous != nil; o = o.previous {
				if o.previous == h {
					o.previous, h.previous = h.previous, nil
					return
				}
			}
			return
		}
	}
}

// vacate empties slot i and moves back what had to stand behind it.
func (t *table) vacate(i uint64) {
	mask := uint64(len(t.slots) - 1)
	t.used--
	for j := (i + 1) & mask; t.slots[j] != nil; j = (j + 1) & mask {
		home := t.slots[j].hash & mask
		if (j-home)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = nil
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]*hop, max(1024, 2*len(old)))
	mask := uint64(len(t.slots) - 1)
	for _, h := range old {
		if h == nil {
			continue
		}
		i := h.hash & mask
		for t.slots[i] != nil {
			i = (i + 1) & mask
		}
		t.slots[i] = h
	}
}

// queue is where queue IDs are unique for as long as they live: an instance of an MTA on a host.
type queue struct {
	host     *host
	instance string
	salt     uint64
}

// host is a machine, under all its names.
type host struct {
	name    string // as first seen
	queues  []*queue
	filters []netip.AddrPort // that put mail back
	exim    eximHost
}

type queueName struct{ host, instance string }

// queues are the hosts and instances that were seen.
type queues struct {
	byName map[queueName]*queue
	hosts  []*host

	lastHost, lastInstance string
	last                   *queue
}

// maxQueues bounds the names of hosts and instances. Whatever comes after shares one queue.
const maxQueues = 4096

// queueOf is the queue that ev's ID lives in.
func (t *Tracker) queueOf(ev *mail.Event) *queue {
	qs := &t.queues
	if qs.last == nil || ev.Host != qs.lastHost || ev.Instance != qs.lastInstance {
		qs.last = t.lookUpQueue(ev.Host, ev.Instance)
		qs.lastHost, qs.lastInstance = t.names.get(ev.Host), t.names.get(ev.Instance)
	}
	return qs.last
}

func (t *Tracker) lookUpQueue(name, instance string) *queue {
	qs := &t.queues
	key := queueName{name, instance}
	if q := qs.byName[key]; q != nil {
		return q
	}
	if len(qs.byName) >= maxQueues {
		key = queueName{"\x00", ""}
		if q := qs.byName[key]; q != nil {
			return q
		}
	}
	key = queueName{strings.Clone(key.host), strings.Clone(key.instance)}
	h := qs.hostOf(key.host)
	for _, q := range h.queues {
		if q.instance == key.instance {
			qs.byName[key] = q
			return q
		}
	}
	q := &queue{host: h, instance: key.instance, salt: fnv(fnv(offsetFNV, h.name), "/"+key.instance)}
	h.queues = append(h.queues, q)
	qs.byName[key] = q
	return q
}

// hostOf finds a host under its short or long name. A short name is that of the first long one that begins with it: two
// machines mx1.a.example and mx1.b.example stay two.
func (qs *queues) hostOf(name string) *host {
	short, domain, _ := strings.Cut(name, ".")
	for _, h := range qs.hosts {
		if h.name == name {
			return h
		}
		s, d, _ := strings.Cut(h.name, ".")
		if strings.EqualFold(s, short) && (d == "" || domain == "" || strings.EqualFold(d, domain)) && !isNumber(short) {
			if d == "" {
				h.name = name // the long one tells more, and keeps others away
			}
			return h
		}
	}
	h := &host{name: name}
	qs.hosts = append(qs.hosts, h)
	return h
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// graves remember the queue IDs of messages that were handed out, so that a line that comes much too late gives no birth.
// Two IDs that share a place share a memory; the hash is a fixed one, because the output must not depend on it.
type graves struct {
	at [1 << 15]grave
}

type grave struct {
	key  uint64
	died mail.Instant
}

// restless is how long a late line is still taken for one. After it, a line of an unknown life is of a life that began
// before the log did, or whose first lines were lost.
const restless = 3600 * 1e9

func (g *graves) bury(h *hop, now mail.Instant) {
	key := fnv(h.queue.salt, h.id)
	if h.state == dead {
		now = h.died
	}
	g.at[key%uint64(len(g.at))] = grave{key, now}
}

// holds reports whether the ID's life has ended lately.
func (g *graves) holds(q *queue, id string, now mail.Instant) bool {
	key := fnv(q.salt, id)
	there := g.at[key%uint64(len(g.at))]
	return there.key == key && now-there.died < restless && there.died-now < restless
}

// mix is a hash of s that nobody who does not know the seed can foresee. It is made for queue IDs, which have ten to
// twenty-three characters: two or three multiplications (the scheme of wyhash).
func mix(seed uint64, s string) uint64 {
	h := seed ^ uint64(len(s))
	for len(s) >= 8 {
		h = fold(h^uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|
			uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56, 0xa0761d6478bd642f)
		s = s[8:]
	}
	var tail uint64
	for i := range len(s) {
		tail |= uint64(s[i]) << (8 * i)
	}
	return fold(h^tail, seed|1)
}

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

const offsetFNV = 14695981039346656037

func fnv(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// waiting is a message that is over, since when.
type waiting struct {
	message    *message
	generation uint32
	since      mail.Instant
}

// fifo is a queue of them.
type fifo struct {
	items []waiting // a ring; its length is a power of two
	head  int
	n     int
}

func (f *fifo) len() int       { return f.n }
func (f *fifo) first() waiting { return f.items[f.head] }

func (f *fifo) push(w waiting) {
	if f.n == len(f.items) {
		grown := make([]waiting, max(64, 2*f.n))
		copy(grown[copy(grown, f.items[f.head:]):], f.items[:f.head])
		f.items, f.head = grown, 0
	}
	f.items[(f.head+f.n)&(len(f.items)-1)] = w
	f.n++
}

func (f *fifo) pop() waiting {
	w := f.items[f.head]
	f.items[f.head] = waiting{}
	f.head = (f.head + 1) & (len(f.items) - 1)
	f.n--
	return w
}

// ring holds the last few of something.
type ring[T any] struct {
	items [64]T
	n     int // how many were put in
}

func (r *ring[T]) put(x T) {
	r.items[r.n%len(r.items)] = x
	r.n++
}

// each calls f with those that are held, the newest first, until f returns false.
func (r *ring[T]) each(f func(*T) bool) {
	for i := r.n - 1; i >= max(0, r.n-len(r.items)); i-- {
		if !f(&r.items[i%len(r.items)]) {
			return
		}
	}
}
