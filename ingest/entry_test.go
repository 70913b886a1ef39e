package ingest

import (
	"fmt"
	"strings"
	"testing"
)

// Entries that came in pieces: what belongs together, what is lost, and that every line is counted once.
func TestEntries(t *testing.T) {
	const at = "Nov  7 04:00:0%d mx1 exim[7]: %s\n"
	log := func(bodies ...string) string {
		var b strings.Builder
		for i, body := range bodies {
			fmt.Fprintf(&b, at, i, body)
		}
		return b.String()
	}
	for _, test := range []struct {
		name, log       string
		parsed, damaged int64
		want            []string
	}{
		{"a long line", log("[1/3] one ", "[2/3] two ", "[3/3] three"), 3, 0, []string{"0:1 11-07 04:00:00 mx1 one two three"}},
		{"a long line and further ones", log("[1/4] one ", `[2\4] two`, `[3\4] more`, "[4/4] more"), 4, 0, []string{"0:1 11-07 04:00:00 mx1 one two"}},
		{"further lines", log(`[1\3] one`, `[2\3] more`, "[3/3] more"), 3, 0, []string{"0:1 11-07 04:00:00 mx1 one"}},
		{"the middle is lost", log("[1/3] one ", "[3/3] three", "whole"), 1, 2, []string{"0:3 11-07 04:00:02 mx1 whole"}},
		{"of another entry", log("[1/3] one ", "[2/2] two", "whole"), 1, 2, []string{"0:3 11-07 04:00:02 mx1 whole"}},
		{"the end is lost", log("[1/2] one ", "[1/2] two ", "[2/2] three"), 2, 1, []string{"0:2 11-07 04:00:01 mx1 two three"}},
		{"the end of a further line is lost", log("[1/3] one ", `[2\3] two`, "[1/2] three ", "[2/2] four"), 4, 0, []string{"0:1 11-07 04:00:00 mx1 one two", "0:3 11-07 04:00:02 mx1 three four"}},
		{"the log ends in between", log("[1/3] one ", "[2/3] two "), 0, 2, nil},
		{"the log ends behind the first line", log("[1/3] one ", `[2\3] two`), 2, 0, []string{"0:1 11-07 04:00:00 mx1 one two"}},
		{"of no use", log("[1/2] du", "[2/2] ll"), 2, 0, nil},
	} {
		for _, size := range []int{50, 64 << 10} {
			o := options()
			o.ChunkSize = size
			got, ledger := read(t, o, logs(t, "mainlog", test.log))
			wantLines(t, got, test.want...)
			if f := ledger.Files[0]; f.Parsed != test.parsed || f.Damaged != test.damaged {
				t.Errorf("%s, chunks of %d: %d parsed, %d damaged, want %d and %d", test.name, size, f.Parsed, f.Damaged, test.parsed, test.damaged)
			}
		}
	}
	o := options()
	o.Everything = true
	got, _ := read(t, o, logs(t, "mainlog", log("[1/2] du", "[2/2] ll")))
	wantLines(t, got, "0:1 11-07 04:00:00 mx1 dull")
	_, ledger := read(t, options(), logs(t, "mainlog", log("[1/2] o", "[2/2] dd", "[1/2] cu", "[2/2] t")))
	if f := ledger.Files[0]; f.Unfamiliar != 2 || f.Damaged != 2 || len(ledger.Shapes) != 2 {
		t.Errorf("got %+v and %v, want two unfamiliar and two damaged lines", f, ledger.Shapes)
	}
}

// A container runtime cuts long lines. What is put together stays bounded, and all its lines are counted.
func TestPiecesOfContainers(t *testing.T) {
	const at = "2026-11-07T04:00:00.000000000Z stdout "
	line := "Nov  7 04:00:00 mx1 postfix/a[1]: "
	part := at + "P " + strings.Repeat("x", 16<<10) + "\n"
	n := 2 * maxEntry / len(part)
	got, ledger := read(t, options(), logs(t, "0.log", at+"P "+line+"\n"+strings.Repeat(part, n)+at+"F end\n"+at+"F "+line+"after\n"+at+"P "+line+"no end\n"))
	if f := ledger.Files[0]; len(got) != 2 || len(got[0]) > maxEntry+len(part) || !strings.HasSuffix(got[1], "after") || f.Parsed != int64(n+3) || f.Damaged != 1 {
		t.Errorf("%d events, the first of %d bytes; %d lines parsed, %d damaged, want 2 events of at most %d bytes, %d and 1",
			len(got), len(got[0]), f.Parsed, f.Damaged, maxEntry, n+3)
	}
	_, ledger = read(t, options(), logs(t, "0.log", at+"P no header,\n"+at+"F neither here\n"))
	if f := ledger.Files[0]; f.Foreign != 2 {
		t.Errorf("got %+v, want 2 foreign lines", f)
	}
}

// Ends of entries are lost all the time: few such entries are kept, and those that come later are put together all the same.
func TestPiecesThatAreLost(t *testing.T) {
	var text strings.Builder
	const n = 3*maxPending + 10
	for i := range n {
		fmt.Fprintf(&text, "Nov  7 04:00:00 mx1 exim[%d]: [1/2] one\n", i+1)
	}
	text.WriteString("Nov  7 04:00:01 mx1 exim[7]: [1/2] the \nNov  7 04:00:01 mx1 exim[7]: [2/2] last\n")
	got, ledger := read(t, options(), logs(t, "mainlog", text.String()))
	wantLines(t, got, fmt.Sprintf("0:%d 11-07 04:00:01 mx1 the last", n+1))
	if f := ledger.Files[0]; f.Damaged != n || f.Parsed != 2 {
		t.Errorf("%d damaged, %d parsed, want %d and 2", f.Damaged, f.Parsed, n)
	}
}
