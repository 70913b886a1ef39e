package ingest

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// A syslog daemon that gets the same text again and again writes it once, and then how often it came. rsyslog writes "message
// repeated 2 times: [ text]"; the BSDs, Solaris and old sysklogd "last message repeated 2 times", which means the previous line of
// that host.

// repeated parses a line with such a body; false: it is none.
func (p *parser) repeated(body string, b *batch, ev *mail.Event) bool {
	if rest, ok := strings.CutPrefix(body, "last message repeated "); ok {
		n, _, ok := times(rest)
		if ok {
			p.repeatLast(n, body, b, ev)
		}
		return ok
	}
	rest, ok := strings.CutPrefix(body, "message repeated ")
	if !ok {
		return false
	}
	n, rest, ok := times(rest)
	text, ok2 := strings.CutPrefix(rest, ": [ ")
	if !ok || !ok2 {
		return false
	}
	text = strings.TrimSuffix(text, "]")
	verdict := p.parse(text, ev)
	p.count(verdict, text, b, ev)
	if h := &b.hosts[0]; h.event == len(b.events)-1 && h.event >= 0 {
		b.repeats = append(b.repeats, repeat{index: h.event, n: n})
	}
	return true
}

// times reads "3 times", and returns what follows.
func times(s string) (n int, rest string, ok bool) {
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		n = min(n*10+int(s[digits]-'0'), 1<<31)
		digits++
	}
	rest, ok = strings.CutPrefix(s[digits:], " time")
	return n, strings.TrimPrefix(rest, "s"), ok && digits > 0
}

// repeatLast makes ev a repetition of the last event of its host. If that is in an earlier chunk, settle will do so.
func (p *parser) repeatLast(n int, body string, b *batch, ev *mail.Event) {
	at := b.find(ev.Host)
	switch {
	case at < 0:
		b.repeats = append(b.repeats, repeat{index: len(b.events) - 1, n: n, open: true})
		b.bodies = append(b.bodies, body)
	case b.hosts[at].event < 0:
		b.tally(b.hosts[at].verdict, 1)
		b.takeBack()
	default:
		again(ev, &b.events[b.hosts[at].event])
		b.hosts[at].event = len(b.events) - 1
		b.repeats = append(b.repeats, repeat{index: len(b.events) - 1, n: n})
		b.bodies = append(b.bodies, body)
		b.tally(b.hosts[at].verdict, 1)
	}
}

// again copies of to ev, except place and time.
func again(ev, of *mail.Event) {
	origin, at, raw := ev.Origin, ev.Time, ev.Raw
	*ev = *of
	ev.Origin, ev.Time, ev.Raw = origin, at, raw
}

// find returns the index of a host's record in b.hosts; -1: it has none.
func (b *batch) find(host string) int {
	for i := range b.hosts {
		if b.hosts[i].host == host {
			return i
		}
	}
	return -1
}

// tally counts n lines with a verdict.
func (b *batch) tally(v parse.Verdict, n int64) {
	switch v {
	case parse.Foreign:
		b.foreign += n
	case parse.Parsed:
		b.parsed += n
	case parse.Unfamiliar:
		b.unfamiliar += n
	case parse.Damaged:
		b.damaged += n
	}
}

// The limits of what "message repeated" lines may stand for. A syslog daemon writes one at least every ten minutes, so maxRepeats of
// one line would be sixteen a second. All lines of a file together may stand for as many lines as the file has, and maxRepeatsSum
// more: larger claims are made by somebody who wants a small file to become a huge one.
const (
	maxRepeats    = 10_000
	maxRepeatsSum = 1_000_000
)

// repeatSum is how many lines the "message repeated" lines of a file stand for, so far.
type repeatSum struct {
	counted   int64
	uncounted int64 // beyond the limits
}

// bound limits the number of events that a "message repeated" line stands for.
func (s *repeatSum) bound(b *batch) {
	for i := range b.repeats {
		r := &b.repeats[i]
		n := min(r.n, maxRepeats, int(maxRepeatsSum+b.events[r.index].Line-s.counted))
		s.uncounted += int64(r.n - n)
		s.counted += int64(n)
		r.n = n
	}
}
