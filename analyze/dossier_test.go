package analyze

import (
	"fmt"
	"slices"
	"testing"

	"mailforensics/mail"
)

// A message is still queued if a recipient was deferred or is held, or if the log ends before any disposition; not if its end was
// seen. If there are very many, their number is kept, but not all queue IDs.
func TestWhatIsStillQueued(t *testing.T) {
	var d Dossier
	add := func(id, sender string, completed bool, recipients ...mail.Disposition) {
		m := &mail.Message{Time: 1, QueueIDs: []string{"gone", id}, Sender: sender, Completed: completed}
		for _, r := range recipients {
			m.Recipients = append(m.Recipients, mail.Recipient{Address: "a@b.example", Disposition: r})
		}
		d.Add(m)
	}
	add("put-off", "a@site.example", false, mail.Delivered, mail.Deferred)
	add("held", "a@site.example", false, mail.Held)
	add("not-tried", "a@site.example", false)
	add("delivered", "a@site.example", false, mail.Delivered)
	add("over", "a@site.example", true, mail.Deferred)
	add("over-unseen", "a@site.example", true)
	add("not-begun", "", false)
	var f Finding
	d.Fill(&f)
	if want := []string{"held", "not-tried", "put-off"}; !slices.Equal(f.QueueIDs, want) || f.Queued != len(want) {
		t.Errorf("got %d: %q, want %q", f.Queued, f.QueueIDs, want)
	}
	for i := range 2 * dossierQueued {
		add(fmt.Sprint(i), "a@site.example", false)
	}
	other := d
	var all Dossier
	all.Merge(&d)
	all.Merge(&other)
	if all.Fill(&f); len(f.QueueIDs) != dossierQueued || f.Queued != 2*(2*dossierQueued+3) {
		t.Errorf("got %d of %d", len(f.QueueIDs), f.Queued)
	}
}

// A queued message is named by the queue ID of the hop that has it, also if each hop split the mail, and with the host if that is
// another one.
func TestWhereQueued(t *testing.T) {
	put := func(hop uint32, d mail.Disposition) mail.Recipient {
		return mail.Recipient{Address: fmt.Sprint(hop, "@r.example"), Hop: hop, Disposition: d}
	}
	for _, tt := range []struct {
		name  string
		m     mail.Message
		want  []string
		hosts []string
	}{
		{"one hop", mail.Message{QueueIDs: []string{"A1"}, Recipients: []mail.Recipient{put(1, mail.Deferred)}}, []string{"A1"}, nil},
		{"a filter's", mail.Message{QueueIDs: []string{"A1", "B2"}, Host: "mx", Recipients: []mail.Recipient{put(2, mail.Deferred)}}, []string{"B2"}, []string{"mx"}},
		{"split, and one of them was taken", mail.Message{QueueIDs: []string{"A1", "B2", "B3", "B4"},
			Recipients: []mail.Recipient{put(2, mail.Deferred), put(3, mail.Deferred), put(4, mail.Delivered)}}, []string{"B2", "B3"}, nil},
		{"passed to another host", mail.Message{QueueIDs: []string{"A1", "B2"}, Host: "webmail", HopHosts: []string{"webmail", "mx"},
			Recipients: []mail.Recipient{put(1, mail.Deferred), put(2, mail.Deferred)}}, []string{"A1", "B2"}, []string{"webmail", "mx"}},
		{"over three hosts, of which two gave one ID", mail.Message{QueueIDs: []string{"A1", "B2", "A1"}, Host: "mx", HopHosts: []string{"mx", "filter", "store"},
			Recipients: []mail.Recipient{put(2, mail.Deferred), put(3, mail.Held), put(1, mail.Deferred)}}, []string{"A1", "A1", "B2"}, []string{"mx", "store", "filter"}},
		{"from a log that names no host", mail.Message{QueueIDs: []string{"A1", "B2"}, Host: "mail server", HopHosts: []string{"mail server", "mx"},
			Recipients: []mail.Recipient{put(1, mail.Deferred), put(2, mail.Deferred)}}, []string{"A1", "B2"}, []string{"", "mx"}},
		{"nowhere put off yet", mail.Message{QueueIDs: []string{"A1", "B2", "C3"}, Host: "mx", HopHosts: []string{"mx", "filter", "store"}}, []string{"C3"}, []string{"store"}},
	} {
		var d Dossier
		tt.m.Time, tt.m.Sender = 1, "a@b.example"
		d.Add(&tt.m)
		var f Finding
		d.Fill(&f)
		var again Dossier // over a record
		var r record
		r.remember(&tt.m)
		var m mail.Message
		r.message(&m)
		again.Add(&m)
		var g Finding
		again.Fill(&g)
		for _, got := range []Finding{f, g} {
			if !slices.Equal(got.QueueIDs, tt.want) || !slices.Equal(got.QueueHosts, tt.hosts) || got.Queued != 1 {
				t.Errorf("%s: got %q on %q, %d messages", tt.name, got.QueueIDs, got.QueueHosts, got.Queued)
			}
		}
	}
}
