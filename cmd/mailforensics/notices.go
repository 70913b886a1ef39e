package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"mailforensics/report"
)

// What the program says beside its result goes to standard error, a line each, with its name in front; what it says may
// contain a path or a line of a log, and is made harmless.

// say writes an error or a warning.
func say(w io.Writer, text string) {
	prefix := "mailforensics: "
	for line := range strings.SplitSeq(text, "\n") {
		if rest, ok := strings.CutPrefix(line, "hint: "); ok {
			hint(w, rest)
			continue
		}
		fmt.Fprintln(w, prefix+report.Visible(line))
		prefix = ""
	}
}

// hint writes advice.
func hint(w io.Writer, text string) {
	fmt.Fprintln(w, "hint: "+report.Visible(text))
}

// isTerminal reports whether w or r is a terminal.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// columns is the width of the terminal that w is, 0 if it is none.
func columns(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return max(n, leastColumns)
	}
	n, _, err := term.GetSize(int(file.Fd()))
	if err != nil || n <= 0 {
		return 80
	}
	return max(n, leastColumns)
}

// leastColumns is what a report needs; a narrower terminal wraps by itself.
const leastColumns = 40
