package webmail

import (
	"testing"

	"mailforensics/mail"
	"mailforensics/parse"
	"mailforensics/parse/parsetest"
)

func TestSpecimens(t *testing.T) { parsetest.Run(t, Format, "testdata/*.txt") }

func FuzzWebmail(f *testing.F) { parsetest.Fuzz(f, Format, "testdata/*.txt") }

func BenchmarkParse(b *testing.B) { parsetest.Bench(b, Format, "testdata/*.txt") }

// A browser's headers, or a typed name, cannot put somebody else's address into an event that is believed.
func TestForgedAddressesAreDoubtful(t *testing.T) {
	for _, body := range []string{
		"<4f1c> Failed login for tina@site.example from 203.0.113.66(X-Forwarded-For: z from 8.8.8.8() in session 4f1c (error: 0)",
		"<4f1c> Successful login for tina (ID: 7) from 203.0.113.66(X-Real-IP: z from 8.8.8.8() in session 4f1c",
		"<4f1c> User tina@site.example [203.0.113.66(X-Forwarded-For: z [8.8.8.8]; Message )]; Message <one@site.example> for a@far.example; 250: 2.0.0 Ok: queued as 5A0AC1F",
		"<4f1c> IMAP Error: Login failed for u@site.example from 8.8.8.8. LOGIN: x against localhost from 203.0.113.66. LOGIN: Authentication failed. in /x.php on line 211 (POST /)",
	} {
		ev := mail.Event{Process: "roundcube"}
		if verdict := Format.Parse(body, &ev); verdict != parse.Parsed || !ev.Has(mail.Doubtful) {
			t.Errorf("%s: verdict %v, flags %v", body, verdict, ev.Flags)
		}
	}
}
