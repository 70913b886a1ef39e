package ingest

import (
	"fmt"
	"strings"
	"testing"

	"mailforensics/logfile"
	"mailforensics/mail"
)

// What is remembered of lines is bounded, also if very many come in one moment.
func TestRememberedLines(t *testing.T) {
	var d duplicates
	s := &stream{file: &file{in: &logfile.Input{Path: "maillog"}}}
	d.note(s, &batch{hosts: []hostLines{{host: "mx1"}}})
	for i := range 3 * rememberKeys / 2 {
		d.duplicate(s, &mail.Event{Host: "mx1", PID: i}, "x")
		if len(d.young) > rememberKeys+1 || len(d.old) > rememberKeys+1 {
			t.Fatalf("%d and %d keys after %d lines, want at most %d", len(d.young), len(d.old), i+1, rememberKeys)
		}
	}
	if len(d.old) == 0 {
		t.Error("nothing was forgotten")
	}
}

// A copy of a log of more hosts than are remembered is still a copy, and the ledger names as many hosts as it may.
func TestManyHosts(t *testing.T) {
	var text strings.Builder
	const n = maxHosts + 500
	for i := range n {
		fmt.Fprintf(&text, "Nov  7 04:00:00 mx%d postfix/a[1]: x\n", i)
	}
	text.WriteString("Nov  7 04:00:00 mx1499 last message repeated 2 times\n")
	got, ledger := read(t, options(), logs(t, "a/maillog", text.String(), "b/copy", text.String()))
	if f := ledger.Files[0]; len(f.Hosts) != maxHosts || f.Parsed != n+1 {
		t.Errorf("%d hosts, %d lines parsed, want %d and %d", len(f.Hosts), f.Parsed, maxHosts, n+1)
	}
	if len(got) != n+2 {
		t.Errorf("got %d events, want %d", len(got), n+2)
	}
}

// A log that was rotated within a second has lines of that second in both files, which are no copies; whole files that lie in one
// second, and files that are no rotation of each other, have.
func TestRotatedWithinASecond(t *testing.T) {
	const before, line, after = "Nov  7 04:00:00 mx1 postfix/a[1]: a\n", "Nov  7 04:00:01 mx1 postfix/a[1]: x\n", "Nov  7 04:00:02 mx1 postfix/a[1]: b\n"
	for _, test := range []struct {
		name  string
		files []string
		want  int
	}{
		{"rotated", []string{"maillog.1", before + line, "maillog", line + after}, 4},
		{"copies of one second", []string{"maillog.1", line, "maillog", line + after}, 2},
		{"another log", []string{"maillog.1", before + line, "mail.all", line + after}, 3},
	} {
		if got, _ := read(t, options(), logs(t, test.files...)); len(got) != test.want {
			t.Errorf("%s: got %q, want %d", test.name, got, test.want)
		}
	}
}
