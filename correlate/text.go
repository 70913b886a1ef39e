package correlate

import (
	"strings"
	"unsafe"
)

// text is the memory of one message's strings. They live as long as the message, or whatever keeps some of it, and one piece of
// memory costs a fraction of a dozen small ones, to allocate and to collect.
//
// Most of what the first line of a message says are parts of that line, which is kept as well: these are not copied again.
type text struct {
	piece strings.Builder
	line  string // the current line, in the log's memory; "" after endLine
	kept  string // its copy
}

// How many bytes of a message's strings are usually not in its first line: Message-ID and addresses, if other lines have them.
const (
	usualPostfix = 112
	usualExim    = 40
)

// morePiece is the size of a further piece, for what does not fit into the first one.
const morePiece = 96

// reserve begins a piece.
func (x *text) reserve(n int) {
	x.piece.Reset()
	x.piece.Grow(n)
}

// keepLine copies a line. Until endLine, strings given to keep that are parts of it become parts of the copy.
func (x *text) keepLine(line string) {
	x.line = ""
	x.line, x.kept = line, x.keep(line)
}

// endLine ends what keepLine began: the memory of the log is reused after the event.
func (x *text) endLine() { x.line, x.kept = "", "" }

// keep returns a copy of s that does not keep the text of the log in memory.
func (x *text) keep(s string) string {
	if s == "" { // most fields of most lines are
		return ""
	}
	return x.copy(s)
}

// copy is keep for what is not empty. It stands apart so that keep is inlined.
func (x *text) copy(s string) string {
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

// placeIn returns the offset of s in line, if it is a slice of it; else -1. This needs unsafe, because searching for it would
// cost more than the copy that it saves.
func placeIn(line, s string) int {
	at := uintptr(unsafe.Pointer(unsafe.StringData(s))) - uintptr(unsafe.Pointer(unsafe.StringData(line)))
	if at < uintptr(len(line)) && uintptr(len(s)) <= uintptr(len(line))-at {
		return int(at)
	}
	return -1
}
