package analyze

import (
	"strings"
	"testing"

	"mailforensics/mail"
)

// What nearly no message has is not logged; what one in twenty has is. Of a handful nothing is said.
func TestAdviceOnSubjects(t *testing.T) {
	for _, tt := range []struct {
		messages, subjects int
		want               bool
	}{{9, 0, false}, {10, 0, true}, {20, 1, false}, {21, 1, true}, {100, 100, false}} {
		var l Logging
		l.Event(&mail.Event{Kind: mail.Auth})
		for i := range tt.messages {
			m := mail.Message{MTA: mail.Postfix, Account: "eva"}
			if i < tt.subjects {
				m.Subject = "Hello"
			}
			l.Message(&m)
		}
		advice := l.Advice()
		if got := len(advice) == 1 && strings.HasPrefix(advice[0].Why, "the subject"); got != tt.want {
			t.Errorf("%d of %d have a subject: %v", tt.subjects, tt.messages, advice)
		}
	}
}

// One header check logs the subject and the HELO name: it is one piece of advice.
func TestAdviceIsGivenOnce(t *testing.T) {
	var l Logging
	l.Event(&mail.Event{Kind: mail.Auth})
	for range 30 {
		l.Message(&mail.Message{MTA: mail.Postfix, Client: client("198.51.100.7", "mx.far.example", "")})
	}
	want := Advice{"the subject of messages, which helps to recognise campaigns; the HELO name of clients whose mail was accepted",
		"main.cf: header_checks = pcre:/etc/postfix/header_checks; in that file: /^Subject:/ INFO"}
	if advice := l.Advice(); len(advice) != 1 || advice[0] != want {
		t.Errorf("got %+v, want %+v", advice, want)
	}
}
