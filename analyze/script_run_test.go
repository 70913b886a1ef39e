package analyze

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// The number of records that are remembered is bounded: the directory with the most gives up its records, is still counted
// completely, and the others keep theirs.
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
	large, small := w.places.Find(localOrigin{"www", Directory, "/home/a/large"}), w.places.Find(localOrigin{"www", Directory, "/home/b/small"})
	if large == nil || !large.missed || len(large.records) > 0 || large.outside != 1000 {
		t.Errorf("the large place: got %+v", large)
	}
	if small == nil || small.missed || len(small.records) != 100 {
		t.Errorf("the small place: got %+v", small)
	}
}

// A run begins with its first message, even if the next one comes two minutes later; what the site itself sent some minutes
// before is no part of it.
func TestScriptRunWithEdges(t *testing.T) {
	for _, shop := range []int{0, 60} {
		w := newScriptWatch(&Pass{Thresholds: DefaultThresholds()})
		add := func(at int, sender, to string, d mail.Disposition) {
			m := mail.Message{Time: mail.Instant(at+1) * 1e9, MTA: mail.Postfix, Flags: mail.HasUID, UID: 48, QueueIDs: []string{fmt.Sprint(at)}, Sender: sender,
				Recipients: []mail.Recipient{{Address: to, Disposition: d, DSN: map[mail.Disposition]string{mail.Bounced: "5.1.1"}[d]}}}
			m.Origin.Line = int64(at)
			w.Message(&m)
		}
		const begins = 200_000
		for i := range shop { // one every hour and a half, and one ten minutes before the run
			at := i * 5003
			if i == shop-1 {
				at = begins - 740
			} else if at > begins-5000 {
				at += 20_000
			}
			add(at, "shop@site.example", fmt.Sprintf("customer%d@far.example", i), mail.Delivered)
		}
		for i := range 400 {
			at := begins + 25*i
			if i < 4 {
				at -= 140
			}
			add(at, fmt.Sprintf("x%d@forged.example", i), fmt.Sprintf("v%d@far.example", i), mail.Bounced)
		}
		site := &Site{First: 1e9, Last: 400_000e9}
		b := w.places.Find(localOrigin{"48", UID, "48"})
		run := w.run(site, b)
		if run == nil && shop == 0 {
			run = b
		}
		if run == nil || run.outside != 400 || run.tally.Start != mail.Instant(begins-140+1)*1e9 {
			t.Errorf("beside %d of the shop: got %+v, want 400 messages", shop, run)
		}
	}
}

// A run that is too slow to be dense in minutes, one every two minutes for a week, beside what a shop sends all the time, begins with its
// own first message, too.
func TestSlowScriptRun(t *testing.T) {
	const every, slow = 3600, 120
	for _, tt := range []struct {
		name, sender string // of the run, %d: its number
		dead         int    // one in so many of the run's recipients does not exist
		messages     int
		off          mail.Instant // by how much its begin may be
		begins       int
	}{
		{"in forged names", "x%d@forged.example", 5, 3000, 0, 4*86400 + 7000},
		{"in one forged name", "service@forged.example", 5, 3000, 0, 4*86400 + 7000},
		{"that begins at the end of a slot", "service@forged.example", 5, 3000, 0, 4*86400 + 10771},
		{"in the shop's own name", "shop@site.example", 5, 3101, 3600e9, 4*86400 + 7000}, // and what the shop sends meanwhile
		{"to people who exist", "shop@site.example", 1_000_000, 0, 0, 4*86400 + 7000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newScriptWatch(&Pass{Thresholds: DefaultThresholds()})
			add := func(at int, sender, to string, d mail.Disposition) {
				m := mail.Message{Time: mail.Instant(at+1) * 1e9, MTA: mail.Postfix, Flags: mail.HasUID, UID: 48, QueueIDs: []string{fmt.Sprint(at)}, Sender: sender,
					Recipients: []mail.Recipient{{Address: to, Disposition: d, DSN: map[mail.Disposition]string{mail.Bounced: "5.1.1"}[d]}}}
				m.Origin.Line = int64(at)
				w.Message(&m)
			}
			for i := range 12 * 24 {
				add(i*every+17, "shop@site.example", fmt.Sprintf("customer%d@far.example", i), mail.Delivered)
			}
			for i := range 3000 {
				add(tt.begins+i*slow, strings.ReplaceAll(tt.sender, "%d", fmt.Sprint(i)), fmt.Sprintf("v%d@far.example", i), bouncing(i+1, tt.dead))
			}
			run := w.run(&Site{First: 1e9, Last: 12 * 86400e9}, w.places.Find(localOrigin{"48", UID, "48"}))
			if tt.messages == 0 {
				if run != nil {
					t.Errorf("got a run of %d messages", run.outside)
				}
				return
			}
			if run == nil {
				t.Fatal("got no run")
			}
			off := run.tally.Start - mail.Instant(tt.begins+1)*1e9
			if off < -tt.off || off > tt.off || run.outside < tt.messages-40 || run.outside > tt.messages+40 || tt.off == 0 && run.outside != tt.messages {
				t.Errorf("got %d messages, %v off, want %d", run.outside, time.Duration(off), tt.messages)
			}
			if !run.sudden(&Site{First: 1e9, Last: run.tally.End + 1}) {
				t.Error("it is not sudden")
			}
		})
	}
}

func TestScriptFile(t *testing.T) {
	for name, want := range map[string]string{
		"33:mailer.php":                                               "mailer.php",
		"5012:cache.php(3) : eval()'d code":                           "cache.php",
		"5012:cache.php(3) : runtime-created function":                "cache.php",
		"33:copy (2).php":                                             "copy (2).php",
		"33:we ird'$(id)*.php(12) : eval()'d code(1) : eval()'d code": "we ird'$(id)*.php",
		"mailer": "",
	} {
		if got := ScriptFile(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// Records of places that were forgotten take no room: nothing that is still there is given up for them.
func TestForgottenScriptRecordsTakeNoRoom(t *testing.T) {
	limits := DefaultThresholds()
	limits.Script.MaxRecords, limits.Script.MaxPlaces = 300, 8
	w := newScriptWatch(&Pass{Thresholds: limits})
	send := func(i int, place string) {
		w.Message(&mail.Message{Time: mail.Instant(i+1) * 1e9, MTA: mail.Exim, User: "www", Directory: place, QueueIDs: []string{fmt.Sprint(i)},
			Sender: "www@site.example", Recipients: []mail.Recipient{{Address: "a@far.example", Disposition: mail.Delivered}}})
	}
	for i := range 200 {
		send(i, "/home/b/busy")
	}
	for i := range 200 {
		send(1000+i, fmt.Sprint("/home/once/", i))
	}
	if busy := w.places.Find(localOrigin{"www", Directory, "/home/b/busy"}); busy == nil || busy.missed || len(busy.records) != 200 {
		t.Errorf("the busy place gave up its records, though at most %d others were kept", limits.Script.MaxPlaces)
	}
}
