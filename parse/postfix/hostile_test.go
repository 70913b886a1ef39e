package postfix

import (
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// Lines of a megabyte made of what the cutters look for must take time in proportion to their length.
func TestLongLines(t *testing.T) {
	heads := []struct{ process, head string }{
		{"postfix/smtpd", "NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 554 5.7.1 x"},
		{"postfix/smtpd", "NOQUEUE: reject: EHLO from unknown[192.0.2.66]: 501 5.5.2 x"},
		{"postfix/smtpd", "4F2A91C0D3: client=unknown[192.0.2.66], sasl_method=PLAIN, sasl_username=x"},
		{"postfix/smtpd", "warning: unknown[192.0.2.66]: SASL PLAIN"},
		{"postfix/postscreen", "NOQUEUE: reject: RCPT from [192.0.2.66]:1: 550 5.5.1 x"},
		{"postfix/cleanup", "42D45E7: warning: header Subject: x"},
		{"postfix/cleanup", "42D45E7: message-id=<x"},
		{"postfix/qmgr", "42D45E7: from=<x"},
		{"postfix/smtp", "42D45E7: to=<x"},
		{"postfix/smtp", "42D45E7: host x"},
		{"postfix/pickup", "42D45E7: uid=33 from=<x"},
		{"postfix/bounce", "42D45E7: sender x"},
		{"postfix/smtpd", "x"},
	}
	pieces := []string{
		" to=<", ` to=<"`, " from=<a@b>", "; from=<a@b> to=<c@d>", ">, relay=x", ">, ", "> sasl_", "; proto=SMTP helo=<", ", sasl_sender=",
		", orig_client=", "queued as ", "@x>", `"`, ": ", "1", "[", "]", ">",
	}
	for _, h := range heads {
		for _, p := range pieces {
			body := h.head + strings.Repeat(p, 1<<20/len(p)) + ">"
			ev := mail.Event{Process: h.process}
			start := time.Now()
			Format.Parse(body, &ev)
			if d := time.Since(start); d > time.Second {
				t.Errorf("%s … %s …: took %v", h.head, p, d)
			}
		}
	}
}

// Nothing of a verbose line is kept, because it may contain passwords.
func TestSecrets(t *testing.T) {
	const secret = "AGJvYgBwdw=="
	for _, body := range []string{"< unknown[192.0.2.66]: AUTH PLAIN " + secret, "xsasl_dovecot_server_first: sasl_method PLAIN, init_response " + secret} {
		ev := mail.Event{Process: "postfix/smtpd"}
		if v := Format.Parse(body, &ev); v != parse.Parsed || ev.Kind != mail.Other {
			t.Errorf("%s: got %v %v", body, v, ev.Kind)
		}
		if form, _ := ev.AppendText(nil); strings.Contains(string(form), secret) {
			t.Errorf("%s: kept in %s", body, form)
		}
	}
}

func TestTag(t *testing.T) {
	tests := []struct {
		process                   string
		ok                        bool
		instance, service, daemon string
	}{
		{"postfix/smtpd", true, "postfix", "", "smtpd"},
		{"postfix/submission/smtpd", true, "postfix", "submission", "smtpd"},
		{"postfix/a/b/smtpd", true, "postfix", "a/b", "smtpd"},
		{"postfix-out/smtpd", true, "postfix-out", "", "smtpd"},
		{"postfix-192.0.2.1/qmgr", true, "postfix-192.0.2.1", "", "qmgr"},
		{"postfix/10025/smtpd", true, "postfix", "10025", "smtpd"},
		{"submit/smtpd", true, "submit", "", "smtpd"},
		{"postfix", true, "postfix", "", "postfix"},
		{"postfix-out", true, "postfix-out", "", "postfix"},
		{"postfix2", true, "postfix2", "", "postfix"},
		{"postfix@-", true, "postfix", "", "postfix"},
		{"postfix@out", true, "out", "", "postfix"},
		{"postfixadmin", false, "", "", ""},
		{"postfix@", false, "", "", ""},
		{"postfix/policy-spf", false, "", "", ""},
		{"cyrus/master", false, "", "", ""},
		{"smtpd", false, "", "", ""},
		{"postfix/", false, "", "", ""},
		{"", false, "", "", ""},
	}
	for _, tt := range tests {
		got, ok := cutTag(tt.process)
		if ok != tt.ok || ok && (got.instance != tt.instance || got.service != tt.service || got.daemon != tt.daemon) {
			t.Errorf("%s: got %+v %v", tt.process, got, ok)
		}
	}
}

func TestQueueID(t *testing.T) {
	for _, id := range []string{"4F2A91C0D3", "F423F1", "4jXDZ03npNz5V", "000001"} {
		if !queueID(id) {
			t.Errorf("%s is a queue ID", id)
		}
	}
	for _, word := range []string{"F42401", "12345", "deadbeef", "message", "4jXDZ03npNa5V", "maildrop/226CFAE", "4jXz", "connect", "", "4jXDZ03npNz5a", "4jXDZ03npNz5E",
		"4jXDZ03npNz5i", "4jXDZ03npNz5O", "4jXDZ03npNz5u", "4jXDZ03npNz5.", "4jXDZ03npNz_5", strings.Repeat("4", 41)} {
		if queueID(word) {
			t.Errorf("%s is no queue ID", word)
		}
	}
}

func TestDSN(t *testing.T) {
	good := func(in, dsn, rest string) {
		t.Helper()
		if d, r := cutDSN(in); d != dsn || r != rest {
			t.Errorf("%q: got %q %q want %q %q", in, d, r, dsn, rest)
		}
	}
	good("5.7.1 x", "5.7.1", "x")
	good("5.7.25 x", "5.7.25", "x")
	good("4.3.2", "4.3.2", "")
	good("5.7. x", "", "5.7. x")
	good("5..1 x", "", "5..1 x")
	good("5.7.1.1 x", "", "5.7.1.1 x")
	good("3.7.1 x", "", "3.7.1 x")
	good("5.7.1: x", "", "5.7.1: x")
	good("5.71 x", "", "5.71 x")
	good("", "", "")
}

func TestFilterTask(t *testing.T) {
	for in, want := range map[string]string{
		"(611D85EAAD6477B053)": "611D85EAAD6477B053", "(611D85EAAD6477)": "611D85EAAD6477", "(611D85EAAD647)": "", "(611D85EAAD6477B05G)": "",
		"(611D85EAAD:477B053)": "", "(611D85EAAD-477B053)": "", "(611D85EAAD6477B053": "",
	} {
		if got := filterTask(in); got != want {
			t.Errorf("%s: got %q want %q", in, got, want)
		}
	}
}

func TestDelayed(t *testing.T) {
	for in, want := range map[string]mail.Event{
		"0": {Flags: mail.HasDelay}, "0.02": {Flags: mail.HasDelay, Delay: 20 * time.Millisecond}, "1.9": {Flags: mail.HasDelay, Delay: 1900 * time.Millisecond},
		"463": {Flags: mail.HasDelay, Delay: 463 * time.Second}, "0.123456": {Flags: mail.HasDelay, Delay: 123456 * time.Microsecond},
		"1.": {Flags: mail.HasDelay, Delay: time.Second}, "": {}, "x": {}, "99999999999": {},
	} {
		var got mail.Event
		if delayed(in, &got); got != want {
			t.Errorf("%s: got %v %v want %v %v", in, got.Delay, got.Flags, want.Delay, want.Flags)
		}
	}
}
