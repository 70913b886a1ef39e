package correlate

import (
	"testing"

	"mailforensics/mail"
)

// Mail is tried again for days, and each reply may name another ticket: the first complaint is kept, and its time.
func TestKeepDeferral(t *testing.T) {
	const grey, first, second = "450 4.2.0 Greylisted", "421 4.7.0 unusual rate of mail from your IP, ticket 1", "421 4.7.0 unusual rate of mail from your IP, ticket 2"
	r := mail.Recipient{Disposition: mail.Deferred}
	for i, reply := range []string{grey, first, first, second, grey, "retry time not reached for any host", second} {
		r.Reply, r.Time = reply, mail.Instant(i)
		keepDeferral(&r)
	}
	if r.Deferral != first || r.DeferralAt != 1 {
		t.Errorf("got %q at %d, want the first complaint, at 1", r.Deferral, r.DeferralAt)
	}
}
