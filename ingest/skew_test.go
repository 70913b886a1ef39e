package ingest

import (
	"fmt"
	"hash/maphash"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// learner collects the events of messages that pass from host to host.
func learner() *linkLearner {
	return &linkLearner{seed: maphash.MakeSeed(), born: make(map[uint64]life), hosts: make(map[string]int32)}
}

// pass makes a host hand over a message to another, whose clock is so far ahead. known: both log the same Message-ID.
func (l *linkLearner) pass(n int, from, to string, ahead time.Duration, known bool) {
	at := mail.InstantOf(noon).Add(time.Duration(n) * time.Minute)
	id, parent, child := fmt.Sprintf("%d@a.example", n), fmt.Sprintf("A%d", n), fmt.Sprintf("B%d", n)
	other := id
	if !known {
		other = "other" + id
	}
	l.events([]mail.Event{
		{MTA: mail.Postfix, Kind: mail.MessageID, Time: at, Host: from, QueueID: parent, MessageID: id},
		{MTA: mail.Postfix, Kind: mail.MessageID, Time: at.Add(time.Second + ahead), Host: to, QueueID: child, MessageID: other},
		{MTA: mail.Postfix, Kind: mail.Delivery, Time: at.Add(time.Second), Host: from, QueueID: parent, Child: child, Disposition: mail.Delivered},
	})
}

func TestSkews(t *testing.T) {
	check := func(name string, l *linkLearner, want string) {
		t.Helper()
		found, told := l.skews()
		var got []string
		for _, host := range []string{"mx1", "mx2", "mx3"} {
			if d := found.ahead(host + ".Example.Org"); d != 0 {
				got = append(got, fmt.Sprint(host, " ", d))
			}
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%s: got %s, want %s; told %q", name, got, want, told)
		}
	}

	l := learner()
	for n := range 10 {
		l.pass(n, "mx2.example.org", "mx1", -5*time.Minute, true)
	}
	check("behind", l, "mx1 -5m0s")
	if _, told := l.skews(); len(told) != 1 || !strings.HasPrefix(told[0], "the clock of mx1 is 5m0s behind that of mx2, as 10 messages show") {
		t.Errorf("got %q", told)
	}
	for n := range 4 {
		l.pass(100+n, "mx1", "mx3", time.Hour, true)
	}
	check("a chain", l, "mx1 -5m0s, mx3 55m0s")
	l.pass(200, "mx2", "mx1", time.Hour, true) // waited for
	check("one that waited", l, "mx1 -5m0s, mx3 55m0s")

	l = learner()
	for n := range 2 {
		l.pass(n, "mx2", "mx1", time.Hour, true)
	}
	check("too few", l, "")
	for n := range 20 {
		l.pass(n, "mx2", "mx1", time.Second, true)
	}
	check("nothing to tell", l, "")

	l = learner()
	for n := range 20 {
		l.pass(n, "mx2", "mx1", time.Hour, false)
	}
	check("a stranger who names our IDs", l, "")

	l = learner()
	for n := range 100 {
		l.pass(n, "mx2", "mx1", 0, false)
	}
	for n := range 9 {
		l.pass(200+n, "mx2", "mx1", -time.Hour, true)
	}
	check("a stranger who got notices", l, "")
	for n := range 9 {
		l.pass(300+n, "mx2", "mx1", -time.Hour, true)
	}
	check("a part of the mail", l, "mx1 -1h0m0s")

	l = learner()
	l.pass(0, "mx2", "mx1", time.Hour, true)
	for range 5 {
		l.passed = append(l.passed, l.passed[0])
	}
	check("one message for many", l, "")

	l = learner()
	for n := range 20 {
		l.pass(n, "mx2", "mx1", time.Duration(n%2)*time.Hour, true)
	}
	check("a clock that was set", l, "")

	l = learner()
	for n := range 20 {
		l.pass(n, "mx2", "mx1", 20*time.Hour, true)
	}
	check("too far", l, "")
}

// The rehearsal ends soon: when enough is known, or when too much was read.
func TestRehearsalEnds(t *testing.T) {
	l := learner()
	for n := range enoughLinks {
		l.pass(n, "mx2", "mx1", time.Hour, true)
	}
	if !l.connected() {
		t.Error("got two hosts that are not connected")
	}
	l.host("mx3")
	if l.connected() {
		t.Error("got a host that is connected without a message")
	}
	l = learner()
	l.from = mail.InstantOf(noon)
	early, late := make([]mail.Event, 1000), make([]mail.Event, 1000)
	for i := range late {
		early[i].Time, late[i].Time = l.from-1, l.from
	}
	for what, events := range map[string][]mail.Event{"early": early, "late": late} {
		ended := false
		for range 2 * rehearseBefore / len(events) {
			ended = ended || l.events(events) == errRehearsed
		}
		if !ended {
			t.Errorf("%s events: got no end", what)
		}
	}
}
