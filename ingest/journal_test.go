package ingest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
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
