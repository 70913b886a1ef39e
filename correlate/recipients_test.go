package correlate

import (
	"fmt"
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

// The index of many recipients finds what looking through them finds, also where several have the same address.
func TestRecipientIndex(t *testing.T) {
	var m message
	find := func(same func(r *mail.Recipient) bool) *mail.Recipient {
		for i := range m.Recipients {
			if same(&m.Recipients[i]) {
				return &m.Recipients[i]
			}
		}
		return nil
	}
	random := uint64(1)
	next := func(n uint64) uint64 {
		random = random*6364136223846793005 + 1442695040888963407
		return random >> 33 % n
	}
	for step := range 2000 {
		address := fmt.Sprintf("a%d@%s", next(60), [...]string{"b.example", "B.Example"}[next(2)])
		wantEnvelope := find(func(r *mail.Recipient) bool { return sameAddress(r.Envelope(), address) })
		if got := m.findByEnvelope(address); got != wantEnvelope {
			t.Fatalf("step %d: by the envelope's %s: got %v, want %v", step, address, got, wantEnvelope)
		}
		for _, address := range []string{address, fmt.Sprintf("c%d@b.example", next(20))} {
			want := find(func(r *mail.Recipient) bool { return sameAddress(r.Address, address) })
			if got := m.findByAddress(address); (got == nil) != (want == nil) || got != nil && !sameAddress(got.Address, address) {
				t.Fatalf("step %d: by the address %s: got %v, want %v", step, address, got, want)
			}
		}
		switch {
		case wantEnvelope == nil:
			m.addRecipient(mail.Recipient{Address: address})
		case wantEnvelope.Original == "" && next(2) == 0:
			m.rewritten(wantEnvelope, fmt.Sprintf("c%d@b.example", next(20)))
		}
	}
	if m.index == nil {
		t.Error("there is no index")
	}
}
