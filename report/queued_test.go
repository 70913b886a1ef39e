package report

import (
	"strings"
	"testing"

	"mailforensics/analyze"
)

// If there are more queued messages than queue IDs are kept, their number is still right.
func TestStillQueued(t *testing.T) {
	f := analyze.Finding{ID: "account/account/eva", Detector: "account", Severity: analyze.High, QueueIDs: []string{"4TKgZ02", "4TKgZ03"}, Queued: 15_000}
	all := Actions(&Report{Findings: []analyze.Finding{f}}, &analyze.Incident{Findings: []string{f.ID}})
	if got := all[0].Why; !strings.HasPrefix(got, "2 of the 15,000 messages of it that may still be in the queue") {
		t.Errorf("got %q", got)
	}
}

// postsuper works on the queue of one instance: tried on Postfix 3.10, where "postsuper -h" with queue IDs of a second instance
// holds nothing.
func TestQueuedInInstances(t *testing.T) {
	f := analyze.Finding{ID: "account/eva", Detector: "account", Severity: analyze.High, Hosts: []string{"mx1"}, QueueIDs: []string{"4TKgZ02"}, Queued: 1}
	r := &Report{Instances: map[string][]string{"mx1": {"postfix", "postfix-out"}}}
	all := queueActions(r, []*analyze.Finding{&f})
	if want := `for i in - postfix-out; do printf '%s\n' 4TKgZ02 | postmulti -i "$i" -x postsuper -h -; done`; all[0].Command != want {
		t.Errorf("got %q, want %q", all[0].Command, want)
	}
	if want := `for i in - postfix-out; do printf '%s\n' 4TKgZ02 | postmulti -i "$i" -x postsuper -d -; done`; all[1].Command != want {
		t.Errorf("got %q, want %q", all[1].Command, want)
	}
	f.Hosts = []string{"mx2"}
	if got, want := queueActions(r, []*analyze.Finding{&f})[0].Command, `printf '%s\n' 4TKgZ02 | postsuper -h -`; got != want {
		t.Errorf("on another host: got %q, want %q", got, want)
	}
}

// Our bounces about relayed spam are held and deleted with it, and are called bounces.
func TestQueuedNotices(t *testing.T) {
	f := analyze.Finding{ID: "open-relay/host/mx", Detector: "open-relay", Severity: analyze.High, NoticeIDs: []string{"4TKgZ08", "4TKgZ09"}, Notices: 2}
	queue := func() []Action {
		return queueActions(&Report{}, []*analyze.Finding{&f})
	}
	all := queue()
	if len(all) != 2 || all[0].Why != "2 bounces of ours to its senders may still be in the queue: hold" ||
		all[0].Command != `printf '%s\n' 4TKgZ08 4TKgZ09 | postsuper -h -` || all[1].Command != `printf '%s\n' 4TKgZ08 4TKgZ09 | postsuper -d -` {
		t.Errorf("got %q", all)
	}
	f.QueueIDs, f.Queued, f.Notices = []string{"4TKgZ02"}, 1, 5000
	all = queue()
	if want := "1 message of it and 2 of the 5,000 bounces of ours to its senders that may still be in the queue: hold"; all[0].Why != want {
		t.Errorf("got %q, want %q", all[0].Why, want)
	}
	if got := all[1].Command; got != `printf '%s\n' 4TKgZ02 4TKgZ08 4TKgZ09 | postsuper -d -` {
		t.Errorf("got %q", got)
	}
}

// One instance is Postfix as it is everywhere.
func TestQueuedInOneInstance(t *testing.T) {
	f := analyze.Finding{ID: "account/eva", Detector: "account", Severity: analyze.High, Hosts: []string{"mx1"}, QueueIDs: []string{"4TKgZ02"}, Queued: 1}
	r := &Report{Instances: map[string][]string{"mx1": {"postfix"}}}
	if all := queueActions(r, []*analyze.Finding{&f}); all[0].Command != `printf '%s\n' 4TKgZ02 | postsuper -h -` {
		t.Errorf("got %s", all[0].Command)
	}
}
