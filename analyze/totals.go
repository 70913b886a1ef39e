package analyze

import "mailforensics/mail"

// Totals are the numbers of the whole reading. Recipients are counted by their last disposition; refused attempts one a
// RCPT, MAIL, DATA or connection. What the MTA wrote by itself is a notice and counted nowhere else.
type Totals struct {
	Messages, Recipients           int
	Delivered, Bounced, Deferred   int
	Rejected, Discarded            int
	Held, Expired, Forwarded       int
	Filtered, Undecided            int // recipients that a filter had last; without any disposition
	Notices                        int
	Completed                      int // messages whose end was seen
	RejectedQueries                int // VRFY, EXPN, ETRN: who asks sends nothing
	Logins, FailedLogins, Sessions int
}

// Message counts a message.
func (t *Totals) Message(m *mail.Message) {
	if m.Notice {
		t.Notices++
		return
	}
	t.Messages++
	if m.Completed {
		t.Completed++
	}
	for i := range m.Recipients {
		t.recipient(m.Recipients[i].Disposition)
	}
}

func (t *Totals) recipient(d mail.Disposition) {
	if d == mail.Probed {
		return
	}
	t.Recipients++
	switch d {
	case mail.Delivered:
		t.Delivered++
	case mail.Bounced:
		t.Bounced++
	case mail.Deferred:
		t.Deferred++
	case mail.Expired:
		t.Expired++
	case mail.Held:
		t.Held++
	case mail.Discarded:
		t.Discarded++
	case mail.Forwarded:
		t.Forwarded++
	case mail.Filtered:
		t.Filtered++
	default:
		t.Undecided++
	}
}

// Event counts an event that is of no message.
func (t *Totals) Event(ev *mail.Event) {
	switch ev.Kind {
	case mail.Reject:
		switch {
		case IsRefusal(ev):
			t.Rejected++
		case isRefused(ev):
			t.RejectedQueries++
		}
	case mail.Auth:
		t.Logins++
	case mail.AuthFailed:
		t.FailedLogins++
	case mail.Connect:
		t.Sessions++
	}
}

// IsRefusal reports whether an event is a refused attempt that counts: one to send, not a mere warning, not a line that
// contradicts itself.
func IsRefusal(ev *mail.Event) bool { return isRefused(ev) && !isQuery(ev.Stage) }

func isRefused(ev *mail.Event) bool {
	return ev.Kind == mail.Reject && ev.Flags&(mail.WarnOnly|mail.Doubtful) == 0
}

// isQuery reports whether a command asks about an address or a queue (RFC 5321, section 3.5; RFC 1985).
func isQuery(stage string) bool { return stage == "VRFY" || stage == "EXPN" || stage == "ETRN" }

// Merge adds all of other.
func (t *Totals) Merge(o *Totals) {
	t.Messages += o.Messages
	t.Recipients += o.Recipients
	t.Delivered += o.Delivered
	t.Bounced += o.Bounced
	t.Deferred += o.Deferred
	t.Rejected += o.Rejected
	t.RejectedQueries += o.RejectedQueries
	t.Discarded += o.Discarded
	t.Held += o.Held
	t.Expired += o.Expired
	t.Forwarded += o.Forwarded
	t.Filtered += o.Filtered
	t.Undecided += o.Undecided
	t.Notices += o.Notices
	t.Completed += o.Completed
	t.Logins += o.Logins
	t.FailedLogins += o.FailedLogins
	t.Sessions += o.Sessions
}
