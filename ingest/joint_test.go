package ingest

import (
	"strings"
	"testing"
)

// Logs of two hosts, one behind the other in one file: what passes from one to the other is not recognised, and the report says so.
// Lines of hosts that take turns are as they should be.
func TestHostsPutTogether(t *testing.T) {
	line := func(host, clock string) string { return "Nov  7 " + clock + " " + host + " postfix/a[1]: x\n" }
	warnings := func(lines ...string) (list string) {
		for _, size := range []int{60, 64 << 10} { // a chunk a line, and one chunk
			o := options()
			o.ChunkSize = size
			_, ledger := moments(t, o, written(logs(t, "maillog", strings.Join(lines, "")), "2025-11-09"))
			got := strings.Join(ledger.Files[0].Warnings, "\n")
			if size != 60 && got != list {
				t.Errorf("one chunk: got %q, chunks of a line: %q", got, list)
			}
			list = got
		}
		return list
	}
	got := warnings(line("mx1", "04:00:00"), line("mx1", "20:00:00"), line("mx2", "04:00:01"), line("mx2", "20:00:01"))
	if want := "lines of mx2 begin at 2025-11-07 04:00:01, behind lines of 2025-11-07 20:00:00: "; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := warnings(line("mx1", "04:00:00"), line("mx2", "04:00:01"), line("mx1", "20:00:00"), line("mx2", "20:00:01"), line("mx3", "19:59:00")); got != "" {
		t.Errorf("got %q", got)
	}
}
