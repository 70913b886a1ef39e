package ingest

import "unicode/utf8"

// wrapping finds out whether lines were wrapped at the width of a screen: what has no header follows lines that are all of one length,
// which none exceeds.
type wrapping struct {
	follows map[int]int // by length: lines after which one without a header follows
	without int         // lines without a header
	longest int
	last    int // length of the last line
}

// note takes down the next line.
func (w *wrapping) note(line string, header bool) {
	if !header && w.last > 0 && line != "" {
		w.without++
		w.follows[w.last]++
	}
	w.last = utf8.RuneCountInString(line)
	w.longest = max(w.longest, w.last)
}

// width returns the width at which lines were wrapped; 0: they were not. A blank at the end of a line is often lost.
func (w *wrapping) width() int {
	const few, narrowest = 5, 40
	full := w.follows[w.longest] + w.follows[w.longest-1]
	if w.without < few || w.longest < narrowest || 10*full < 9*w.without {
		return 0
	}
	return w.longest
}
