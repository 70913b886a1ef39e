package parsetest

import (
	"strings"
	"testing"

	"mailforensics/mail"
	"mailforensics/parse"
)

// toy reads "from NAME" of the program toy.
var toy = parse.Format{Name: "toy", Parse: func(body string, ev *mail.Event) parse.Verdict {
	if ev.Process != "toy" {
		return parse.Foreign
	}
	ev.MTA = mail.Filter
	name, ok := strings.CutPrefix(body, "from ")
	if !ok {
		return parse.Unfamiliar
	}
	ev.Kind, ev.Sender = mail.Other, name
	return parse.Parsed
}}

func TestRun(t *testing.T) { Run(t, toy, "testdata/toy.txt") }

func TestDescribe(t *testing.T) {
	tests := []struct{ line, want string }{
		{"Jul 12 07:47:48 mx1 toy[12]: from a@b", "other sender=a@b"},
		{"2026-03-07T04:12:09.183422+01:00 mx1 toy: from a@b", "other sender=a@b"},
		{"Jul 12 07:47:48 mx1 toy[12]: to a@b", "unfamiliar"},
		{"Jul 12 07:47:48 mx1 other[12]: from a@b", "foreign"},
		{"rubbish", "no header"},
	}
	for _, tt := range tests {
		if got := describe(toy, tt.line); got != tt.want {
			t.Errorf("%s: got %s want %s", tt.line, got, tt.want)
		}
	}
}

func TestInvented(t *testing.T) {
	ev := mail.Event{Sender: mail.NullSender, Recipient: "c@d", Reply: "said"}
	if name, _ := invented("from=<> to=<c@d>: said", &ev); name != "" {
		t.Errorf("%s stands in the line", name)
	}
	if name, _ := invented("from=<> to=<x@d>: said", &ev); name != "recipient" {
		t.Errorf("got %q want recipient", name)
	}
}

func TestSplit(t *testing.T) {
	tests := []struct {
		line, process string
		pid           int
		body          string
	}{
		{"Mar  7 04:12:09 mx1 postfix/submission/smtpd[20114]: connect from x[192.0.2.1]", "postfix/submission/smtpd", 20114, "connect from x[192.0.2.1]"},
		{"2024-05-14 10:00:05.287 +0200 [4711] 1s6o8v-0001Cx-1T Completed", "exim", 4711, "1s6o8v-0001Cx-1T Completed"},
		{"2024-05-14 10:00:05 1s6o8v-0001Cx-1T Completed", "exim", 0, "1s6o8v-0001Cx-1T Completed"},
		{"2024-05-14 10:00:05 [192.0.2.1] no PID", "exim", 0, "[192.0.2.1] no PID"},
		{"[03-Jun-2024 07:07:24 +0200]: Successful login for eva", "roundcube", 0, "Successful login for eva"},
	}
	for _, tt := range tests {
		ev, body, ok := split(tt.line)
		if !ok || ev.Process != tt.process || ev.PID != tt.pid || body != tt.body {
			t.Errorf("%s: got %q %d %q (%v)", tt.line, ev.Process, ev.PID, body, ok)
		}
	}
}
