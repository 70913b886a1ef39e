package analyze

import (
	"fmt"
	"slices"
	"testing"

	"mailforensics/mail"
)

// A message waits where a recipient was put off or is held, or where the log ends before one is named; and never after its end was
// seen. Of very many the number is kept, if not all their IDs.
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
