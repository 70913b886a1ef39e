package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailforensics/analyze"
	"mailforensics/ingest"
	"mailforensics/mail"
)

var update = flag.Bool("update", false, "write the goldens anew")

var berlin = time.FixedZone("Europe/Berlin", 3600)

func at(clock string) mail.Instant {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", "2024-01-24 "+clock, berlin)
	if err != nil {
		panic(err)
	}
	return mail.InstantOf(t)
}

// sample is a report with one finding in every detail, one in none, and one input of each fate.
func sample() *Report {
	return &Report{
		Schema: findingsSchema, Command: "bursts", Version: "1.2.3",
		Files: []string{"mx2.log", "my logs/mx1.log"}, Options: []string{"--tz", "Europe/Berlin"},
		Zone: berlin,
		Ledger: &ingest.Ledger{
			First: at("05:10:14"), Last: at("23:59:58"), Zone: berlin, ZoneWhy: "as queue IDs say",
			Files: []ingest.FileLedger{
				{Path: "mx2.log", Bytes: 278523, Lines: 1829, Parsed: 1820, Unfamiliar: 3, Damaged: 1, Foreign: 4, Blank: 1,
					MTA: []string{"postfix"}, Hosts: []string{"mx2"}, First: at("05:10:14"), Last: at("23:59:58"), YearRule: "year 2024, from queue IDs"},
				{Path: "my logs/mx1.log", Bytes: 44, Lines: 10, Parsed: 10, MTA: []string{"postfix"}, Hosts: []string{"mx1"},
					First: at("06:00:00"), Last: at("07:00:00"), Damage: errors.New("line 10: truncated gzip stream")},
				{Path: "gone.log", Err: errors.New("open gone.log: permission denied")},
			},
			Shapes: []ingest.Shape{{Text: "postfix/smtpd: something N new", Count: 3}},
		},
		Gaps: []Gap{{Host: "mx1", From: at("07:00:00"), To: at("23:59:58")}}, QuietSpans: 1,
		Totals:    analyze.Totals{Messages: 1234, Recipients: 1300, Delivered: 1290, Bounced: 7, Deferred: 3, Rejected: 456, Notices: 7},
		Detectors: []analyze.Detector{{Name: "burst", Command: "bursts", Title: "many messages in minutes"}},
		Findings:  []analyze.Finding{burst(), unknowing()},
		Site: &analyze.Site{
			LocalDomains: map[string]analyze.Known{"club.example": {Value: "club.example", Why: "412 messages delivered here"}},
			Roles: map[string]analyze.RoleOf{
				"mx1": {Role: analyze.Primary, Known: analyze.Known{Value: "mx1", Why: "--mx", Given: true}},
				"mx2": {Role: analyze.Secondary, Known: analyze.Known{Value: "mx2", Why: "passes all it accepts to mx1"}},
			},
		},
		Notes: []string{"more than 1,000,000 clients: the smallest were forgotten"},
	}
}

func burst() analyze.Finding {
	return analyze.Finding{
		ID: "burst/ip/84.60.208.31/2024-01-24T13:44:11Z", Detector: "burst", Severity: analyze.High,
		Subject: analyze.Subject{Kind: analyze.IP, Value: "84.60.208.31"},
		Title:   "84.60.208.31 sent 36 messages in 8 minutes to club.example, each from another sender",
		Start:   at("14:44:11"), End: at("14:51:55"),
		Counts: analyze.Counts{Messages: 36, Recipients: 36, Delivered: 30, Bounced: 6, Senders: 36, SenderDomains: 35, RecipientDomains: 1, Clients: 1},
		Rate:   &analyze.Rate{PerMinute: 4.6666666, PeakPerMinute: 9, PeakAt: at("14:46:02")},
		Clients: []analyze.ClientCount{{Client: mail.Client{IP: netip.MustParseAddr("84.60.208.31"), Name: "dslb-084-060-208-031.pools.example",
			HELO: "12345", ASN: 3209, Country: "DE"}, Messages: 36}},
		Senders:          []analyze.Count{{Value: "anna@one.example", Messages: 1}, {Value: "bert@two.example", Messages: 1}},
		RecipientDomains: []analyze.Count{{Value: "club.example", Messages: 36}},
		Subjects:         []analyze.Count{{Value: "Software", Messages: 36}},
		Hosts:            []string{"mx2"},
		Mangled:          []analyze.Mangled{{Recipient: "smtpsusan@club.example", Original: "susan@club.example", Kind: "prefix", Messages: 2}},
		Facts:            []analyze.Fact{{Name: "queue", Text: "nothing of it is left in the queue"}},
		Argument: analyze.Argument{Score: 0.9712345, Reasons: []analyze.Reason{
			{Code: "all-senders-differ", Text: "36 messages from 36 different senders", Weight: 0.3},
			{Code: "never-seen-before", Text: "nothing from this address in the nine hours before", Weight: 0.25},
		}},
		Evidence: []analyze.Evidence{
			{Origin: mail.Origin{File: 0, Line: 4711}, Time: at("14:44:11"), Role: "first",
				Text: "Jan 24 14:44:11 mx2 postfix/smtpd[999]: 4TKgZ01: client=dslb-084-060-208-031.pools.example[84.60.208.31]"},
			{Origin: mail.Origin{File: 0, Line: 4990}, Time: at("14:51:55"), Role: "last",
				Text: "Jan 24 14:51:55 mx2 postfix/smtpd[999]: 4TKgZ99: client=dslb-084-060-208-031.pools.example[84.60.208.31]"},
		},
		Timeline: []analyze.Bucket{{Time: at("14:44:00"), Messages: 4}, {Time: at("14:45:00"), Messages: 6}, {Time: at("14:46:00"), Messages: 9},
			{Time: at("14:48:00"), Messages: 10}, {Time: at("14:51:00"), Messages: 7}},
		Related: []string{"campaign/club.example"},
	}
}

// unknowing is a finding that knows as little as a finding can.
func unknowing() analyze.Finding {
	return analyze.Finding{ID: "burst/uid/33/-", Detector: "burst", Severity: analyze.Low, Argument: analyze.Argument{Score: 0.2},
		Subject: analyze.Subject{Kind: analyze.UID, Value: "33"}, Title: "uid 33 sent 12 messages at once"}
}

func offenders() *Report {
	r := sample()
	r.Schema, r.Command, r.Findings, r.Detectors, r.Notes = "offenders", "offenders", nil, nil, nil
	columns := []Column{{Name: "by"}, {Name: "value", Title: "client"}, {Name: "messages", Title: "messages", Number: true}, {Name: "first", Title: "first", Spare: 2},
		{Name: "name", Title: "name", Spare: 1}, {Name: "over_time", Title: "over time"}}
	r.Tables = []Table{
		{Name: "offenders", Title: "By client address", Columns: columns, Left: 7, Rows: [][]Value{
			{Text("ip"), Text("84.60.208.31"), Int(1036), Moment(at("14:44:11")), Text("dslb-084.pools.example"), Series([]int{1, 0, 900, 3})},
			{Text("ip"), Text("2001:db8::1"), Int(3), {}, {}, Series([]int{0, 0, 0, 3})},
		}},
		{Name: "offenders", Title: "By account", Columns: columns, Empty: "no message has an account"},
	}
	return r
}

// TestGolden compares every output format with a file that is named after the flags that make it.
func TestGolden(t *testing.T) {
	terminal := func(columns int, color bool) func(io.Writer, *Report) error {
		return func(w io.Writer, r *Report) error { return Terminal(w, r, Style{Width: columns, Color: color}) }
	}
	for _, g := range []struct {
		name  string
		r     *Report
		write func(io.Writer, *Report) error
	}{
		{"bursts.txt", sample(), terminal(0, false)},
		{"bursts--80-columns.txt", sample(), terminal(80, false)},
		{"bursts--color.txt", sample(), terminal(120, true)},
		{"bursts--format-json.json", sample(), JSON},
		{"bursts--format-ndjson.ndjson", sample(), NDJSON},
		{"bursts--format-csv.csv", sample(), CSV},
		{"bursts--format-markdown.md", sample(), Markdown},
		{"offenders.txt", offenders(), terminal(0, false)},
		{"offenders--60-columns.txt", offenders(), terminal(60, false)},
		{"offenders--format-json.json", offenders(), JSON},
		{"offenders--format-ndjson.ndjson", offenders(), NDJSON},
		{"offenders--format-csv.csv", offenders(), CSV},
		{"offenders--format-markdown.md", offenders(), Markdown},
		{"nothing-found.txt", nothing(), terminal(0, false)},
		{"nothing-found--format-json.json", nothing(), JSON},
		{"nothing-found--format-markdown.md", nothing(), Markdown},
	} {
		var got bytes.Buffer
		if err := g.write(&got, g.r); err != nil {
			t.Errorf("%s: %v", g.name, err)
		}
		golden(t, g.name, got.Bytes())
	}
}

func nothing() *Report {
	r := sample()
	r.Findings, r.Notes, r.Gaps, r.QuietSpans = nil, nil, nil, 0
	return r
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// TestShape holds the JSON of findings against the names that scripts rely on.
func TestShape(t *testing.T) {
	var out bytes.Buffer
	r := sample()
	r.Findings[0].QueueIDs, r.Findings[0].Queued, r.Findings[0].Opened = []string{"4TKgZ02"}, 15_000, []string{"eva"}
	if err := JSON(&out, r); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	has := func(in any, names ...string) {
		t.Helper()
		m, ok := in.(map[string]any)
		for _, name := range names {
			if v, there := m[name]; !ok || !there || v == nil {
				t.Errorf("no %q in %v", name, in)
			}
		}
	}
	has(got, "schema", "tool", "inputs", "window", "totals", "findings")
	has(got["inputs"].([]any)[0], "path", "bytes", "lines", "events", "unparsed", "foreign", "mta", "hosts", "first", "last", "warnings")
	has(got["totals"], "messages", "recipients", "delivered", "bounced", "deferred", "rejected", "discarded", "held", "notices")
	full, bare := got["findings"].([]any)[0], got["findings"].([]any)[1]
	has(full, "id", "detector", "severity", "score", "subject", "title", "start", "end", "counts", "rate", "clients", "accounts", "senders",
		"recipient_domains", "subjects", "hosts", "mangled", "reasons", "evidence", "timeline", "related", "opened", "queue_ids", "queued")
	has(bare, "clients", "accounts", "senders", "recipient_domains", "subjects", "hosts", "mangled", "reasons", "evidence", "timeline", "related")
	for _, name := range []string{"start", "end", "rate"} {
		if v, there := bare.(map[string]any)[name]; there {
			t.Errorf("%s is not known and yet written: %v", name, v)
		}
	}
	if bytes.Contains(out.Bytes(), []byte("null")) {
		t.Errorf("null in %s", out.Bytes())
	}
}

// TestLines reads every line of NDJSON alone.
func TestLines(t *testing.T) {
	for _, r := range []*Report{sample(), offenders(), hostileReport()} {
		var out bytes.Buffer
		if err := NDJSON(&out, r); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			var got map[string]any
			if err := json.Unmarshal([]byte(line), &got); err != nil || got["schema"] == nil {
				t.Errorf("%v in %s", err, line)
			}
		}
	}
}

// TestUncounted: what a detector does not count is left out, and never 0.
func TestUncounted(t *testing.T) {
	r := sample()
	r.Findings = r.Findings[:1]
	f := &r.Findings[0]
	f.Counts.Senders, f.Counts.SenderDomains, f.Senders = 36, 0, nil
	for _, c := range []struct {
		form       string
		write      func(io.Writer, *Report) error
		want, wont string
	}{
		{"json", JSON, `"senders": 36`, `"sender_domains"`},
		{"csv", CSV, ",0,36,,1,1,", ",0,36,0,"},
		{"markdown", Markdown, "- **senders:** 36\n", "0 domains"},
		{"html", HTML, "senders", "0 domains"},
		{"table", func(w io.Writer, r *Report) error { return Terminal(w, r, Style{}) }, "36 senders\n", "0 domains"},
	} {
		var out bytes.Buffer
		if err := c.write(&out, r); err != nil {
			t.Fatal(err)
		}
		if text := out.String(); !strings.Contains(text, c.want) || strings.Contains(text, c.wont) {
			t.Errorf("%s: want %q, and no %q, in\n%s", c.form, c.want, c.wont, text)
		}
	}
	f.Counts = analyze.Counts{FailedLogins: 40}
	var out bytes.Buffer
	if err := JSON(&out, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"senders": 0`) {
		t.Errorf("where nothing was sent, there are 0 senders:\n%s", out.String())
	}
}

// hostile is text that acts on every kind of reader.
const hostile = "\x1b]0;owned\x07\x1b[31m\u009b2J\u202egnp.exe\u2066\u2028<script>alert(1)</script>\"'><img src=x onerror=alert(1)>|`x`|[a](http://evil.example)\xff\xfe\x00\r\n=cmd|' /C calc'!A0"

// hostileReport has hostile text wherever a log can put it.
func hostileReport() *Report {
	r := sample()
	f := &r.Findings[0]
	f.ID, f.Title, f.Subject.Value, f.Signature.Terms = hostile, hostile, hostile, hostile
	f.Clients[0].Name, f.Clients[0].HELO, f.Clients[0].Country = hostile, hostile, hostile
	f.Accounts, f.Hosts, f.Related, f.QueueIDs = []string{hostile}, []string{hostile}, []string{hostile}, []string{hostile}
	f.Senders[0].Value, f.RecipientDomains[0].Value, f.Subjects[0].Value = hostile, hostile, hostile
	f.Scripts = []analyze.Count{{Value: hostile, Messages: 1}}
	f.Mangled[0].Recipient, f.Mangled[0].Original = hostile, hostile
	f.Facts[0].Text, f.Reasons[0].Text, f.Evidence[0].Text = hostile, hostile, hostile
	for range 20 { // so that some are shown as rows
		r.Findings = append(r.Findings, *f)
	}
	l := &r.Ledger.Files[0]
	l.Path, l.Hosts, l.Warnings, l.YearRule, l.Damage = hostile, []string{hostile}, []string{hostile}, hostile, errors.New(hostile)
	r.Ledger.Shapes[0].Text = hostile
	r.Ledger.Warnings = []string{hostile}
	r.Files = []string{hostile}
	r.Gaps[0].Host = hostile
	r.Site.LocalDomains[hostile] = analyze.Known{Why: hostile}
	r.Notes = []string{hostile}
	t := offenders().Tables
	t[0].Rows[0][1] = Text(hostile)
	t[0].Rows[0][4] = Text(hostile)
	r.Tables = t
	return r
}

// active are the bytes of hostile that must reach no reader of any format.
var active = []string{"\x1b", "\x07", "\u009b", "\u202e", "\u2066", "\u2028", "\x00", "\r", "\xff", "\xfe"}

func TestHostileText(t *testing.T) {
	formats := map[string]func(io.Writer, *Report) error{
		"terminal":        func(w io.Writer, r *Report) error { return Terminal(w, r, Style{}) },
		"narrow terminal": func(w io.Writer, r *Report) error { return Terminal(w, r, Style{Width: 60}) },
		"json":            JSON, "ndjson": NDJSON, "csv": CSV, "markdown": Markdown,
	}
	for name, write := range formats {
		var out bytes.Buffer
		if err := write(&out, hostileReport()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, bad := range active {
			if i := bytes.Index(out.Bytes(), []byte(bad)); i >= 0 {
				t.Errorf("%s: %q reaches the reader: %q", name, bad, out.Bytes()[max(0, i-60):i+20])
			}
		}
	}
}

// TestHostileJSON reads back what was written: nothing may be lost but what JSON cannot hold.
func TestHostileJSON(t *testing.T) {
	var out bytes.Buffer
	if err := JSON(&out, hostileReport()); err != nil {
		t.Fatal(err)
	}
	var got struct{ Findings []struct{ Title string } }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(hostile, "\xff\xfe", `\xff\xfe`); got.Findings[0].Title != want {
		t.Errorf("title: got %q, want %q", got.Findings[0].Title, want)
	}
}

// TestHostileCSV reads every cell as a spreadsheet would: none may begin a formula.
func TestHostileCSV(t *testing.T) {
	r := hostileReport()
	r.Findings[0].Title = "=cmd|' /C calc'!A0"
	r.Findings[0].Clients[0].HELO = "@SUM(1)"
	r.Findings[0].Clients[0].Name = "\t=1"
	var out bytes.Buffer
	if err := CSV(&out, r); err != nil {
		t.Fatal(err)
	}
	in := csv.NewReader(&out)
	in.FieldsPerRecord = -1
	rows, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 10 {
		t.Fatalf("got %d rows", len(rows))
	}
	for _, row := range rows {
		for _, c := range row {
			if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
				t.Errorf("cell %q begins a formula", c)
			}
		}
	}
}

// TestHostileMarkdown looks for markup that came out of the log.
func TestHostileMarkdown(t *testing.T) {
	var out bytes.Buffer
	if err := Markdown(&out, hostileReport()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		prose := withoutCode(line)
		for _, bad := range []string{"<script", "](http", "://"} {
			if strings.Contains(prose, bad) {
				t.Errorf("%q acts in %q", bad, prose)
			}
		}
		if strings.HasPrefix(line, "| `") && strings.Contains(line, "|'") && !strings.Contains(line, `\|'`) {
			t.Errorf("a bar of the log splits a row: %q", line)
		}
	}
}

// withoutCode is a line of Markdown without its code spans, read as CommonMark does: a run of back quotes ends at the next
// run of the same length.
func withoutCode(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		if line[i] == '\\' && i+1 < len(line) {
			i += 2 // an escaped character acts on nothing
			continue
		}
		if line[i] != '`' {
			b.WriteByte(line[i])
			i++
			continue
		}
		n := run(line[i:])
		end := i + n
		for end < len(line) && (line[end] != '`' || run(line[end:]) != n) {
			end += max(1, run(line[end:]))
		}
		i = min(end+n, len(line))
	}
	return b.String()
}

func run(s string) int { return len(s) - len(strings.TrimLeft(s, "`")) }

// The headline adds up with what follows it.
func TestCountOf(t *testing.T) {
	for _, test := range []struct {
		shown, left int
		want        string
	}{
		{1, 0, "1 finding"}, {4, 0, "4 findings"}, {1, 3, "4 findings, 1 of them shown"},
	} {
		r := &Report{Findings: make([]analyze.Finding, test.shown), Left: test.left}
		if got := countOf(r); got != test.want {
			t.Errorf("%d shown, %d left out: got %q, want %q", test.shown, test.left, got, test.want)
		}
	}
}
