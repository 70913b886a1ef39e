package analyze

import (
	"testing"
	"time"

	"mailforensics/mail"
)

// The expression that selects a subject's messages works for any name in the log.
func TestSubjectWhere(t *testing.T) {
	for _, tt := range []struct {
		subject Subject
		want    string
	}{
		{Subject{IP, "192.0.2.7"}, `ip == "192.0.2.7"`},
		{Subject{Network, "192.0.2.0/24"}, `within(ip, "192.0.2.0/24")`},
		{Subject{ASN, "AS3209"}, "asn == 3209"},
		{Subject{Account, `Eva "x"`}, `lower(account) == "eva \"x\""`},
		{Subject{UID, "33"}, "uid == 33"},
		{Subject{UID, "www-data"}, `user == "www-data"`}, // Exim names it
		{Subject{Sender, "Eva@b.example"}, `lower(sender) == "eva@b.example"`},
		{Subject{CampaignKind, "HELO is a number"}, ""},
	} {
		if got := tt.subject.Where(); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.subject, got, tt.want)
		}
	}
}

// A signature gives its times in the zone of the report.
func TestSignatureIn(t *testing.T) {
	at := mail.InstantOf(time.Date(2024, 6, 6, 11, 20, 13, 500_000_000, time.UTC))
	s := during(at, at.Add(time.Hour), "notice", "bounced > 0")
	want := `notice and bounced > 0 and time >= at("2024-06-06T13:20:13.5+02:00") and time <= at("2024-06-06T14:20:13.5+02:00")`
	if got := s.In(time.FixedZone("", 7200)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := (Signature{}).In(time.UTC); got != "" {
		t.Errorf("got %s", got)
	}
}
