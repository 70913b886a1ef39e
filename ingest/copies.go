package ingest

import (
	"maps"
	"slices"
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// copies finds what Exim sends to syslog twice. A refusal or a failed login is for its main log and for its reject log, and syslog
// gets both lines, from the same process with the same text, unless syslog_duplication is off. In files of their own the two logs
// are told apart by name; here only their order does: a refusal, and its copy before the process says anything else that counts.
//
// A client that tries the same again in the same second makes equal lines, too. So a host whose refusals also come once has no
// copies.
type copies struct {
	hosts map[string]*pairs
}

// pairs is what is known of the refusals in the log of one host.
type pairs struct {
	open   map[int]refusal // by PID: what may still get its copy
	swept  mail.Instant    // when those that no longer can were last counted
	paired int64
	alone  int64
}

type refusal struct {
	at   mail.Instant
	body string
}

const (
	copyWithin = mail.Instant(2e9) // between a line and its copy; a syslog daemon stamps what a process says at once
	maxOpen    = 1000              // refusals of a host that may still get their copy

	// lostOnes is the share of copies that a busy syslog daemon may lose, one in so many. More lines that come once mean that
	// syslog_duplication is off.
	lostOnes = 50
)

// syslogged reports whether an event is one that Exim sends to syslog twice.
func syslogged(ev *mail.Event, style parse.Style) bool {
	return ev.MTA == mail.Exim && (ev.Kind == mail.Reject || ev.Kind == mail.AuthFailed) && style != parse.EximOwn
}

// find adds the copies among the refusals of a batch to dropped.
func (c *copies) find(b *batch, dropped []int) []int {
	slices.Sort(b.refusals) // those that came in pieces were added last
	for _, i := range b.refusals {
		ev := &b.events[i]
		if h := c.host(ev.Host); h != nil && h.isCopy(ev, b.bodies[i]) {
			b.copies++
			dropped = append(dropped, i)
		}
	}
	return dropped
}

// isCopy reports whether a refusal is the copy of the one before it.
func (h *pairs) isCopy(ev *mail.Event, body string) bool {
	if len(h.open) >= maxOpen || max(ev.Time-h.swept, h.swept-ev.Time) > copyWithin {
		h.sweep(ev.Time)
	}
	first, ok := h.open[ev.PID]
	if !ok || first.body != body || ev.Time-first.at > copyWithin {
		if ok {
			h.alone++
		}
		h.open[ev.PID] = refusal{ev.Time, strings.Clone(body)}
		return false
	}
	delete(h.open, ev.PID)
	h.paired++
	return h.alone*lostOnes <= h.paired
}

// sweep counts the refusals that came alone. If too many are still open, these are: nearly all of so many are alone.
func (h *pairs) sweep(now mail.Instant) {
	maps.DeleteFunc(h.open, func(_ int, first refusal) bool {
		late := now-first.at > copyWithin
		if late {
			h.alone++
		}
		return late
	})
	if len(h.open) >= maxOpen {
		h.alone += int64(len(h.open))
		clear(h.open)
	}
	h.swept = now
}

// host returns the record of a host; nil: there are too many.
func (c *copies) host(name string) *pairs {
	h := c.hosts[name]
	if h != nil || len(c.hosts) >= maxHosts {
		return h
	}
	if c.hosts == nil {
		c.hosts = make(map[string]*pairs)
	}
	h = &pairs{open: make(map[int]refusal)}
	c.hosts[strings.Clone(name)] = h
	return h
}
