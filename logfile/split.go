package logfile

import (
	"bytes"
	"unicode/utf8"
)

// Chunk is some whole lines of one file.
type Chunk struct {
	Path string // of the file, as in Input
	Line int64  // number of the first line, from 1
	Text string // never changes; lines end with LF (a CR before it is left to the parser), the last line of a file may lack it

	// Cut: the last line of Text is not whole. It was longer than the limit, or the archive is damaged behind it, or the file
	// was rotated away before the line was finished.
	Cut bool

	memory *memory // that Text stands in, where it is lent; see Lender
}

// A splitter cuts text that comes in arbitrary pieces into chunks of whole lines. What comes out does not depend on the
// pieces. Feed it with room and filled; take chunks with full (while reading), whole (when there is nothing more right now)
// and rest (at the end).
//
// NULs at the beginning of a line are dropped: a file system that lost power leaves them where data was expected, and so does
// copytruncate when the writer goes on at its old offset (gigabytes of them, without an LF). The line behind them is good.
type splitter struct {
	size     int  // fill the buffer up to here before a chunk is cut
	maxLine  int  // a longer line is cut here, the rest of it is skipped; size-1 at least
	verbatim bool // nothing is dropped: the rest of a long line follows in chunks of its own
	lender   *Lender

	lent     *memory // that buf stands in
	buf      []byte  // buf[:n] is text that is not handed out yet; it begins at the start of a line
	n        int
	searched int   // buf[:searched] has no LF
	line     int64 // number of the line that buf begins with
	skipping bool  // the line that buf begins with was cut: drop up to and including the next LF

	nuls, cutLines, cutBytes int64 // what was left out
}

func newSplitter(size, maxLine int, lender *Lender) *splitter {
	s := &splitter{size: size, maxLine: max(maxLine, size-1), lender: lender, line: 1}
	s.borrow(size)
	return s
}

// borrow makes a new buffer.
func (s *splitter) borrow(size int) {
	s.lent = s.lender.lend(size)
	s.buf = s.lent.bytes
}

// end gives the buffer back.
func (s *splitter) end() { s.lender.Return(Chunk{memory: s.lent}) }

// room is where the next piece of text goes. It is never empty, provided that full was asked after each filled.
func (s *splitter) room() []byte {
	if s.n < s.size {
		return s.buf[s.n:s.size]
	}
	return s.buf[s.n:]
}

// filled says that k bytes were put into the room.
func (s *splitter) filled(k int) {
	if s.skipping {
		k = s.skip(k)
	}
	if fresh := s.buf[s.n : s.n+k]; !s.verbatim && bytes.IndexByte(fresh, 0) >= 0 {
		k = s.dropNULs(fresh)
	}
	s.n += k
}

// skip drops from the k fresh bytes what belongs to the line that was cut, and returns how many are left. The buffer is empty
// while it skips.
func (s *splitter) skip(k int) int {
	end := bytes.IndexByte(s.buf[:k], '\n')
	if end < 0 {
		s.cutBytes += int64(k)
		return 0
	}
	s.skipping = false
	s.line++
	s.cutBytes += int64(end)
	return copy(s.buf, s.buf[end+1:k])
}

// dropNULs drops the NULs that stand at the beginning of a line, in place, and returns how many bytes are left.
func (s *splitter) dropNULs(fresh []byte) int {
	atStart := s.n == 0 || s.buf[s.n-1] == '\n' // the buffer itself begins at the start of a line
	kept := 0
	for len(fresh) > 0 {
		if atStart {
			rest := bytes.TrimLeft(fresh, "\x00")
			s.nuls += int64(len(fresh) - len(rest))
			fresh = rest
		}
		end := bytes.IndexByte(fresh, '\n') + 1
		if end == 0 {
			end = len(fresh)
		}
		kept += copy(s.buf[s.n+kept:], fresh[:end])
		fresh = fresh[end:]
		atStart = true
	}
	return kept
}

// full returns a chunk when the buffer is full, else false.
func (s *splitter) full() (Chunk, bool) {
	if s.n < s.size {
		return Chunk{}, false
	}
	if c, ok := s.whole(); ok {
		return c, true
	}
	if s.n <= s.maxLine {
		s.grow()
		return Chunk{}, false
	}
	return s.cut(), true
}

// whole returns the whole lines that are there.
func (s *splitter) whole() (Chunk, bool) {
	end := bytes.LastIndexByte(s.buf[s.searched:s.n], '\n')
	if end < 0 {
		s.searched = s.n
		return Chunk{}, false
	}
	return s.take(s.searched + end + 1), true
}

// rest returns everything that is there: the last line may lack its LF, and cut says that it is not whole.
func (s *splitter) rest(cut bool) (Chunk, bool) {
	if s.n == 0 {
		return Chunk{}, false
	}
	c := s.take(s.n)
	if c.Text[len(c.Text)-1] != '\n' {
		s.line++
		c.Cut = cut
	}
	return c, true
}

// take hands out the first k bytes: where they are most of the buffer, with the buffer, else as a copy.
func (s *splitter) take(k int) Chunk {
	c := Chunk{Line: s.line}
	s.line += int64(bytes.Count(s.buf[:k], newline))
	rest := s.buf[k:s.n]
	if k < len(s.buf)/2 {
		c.Text = string(s.buf[:k])
	} else {
		c.Text, c.memory = s.lent.text(k), s.lent
		s.borrow(max(s.size, len(rest)+1))
	}
	s.n = copy(s.buf, rest)
	s.searched = s.n // what is left is less than a line
	return c
}

var newline = []byte{'\n'}

// cut hands out the beginning of a line that is too long, not splitting a character.
func (s *splitter) cut() Chunk {
	k := s.maxLine
	for back := 0; back < utf8.UTFMax && k > 1 && !utf8.RuneStart(s.buf[k]); back++ {
		k--
	}
	c := Chunk{Line: s.line, Text: string(s.buf[:k]), Cut: true}
	if s.verbatim {
		s.n = copy(s.buf, s.buf[k:s.n])
		s.searched = s.n
		return c
	}
	s.cutLines++
	s.cutBytes += int64(s.n - k)
	s.n, s.searched, s.skipping = 0, 0, true
	return c
}

// grow makes room for more of a long line.
func (s *splitter) grow() {
	if len(s.buf) > s.n {
		return
	}
	old := s.buf
	s.borrow(min(2*len(old), s.maxLine+1))
	copy(s.buf, old)
}

// lines is the number of lines that were handed out.
func (s *splitter) lines() int64 {
	if s.skipping {
		return s.line // of the line that is skipped, the beginning was handed out
	}
	return s.line - 1
}
