package parsetest

import (
	"strings"
	"testing"

	"mailforensics/mail"
	"mailforensics/parse"
)

// toy parses "from NAME" of the program toy.
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
		if got := newSplitter().describe(toy, tt.line); got != tt.want {
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
