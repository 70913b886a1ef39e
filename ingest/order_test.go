package ingest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailforensics/logfile"
	"mailforensics/mail"
)

func TestOrder(t *testing.T) {
	newestFirst := func(seconds ...int) bool {
		o := newOrder()
		for i, s := range seconds {
			o.note(&mail.Event{Host: []string{"mx1", "mx2"}[i%2], Time: mail.Instant(1e9 * (1000 + s + 3600*(i%2)))}, false) // the second host is in another zone
		}
		return o.newestFirst()
	}
	for name, seconds := range map[string][]int{
		"all":            {9, 8, 7, 6, 5},
		"a few not":      {90, 80, 70, 60, 64, 50, 40, 30, 35, 20, 10, 5, 4, 3, 2, 1, 0},
		"at one moment":  {9, 9, 9, 5, 5, 5, 1, 1, 0, 0},
		"hosts by turns": {9, 9, 8, 8, 5, 5, 1, 1},
	} {
		if !newestFirst(seconds...) {
			t.Errorf("%s: got oldest first, want newest first", name)
		}
	}
	for name, seconds := range map[string][]int{
		"nothing":                    nil,
		"usual":                      {1, 2, 3, 4, 5, 6},
		"at one moment":              {5, 5, 5, 5},
		"two of a race":              {5, 5, 4, 5, 4, 5, 5, 5},
		"the clock was set":          {9000, 9000, 1, 1, 1, 1},
		"no order":                   {1, 7, 7, 2, 4, 9, 6, 0, 5, 8, 3, 3},
		"too few to say":             {5, 5, 4, 4, 4, 4},
		"newest of several in front": {7, 7, 1, 1, 2, 2, 3, 3, 4, 4},
	} {
		if newestFirst(seconds...) {
			t.Errorf("%s: got newest first, want oldest first", name)
		}
	}
}

// Lines that are sorted by something else, or by nothing, are sorted by time; but not those of programs whose clocks differ, as in a jail.
func TestNoOrder(t *testing.T) {
	const usual = "Nov  7 04:%s mx1 postfix/%s: one\n"
	var inOrder, jail, some, shuffled, reports strings.Builder
	for i := range 40 {
		at := func(i int) string { return fmt.Sprintf("%02d:%02d", i/2, i%2*30) }
		fmt.Fprintf(&inOrder, usual, at(i), "smtpd")
		fmt.Fprintf(&jail, usual, at(i), "qmgr")
		fmt.Fprintf(&jail, strings.Replace(usual, " 04:", " 03:", 1), at(i), "smtpd")
		// Half of the processes are in one.
		fmt.Fprintf(&some, strings.Replace(usual, " 04:", fmt.Sprintf(" %02d:", 3+i%2), 1), at(i), "smtpd")
		fmt.Fprintf(&shuffled, usual, at(i*17%40), "smtpd")
		fmt.Fprintf(&reports, usual, at(i%8*4+i/8), "smtpd")
	}
	for name, c := range map[string]struct {
		text   string
		sorted bool
	}{
		"in order": {inOrder.String(), false}, "a jail": {jail.String(), false}, "a jail for some": {some.String(), false},
		"the log again": {inOrder.String() + inOrder.String(), false},
		"shuffled":      {shuffled.String(), true}, "parts": {reports.String(), false}, "many parts": {strings.Repeat(reports.String(), 3), true},
	} {
		got, ledger := read(t, options(), logs(t, "maillog", c.text))
		if sorted := ledger.Files[0].Numbering != ""; sorted != c.sorted || c.sorted && !slices.IsSortedFunc(got, byStamp) {
			t.Errorf("%s: got sorted %v %q, want %v", name, sorted, got, c.sorted)
		}
	}
}

// byStamp compares lines as read returns them, "0:1 11-07 04:12:09 mx1 one", by their stamps.
func byStamp(a, b string) int {
	const stamp = len("11-07 04:12:09")
	_, a, _ = strings.Cut(a, " ")
	_, b, _ = strings.Cut(b, " ")
	return strings.Compare(a[:stamp], b[:stamp])
}

func TestSortLines(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"no stamp\nNov  7 04:12:10 mx1 postfix/smtpd[1]: b\r\nbehind b\nNov  7 04:12:09 mx1 postfix/smtpd[1]: a\nNov  7 04:12:10 mx1 postfix/smtpd[1]: c\n",
			"no stamp\nNov  7 04:12:09 mx1 postfix/smtpd[1]: a\nNov  7 04:12:10 mx1 postfix/smtpd[1]: b\r\nbehind b\nNov  7 04:12:10 mx1 postfix/smtpd[1]: c\n"},
		{"Mar  1 04:12:10 mx1 a: x\nFeb 29 04:12:09 mx1 a: x\n", "Feb 29 04:12:09 mx1 a: x\nMar  1 04:12:10 mx1 a: x\n"},
		{"Jan  7 04:12:10 mx1 a: x\nDec  7 04:12:09 mx1 a: x\nJan  7 04:12:09 mx1 a: x\n", ""},
		{"2024-01-07T04:12:10Z mx1 a: x\n2023-12-07T04:12:09Z mx1 a: x\n", "2023-12-07T04:12:09Z mx1 a: x\n2024-01-07T04:12:10Z mx1 a: x\n"},
	} {
		if got, ok := sortLines([]byte(c.text), nil); string(got) != c.want || ok != (c.want != "" || c.text == "") {
			t.Errorf("got %q, %v, want %q", got, ok, c.want)
		}
	}
}

// What is newest first is read from its end, from a pipe, too, and so is a table whose columns have names.
func TestNewestFirst(t *testing.T) {
	lines := []string{
		"Nov  7 04:12:09 mx1 postfix/smtpd[1]: one", "Nov  7 04:12:10 mx1 postfix/smtpd[1]: two", "Nov  7 04:12:10 mx1 postfix/smtpd[1]: three",
		"Nov  7 04:12:11 mx1 postfix/smtpd[1]: four", "Nov  7 04:12:12 mx1 postfix/smtpd[1]: five"}
	slices.Reverse(lines)
	want := []string{"0:1 11-07 04:12:09 mx1 one", "0:2 11-07 04:12:10 mx1 two", "0:3 11-07 04:12:10 mx1 three", "0:4 11-07 04:12:11 mx1 four", "0:5 11-07 04:12:12 mx1 five"}

	got, ledger := read(t, options(), logs(t, "maillog", strings.Join(lines, "\n")))
	wantLines(t, got, want...)
	if f := ledger.Files[0]; len(f.Warnings) > 0 || f.Numbering != "the newest line is the first: lines are read and numbered from the end, as tac(1) shows them" {
		t.Errorf("got warnings %q, lines %q", f.Warnings, f.Numbering)
	}
	pipe, _ := logfile.Expand([]string{logfile.Stdin}, strings.NewReader(strings.Join(lines, "\n")))
	got, _ = read(t, options(), pipe)
	wantLines(t, got, want...)

	// Exim writes its own stamp behind that of syslog, and has a year.
	exim := []string{"Nov  7 04:12:12 mx1 dovecot: a", "Nov  7 04:12:12 mx1 exim[1]: 2025-11-07 04:12:12 b", "Nov  7 04:12:11 mx1 dovecot: c",
		"Nov  7 04:12:11 mx1 exim[1]: 2025-11-07 04:12:11 d", "Nov  7 04:12:10 mx1 dovecot: e", "Nov  7 04:12:10 mx1 exim[1]: 2025-11-07 04:12:10 f"}
	_, ledger = read(t, options(), logs(t, "maillog", strings.Join(exim, "\n")))
	if f := ledger.Files[0]; f.Numbering == "" {
		t.Error("stamps of two kinds: got lines as they stand, want them newest last")
	}

	table := "@timestamp,host,program,message\n"
	for _, line := range lines {
		table += strings.NewReplacer("Nov  7 ", "2025-11-07T", " mx1 postfix/smtpd[1]: ", "Z,mx1,postfix/smtpd,").Replace(line) + "\n"
	}
	got, _ = read(t, options(), logs(t, "table.csv", table))
	wantLines(t, got, want...)
}
