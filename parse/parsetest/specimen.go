// Package parsetest runs the specimens of a format: lines of a log, each with the event that it means.
//
// It is imported by the tests of the formats only. A specimen file has remarks, raw lines and, below each line and indented by a
// tab, the one-line form of the event (mail.Event.AppendText), or, if the verdict is not Parsed, the verdict alone:
//
//	# Refused before a queue file exists, hence no queue ID.  smtpd/smtpd_check.c
//	Jul 12 07:47:48 mx1 postfix/smtpd[8738]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 …
//		reject client=192.0.2.7 name=unknown sender=a@b.example recipient=c@d.example stage=RCPT code=554 …
//
// "go test -update" rewrites the second lines; the diff is the review. The form leaves out what is in the line's header (time, host,
// process, PID), and an instance or daemon that only repeats the process.
package parsetest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailforensics/mail"
	"mailforensics/parse"
)

var update = flag.Bool("update", false, "write the events of the specimens anew")

// Specimen is one line of a specimen file and what is expected of it.
type Specimen struct {
	File string
	At   int    // number of the line in the file
	Line string // the raw line
	Want string // the one-line form, or the verdict
}

// Read returns the specimens of all files that match the pattern. It is an error if none does.
func Read(t testing.TB, pattern string) []Specimen {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no specimens in %s (%v)", pattern, err)
	}
	var all []Specimen
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, specimens(file, string(text))...)
	}
	return all
}

func specimens(file, text string) []Specimen {
	var all []Specimen
	for i, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] != '\t':
			all = append(all, Specimen{File: file, At: i + 1, Line: line})
		case len(all) > 0:
			all[len(all)-1].Want = line[1:]
		}
	}
	return all
}

// Run checks every specimen of the files that match the pattern: that the format parses it as the file says, that no truncation
// of it makes the format panic or invent anything, and that parsing it allocates nothing.
func Run(t *testing.T, f parse.Format, pattern string) {
	t.Helper()
	sp := newSplitter()
	for _, s := range Read(t, pattern) {
		got := sp.describe(f, s.Line)
		if got != s.Want && !*update {
			t.Errorf("%s:%d: %s\n got %s\nwant %s", s.File, s.At, s.Line, got, s.Want)
		}
		sp.truncate(t, f, s.Line)
		sp.allocate(t, f, s)
	}
	if *update {
		sp.rewrite(t, f, pattern)
	}
}

// describe returns what a specimen file says of a line.
func (sp splitter) describe(f parse.Format, line string) string {
	ev, body, ok := sp.split(line)
	if !ok {
		return "no header"
	}
	header := ev
	if v := f.Parse(body, &ev); v != parse.Parsed {
		return v.String()
	}
	if ev.MTA == mail.UnknownMTA {
		return "no MTA was set"
	}
	if rest := strings.TrimPrefix(ev.Process, ev.Instance); rest != ev.Process || ev.Instance == ev.Process {
		ev.Instance = ""
	}
	if strings.HasSuffix(ev.Process, ev.Daemon) {
		ev.Daemon = ""
	}
	if ev.Process == header.Process {
		ev.Process = ""
	}
	if ev.PID == header.PID {
		ev.PID = 0
	}
	ev.Time, ev.Host, ev.MTA = 0, "", mail.UnknownMTA
	form, _ := ev.AppendText(nil)
	return string(form)
}

// truncate parses all prefixes of the line, because a relay or a full disk may cut it anywhere.
func (sp splitter) truncate(t *testing.T, f parse.Format, line string) {
	t.Helper()
	for n := range len(line) + 1 {
		ev, body, ok := sp.split(line[:n])
		if !ok {
			continue
		}
		before := ev
		if f.Parse(body, &ev) == parse.Foreign && ev != before {
			t.Errorf("%q: foreign, but the event was changed", line[:n])
		}
		if name, value := invented(line[:n], &ev); name != "" {
			t.Errorf("%q: %s %q does not stand in the line", line[:n], name, value)
		}
		if ev.Raw != before.Raw || ev.Origin != before.Origin {
			t.Errorf("%q: the event lost the line itself, which is the evidence", line[:n])
		}
	}
}

func (sp splitter) allocate(t *testing.T, f parse.Format, s Specimen) {
	t.Helper()
	header, body, ok := sp.split(s.Line)
	if !ok || escaped(s.Line) {
		return
	}
	var ev mail.Event
	if n := testing.AllocsPerRun(10, func() { ev = header; f.Parse(body, &ev) }); n != 0 {
		t.Errorf("%s:%d: %v allocations for %s", s.File, s.At, n, s.Line)
	}
}

// Exclusive checks that no specimen of the files that match the pattern is claimed by two of the formats.
func Exclusive(t *testing.T, formats []parse.Format, pattern string) {
	t.Helper()
	sp := newSplitter()
	for _, s := range Read(t, pattern) {
		header, body, ok := sp.split(s.Line)
		if !ok {
			continue
		}
		claimed := ""
		for _, f := range formats {
			ev := header
			if f.Parse(body, &ev) == parse.Foreign {
				continue
			}
			if claimed != "" {
				t.Errorf("%s:%d: %s: claimed by %s and %s", s.File, s.At, s.Line, claimed, f.Name)
			}
			claimed = f.Name
		}
	}
}

func (sp splitter) rewrite(t *testing.T, f parse.Format, pattern string) {
	t.Helper()
	files, _ := filepath.Glob(pattern)
	for _, file := range files {
		old, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for line := range strings.Lines(string(old)) {
			if line[0] == '\t' {
				continue
			}
			b.WriteString(line)
			if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
				b.WriteString("\t" + sp.describe(f, line) + "\n")
			}
		}
		if b.String() == string(old) {
			continue
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
