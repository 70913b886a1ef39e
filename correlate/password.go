package correlate

import (
	"time"

	"mailforensics/mail"
)

// An authentication server (Cyrus saslauthd, Plesk's) logs the user of a failed login, but not the client's address; Postfix, which
// asked it, logs the address and, before 3.7.8, not the user. The lines come one after the other, within a moment.

// told is how much later than the line of the authentication server that of Postfix may come.
const told = 2 * time.Second

// refusedName is the last line of an authentication server, which waits for that of Postfix.
type refusedName struct {
	event   *mail.Event
	unclear mail.Instant // until then it may be anybody's: two names came before one address
}

// tie completes the two lines of one failed login from each other, and returns the event to hand on; nil: it waits for the other
// line.
func (t *Tracker) tie(ev *mail.Event) *mail.Event {
	w := &t.refused
	if w.event != nil && !within(ev.Time, w.event.Time, told) {
		t.releaseName()
	}
	switch {
	case ev.Kind != mail.AuthFailed:
		return ev
	case ev.MTA == mail.Filter && ev.Service == "auth" && ev.Account != "": // which names no client
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

// releaseName hands on the line of the authentication server that waits.
func (t *Tracker) releaseName() {
	ev := t.refused.event
	if t.refused.event = nil; ev != nil {
		t.sink.Event(ev)
	}
}
