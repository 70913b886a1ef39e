package correlate

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// flood gives the tracker n events, and returns the tracker and how much the heap grew.
func flood(t *testing.T, o Options, n int, event func(i int, ev *mail.Event)) (*Tracker, int64) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	tr := New(o, Sink{})
	start := mail.InstantOf(time.Date(2024, 1, 24, 14, 44, 0, 0, time.UTC))
	for i := range n {
		ev := mail.Event{MTA: mail.Postfix, Time: start + mail.Instant(i)*mail.Instant(time.Millisecond), Host: "mx1", Instance: "postfix", Daemon: "smtpd"}
		ev.Origin.Line = int64(i + 1)
		event(i, &ev)
		tr.event(&ev)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	return tr, int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// The tracker gets very many of everything of which a log can have any number. What it keeps stays bounded, and what was dropped
// is counted.
func TestFlood(t *testing.T) {
	const n, open = 100_000, 2000
	const bound = 24 << 20
	client := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)}) }
	tests := []struct {
		name  string
		event func(i int, ev *mail.Event)
		lost  func(Stats) int64
	}{
		{"queue IDs that never end", func(i int, ev *mail.Event) {
			ev.Kind, ev.QueueID, ev.PID, ev.Raw = mail.Queue, fmt.Sprintf("%010X", i), 900, "a line"
			ev.Sender = "a@b.example"
		}, func(s Stats) int64 { return s.Evicted }},
		{"transactions that never end", func(i int, ev *mail.Event) {
			ev.Kind, ev.QueueID, ev.PID, ev.Client.IP = mail.Accept, fmt.Sprintf("%010X", i), i, client(i)
		}, func(s Stats) int64 { return s.Cut }},
		{"sessions that never end", func(i int, ev *mail.Event) {
			ev.Kind, ev.PID, ev.Client.IP = mail.Connect, i+1, client(i)
		}, func(s Stats) int64 { return s.Cut }},
		{"hosts", func(i int, ev *mail.Event) {
			ev.Kind, ev.QueueID, ev.Host = mail.Queue, "ABCDEF", fmt.Sprintf("host%d", min(i, 10000))
			ev.Sender = fmt.Sprintf("a%d@b.example", i)
		}, func(s Stats) int64 { return s.EndNotSeen }},
		{"recipients of one mail", func(i int, ev *mail.Event) {
			ev.Kind, ev.QueueID, ev.Daemon, ev.Disposition = mail.Delivery, "ABCDEF", "smtp", mail.Delivered
			ev.Recipient = fmt.Sprintf("a%d@b.example", i)
		}, func(s Stats) int64 { return s.Cut }},
		{"lives of one queue ID", func(i int, ev *mail.Event) {
			ev.Kind, ev.QueueID, ev.PID = mail.Accept, "ABCDEF", 1
		}, func(s Stats) int64 { return s.Cancelled }},
		{"notices of nothing", func(i int, ev *mail.Event) {
			ev.Kind, ev.QueueID, ev.Child, ev.Daemon = mail.BounceNotice, fmt.Sprintf("%010X", i), fmt.Sprintf("%010X", i+1), "bounce"
		}, nil},
		{"hosts' queue IDs that are never seen", func(i int, ev *mail.Event) {
			ev.Kind, ev.QueueID, ev.Daemon, ev.Disposition = mail.Delivery, fmt.Sprintf("%010X", i), "smtp", mail.Delivered
			ev.Recipient, ev.Child, ev.Relay = "a@b.example", fmt.Sprintf("%012X", i), fmt.Sprintf("relay%d", i)
			ev.Host = [2]string{"mx1", "mx2"}[i&1]
		}, func(s Stats) int64 { return s.Evicted }},
		{"ACL texts", func(i int, ev *mail.Event) {
			ev.MTA, ev.Kind, ev.Text, ev.Client.IP = mail.Exim, mail.FilterResult, "whitelisted", client(i)
		}, nil},
		{"command lines", func(i int, ev *mail.Event) {
			ev.MTA, ev.Kind, ev.Directory, ev.Script = mail.Exim, mail.CommandLine, fmt.Sprintf("/home/%d", i), "sendmail -t"
		}, nil},
		{"local domains", func(i int, ev *mail.Event) {
			ev.QueueID, ev.Daemon = fmt.Sprintf("%010X", i/2), "virtual"
			ev.Kind, ev.Recipient, ev.Disposition, ev.Flags = mail.Delivery, fmt.Sprintf("a@b%d.example", i), mail.Delivered, mail.LocalTarget
			if i%2 == 1 {
				ev.Kind = mail.Remove
			}
		}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tr, grown := flood(t, Options{MaxOpen: open}, n, test.event)
			if grown > bound {
				t.Errorf("%d events: the heap grew by %d MB, want at most %d", n, grown>>20, bound>>20)
			}
			if tr.open > open || tr.sessions.n > maxSessions {
				t.Errorf("%d open messages, %d open sessions", tr.open, tr.sessions.n)
			}
			if s := tr.Stats(); test.lost != nil && test.lost(s) == 0 {
				t.Errorf("nothing is counted as lost: %+v", s)
			}
			tr.Close()
			if tr.open != 0 || tr.hops.used != 0 || len(tr.expected) != 0 {
				t.Errorf("after Close: %d open, %d hops, %d expected", tr.open, tr.hops.used, len(tr.expected))
			}
		})
	}
}

// The table agrees with a map, over lives that begin and end.
func TestTable(t *testing.T) {
	var tab table
	queues := [2]*queue{{host: &host{}}, {host: &host{}}} // in which the same IDs are other messages
	type key struct {
		q  *queue
		id string
	}
	newest := map[key]*hop{}
	var all []*hop
	random := uint64(1)
	for i := range 20_000 {
		random = random*6364136223846793005 + 1442695040888963407
		id, q := fmt.Sprintf("%X", random>>33%500), queues[random>>50&1]
		of := key{q, id}
		if random>>60 < 9 {
			h := &hop{queue: q, id: id, hash: mix(7, id) & 0xff, previous: newest[of]} // a poor hash: many collisions
			tab.put(h)
			newest[of] = h
			all = append(all, h)
		} else if len(all) > 0 {
			k := int(random >> 20 % uint64(len(all)))
			h := all[k]
			all = append(all[:k], all[k+1:]...)
			if at := (key{h.queue, h.id}); newest[at] == h {
				if newest[at] = h.previous; h.previous == nil {
					delete(newest, at)
				}
			}
			tab.remove(h)
		}
		if got := tab.find(mix(7, id)&0xff, q, id); got != newest[of] {
			t.Fatalf("step %d: find(%s) = %p, want %p", i, id, got, newest[of])
		}
		if tab.used != len(newest) {
			t.Fatalf("step %d: %d slots are used, want %d", i, tab.used, len(newest))
		}
	}
}

// One line with a stamp in the future does not make the tracker hand out what is open.
func TestStampFromTheFuture(t *testing.T) {
	handed := 0
	tr := New(Options{}, Sink{Message: func(*mail.Message) { handed++ }})
	at := mail.InstantOf(time.Date(2024, 1, 24, 14, 44, 0, 0, time.UTC))
	for i := range 1000 {
		tr.event(&mail.Event{MTA: mail.Postfix, Time: at, Kind: mail.Queue, Host: "mx1", Daemon: "qmgr", QueueID: fmt.Sprintf("%06X", i), Sender: "a@b.example"})
	}
	tr.event(&mail.Event{MTA: mail.Postfix, Time: at.Add(10 * 365 * 24 * time.Hour), Kind: mail.Other, Host: "mx1", Daemon: "qmgr"})
	tr.event(&mail.Event{MTA: mail.Postfix, Time: at, Kind: mail.Other, Host: "mx1", Daemon: "qmgr"})
	if handed > 4 {
		t.Errorf("%d of 1000 open messages were handed out", handed)
	}
	tr.Close()
	if handed != 1000 {
		t.Errorf("%d messages, want 1000", handed)
	}
}

// The strings of a message do not change when its memory, or that of the log's text, is reused.
func TestStringsStay(t *testing.T) {
	var kept []string
	tr := New(Options{}, Sink{Message: func(m *mail.Message) {
		kept = append(kept, m.QueueIDs[0], m.Sender, m.Recipients[0].Address, m.Recipients[0].Reply, m.Line)
	}})
	at := mail.InstantOf(time.Date(2024, 1, 24, 14, 44, 0, 0, time.UTC))
	for i := range 100 {
		id := fmt.Sprintf("%06X", i)
		for _, ev := range []mail.Event{
			{Kind: mail.Accept, Daemon: "smtpd", PID: 1, Raw: "line " + id},
			{Kind: mail.Queue, Daemon: "qmgr", Sender: "s" + id + "@b.example"},
			{Kind: mail.Delivery, Daemon: "smtp", Recipient: "r" + id + "@b.example", Reply: strings.Repeat("reply ", 9) + id, Disposition: mail.Delivered},
			{Kind: mail.Remove, Daemon: "qmgr"},
		} {
			ev.MTA, ev.Host, ev.QueueID, ev.Time = mail.Postfix, "mx1", id, at.Add(time.Duration(i)*time.Minute)
			tr.event(&ev)
		}
	}
	tr.Close()
	for i := range 100 {
		id := fmt.Sprintf("%06X", i)
		want := []string{id, "s" + id + "@b.example", "r" + id + "@b.example", strings.Repeat("reply ", 9) + id, "line " + id}
		for j := range want {
			if kept[5*i+j] != want[j] {
				t.Fatalf("message %d: got %q, want %q", i, kept[5*i+j], want[j])
			}
		}
	}
}

// A stamp in the future does not keep messages that are too old from being handed out.
func TestAgeBehindFuture(t *testing.T) {
	tr := New(Options{}, Sink{})
	start := mail.InstantOf(time.Date(2024, 1, 24, 14, 44, 0, 0, time.UTC))
	for _, ev := range []mail.Event{
		{Kind: mail.Connect, Time: start.Add(10 * 365 * 24 * time.Hour)},
		{Kind: mail.Queue, Time: start, QueueID: "ABCDEF", Sender: "a@b.example"},
		{Kind: mail.Connect, Time: start.Add(maxAge + time.Hour)},
	} {
		ev.MTA, ev.Host, ev.Instance, ev.Daemon, ev.PID = mail.Postfix, "mx1", "postfix", "smtpd", 7
		tr.event(&ev)
	}
	if st := tr.Stats(); st.Outlived != 1 || st.Evicted != 0 {
		t.Errorf("%d messages were handed out for their age, and %d for their number, want 1 and 0", st.Outlived, st.Evicted)
	}
}

// What one message, or one session, can have any number of is cut off, and counted.
func TestCut(t *testing.T) {
	const n = maxLines + 100
	tests := []struct {
		name  string
		event func(i int, ev *mail.Event)
		kept  func(m *mail.Message) int
		want  int
		cut   int64
	}{
		{"lines of a message", func(i int, ev *mail.Event) {
			ev.Kind, ev.QueueID, ev.Daemon, ev.Sender = mail.Queue, "ABCDEF", "qmgr", "a@b.example"
		}, func(m *mail.Message) int { return len(m.Lines) }, maxLines, n - maxLines},
		{"lines of a session before its message", func(i int, ev *mail.Event) {
			ev.Kind, ev.PID, ev.Client.IP = mail.Reject, 7, netip.AddrFrom4([4]byte{192, 0, 2, 1})
			if i == n-1 {
				ev.Kind, ev.QueueID, ev.Daemon, ev.PID = mail.Queue, "ABCDEF", "qmgr", 900
			}
			if i == n-2 {
				ev.Kind, ev.QueueID = mail.Accept, "ABCDEF"
			}
		}, func(m *mail.Message) int { return len(m.Lines) }, maxSessionLines + 2, n - maxSessionLines - 2},
		{"messages of a session", func(i int, ev *mail.Event) {
			ev.Kind, ev.PID, ev.Client.IP = mail.Accept, 7, netip.AddrFrom4([4]byte{192, 0, 2, 1})
			ev.QueueID = fmt.Sprintf("%06X", i)
		}, nil, 0, n - maxSessionLines},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			kept := 0
			tr := New(Options{KeepLines: true}, Sink{Message: func(m *mail.Message) { kept = test.kept(m) }})
			for i := range n {
				ev := mail.Event{MTA: mail.Postfix, Time: mail.Instant(time.Hour), Host: "mx1", Daemon: "smtpd", Raw: "a line"}
				test.event(i, &ev)
				tr.event(&ev)
			}
			tr.Close()
			if kept != test.want || tr.Stats().Cut != test.cut {
				t.Errorf("%d lines were kept and %d things cut, want %d and %d", kept, tr.Stats().Cut, test.want, test.cut)
			}
		})
	}
}

// Messages that end at the same moment linger for late lines, but not in any number; and the memory of those that were handed out
// is not all kept, nor that of a large one.
func TestLingering(t *testing.T) {
	const n = maxLingering + 5000
	most, handed := 0, 0
	tr := New(Options{MaxOpen: 2 * n}, Sink{Message: func(*mail.Message) { handed++ }})
	at := mail.InstantOf(time.Date(2024, 1, 24, 14, 44, 0, 0, time.UTC))
	feed := func(ev mail.Event) {
		ev.MTA, ev.Time, ev.Host, ev.Daemon, ev.Sender = mail.Postfix, at, "mx1", "qmgr", "a@b.example"
		tr.event(&ev)
	}
	for i := range 3000 {
		feed(mail.Event{Kind: mail.Delivery, QueueID: "FFFFFF", Recipient: fmt.Sprintf("a%d@b.example", i), Disposition: mail.Delivered})
	}
	feed(mail.Event{Kind: mail.Remove, QueueID: "FFFFFF"})
	for i := range n {
		id := fmt.Sprintf("%06X", i)
		feed(mail.Event{Kind: mail.Queue, QueueID: id})
		feed(mail.Event{Kind: mail.Remove, QueueID: id})
		most = max(most, tr.waiting.len())
	}
	if most > maxLingering+1 || handed == 0 {
		t.Errorf("%d messages lingered at once, %d were handed out, want at most %d to linger", most, handed, maxLingering)
	}
	tr.Close()
	if handed != n+1 || tr.Stats().Evicted != 0 {
		t.Errorf("%d messages were handed out, %d of them early, want %d and 0", handed, tr.Stats().Evicted, n+1)
	}
	if len(tr.spare) != maxSpare {
		t.Errorf("the memory of %d messages is kept, want %d", len(tr.spare), maxSpare)
	}
	for _, m := range tr.spare {
		if cap(m.Recipients) > 1024 || cap(m.Lines) > 1024 {
			t.Errorf("memory for %d recipients and %d lines is kept", cap(m.Recipients), cap(m.Lines))
		}
	}
}

// A relay may name any number of queue IDs for the recipients of one message: few are waited for.
func TestMaxExpected(t *testing.T) {
	tr, _ := flood(t, Options{}, 10*maxExpected, func(i int, ev *mail.Event) {
		ev.Kind, ev.QueueID, ev.Daemon, ev.Disposition = mail.Delivery, "ABCDEF", "smtp", mail.Delivered
		ev.Recipient, ev.Child = fmt.Sprintf("a%d@b.example", i), fmt.Sprintf("%012X", i)
	})
	if len(tr.expected) != maxExpected {
		t.Errorf("%d queue IDs are waited for, want %d", len(tr.expected), maxExpected)
	}
}

// A message from lines without a readable stamp is not old.
func TestWithoutTime(t *testing.T) {
	tr := New(Options{}, Sink{})
	for _, at := range []mail.Instant{0, mail.InstantOf(time.Date(2024, 1, 24, 14, 44, 0, 0, time.UTC))} {
		tr.event(&mail.Event{MTA: mail.Postfix, Time: at, Kind: mail.Queue, Host: "mx1", Daemon: "qmgr", QueueID: "ABCDEF", Sender: "a@b.example"})
	}
	if s := tr.Stats(); s.Outlived != 0 || tr.open != 1 {
		t.Errorf("%d messages are open, %d were handed out for their age, want 1 and 0", tr.open, s.Outlived)
	}
}
