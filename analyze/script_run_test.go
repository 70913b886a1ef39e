package analyze

import (
	"fmt"
	"testing"

	"mailforensics/mail"
)

// What is remembered one by one is bounded: the place with most of it gives up its records, is still counted whole, and the others
// keep theirs.
func TestScriptRecordsAreBounded(t *testing.T) {
	limits := DefaultThresholds()
	limits.Script.MaxRecords = 300
	w := newScriptWatch(&Pass{Thresholds: limits})
	for i := range 1000 {
		for place, every := range map[string]int{"/home/a/large": 1, "/home/b/small": 10} {
			if i%every != 0 {
				continue
			}
			w.Message(&mail.Message{Time: mail.Instant(i+1) * 1e9, MTA: mail.Exim, User: "www", Directory: place, QueueIDs: []string{fmt.Sprint(i)},
				Sender: "www@site.example", Recipients: []mail.Recipient{{Address: "a@far.example", Disposition: mail.Delivered}}})
		}
		if w.kept > limits.Script.MaxRecords {
			t.Fatalf("%d records after %d messages", w.kept, i)
		}
	}
	large, small := w.places.Find(birthplace{"www", Directory, "/home/a/large"}), w.places.Find(birthplace{"www", Directory, "/home/b/small"})
	if large == nil || !large.missed || len(large.records) > 0 || large.outside != 1000 {
		t.Errorf("the large place: got %+v", large)
	}
	if small == nil || small.missed || len(small.records) != 100 {
		t.Errorf("the small place: got %+v", small)
	}
}

func TestScriptFile(t *testing.T) {
	for name, want := range map[string]string{
		"33:mailer.php":                                "mailer.php",
		"5012:cache.php(3) : eval()'d code":            "cache.php",
		"5012:cache.php(3) : runtime-created function": "cache.php",
		"mailer": "mailer",
	} {
		if got := scriptFile(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
