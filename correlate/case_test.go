package correlate

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"mailforensics/mail"
	"mailforensics/parse"
	"mailforensics/parse/exim"
	"mailforensics/parse/filter"
	"mailforensics/parse/postfix"
	"mailforensics/parse/webmail"
)

var update = flag.Bool("update", false, "write the expectations of testdata/*.txtar anew")

// Each archive has logs, and in the file "want" what the tracker makes of them. The remark at its head says what the case is
// about.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			logs, want := logsOf(archive)
			got := transcript(eventsOf(t, logs), Options{KeepLines: strings.HasPrefix(filepath.Base(file), "lines-")})
			if got == want {
				return
			}
			if *update {
				setWant(archive, got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("got\n%s\nwant\n%s", got, want)
		})
	}
}

func logsOf(a *txtar.Archive) (logs []txtar.File, want string) {
	for _, f := range a.Files {
		if f.Name == "want" {
			want = string(f.Data)
		} else {
			logs = append(logs, f)
		}
	}
	return logs, want
}

func setWant(a *txtar.Archive, text string) {
	for i := range a.Files {
		if a.Files[i].Name == "want" {
			a.Files[i].Data = []byte(text)
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(text)})
}

// eventsOf parses logs and merges them as ingest does: each in its own order, the one with the earliest next line first.
func eventsOf(t testing.TB, logs []txtar.File) []mail.Event {
	t.Helper()
	clock := parse.NewClock(time.UTC, mail.InstantOf(time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)))
	queues := make([][]mail.Event, len(logs))
	for i, log := range logs {
		reader := parse.NewHeaderReader(clock)
		for n, line := range strings.Split(strings.TrimSuffix(string(log.Data), "\n"), "\n") {
			if ev, ok := parseLine(reader, line); ok {
				ev.Origin = mail.Origin{File: int32(i), Line: int64(n + 1)}
				queues[i] = append(queues[i], ev)
			} else if line != "" && !strings.HasPrefix(line, "#") {
				t.Errorf("%s:%d: not parsed: %s", log.Name, n+1, line)
			}
		}
	}
	var events []mail.Event
	for {
		first := -1
		for i, q := range queues {
			if len(q) > 0 && (first < 0 || q[0].Time < queues[first][0].Time) {
				first = i
			}
		}
		if first < 0 {
			return events
		}
		events = append(events, queues[first][0])
		queues[first] = queues[first][1:]
	}
}

func parseLine(reader *parse.HeaderReader, line string) (ev mail.Event, ok bool) {
	ev.Raw = line
	body, ok := reader.Read(line, &ev)
	if !ok {
		return ev, false
	}
	for _, format := range []parse.Format{postfix.Format, exim.Format, filter.Format, webmail.Format} {
		if v := format.Parse(body, &ev); v != parse.Foreign {
			return ev, v == parse.Parsed
		}
	}
	return ev, false
}

// transcript returns what a tracker makes of events: its messages, the events of no message that matter, and its counts.
func transcript(events []mail.Event, o Options) string {
	var b strings.Builder
	t := New(o, Sink{
		Message: func(m *mail.Message) { writeMessage(&b, m) },
		Event: func(ev *mail.Event) {
			switch ev.Kind {
			case mail.Reject, mail.AuthFailed, mail.Attempt:
				fmt.Fprintf(&b, "event %v%s%s\n", ev.Kind, field("id", ev.QueueID), field("stage", ev.Stage)+clientOf(ev))
			}
		},
	})
	t.Events(events)
	t.Close()
	if s := statsText(t.Stats()); s != "" {
		fmt.Fprintf(&b, "stats%s\n", s)
	}
	return b.String()
}

// clientOf returns the client that the tracker gave to what a filter refused.
func clientOf(ev *mail.Event) string {
	if ev.Stage != "END-OF-MESSAGE" {
		return ""
	}
	return field("client", ev.Client.IP.String()) + field("account", ev.Account)
}

func writeMessage(b *strings.Builder, m *mail.Message) {
	what := "message"
	if m.Notice {
		what = "notice"
	}
	fmt.Fprintf(b, "%s %s %s %s", what, m.Time.In(time.UTC).Format("15:04:05"), strings.Join(m.Hosts, ","), strings.Join(m.QueueIDs, ","))
	if m.Client.IP.IsValid() {
		fmt.Fprintf(b, " client=%v", m.Client.IP)
	}
	b.WriteString(field("name", m.Client.Name) + field("helo", m.Client.HELO) + field("proto", m.Protocol) + field("tls", m.TLS))
	b.WriteString(field("service", m.Service) + field("account", m.Account) + field("method", m.AuthMethod) + field("user", m.User))
	if m.Flags.Has(mail.HasUID) {
		fmt.Fprintf(b, " uid=%d", m.UID)
	}
	b.WriteString(field("script", m.Script) + field("directory", m.Directory) + field("sender", m.Sender) + field("message-id", m.MessageID))
	b.WriteString(field("subject", m.Subject) + field("parent", m.Parent) + field("direction", m.Direction.String()))
	if m.Size > 0 {
		fmt.Fprintf(b, " size=%d", m.Size)
	}
	if m.Stated != len(m.Recipients) {
		fmt.Fprintf(b, " stated=%d", m.Stated)
	}
	for _, text := range m.ACL {
		b.WriteString(field("acl", text))
	}
	for _, h := range m.Headers {
		b.WriteString(field("header-"+h.Name, h.Value))
	}
	if m.PassedFrom.IsValid() {
		fmt.Fprintf(b, " passed-from=%v", m.PassedFrom)
	}
	if m.Completed {
		fmt.Fprintf(b, " done after %v", m.Queued)
	}
	if m.Line == "" {
		b.WriteString(" birth not seen")
	}
	b.WriteByte('\n')
	for _, r := range m.Recipients {
		fmt.Fprintf(b, "\t%s%s %s%s%s", r.Address, field("for", r.Original), cmp.Or(r.Disposition.String(), "-"), field("by", hopText(m, r.Hop)), field("relay", r.Relay))
		b.WriteString(field("dsn", r.DSN) + field("reply", r.Reply) + field("deferral", r.Deferral))
		if r.HasDelay {
			fmt.Fprintf(b, " delay=%v", r.Delay)
		}
		if r.Attempts != 1 {
			fmt.Fprintf(b, " attempts=%d", r.Attempts)
		}
		b.WriteByte('\n')
	}
	for _, l := range m.Lines {
		fmt.Fprintf(b, "\t| %s\n", l.Text)
	}
}

// hopText returns the queue ID of a hop, with its host if that is not the first one of the message.
func hopText(m *mail.Message, n uint32) string {
	id, host := m.Hop(int(n))
	if id != "" && host != m.Host {
		id += "@" + host
	}
	return id
}

func field(name, value string) string {
	switch {
	case value == "":
		return ""
	case strings.ContainsAny(value, " \""):
		return fmt.Sprintf(" %s=%q", name, value)
	}
	return " " + name + "=" + value
}

// statsText lists the counts that are not zero, except those of events and messages.
func statsText(s Stats) string {
	var b strings.Builder
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		switch name := v.Type().Field(i).Name; name {
		case "Events", "Messages", "Notices":
		default:
			if n := v.Field(i).Int(); n != 0 {
				fmt.Fprintf(&b, " %s=%d", strings.ToLower(name), n)
			}
		}
	}
	return b.String()
}
