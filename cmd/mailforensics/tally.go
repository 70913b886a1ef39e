package main

import (
	"cmp"
	"slices"
	"strings"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// tally counts what has one value of a key.
type tally struct {
	value                                  string
	name                                   string // of the client, for the key ip
	messages, recipients                   int
	delivered, bounced, deferred, rejected int
	bytes                                  int64
	first, last                            mail.Instant
	seen                                   int // number of the message that was counted last: a value counts once a message
}

// tallies counts by one key, in bounded memory: when there are too many values, the lighter half is forgotten, and from
// then on a count may be short by at most what was forgotten (lossy counting: Manku and Motwani, VLDB 2002).
type tallies struct {
	key    mail.Key
	most   int
	values map[string]*tally
	short  int // by how much a count may be too low
	serial int // of the message
}

// mostValues takes some 60 MB, over all keys of a run.
const mostValues = 250_000

func newTallies(key mail.Key, most int) *tallies {
	return &tallies{key: key, most: most, values: make(map[string]*tally)}
}

// message counts a message for each of its values. Notices are the mail server's own and nobody's.
func (ts *tallies) message(m *mail.Message) {
	if m.Notice {
		return
	}
	ts.serial++
	ts.key.Message(m, func(value string) {
		t := ts.of(value)
		if t.seen == ts.serial {
			return
		}
		t.seen = ts.serial
		t.message(m, ts.key.Name)
	})
}

func (t *tally) message(m *mail.Message, key string) {
	t.messages++
	t.bytes += m.Size
	t.at(m.Time)
	t.called(m.Client.Name)
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Disposition == mail.Probed || !ofRecipient(r, key, t.value) {
			continue
		}
		t.recipients++
		switch r.Disposition {
		case mail.Delivered:
			t.delivered++
		case mail.Bounced, mail.Expired:
			t.bounced++
		case mail.Deferred:
			t.deferred++
		}
	}
}

// ofRecipient reports whether a recipient is counted under a value: with a key of recipients, only those that have it.
func ofRecipient(r *mail.Recipient, key, value string) bool {
	switch key {
	case "recipient":
		return mail.Fold(r.Envelope()) == value
	case "recipient-domain":
		return mail.Domain(r.Envelope()) == value
	case "relay":
		return r.Relay == value
	case "disposition":
		return r.Disposition.String() == value
	}
	return true
}

// event counts a refusal.
func (ts *tallies) event(ev *mail.Event) {
	if ts.key.Event == nil || !analyze.IsRefusal(ev) {
		return
	}
	ts.key.Event(ev, func(value string) {
		t := ts.of(value)
		t.rejected++
		t.at(ev.Time)
		t.called(ev.Client.Name)
	})
}

func (t *tally) at(when mail.Instant) {
	if t.first == 0 || when < t.first {
		t.first = when
	}
	t.last = max(t.last, when)
}

// called remembers the first name of the client.
func (t *tally) called(name string) {
	if t.name == "" && name != "unknown" {
		t.name = strings.Clone(name)
	}
}

func (ts *tallies) of(value string) *tally {
	t := ts.values[value]
	if t == nil {
		if len(ts.values) >= ts.most {
			ts.forget()
		}
		t = &tally{value: strings.Clone(value)}
		ts.values[t.value] = t
	}
	return t
}

// forget drops the lighter half.
func (ts *tallies) forget() {
	weights := make([]int, 0, len(ts.values))
	for _, t := range ts.values {
		weights = append(weights, t.messages+t.rejected)
	}
	slices.Sort(weights)
	middle := weights[len(weights)/2]
	for value, t := range ts.values {
		if t.messages+t.rejected <= middle {
			delete(ts.values, value)
		}
	}
	ts.short += middle
}

// orderWords are the columns by which a table can be sorted.
var orderWords = []string{"messages", "recipients", "delivered", "bounced", "deferred", "rejected", "bytes"}

func (t *tally) column(name string) int {
	switch name {
	case "recipients":
		return t.recipients
	case "delivered":
		return t.delivered
	case "bounced":
		return t.bounced
	case "deferred":
		return t.deferred
	case "rejected":
		return t.rejected
	case "bytes":
		return int(t.bytes)
	}
	return t.messages
}

// top are the n tallies with the most, and how many more there are.
func (ts *tallies) top(n int, order string) (top []*tally, left int) {
	for _, t := range ts.values {
		top = append(top, t)
	}
	slices.SortFunc(top, func(a, b *tally) int {
		return cmp.Or(cmp.Compare(b.column(order), a.column(order)), cmp.Compare(b.messages, a.messages), cmp.Compare(b.rejected, a.rejected),
			cmp.Compare(a.value, b.value))
	})
	if len(top) > n {
		top, left = top[:n], len(top)-n
	}
	return top, left
}
