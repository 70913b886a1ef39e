package correlate

import (
	"strings"
	"unsafe"
)

// text is the memory of one message's strings: they live as long as the message does in whatever has kept some of it, and
// one piece of memory costs a fraction of a dozen small ones, to allocate and to the collector.
//
// Most of what the line says that bore the message are parts of that line, which is kept as well: they are not copied again.
type text struct {
	piece strings.Builder
	line  string // the line at hand, in the log's memory; "" after its event
	kept  string // its copy
}

// How much of a message's strings is usually not in the line that bore it: Message-ID and addresses, where other lines have them.
const (
	usualPostfix = 112
	usualExim    = 40
)

// morePiece is the size of a further piece, for what did not fit.
const morePiece = 96

// reserve begins a piece.
func (x *text) reserve(n int) {
	x.piece.Reset()
	x.piece.Grow(n)
}

// keepLine is a copy of a line, of which what keep is given is a part until endLine.
func (x *text) keepLine(line string) string {
	x.line = ""
	x.line, x.kept = line, x.keep(line)
	return x.kept
}

// endLine ends that: the log's memory is used again.
func (x *text) endLine() { x.line, x.kept = "", "" }

// keep is a copy of s that does not keep the log's text in memory.
func (x *text) keep(s string) string {
	if s == "" {
		return ""
	}
	if at := placeIn(x.line, s); at >= 0 {
		return x.kept[at : at+len(s)]
	}
	if x.piece.Len()+len(s) > x.piece.Cap() {
		x.reserve(max(len(s), morePiece))
	}
	start := x.piece.Len()
	x.piece.WriteString(s)
	return x.piece.String()[start:]
}

// placeIn is where s stands in line, if it is a slice of it; else -1. That it is one cannot be said without unsafe; to search for
// it would cost more than the copy that this saves.
func placeIn(line, s string) int {
	at := uintptr(unsafe.Pointer(unsafe.StringData(s))) - uintptr(unsafe.Pointer(unsafe.StringData(line)))
	if at < uintptr(len(line)) && uintptr(len(s)) <= uintptr(len(line))-at {
		return int(at)
	}
	return -1
}
