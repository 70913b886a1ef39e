package report

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"mailforensics/mail"
)

// full is a message of which everything is known.
func full() *mail.Message {
	return &mail.Message{
		Origin: mail.Origin{File: 0, Line: 4711}, Time: at("14:44:11") + 123456000, MTA: mail.Postfix, Host: "mx2", Hosts: []string{"mx2", "mx1"},
		QueueIDs: []string{"3F2A", "3F2B"}, MessageID: "x@one.example",
		Client:   mail.Client{IP: netip.MustParseAddr("84.60.208.31"), Name: "dslb-1.pools.example", HELO: "12345", Port: 25},
		Protocol: "esmtps", TLS: "TLSv1.3", Account: "maria", AuthMethod: "PLAIN", Flags: mail.HasUID, UID: 0, User: "root",
		Script: "mail.php", Directory: "/srv/www", Sender: "Anna@One.Example", Subject: "Software", Size: 1234, Direction: mail.Inbound,
		Recipients: []mail.Recipient{
			{Address: "susan@mailbox.example", Original: "susan@club.example", Disposition: mail.Delivered, Time: at("14:44:12"), Relay: "mx1.club.example",
				RelayIP: netip.MustParseAddr("192.0.2.7"), DSN: "2.0.0", Reply: "250 2.0.0 Ok: queued as 77F", Attempts: 1, Delay: 400 * time.Millisecond, HasDelay: true},
			{Address: "gone@club.example", Disposition: mail.Deferred, Relay: "none", Attempts: 3, Reply: "timed out"},
		},
		Queued: 1200 * time.Millisecond, Completed: true,
		Lines: []mail.LogLine{{Origin: mail.Origin{File: 0, Line: 4711}, Time: at("14:44:11"), Text: "Jan 24 14:44:11 mx2 …"}},
	}
}

func notice() *mail.Message {
	return &mail.Message{Time: at("14:45:00"), MTA: mail.Postfix, QueueIDs: []string{"3F2C"}, Sender: mail.NullSender, Notice: true, Parent: "3F2B"}
}

// TestMessageJSON writes what the contract says, in its order.
func TestMessageJSON(t *testing.T) {
	for _, c := range []struct {
		m    *mail.Message
		want string
	}{
		{full(), `{"schema":"mailforensics.message/1","time":"2024-01-24T14:44:11.123456+01:00","mta":"postfix","host":"mx2","hosts":["mx2","mx1"],` +
			`"queue_ids":["3F2A","3F2B"],"message_id":"x@one.example","client":{"ip":"84.60.208.31","name":"dslb-1.pools.example","helo":"12345","port":25},` +
			`"protocol":"esmtps","tls":"TLSv1.3","account":"maria","auth_method":"PLAIN","uid":0,"user":"root","script":"mail.php","directory":"/srv/www",` +
			`"sender":"Anna@One.Example","subject":"Software","size":1234,"direction":"inbound","recipients":[` +
			`{"address":"susan@mailbox.example","original":"susan@club.example","disposition":"delivered","time":"2024-01-24T14:44:12+01:00",` +
			`"relay":"mx1.club.example","relay_ip":"192.0.2.7","dsn":"2.0.0","reply":"250 2.0.0 Ok: queued as 77F","attempts":1,"delay_seconds":0.4},` +
			`{"address":"gone@club.example","disposition":"deferred","reply":"timed out","attempts":3}],"queued_seconds":1.2,"completed":true}`},
		{notice(), `{"schema":"mailforensics.message/1","time":"2024-01-24T14:45:00+01:00","mta":"postfix","queue_ids":["3F2C"],"sender":"<>",` +
			`"direction":"unknown","recipients":[],"completed":false,"notice":true,"parent":"3F2B"}`},
		{&mail.Message{}, `{"schema":"mailforensics.message/1","queue_ids":[],"direction":"unknown","recipients":[],"completed":false}`},
		{&mail.Message{Completed: true}, `{"schema":"mailforensics.message/1","queue_ids":[],"direction":"unknown","recipients":[],"queued_seconds":0,"completed":true}`}, // within a second
	} {
		if got := string(AppendMessage(nil, c.m, berlin, nil)); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}

func TestMessageWithLines(t *testing.T) {
	got := string(AppendMessage(nil, full(), berlin, []string{"mx2.log"}))
	want := `,"lines":[{"file":"mx2.log","line":4711,"time":"2024-01-24T14:44:11+01:00","text":"Jan 24 14:44:11 mx2 …"}]}`
	if !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want it to end in %s", got, want)
	}
}

func TestEventJSON(t *testing.T) {
	var out bytes.Buffer
	w := EventsJSON(&out, berlin, []string{"mx2.log"})
	for _, ev := range []mail.Event{
		{Origin: mail.Origin{Line: 3}, Time: at("14:44:11"), MTA: mail.Postfix, Host: "mx2", Process: "postfix/smtpd", PID: 99, Kind: mail.Reject,
			Client: mail.Client{IP: netip.MustParseAddr("192.0.2.7"), Name: "unknown"}, Sender: "<>", Recipient: "a@b.example", Stage: "RCPT", Code: 554,
			DSN: "5.7.1", Reply: "Relay access denied", Flags: mail.Temporary},
		{Origin: mail.Origin{Line: 4}, Kind: mail.TLS, TLS: "TLSv1.3"},
		{Origin: mail.Origin{File: 9, Line: 5}, Kind: mail.Requeue, QueueID: "3F2A"},
	} {
		if err := w.Write(&ev); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `{"schema":"mailforensics.event/1","time":"2024-01-24T14:44:11+01:00","mta":"postfix","host":"mx2","process":"postfix/smtpd","pid":99,"kind":"reject",` +
		`"client":{"ip":"192.0.2.7"},"sender":"<>","recipient":"a@b.example","stage":"RCPT","code":554,"dsn":"5.7.1","reply":"Relay access denied","temporary":true,` +
		`"file":"mx2.log","line":3}
{"schema":"mailforensics.event/1","kind":"other","detail":"tls","tls":"TLSv1.3","file":"mx2.log","line":4}
{"schema":"mailforensics.event/1","kind":"remove","detail":"requeue","queue_id":"3F2A","line":5}
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// An event with all fields has the members that docs/json.md lists, and no others.
func TestEventMembers(t *testing.T) {
	var ev mail.Event
	everything(reflect.ValueOf(&ev).Elem())
	ev.Kind = mail.TLS // which is told as a detail
	var out bytes.Buffer
	w := EventsJSON(&out, berlin, []string{"", "mx2.log"})
	if err := cmp.Or(w.Write(&ev), w.Flush()); err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(out.Bytes(), &members); err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(members))
	page, err := os.ReadFile("../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "in the order of time:")
	section, _, _ = strings.Cut(section, "\n\n")
	want := []string{"schema"}
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(section, -1) {
		want = append(want, m[1])
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\ndocs/json.md has\n%q", got, want)
	}
}

// everything gives each field of a struct a value.
func everything(v reflect.Value) {
	for _, f := range v.Fields() {
		switch f.Kind() {
		case reflect.Struct:
			if f.Type() == reflect.TypeFor[netip.Addr]() {
				f.Set(reflect.ValueOf(netip.MustParseAddr("192.0.2.7")))
				continue
			}
			everything(f)
		case reflect.String:
			f.SetString(fmt.Sprint("text ", f.Addr().Pointer())) // no two alike
		case reflect.Int, reflect.Int32, reflect.Int64:
			f.SetInt(1)
		case reflect.Uint8:
			f.SetUint(1)
		case reflect.Uint16, reflect.Uint32:
			f.SetUint(0xffff)
		}
	}
}

// hostileMessage has hostile text wherever a log can put it.
func hostileMessage() *mail.Message {
	m := full()
	for _, s := range []*string{&m.Host, &m.MessageID, &m.Client.Name, &m.Client.HELO, &m.Protocol, &m.TLS, &m.Account, &m.AuthMethod, &m.User, &m.Script,
		&m.Directory, &m.Sender, &m.Subject, &m.Parent, &m.Recipients[0].Address, &m.Recipients[0].Original, &m.Recipients[0].Relay,
		&m.Recipients[0].DSN, &m.Recipients[0].Reply, &m.QueueIDs[0], &m.Lines[0].Text} {
		*s = hostile
	}
	m.Hosts = m.Hosts[:1]
	return m
}

func TestHostileMessage(t *testing.T) {
	for name, writer := range map[string]func(io.Writer) Messages{
		"ndjson": func(w io.Writer) Messages { return MessagesJSON(w, berlin) },
		"csv":    func(w io.Writer) Messages { return MessagesCSV(w, berlin) },
	} {
		var out bytes.Buffer
		w := writer(&out)
		if err := w.Write(hostileMessage()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for _, bad := range active {
			if bytes.Contains(out.Bytes(), []byte(bad)) {
				t.Errorf("%s: %q reaches the reader", name, bad)
			}
		}
		if name == "ndjson" && !json.Valid(out.Bytes()) {
			t.Errorf("not JSON: %s", out.Bytes())
		}
	}
}

func TestMessagesCSV(t *testing.T) {
	var out bytes.Buffer
	w := MessagesCSV(&out, berlin)
	for _, m := range []*mail.Message{full(), notice()} {
		if err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cell := func(row int, column string) string {
		for i, name := range rows[0] {
			if name == column {
				return rows[row][i]
			}
		}
		t.Errorf("no column %s", column)
		return ""
	}
	for _, c := range []struct {
		row          int
		column, want string
	}{
		{1, "time", "2024-01-24T14:44:11.123456+01:00"}, {1, "client_ip", "84.60.208.31"}, {1, "uid", "0"}, {1, "recipient_count", "2"},
		{1, "recipients", "susan@club.example gone@club.example"}, {1, "delivered", "1"}, {1, "deferred", "1"}, {1, "queued_seconds", "1.2"},
		{2, "sender", "<>"}, {2, "uid", ""}, {2, "size", ""}, {2, "notice", "true"}, {2, "parent", "3F2B"},
	} {
		if got := cell(c.row, c.column); got != c.want {
			t.Errorf("row %d, %s: got %q, want %q", c.row, c.column, got, c.want)
		}
	}
}

// TestMessagesParquet reads back what was written, over more than one write.
func TestMessagesParquet(t *testing.T) {
	var out bytes.Buffer
	w := MessagesParquet(&out, "1.2.3")
	const messages = 2*rowsPerWrite + 2
	for i := range messages {
		m := full()
		if i == 1 {
			m = notice()
		}
		if i == 2 {
			m = hostileMessage()
		}
		if err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.Read[messageRow](bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != messages {
		t.Fatalf("got %d rows, want %d", len(rows), messages)
	}
	a, b := rows[0], rows[1]
	if a.ClientIP != "84.60.208.31" || a.UID == nil || *a.UID != 0 || *a.Time != int64(full().Time)/1000 || len(a.Recipients) != 2 || a.Recipients[0].Original != "susan@club.example" {
		t.Errorf("first row: got %+v", a)
	}
	if b.Sender != "<>" || b.UID != nil || !b.Notice || b.Parent != "3F2B" || len(b.Recipients) != 0 {
		t.Errorf("second row: got %+v", b)
	}
	if want := strings.ReplaceAll(hostile, "\xff\xfe", `\xff\xfe`); rows[2].Subject != want {
		t.Errorf("hostile row: got %q, want %q", rows[2].Subject, want)
	}
}

// BenchmarkMessageJSON asks what a message costs on its way out: there can be millions. go test -bench MessageJSON ./report
func BenchmarkMessageJSON(b *testing.B) {
	w := MessagesJSON(io.Discard, berlin)
	m := full()
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(m); err != nil {
			b.Fatal(err)
		}
	}
}

// The row of a message sums its recipients up: one that was given up bounced, and the last that was tried tells the next hop.
func TestRecipientCells(t *testing.T) {
	got := recipientCells([]mail.Recipient{
		{Address: "a@b.example", Disposition: mail.Delivered, Relay: "mx.b.example", DSN: "2.0.0", Reply: "ok"},
		{Address: "box", Original: "c@d.example", Disposition: mail.Expired, Relay: "mx.d.example", DSN: "4.4.1", Reply: "timed out"},
		{Address: "e@d.example", Disposition: mail.Bounced, Relay: "mx2.d.example", DSN: "5.1.1", Reply: "no such user"},
		{Address: "f@d.example", Disposition: mail.Deferred, Relay: "mx3.d.example", DSN: "4.2.0", Reply: "later"},
		{Address: "g@d.example"},
	})
	want := []string{"5", "a@b.example c@d.example e@d.example f@d.example g@d.example", "1", "2", "1", "mx3.d.example", "4.2.0", "later"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
