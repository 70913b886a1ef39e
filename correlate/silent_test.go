package correlate

import (
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"mailforensics/mail"
)

// A message that has ended lingers for late lines, and is handed out when the log falls silent, because none can come any more.
// What is still in the queue stays there, however long that takes.
func TestSilent(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/postfix-bounce-without-cleanup.txtar")
	if err != nil {
		t.Fatal(err)
	}
	logs, _ := logsOf(archive)
	events := eventsOf(t, logs)
	out := 0
	tr := New(Options{}, Sink{Message: func(*mail.Message) { out++ }})
	tr.Events(events)
	queued := mail.Event{MTA: mail.Postfix, Kind: mail.Queue, Host: "mx1", Instance: "postfix", Daemon: "qmgr", QueueID: "ABCDEF", Sender: "a@b.example"}
	queued.Time, queued.Origin.Line = events[len(events)-1].Time, 99
	tr.event(&queued)
	for _, test := range []struct {
		silent time.Duration
		want   int
	}{{time.Second, 0}, {2 * time.Minute, 2}, {24 * time.Hour, 2}} {
		if tr.Silent(test.silent); out != test.want {
			t.Errorf("after %v: got %d messages, want %d", test.silent, out, test.want)
		}
	}
	if tr.Close(); out != 3 || tr.Stats().Late != 0 {
		t.Errorf("at the end: got %d messages, %+v", out, tr.Stats())
	}
}
