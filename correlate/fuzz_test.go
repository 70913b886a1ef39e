package correlate

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"mailforensics/mail"
)

// pool returns the events of all lines of the cases.
func pool(t testing.TB) []mail.Event {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases (%v)", err)
	}
	var all []mail.Event
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		logs, _ := logsOf(archive)
		all = append(all, eventsOf(t, logs)...)
	}
	return all
}

// shuffled makes a log of lines of the pool: two bytes of data choose a line, and how much later it comes than the one before,
// sometimes earlier. Two hosts alternate, so that lines with the same ID meet often.
func shuffled(pool []mail.Event, data []byte) []mail.Event {
	var events []mail.Event
	now := mail.InstantOf(time.Date(2024, 5, 14, 8, 0, 0, 0, time.UTC))
	for i := 0; i+1 < len(data); i += 2 {
		ev := pool[(int(data[i])|int(data[i+1])<<8&0x700)%len(pool)]
		switch step := data[i+1] >> 3; {
		case step < 24:
			now = now.Add(time.Duration(step) * 100 * time.Millisecond)
		case step < 30:
			now = now.Add(time.Duration(step) * time.Second)
		case step == 30:
			now = now.Add(-time.Minute)
		default:
			now = now.Add(26 * time.Hour)
		}
		ev.Time = now
		ev.Origin = mail.Origin{Line: int64(i/2 + 1)}
		events = append(events, ev)
	}
	return events
}

// linesCut is how many things of messages were too many to be kept, in a transcript; lines are among them.
var linesCut = regexp.MustCompile(` cut=\d+`)

// check runs a log through a tracker, and reports what is wrong.
func check(t *testing.T, events []mail.Event) {
	t.Helper()
	first := transcript(events, Options{})
	if again := transcript(events, Options{}); again != first {
		t.Fatalf("the same events gave\n%s\nand then\n%s", first, again)
	}
	withLines := transcript(events, Options{KeepLines: true})
	withLines = strings.Join(slices.DeleteFunc(strings.SplitAfter(withLines, "\n"), func(s string) bool { return strings.HasPrefix(s, "\t| ") }), "")
	if linesCut.ReplaceAllString(withLines, "") != linesCut.ReplaceAllString(first, "") {
		t.Fatalf("with the lines kept\n%s\nwithout\n%s", withLines, first)
	}
	checkCounts(t, events)
}

// checkCounts compares what went in with what came out: every message has a line of its own that shows where it came from
// (that accepted it or, of what Postfix writes itself, that bore it or says what for), no queue ID is in more
// messages than it had lives, no recipient is in a message twice, and nothing stays inside.
func checkCounts(t *testing.T, events []mail.Event) {
	t.Helper()
	bears := map[int64]bool{}
	rejects, passed := 0, 0
	for i := range events {
		switch events[i].Kind {
		case mail.Accept, mail.LocalSubmit, mail.MessageID, mail.Header, mail.BounceNotice:
			bears[events[i].Origin.Line] = true
		case mail.Reject:
			rejects++
		}
	}
	out := 0
	tr := New(Options{}, Sink{
		Message: func(m *mail.Message) {
			out++
			if m.Origin.Line != 0 {
				if !bears[m.Origin.Line] {
					t.Errorf("line %d bears two messages, or none", m.Origin.Line)
				}
				delete(bears, m.Origin.Line)
			}
			if len(m.QueueIDs) == 0 || len(m.Hosts) == 0 {
				t.Errorf("a message without a queue ID or host")
			}
			seen := map[string]bool{}
			for i := range m.Recipients {
				key := m.Recipients[i].Address + "\x00" + m.Recipients[i].Original
				if seen[key] {
					t.Errorf("%v: recipient %s twice", m.QueueIDs, m.Recipients[i].Address)
				}
				seen[key] = true
			}
		},
		Event: func(ev *mail.Event) {
			if ev.Kind == mail.Reject {
				passed++
			}
		},
	})
	tr.Events(events)
	tr.Close()
	s := tr.Stats()
	if int64(out) != s.Messages+s.Notices {
		t.Errorf("%d came out, %d messages and %d notices were counted", out, s.Messages, s.Notices)
	}
	if passed != rejects {
		t.Errorf("%d refusals went in, %d came out", rejects, passed)
	}
	if tr.open != 0 || tr.hops.used != 0 || len(tr.expected) != 0 || tr.oldest != nil || tr.newest != nil {
		t.Errorf("after Close: %d open, %d hops, %d expected", tr.open, tr.hops.used, len(tr.expected))
	}
}

// Random logs have no inconsistent results.
func TestShuffled(t *testing.T) {
	pool := pool(t)
	random := uint64(42)
	for range 200 {
		data := make([]byte, 400)
		for i := range data {
			random = random*6364136223846793005 + 1442695040888963407
			data[i] = byte(random >> 40)
		}
		check(t, shuffled(pool, data))
		if t.Failed() {
			t.Fatalf("data %x", data)
		}
	}
}

// The log of each case is run twice, two days apart: everything comes out twice, except in cases with a message that stays in the
// queue, or about the time in an ID.
func TestRepeated(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		logs, want := logsOf(archive)
		if strings.Contains(want, "unfinished=") || strings.Contains(want, "waiting=") || strings.Contains(want, "doubtful=") || strings.HasSuffix(file, "exim-rescinded.txtar") {
			continue
		}
		once := eventsOf(t, logs)
		twice := slices.Clone(once)
		for _, ev := range once {
			ev.Time = ev.Time.Add(48 * time.Hour)
			twice = append(twice, ev)
		}
		one, two := counted(once), counted(twice)
		if two.Messages != 2*one.Messages || two.Notices != 2*one.Notices || two.Refused != 2*one.Refused || two.Cancelled != 2*one.Cancelled {
			t.Errorf("%s: once %+v, twice %+v", file, one, two)
		}
	}
}

func counted(events []mail.Event) Stats {
	t := New(Options{}, Sink{})
	t.Events(events)
	t.Close()
	return t.Stats()
}

func FuzzTracker(f *testing.F) {
	pool := pool(f)
	f.Add([]byte("\x00\x00\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06\x00"))
	f.Add([]byte("\x10\x01\x20\x11\x30\x09\x40\x02\x50\xf8\x60\xf0\x70\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		check(t, shuffled(pool, data[:min(len(data), 4000)]))
	})
}
