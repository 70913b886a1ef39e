package correlate

import "strings"

// text is the memory of one message's strings: they live as long as the message does in whatever has kept some of it, and
// one piece of memory costs a fraction of a dozen small ones, to allocate and to the collector.
type text struct{ piece strings.Builder }

// usualText is how much of a message's strings does not stand in the line that bore it, or stands there and is kept a second
// time: name, HELO, addresses, Message-ID.
const usualText = 208

// morePiece is the size of a further piece, for what did not fit.
const morePiece = 128

// reserve begins a piece.
func (x *text) reserve(n int) {
	x.piece.Reset()
	x.piece.Grow(n)
}

// keep is a copy of s that does not keep the log's text in memory.
func (x *text) keep(s string) string {
	if s == "" {
		return ""
	}
	if x.piece.Len()+len(s) > x.piece.Cap() {
		x.reserve(max(len(s), morePiece))
	}
	start := x.piece.Len()
	x.piece.WriteString(s)
	return x.piece.String()[start:]
}
