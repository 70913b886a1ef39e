package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// words is a format that knows lines of "postfix/…" and "exim": "odd" is unfamiliar, "cut" is damaged, "dull" is of no use.
var words = parse.Format{Name: "words", Parse: func(body string, ev *mail.Event) parse.Verdict {
	switch {
	case strings.HasPrefix(ev.Process, "postfix/"):
		ev.MTA = mail.Postfix
	case strings.HasPrefix(ev.Process, "exim"):
		ev.MTA = mail.Exim
	default:
		return parse.Foreign
	}
	switch body {
	case "odd":
		return parse.Unfamiliar
	case "cut":
		return parse.Damaged
	case "dull":
		ev.Kind = mail.Other
	default:
		ev.Kind = mail.Warning
	}
	ev.Text = body
	return parse.Parsed
}}

// noon is the current time in the tests, and when their files were written.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func options() Options {
	return Options{Formats: []parse.Format{words}, Workers: 1, Now: noon}
}

// logs writes files; a name ending in .gz is compressed.
func logs(t testing.TB, files ...string) []*logfile.Input {
	t.Helper()
	dir := t.TempDir()
	var args []string
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		data := []byte(files[i+1])
		if strings.HasSuffix(path, ".gz") {
			var buf bytes.Buffer
			z := gzip.NewWriter(&buf)
			z.Write(data)
			z.Close()
			data = buf.Bytes()
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(path, noon, noon)
		args = append(args, path)
	}
	inputs, errs := logfile.Expand(args, strings.NewReader(""))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return inputs
}

// read returns each event as "file:line time host text", and checks that the ledger adds up.
func read(t testing.TB, o Options, inputs []*logfile.Input) ([]string, *Ledger) {
	t.Helper()
	var got []string
	ledger, err := Read(context.Background(), inputs, o, func(events []mail.Event) error {
		for _, ev := range events {
			got = append(got, fmt.Sprintf("%d:%d %s %s %s", ev.File, ev.Line, ev.Time.In(time.UTC).Format("01-02 15:04:05"), ev.Host, ev.Text))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ledger.Files {
		if sum := f.Parsed + f.Unfamiliar + f.Damaged + f.Foreign + f.Blank; sum != f.Lines && f.Damage == nil {
			t.Errorf("%s: verdicts add up to %d of %d lines: %+v", filepath.Base(f.Path), sum, f.Lines, f)
		}
	}
	return got, ledger
}

func wantLines(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestVerdicts(t *testing.T) {
	got, ledger := read(t, options(), logs(t, "maillog", strings.Join([]string{
		"Nov  7 04:12:09 mx1 postfix/smtpd[1]: one",
		"Nov  7 04:12:10 mx1 sshd[1]: two",
		"Nov  7 04:12:11 mx1 postfix/smtpd[1]: odd\r",
		"",
		"no header",
		"Nov  7 04:12:12 mx2 postfix/smtpd[1]: cut",
		"Nov  7 04:12:13 mx1 postfix/smtpd[1]: dull",
		"Nov  7 04:12:14 mx1 postfix/smtpd[1]: last"}, "\n")))
	wantLines(t, got, "0:1 11-07 04:12:09 mx1 one", "0:8 11-07 04:12:14 mx1 last")
	f := ledger.Files[0]
	f.Path, f.YearRule, f.ZoneRule = "", "", ""
	want := FileLedger{Bytes: f.Bytes, Lines: 8, Parsed: 3, Unfamiliar: 1, Damaged: 1, Foreign: 2, Blank: 1, MTA: []string{"postfix"},
		Hosts: []string{"mx1", "mx2"}, First: ledger.First, Last: ledger.Last}
	if fmt.Sprintf("%+v", f) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", f, want)
	}
	if len(ledger.Shapes) != 2 || ledger.Shapes[0].Text != "postfix/smtpd: cut" {
		t.Errorf("got shapes %+v", ledger.Shapes)
	}
}

// Blanks that copying added at the ends of lines are no part of what was said; a line of blanks has no header.
func TestTrailingBlanks(t *testing.T) {
	got, ledger := read(t, options(), logs(t, "maillog", "Nov  7 04:12:09 mx1 postfix/smtpd[1]: one   \n   \nNov  7 04:12:10 mx1 postfix/smtpd[1]: odd \n"))
	wantLines(t, got, "0:1 11-07 04:12:09 mx1 one")
	if f := ledger.Files[0]; f.Parsed != 1 || f.Foreign != 1 || f.Unfamiliar != 1 {
		t.Errorf("got %d lines parsed, %d foreign, %d unfamiliar, want 1 each", f.Parsed, f.Foreign, f.Unfamiliar)
	}
}

func TestMerge(t *testing.T) {
	got, _ := read(t, options(), logs(t,
		"mx1", "Nov  7 04:00:00 mx1 postfix/a[1]: a\nNov  7 04:00:02 mx1 postfix/a[1]: c\nNov  7 04:00:01 mx1 postfix/a[1]: late\nNov  7 04:00:09 mx1 postfix/a[1]: z\n",
		"mx2.1", "Nov  7 04:00:01 mx2 postfix/a[1]: b\nNov  7 04:00:02 mx2 postfix/a[1]: d\n",
		"mx2", "Nov  7 04:00:03 mx2 postfix/a[1]: e\n",
		"mx2.2.gz", "Nov  6 04:00:03 mx2 postfix/a[1]: first\n"))
	wantLines(t, got,
		"3:1 11-06 04:00:03 mx2 first",
		"0:1 11-07 04:00:00 mx1 a", "1:1 11-07 04:00:01 mx2 b", "0:2 11-07 04:00:02 mx1 c", "0:3 11-07 04:00:01 mx1 late",
		"1:2 11-07 04:00:02 mx2 d", "2:1 11-07 04:00:03 mx2 e", "0:4 11-07 04:00:09 mx1 z")
}

func TestDuplicates(t *testing.T) {
	line := func(sec int, text string) string {
		return fmt.Sprintf("Nov  7 04:00:%02d mx1 postfix/a[1]: %s\n", sec, text)
	}
	got, ledger := read(t, options(), logs(t,
		"maillog", line(1, "a")+line(2, "twice")+line(2, "twice")+line(3, "b")+line(4, "c"),
		"copy.gz", line(2, "twice")+line(2, "twice")+line(2, "twice")+line(3, "b")+line(3, "new")+line(9, "z"),
		"mx2", strings.ReplaceAll(line(1, "a")+line(4, "c"), "mx1", "mx2")))
	wantLines(t, got, "0:1 11-07 04:00:01 mx1 a", "2:1 11-07 04:00:01 mx2 a", "0:2 11-07 04:00:02 mx1 twice", "0:3 11-07 04:00:02 mx1 twice",
		"1:3 11-07 04:00:02 mx1 twice", "0:4 11-07 04:00:03 mx1 b", "1:5 11-07 04:00:03 mx1 new", "0:5 11-07 04:00:04 mx1 c",
		"2:2 11-07 04:00:04 mx2 c", "1:6 11-07 04:00:09 mx1 z")
	if n := ledger.Files[0].Duplicates + ledger.Files[1].Duplicates + ledger.Files[2].Duplicates; n != 3 {
		t.Errorf("got %d duplicates, want 3", n)
	}
}

// The log was rotated within a second: equal lines before and after the cut are two lines, while lines in a copy of either file
// are duplicates.
func TestDuplicatesAcrossRotation(t *testing.T) {
	before := "2026-11-07 04:00:01 a\n2026-11-07 04:00:02 cwd=/var/www 3 args: sendmail -t -i\n"
	behind := "2026-11-07 04:00:02 cwd=/var/www 3 args: sendmail -t -i\n2026-11-07 04:00:03 z\n"
	got, ledger := read(t, options(), logs(t, "mainlog.1", before, "mainlog", behind, "copy/mainlog", behind, "copy/mainlog.1", before))
	if len(got) != 4 {
		t.Errorf("got %d events, want 4: %q", len(got), got)
	}
	if n := ledger.Files[0].Duplicates + ledger.Files[1].Duplicates; n != 0 {
		t.Errorf("got %d duplicates on the two sides of the cut, want none", n)
	}
	if n := ledger.Files[2].Duplicates + ledger.Files[3].Duplicates; n != 4 {
		t.Errorf("got %d duplicates in the copies, want 4", n)
	}
}

// Of two copies of a line, the one in the main log is kept, even if the reject log is given first.
func TestRejectLog(t *testing.T) {
	got, ledger := read(t, options(), logs(t,
		"rejectlog", "2026-11-07 04:00:02 H=(x) [192.0.2.1] rejected RCPT <a@b>: no\nEnvelope-from: <x@y>\nP Received: from\n\tby mx\n2026-11-07 04:00:03 only here\n",
		"mainlog", "2026-11-07 04:00:02 H=(x) [192.0.2.1] rejected RCPT <a@b>: no\n2026-11-07 04:00:02 cwd=/\n2026-11-07 04:00:04 end\n"))
	wantLines(t, got, "1:1 11-07 04:00:02  H=(x) [192.0.2.1] rejected RCPT <a@b>: no", "1:2 11-07 04:00:02  cwd=/",
		"0:5 11-07 04:00:03  only here", "1:3 11-07 04:00:04  end")
	if f := ledger.Files[0]; f.Parsed != 5 || f.Duplicates != 1 {
		t.Errorf("got %+v, want 5 lines parsed, 1 of them a duplicate", f)
	}
}

func TestRepeats(t *testing.T) {
	const log = "Nov  7 04:00:01 mx1 postfix/a[1]: a\n" +
		"Nov  7 04:00:02 mx2 sshd[1]: foreign\n" +
		"Nov  7 04:00:03 mx1 last message repeated 2 times\n" +
		"Nov  7 04:00:04 mx2 last message repeated 2 times\n" +
		"Nov  7 04:00:05 mx1 postfix/a[1]: message repeated 2 times: [ b]\n" +
		"Nov  7 04:00:06 mx1 postfix/a[1]: message repeated 1 time: [ dull]\n" +
		"Nov  7 04:00:07 mx1 last message repeated 1 time\n" +
		"Nov  7 04:00:08 mx3 last message repeated 1 time\n" +
		"Nov  7 04:00:09 mx1 postfix/a[1]: message repeated 1 times: [ c\n" +
		"Nov  7 04:00:10 mx1 last message repeated 1 time\n"
	want := []string{"0:1 11-07 04:00:01 mx1 a", "0:3 11-07 04:00:03 mx1 a", "0:3 11-07 04:00:03 mx1 a", "0:5 11-07 04:00:05 mx1 b",
		"0:5 11-07 04:00:05 mx1 b", "0:9 11-07 04:00:09 mx1 c", "0:10 11-07 04:00:10 mx1 c"}
	for size := 1; size < 700; size += 37 { // small chunks hold one line each
		o := options()
		o.ChunkSize = size
		got, ledger := read(t, o, logs(t, "maillog", log))
		wantLines(t, got, want...)
		if f := ledger.Files[0]; f.Parsed != 7 || f.Foreign != 3 {
			t.Errorf("chunks of %d: got %+v, want 7 parsed and 3 foreign", size, f)
		}
	}
}

// Of files that begin in the same second, the older rotation comes first, however they are given.
func TestRotationWithinASecond(t *testing.T) {
	const at = "Nov  7 04:00:01 mx1 postfix/a[1]: "
	files := []string{"maillog", at + "c\n", "maillog.1", at + "b\n", "maillog.2.gz", at + "a\n"}
	for _, order := range [][]int{{0, 1, 2}, {1, 2, 0}, {2, 1, 0}} {
		inputs := logs(t, files...)
		got, _ := read(t, options(), []*logfile.Input{inputs[order[0]], inputs[order[1]], inputs[order[2]]})
		var bodies []string
		for _, line := range got {
			bodies = append(bodies, line[len(line)-1:])
		}
		if order := strings.Join(bodies, ""); order != "abc" {
			t.Errorf("got %s, want abc", order)
		}
	}
}

// "message repeated" lines cannot make a huge file of a small one, whatever the size of the chunks.
func TestRepeatsBounded(t *testing.T) {
	const line = "Nov  7 04:00:05 mx1 postfix/a[1]: message repeated 4000000000 times: [ b]\n"
	for _, c := range []struct{ lines, most int }{{1, 10_000}, {150, 1_000_150}} {
		files := logs(t, "maillog", strings.Repeat(line, c.lines))
		for _, size := range []int{200, 64 << 10} {
			o, events := options(), 0
			o.ChunkSize = size
			ledger, err := Read(t.Context(), files, o, func(batch []mail.Event) error {
				events += len(batch)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if events != c.most {
				t.Errorf("%d lines in chunks of %d: got %d events, want %d", c.lines, size, events, c.most)
			}
			if w := ledger.Files[0].Warnings; len(w) != 1 {
				t.Errorf("got warnings %q, want one about repetitions that were not counted", w)
			}
		}
	}
}

// Events and ledger do not depend on the number of workers and the size of the chunks.
func TestWorkersAndChunks(t *testing.T) {
	var files []string
	for f := range 4 {
		var b strings.Builder
		for i := range 3000 {
			at := noon.Add(-48*time.Hour + time.Duration(i*7+f*1000)*time.Second)
			fmt.Fprintf(&b, "%s mx%d postfix/a[%d]: line %d\n", at.Format("Jan _2 15:04:05"), f%3, i, i)
			if i%50 == 0 {
				fmt.Fprintf(&b, "%s mx%d last message repeated %d times\n", at.Format("Jan _2 15:04:05"), f%3, i%3)
			}
			if i%70 == 0 {
				fmt.Fprintf(&b, "%s mx%d exim[%d]: [1/2] <= for some\n%s mx%d exim[%d]: [2/2] body else\n", at.Format("Jan _2 15:04:05"), f%3, i, at.Format("Jan _2 15:04:05"), f%3, i)
			}
		}
		files = append(files, fmt.Sprintf("log%d", f), b.String())
	}
	inputs := logs(t, files...)
	want, wantLedger := read(t, options(), inputs)
	if len(want) < 12000 {
		t.Fatalf("only %d events", len(want))
	}
	for _, workers := range []int{1, 2, 7} {
		for _, size := range []int{100, 1000, 64 << 10} {
			o := options()
			o.Workers, o.ChunkSize = workers, size
			got, ledger := read(t, o, inputs)
			if !slices.Equal(got, want) {
				t.Errorf("%d workers, chunks of %d bytes: the events differ", workers, size)
			}
			if g, w := fmt.Sprintf("%+v", ledger), fmt.Sprintf("%+v", wantLedger); g != w {
				t.Errorf("%d workers, chunks of %d bytes: got ledger\n%s\nwant\n%s", workers, size, g, w)
			}
		}
	}
}

func TestPieces(t *testing.T) {
	long := strings.Repeat("first ", 3000)
	log := "Nov  7 04:00:01 mx exim[7]: [1/3] 2026-11-07 04:00:01 1s6n4v-0000000017h-1Cr6 <= for u1@x.example u2@x.exa\n" +
		"Nov  7 04:00:01 mx exim[8]: 2026-11-07 04:00:01 between\n" +
		"Nov  7 04:00:01 mx exim[7]: [2/3] mple u3@x.exa\n" +
		"Nov  7 04:00:01 mx exim[7]: [3/3] mple\n" +
		`Nov  7 04:00:02 mx exim[7]: [1\3] 2026-11-07 04:00:02 1s6n4v-0000000017h-1Cr6 rejected` + "\n" +
		`Nov  7 04:00:02 mx exim[7]: [2\3] Envelope-from: <a@ext.example>` + "\n" +
		"Nov  7 04:00:02 mx exim[7]: [3/3]   Date: now\n" +
		"2026-11-07T04:00:03Z stdout P Nov 07 04:00:03 mx postfix/a[1]: a long\n" +
		"2026-11-07T04:00:03Z stdout P er\n" +
		"2026-11-07T04:00:03Z stdout F  line\n" +
		`{"log":"Nov 07 04:00:04 mx postfix/a[1]: ` + long + `","stream":"stdout","time":"2026-11-07T04:00:04Z"}` + "\n" +
		`{"log":"last\n","stream":"stdout","time":"2026-11-07T04:00:04Z"}` + "\n" +
		`{"log":"Nov 07 04:00:05 mx postfix/a[1]: without a line end","stream":"stdout","time":"2026-11-07T04:00:05Z"}` + "\n" +
		"Nov  7 04:00:05 mx exim[9]: [1/2] 2026-11-07 04:00:05 never ended\n"
	for size := 1; size < 1500; size += 111 {
		o := options()
		o.ChunkSize = size
		got, ledger := read(t, o, logs(t, "maillog", log))
		wantLines(t, got,
			"0:2 11-07 04:00:01 mx between",
			"0:1 11-07 04:00:01 mx 1s6n4v-0000000017h-1Cr6 <= for u1@x.example u2@x.example u3@x.example",
			"0:5 11-07 04:00:02 mx 1s6n4v-0000000017h-1Cr6 rejected",
			"0:8 11-07 04:00:03 mx a longer line",
			"0:11 11-07 04:00:04 mx "+long+"last",
			"0:13 11-07 04:00:05 mx without a line end")
		if f := ledger.Files[0]; f.Parsed != 13 || f.Damaged != 1 {
			t.Errorf("got %+v, want 13 parsed, 1 damaged", f)
		}
	}
}

// Other programs write stamps like Exim's. Their lines are foreign, not unfamiliar.
func TestNotExim(t *testing.T) {
	for _, text := range []string{"status installed libc6:amd64 2.36", "update-alternatives 2026: run with --install", "upgrade exim4-base:amd64 4.96 4.97"} {
		got, ledger := read(t, options(), logs(t, "dpkg.log", "2026-11-07 04:00:01 "+text+"\n  more\n"))
		if f := ledger.Files[0]; len(got) != 0 || f.Foreign != 2 {
			t.Errorf("%s: got %q, %+v", text, got, f)
		}
	}
	got, _ := read(t, options(), logs(t, "log", "2026-11-07 04:00:01 words\n2026-11-07 04:00:02 1s6n4v-0000000017h-1Cr6 Completed\n"))
	wantLines(t, got, "0:1 11-07 04:00:01  words", "0:2 11-07 04:00:02  1s6n4v-0000000017h-1Cr6 Completed")
}

// The first line of a file can be later than the next ones.
func TestFirstLineLate(t *testing.T) {
	got, _ := read(t, options(), logs(t,
		"mx1", "Nov  7 04:00:00 mx1 postfix/a[1]: a\nNov  7 06:00:00 mx1 postfix/a[1]: c\n",
		"mx2", "Nov  7 08:00:00 mx2 postfix/a[1]: late\nNov  7 05:00:00 mx2 postfix/a[1]: b\nNov  7 07:00:00 mx2 postfix/a[1]: d\n"))
	wantLines(t, got, "0:1 11-07 04:00:00 mx1 a", "0:2 11-07 06:00:00 mx1 c", "1:1 11-07 08:00:00 mx2 late", "1:2 11-07 05:00:00 mx2 b", "1:3 11-07 07:00:00 mx2 d")
}

// With Options.Retain, the events given to sink do not change until so many further calls have returned, also over several files and
// with repeated lines.
func TestRetain(t *testing.T) {
	var one, two strings.Builder
	for i := range 400 {
		fmt.Fprintf(&one, "Nov 19 %02d:%02d:%02d mx1 postfix/smtpd[%d]: line %d\n", i/3600, i/60%60, i%60, i, i)
		fmt.Fprintf(&two, "Nov 19 %02d:%02d:%02d mx2 postfix/smtpd[%d]: message repeated 70 times: [ line %d]\n", i/2/3600, i/2/60%60, i/2%60, i, i)
		if i%40 == 0 { // batches without events
			one.WriteString(strings.Repeat(fmt.Sprintf("Nov 19 %02d:%02d:%02d mx1 cron[1]: nothing\n", i/3600, i/60%60, i%60), 500))
		}
	}
	type given struct {
		events []mail.Event
		was    string
	}
	for _, workers := range []int{1, 3} {
		o := options()
		o.Retain, o.Scrub, o.ChunkSize, o.Workers = 3, true, 4<<10, workers
		var latest []given
		n := 0
		_, err := Read(context.Background(), logs(t, "mx1.log", one.String(), "mx2.log", two.String()), o, func(events []mail.Event) error {
			for back, g := range slices.Backward(latest) {
				if fmt.Sprintf("%#v", g.events) != g.was {
					t.Fatalf("%d workers: what was given %d calls before changed too early", workers, len(latest)-back)
				}
			}
			latest = append(latest, given{events, fmt.Sprintf("%#v", events)})
			latest = latest[max(0, len(latest)-o.Retain):]
			n += len(events)
			return nil
		})
		if err != nil || n != 71*400 {
			t.Errorf("%d workers: got %d events and %v, want %d", workers, n, err, 71*400)
		}
	}
}

// What was read wrongly as a whole is told: lines that are cut, lines without ends, UTF-16 in the middle.
func TestGarbled(t *testing.T) {
	told := func(text, want string) {
		t.Helper()
		_, ledger := read(t, options(), logs(t, "maillog", text))
		if got := strings.Join(ledger.Files[0].Warnings, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("got warnings %q, want %q", got, want)
		}
	}
	const line = "Nov  7 04:12:09 mx1 postfix/smtpd[1]: "
	whole, cut := line+"one\n", line+"cut\n"
	told(strings.Repeat(whole, 101)+strings.Repeat(cut, 20), "")
	told(strings.Repeat(whole, 10)+strings.Repeat(cut, 19), "")
	told(strings.Repeat(whole, 100)+strings.Repeat(cut, 20), "20 of 120 lines of mail servers are damaged or not understood, and what they tell is missing: were lines wrapped")
	told(strings.Repeat(line+`one\n`, 3000), "a line of 129000 bytes, of which only the beginning was understood: are line ends lost?")
	told(whole+strings.ReplaceAll(whole+whole, "", "\x00"), "lines with NUL bytes inside: 2; were they cut by a crash")
}
