package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/correlate"
	"mailforensics/mail"
)

// The output does not depend on whether the receivers of messages run concurrently with the tracker, and how many there are.
func TestWorkersChangeNoByte(t *testing.T) {
	logs, _ := filepath.Glob("../../samples/compromised-account/*.gz")
	if len(logs) == 0 {
		t.Fatal("no logs")
	}
	for _, command := range []string{
		"investigate --format json", "timeline --format json", "block --format cidr",
		"bursts --format json --since 2024-06-06T11:00:00Z --until 2024-06-06T12:00:00Z",
	} {
		t.Run(command, func(t *testing.T) {
			output := func(workers int) string {
				var out bytes.Buffer
				args := append(strings.Fields(command), "--quiet", "--tz", "UTC", "--workers", fmt.Sprint(workers))
				if status := run(t.Context(), append(args, logs...), console{in: strings.NewReader(""), out: &out, err: io.Discard}); status != 0 {
					t.Fatalf("%d workers: exit status %d", workers, status)
				}
				return out.String()
			}
			want := output(1)
			for _, workers := range []int{2, 4, 9} {
				if output(workers) != want {
					t.Errorf("%d workers: another output than with one", workers)
				}
			}
		})
	}
}

// A receiver gets everything in the order of the log, and a message does not change until the receiver is done with it.
func TestHandover(t *testing.T) {
	var fast, slow []string
	lists := func(list *[]string, pause time.Duration) taker {
		return each(
			func(m *mail.Message) { time.Sleep(pause); *list = append(*list, m.QueueIDs[0]+" "+m.Sender) },
			func(ev *mail.Event) { *list = append(*list, ev.Text) },
		)
	}
	h := newHandover([]taker{lists(&fast, 0), lists(&slow, 100*time.Microsecond)})
	h.beside()
	defer h.stop()
	tracker := correlate.New(correlate.Options{}, correlate.Sink{Message: h.message, Event: h.event})
	h.begin(tracker)
	var want []string
	for i := range 300 {
		id, at := fmt.Sprintf("%05XAB", i), mail.Instant(i+1)*mail.Instant(time.Minute)
		common := mail.Event{MTA: mail.Postfix, Host: "mx", Instance: "postfix", Time: at, QueueID: id}
		queued, delivered, removed := common, common, common
		queued.Kind, queued.Daemon, queued.Sender = mail.Queue, "qmgr", "a@"+id+".example"
		delivered.Kind, delivered.Daemon, delivered.Disposition, delivered.Recipient = mail.Delivery, "smtp", mail.Delivered, "b@c.example"
		removed.Kind, removed.Daemon = mail.Remove, "qmgr"
		tracker.Events([]mail.Event{queued, delivered, removed, {MTA: mail.Dovecot, Time: at, Text: id}})
		if i%7 == 0 {
			h.batch()
		}
		want = append(want, id+" a@"+id+".example", id)
	}
	tracker.Close()
	h.end()
	if !slices.Equal(fast, slow) {
		t.Error("two takers got different things")
	}
	if slices.Sort(fast); !slices.Equal(fast, slices.Sorted(slices.Values(want))) {
		t.Errorf("got %d messages and events, want %d", len(fast), len(want))
	}
}
