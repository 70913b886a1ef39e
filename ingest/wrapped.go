package ingest

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// wrapping finds out whether lines were wrapped at the width of a screen, as copies from one are: what has no header follows lines that are
// all of one length, which none exceeds, and at most half of that length are whole. Lengths are in characters.
type wrapping struct {
	lines   map[int]int // by length
	follows map[int]int // … of them, those after which a line without a header follows
	without int         // all lines without a header that follow another
	longest int         // length of the longest line
	last    int         // length of the last line
}

func newWrapping() *wrapping {
	return &wrapping{lines: make(map[int]int), follows: make(map[int]int)}
}

// note takes down the next line, and whether it has a header.
func (w *wrapping) note(line string, header bool) {
	if !header && w.last > 0 && line != "" {
		w.without++
		w.follows[w.last]++
	}
	w.last = utf8.RuneCountInString(line)
	w.lines[w.last]++
	w.longest = max(w.longest, w.last)
}

// arrangement returns what joins the parts of lines again; nil: they were not wrapped. A blank at the end of a line is often lost.
func (w *wrapping) arrangement(layout *parse.Layout) *logfile.Arrangement {
	const few, narrowest = 5, 40
	full := w.follows[w.longest] + w.follows[w.longest-1]
	if w.without < few || w.longest < narrowest || 10*full < 9*w.without || 2*w.follows[w.longest] < w.lines[w.longest] {
		return nil
	}
	width := w.longest
	return &logfile.Arrangement{
		Why:     fmt.Sprintf("lines are wrapped at %d columns", width),
		How:     "their parts are joined, and lines are numbered so",
		Arrange: func(text []byte) ([]byte, bool) { return joinLines(text, width, layout), true },
	}
}

// joinLines joins the parts of lines that were wrapped at a width: what has no header belongs to the line before if that is full, or
// lacks a blank.
func joinLines(text []byte, width int, layout *parse.Layout) []byte {
	reader := orderReader(layout)
	joined := make([]byte, 0, len(text))
	last := 0 // length of the last part
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\r\n")
		if missing := width - last; missing <= 1 && !begins(reader, string(line)) {
			joined = append(bytes.TrimSuffix(joined, []byte("\n")), "  "[:max(0, missing)]...)
		}
		joined = append(append(joined, line...), '\n')
		last = utf8.RuneCount(line)
	}
	return joined
}

// begins reports whether a line has a header of its own.
func begins(reader *parse.HeaderReader, line string) bool {
	var ev mail.Event
	_, ok := reader.Read(line, &ev)
	return ok && ev.Time != 0 && !reader.Torn
}
