package postfix

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mailforensics/mail"
	"mailforensics/parse"
)

// Without the name of the daemon, a line means what it means with it.
func TestUntold(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			_, rest, found := strings.Cut(line, " mx1 postfix/")
			tag, body, ok := strings.Cut(strings.TrimSuffix(rest, "\n"), "]: ")
			process, _, ok2 := strings.Cut(tag, "[")
			if !found || !ok || !ok2 || strings.HasPrefix(line, "\t") {
				continue
			}
			want := mail.Event{Process: "postfix/" + process}
			if v := read(body, &want); v != parse.Parsed || !isTold(&want) || want.Daemon == "smtpd" && strings.HasSuffix(body, ": queue file size limit exceeded") {
				continue
			}
			got := mail.Event{Process: "postfix"}
			v := read(body, &got)
			got.Process, got.Service = want.Process, want.Service
			if want.Relay == "none" || want.Daemon == "cleanup" && want.Kind == mail.Reject {
				got.Daemon = want.Daemon // several do, in the same words
			}
			if v != parse.Parsed || !reflect.DeepEqual(got, want) {
				t.Errorf("%s\n got %v %+v\nwant parsed %+v", line, v, got, want)
			}
			compared++
		}
	}
	if compared < 250 {
		t.Errorf("compared %d lines, want at least 250", compared)
	}
}

// isTold reports whether the words of a line tell its daemon: remarks are told by nothing, the agents' header checks read like
// cleanup's, LMTP over TCP to a port of one's own like SMTP, qmqpd's sessions like smtpd's, what postsuper removed like what qmgr did.
func isTold(ev *mail.Event) bool {
	switch {
	case ev.Kind == mail.Other, ev.Kind == mail.Warning, ev.Kind == mail.Header && ev.Daemon == "smtp", ev.Daemon == "qmqpd":
		return false
	case ev.Daemon == "lmtp" && ev.RelayPort != 24 && (ev.RelayIP.IsValid() || ev.Kind != mail.Delivery):
		return false
	case ev.Daemon == "oqmgr", ev.Daemon == "nqmgr", ev.Daemon == "tlsproxy", ev.Daemon == "postsuper" && ev.Kind == mail.Remove:
		return false
	}
	return true
}

func TestUnits(t *testing.T) {
	for process, instance := range map[string]string{"postfix": "postfix", "postfix@-": "postfix", "postfix@postfix-out": "postfix-out"} {
		ev := mail.Event{Process: process}
		if v := read("4F2A91C0D3: removed", &ev); v != parse.Parsed || ev.Instance != instance || ev.Daemon != "qmgr" {
			t.Errorf("%s: got %v, instance %q, daemon %q, want parsed, %q, qmgr", process, v, ev.Instance, ev.Daemon, instance)
		}
	}
	ev := mail.Event{Process: "postfix"}
	if v := read("words that no daemon writes", &ev); v != parse.Unfamiliar {
		t.Errorf("got %v, want unfamiliar", v)
	}
}

// rsyslog's programname cuts the tag of an instance with a syslog_name of its own, too; other programs are called after Postfix.
func TestInstanceUntold(t *testing.T) {
	tests := []struct {
		process, body    string
		instance, daemon string // "": it is another program's
	}{
		{"postfix-in", "4drcwZ2GHNz53: client=unknown[45.133.1.77], sasl_method=PLAIN, sasl_username=tomas.costa", "postfix-in", "smtpd"},
		{"postfix-in", "connect from unknown[45.133.1.77]", "postfix-in", "smtpd"},
		{"postfix-out", "4drcwZ3sJKz4l: to=<p@rx-mail3.com>, relay=mx.rx-mail3.com[52.101.6.8]:25, delay=0.05, delays=0.01/0.01/0.02/0.01, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 993615A)", "postfix-out", "smtp"},
		{"postfix2", "4drcwZ3sJKz4l: removed", "postfix2", "qmgr"},
		{"postfix-mta-sts-resolver", "warning: timeout for example.com", "", ""},
		{"postfix-exporter", "Listening on :9154", "", ""},
		{"postfix-policyd-spf-perl", "Policy action=DUNNO", "", ""},
	}
	for _, tt := range tests {
		ev := mail.Event{Process: tt.process}
		v := read(tt.body, &ev)
		if (v == parse.Parsed) != (tt.instance != "") || ev.Instance != tt.instance || ev.Daemon != tt.daemon {
			t.Errorf("%s: %s\n got %v %+v\nwant instance %q, daemon %q", tt.process, tt.body, v, ev, tt.instance, tt.daemon)
		}
	}
}
