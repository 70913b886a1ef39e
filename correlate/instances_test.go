package correlate

import (
	"fmt"
	"testing"

	"mailforensics/mail"
)

// An instance has a queue manager; a service with a syslog_name of its own has none.
func TestInstances(t *testing.T) {
	tr := New(Options{}, Sink{})
	for _, ev := range []mail.Event{
		{MTA: mail.Postfix, Host: "mx1", Instance: "postfix-submission", Daemon: "smtpd", Kind: mail.Accept, QueueID: "4A01"},
		{MTA: mail.Postfix, Host: "mx1", Instance: "postfix", Daemon: "qmgr", Kind: mail.Queue, QueueID: "4A01", Sender: "a@b.example"},
		{MTA: mail.Postfix, Host: "mx1", Instance: "postfix-out", Daemon: "qmgr", Kind: mail.Queue, QueueID: "4A02", Sender: "a@b.example"},
		{MTA: mail.Postfix, Host: "mx2", Instance: "postfix-mx2", Daemon: "qmgr", Kind: mail.Queue, QueueID: "4A03", Sender: "a@b.example"},
	} {
		tr.event(&ev)
	}
	if got, want := fmt.Sprint(tr.Instances()), "map[mx1:[postfix postfix-out]]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
