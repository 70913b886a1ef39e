package ingest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"mailforensics/logfile"
)

func TestJournal(t *testing.T) {
	const journal = "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1794024001183422\n_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=postfix/smtpd\nSYSLOG_PID=20114\nMESSAGE=one = two\n\n" +
		"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1794024002000000\n_HOSTNAME=mx1\n_PID=7\nSYSLOG_IDENTIFIER=sshd\nMESSAGE=foreign\n\n" +
		"__CURSOR=s=1;i=3\n__REALTIME_TIMESTAMP=1794024003000000\n_HOSTNAME=mx1\n_PID=7\nSYSLOG_IDENTIFIER=postfix/smtpd\nMESSAGE\n\x04\x00\x00\x00\x00\x00\x00\x00caf\xe9\n\n" +
		"__CURSOR=s=1;i=4\n__REALTIME_TIMESTAMP=1794024004000000\n_HOSTNAME=mx1\n_PID=7\nSYSLOG_IDENTIFIER=postfix/smtpd\nMESSAGE\n\x0a\x00\x00\x00\x00\x00\x00\x00ten bytes!\n\n" +
		"__CURSOR=s=1;i=5\n__REALTIME_TIMESTAMP=1794024005000000\n_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=postfix/smtpd\nMESSAGE=cut off"
	for size := 40; size < 2000; size += 97 {
		o := options()
		o.ChunkSize = size
		got, ledger := read(t, o, logs(t, "journal", journal))
		wantLines(t, got, "0:6 11-07 04:00:01 mx1 one = two", "0:21 11-07 04:00:03 mx1 caf\xe9", "0:30 11-07 04:00:04 mx1 ten bytes!", "0:36 11-07 04:00:05 mx1 cut off")
		if f := ledger.Files[0]; f.Foreign != 7 || f.Parsed != f.Lines-7 {
			t.Errorf("got %+v, want 7 foreign lines, the rest parsed", f)
		}
	}
}

// A value with a length is data to its end, whatever its field: what looks like a record in it is none.
func TestJournalValuesAreData(t *testing.T) {
	field := func(name, value string) string {
		length := make([]byte, 8)
		binary.LittleEndian.PutUint64(length, uint64(len(value)))
		return name + "\n" + string(length) + value + "\n"
	}
	record := func(second int, fields string) string {
		return fmt.Sprintf("__CURSOR=s=1;i=%d\n__REALTIME_TIMESTAMP=17940240%02d000000\n_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=postfix/smtpd\nSYSLOG_PID=7\n%s\n", second, second, fields)
	}
	forged := "x\n\n" + record(59, "MESSAGE=forged\n")
	journal := record(1, field("NOTE", forged)+"MESSAGE=one\n") +
		record(2, field("MESSAGE", "two\n"+record(58, "MESSAGE=forged\n"))) +
		record(3, field("NOTE", "\x00"+forged+strings.Repeat("x", 256-len(forged)-1))+"MESSAGE=three\n") + // its length begins with a zero, and so does the value
		record(4, field("NOTE", "")+"MESSAGE=four\n") +
		record(5, "NOTE\n\xff\xff\xff\xff\xff\xff\xff\xff is no length\nMESSAGE=five\n") +
		record(6, "NOTE="+strings.Repeat("x", 3<<20)+"MESSAGE=forged\nMESSAGE=six\n") +
		record(7, field("NOTE", strings.Repeat("y", 3<<20)+forged)+"MESSAGE=seven\n")
	for _, size := range []int{100, 1000, 128 << 10} {
		o := options()
		o.ChunkSize = size
		got, ledger := read(t, o, logs(t, "journal", journal))
		all := strings.Join(got, "\n")
		for _, want := range []string{"04:00:01 mx1 one", "04:00:02 mx1 two", "04:00:03 mx1 three", "04:00:04 mx1 four", "04:00:05 mx1 five", "04:00:06 mx1 six", "04:00:07 mx1 seven"} {
			if !strings.Contains(all, want) {
				t.Errorf("chunks of %d: %q is missing in\n%.2000s", size, want, all)
			}
		}
		if len(got) != 7 {
			t.Errorf("chunks of %d: got %d events, want 7", size, len(got))
		}
		if f := ledger.Files[0]; f.Parsed != f.Lines || f.Lines != int64(strings.Count(journal, "\n")) {
			t.Errorf("chunks of %d: got %+v, want all %d lines", size, f, strings.Count(journal, "\n"))
		}
	}
}

// All lines of a record get its verdict.
func TestJournalVerdicts(t *testing.T) {
	var journal string
	for i, message := range []string{"fine", "odd", "cut", "dull"} {
		journal += fmt.Sprintf("__CURSOR=s=1;i=%d\n__REALTIME_TIMESTAMP=179402400%d000000\n_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=postfix/smtpd\nSYSLOG_PID=7\n%sMESSAGE=%s\n\n",
			i, i, strings.Repeat("NOTE=x\n", i), message)
	}
	journal += "__CURSOR=s=1;i=9\n__REALTIME_TIMESTAMP=1794024009000000\n_HOSTNAME=mx [1]: \nSYSLOG_IDENTIFIER=postfix/smtpd\n_PID=\nMESSAGE=a strange host\n"
	got, ledger := read(t, options(), logs(t, "journal", journal))
	wantLines(t, got, "0:6 11-07 04:00:00 mx1 fine", "0:40 11-07 04:00:09 - a strange host")
	if f := ledger.Files[0]; f.Parsed != 7+10+6 || f.Unfamiliar != 8 || f.Damaged != 9 || f.Foreign != 0 {
		t.Errorf("got %+v, want 23 lines parsed, 8 unfamiliar, 9 damaged", f)
	}
}

// Wherever a chunk ends within a value with a length, or within the length, the record is the same. Here one byte of the length is a
// line end, too.
func TestJournalCutAnywhere(t *testing.T) {
	const begin = "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1794024001000000\n_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=postfix/smtpd\nMESSAGE\n"
	const value = "\x0a\x00\x00\x00\x00\x00\x00\x00ten\nbytes!\n"
	const end = "_PID=7\n\n"
	want := journalHead(begin + value + end)
	if !strings.HasSuffix(want, "mx1 postfix/smtpd[7]: ten bytes!\n") {
		t.Fatalf("got %q", want)
	}
	text := begin + value + end
	for one := len(begin); one < len(begin+value); one++ {
		for two := one; two <= len(begin+value); two++ {
			var x journal
			line := int64(1)
			for _, part := range []string{text[:one], text[one:two], text[two:]} {
				x.lines(logfile.Chunk{Text: part, Line: line})
				line += int64(strings.Count(part, "\n"))
			}
			if got := x.out.String(); got != want || len(x.recs) != 1 || x.recs[0] != (record{line: 7, lines: 10}) {
				t.Errorf("cut at %d and %d: got %q, %+v", one, two, got, x.recs)
			}
		}
	}
}

func TestIsFieldName(t *testing.T) {
	for name, want := range map[string]bool{"MESSAGE": true, "_PID": true, "X9": true, "": false, "message": false, "A B": false, "A.B": false, "A@": false, "A[": false, "A/": false, "A:": false} {
		if got := isFieldName(name); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
}
