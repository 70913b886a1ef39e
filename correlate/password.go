package correlate

import (
	"time"

	"mailforensics/mail"
)

// A password server (Cyrus SASL's, Plesk's) names the user of a failed login and no address; Postfix, which asked it, names the address
// and, before 3.7.8, no user. It asks and is told within a moment, so that the one line stands before the other.

// told is how long after the password server's line that of Postfix stands.
const told = 2 * time.Second

// refusedName is the last line of a password server that waits for Postfix's.
type refusedName struct {
	event   *mail.Event
	unclear mail.Instant // until then it may be anybody's: two names came before one address
}

// tie gives the two lines of one failed login to each other, and returns the event to hand on; nil where it has to wait.
func (t *Tracker) tie(ev *mail.Event) *mail.Event {
	w := &t.refused
	if w.event != nil && !within(ev.Time, w.event.Time, told) {
		t.releaseName()
	}
	switch {
	case ev.Kind != mail.AuthFailed:
		return ev
	case ev.MTA == mail.Filter && ev.Service == "auth" && ev.Account != "" && !ev.Client.IP.IsValid():
		if w.event != nil {
			t.releaseName()
			w.unclear = ev.Time.Add(told)
		} else if w.unclear >= ev.Time {
			w.unclear = ev.Time.Add(told)
		}
		waits := ev.Clone()
		w.event = &waits
		return nil
	case w.event == nil || ev.Host != w.event.Host:
		return ev
	case w.unclear >= ev.Time || ev.MTA != mail.Postfix || !ev.Client.IP.IsValid() || ev.Account != "" && ev.Account != w.event.Account:
		t.releaseName() // a mailbox server asks for passwords, too
		return ev
	}
	named := *ev
	named.Account = w.event.Account
	w.event.Client = ev.Client
	t.releaseName()
	return &named
}

// releaseName hands on the password server's line.
func (t *Tracker) releaseName() {
	ev := t.refused.event
	if t.refused.event = nil; ev != nil {
		t.sink.Event(ev)
	}
}
