package ingest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Lines that were wrapped at the width of a screen are read whole, whether or not the blanks at its edge were lost.
func TestWrapped(t *testing.T) {
	var lines []string
	for _, words := range []string{"one", "one two three", strings.Repeat("long ", 40), strings.Repeat("long ", 40) + "end", "é€ü and so on, with a line over three lines of the screen, at least"} {
		for range 3 {
			lines = append(lines, "Nov  7 04:12:09 mx1 postfix/smtpd[1]: "+strings.TrimSpace(words))
		}
	}
	for _, width := range []int{60, 79, 80, 120} {
		for name, edge := range map[string]func(part string) string{
			"as it was":   func(part string) string { return part },
			"blanks lost": func(part string) string { return strings.TrimRight(part, " ") },
			"CRLF":        func(part string) string { return part + "\r" },
		} {
			var text strings.Builder
			for _, line := range lines {
				for part := range slices.Chunk([]rune(line), width) {
					text.WriteString(edge(string(part)) + "\n")
				}
			}
			got := strings.Split(string(joinLines([]byte(text.String()), width, nil)), "\n")
			if !slices.Equal(got[:len(got)-1], lines) {
				t.Errorf("%d columns, %s: got\n%s", width, name, strings.Join(got, "\n"))
			}
			_, ledger := read(t, options(), logs(t, "maillog", text.String()))
			if f := ledger.Files[0]; !strings.HasPrefix(f.Numbering, "lines are wrapped at ") || f.Lines != int64(len(lines)) {
				t.Errorf("%d columns, %s: got %d lines, %q", width, name, f.Lines, f.Numbering)
			}
		}
	}

	// A log server shows the newest first.
	var text strings.Builder
	for second := 19; second >= 10; second-- {
		fmt.Fprintf(&text, "Nov  7 04:12:%d mx1 postfix/smtpd[1]: warning: o\nne %d\n", second, second)
	}
	got, ledger := read(t, options(), logs(t, "maillog", text.String()))
	if f := ledger.Files[0]; f.Lines != 10 || !strings.Contains(f.Numbering, "wrapped") || !strings.Contains(f.Numbering, "tac(1)") {
		t.Errorf("newest first: got %d lines, %q", f.Lines, f.Numbering)
	}
	if !slices.IsSortedFunc(got, byStamp) || !strings.HasSuffix(got[0], "one 10") {
		t.Errorf("newest first: got %q", got)
	}

	for name, text := range map[string]string{
		"few":    strings.Repeat("Nov  7 04:12:09 mx1 postfix/smtpd[1]: one, of wh\nich this is the rest\n", 4),
		"longer": strings.Repeat("Nov  7 04:12:09 mx1 postfix/smtpd[1]: one, of wh\nich this is the rest\n", 5) + "Nov  7 04:12:09 mx1 postfix/smtpd[1]: one, which is longer\n",
		"alike":  strings.Repeat(strings.Repeat("Nov  7 04:12:09 mx1 postfix/smtpd[1]: one, of wh\n", 3)+"ich this is the rest\n", 5),
		"whole":  strings.Join(lines, "\n"),
	} {
		if _, ledger := read(t, options(), logs(t, "maillog", text)); ledger.Files[0].Numbering != "" {
			t.Errorf("%s: got %q", name, ledger.Files[0].Numbering)
		}
	}
}
