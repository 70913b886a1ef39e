package logfile

import (
	"bytes"
	"unicode/utf8"
)

// A Chunk is some whole lines of one file.
type Chunk struct {
	Path string // of the file, as in Input
	Line int64  // number of the first line, from 1
	Text string // lines end with LF (a CR before it is left to the parser), except perhaps the last one of a file; see Pool for how long it lives

	// Cut: the last line of Text is not whole. It was longer than the limit, or the file is damaged after it, or the file was
	// rotated away before the line was finished.
	Cut bool

	memory *memory // that Text is in; nil: memory of its own, which no Pool takes back
}

// A splitter cuts text that comes in arbitrary pieces into chunks of whole lines. The lines do not depend on the pieces. To feed
// it, read into room and call filled; get chunks from full (while reading), whole (when there is nothing more right now) and
// rest (at the end).
//
// NULs at the beginning of a line are dropped: a file system leaves them after a power failure where data was expected, and so
// does copytruncate if the daemon goes on writing at its old offset (gigabytes of them, without an LF). The line after them is
// good.
type splitter struct {
	size     int  // the buffer is filled up to here before a chunk is cut
	maxLine  int  // a longer line is cut here, and the rest of it is dropped; at least size-1
	verbatim bool // nothing is dropped: the rest of a long line follows in further chunks
	pool     *Pool

	memory   *memory // that buf is in
	buf      []byte  // buf[:n] is text that is not handed out yet; it begins at the start of a line
	n        int
	searched int   // buf[:searched] has no LF
	line     int64 // number of the line that buf begins with
	skipping bool  // the line that buf begins with was cut: drop up to and including the next LF

	nuls, cutLines, cutBytes int64 // what was dropped; see Stats
	nulLines                 int64 // lines with NULs that were not dropped
}

func newSplitter(size, maxLine int, pool *Pool) *splitter {
	s := &splitter{size: size, maxLine: max(maxLine, size-1), pool: pool, line: 1}
	s.newBuffer(size)
	return s
}

// newBuffer replaces the buffer; the caller keeps, or has handed out, the old one.
func (s *splitter) newBuffer(size int) {
	s.memory = s.pool.get(size)
	s.buf = s.memory.bytes
}

// release gives the buffer back to the pool.
func (s *splitter) release() { s.pool.Put(Chunk{memory: s.memory}) }

// room returns where the next piece of text goes. It is never empty, provided that full was called after each filled.
func (s *splitter) room() []byte {
	if s.n < s.size {
		return s.buf[s.n:s.size]
	}
	return s.buf[s.n:]
}

// filled takes over the first k bytes of the room.
func (s *splitter) filled(k int) {
	if s.skipping {
		k = s.skip(k)
	}
	if fresh := s.buf[s.n : s.n+k]; !s.verbatim && bytes.IndexByte(fresh, 0) >= 0 {
		k = s.dropNULs(fresh)
	}
	s.n += k
}

// skip drops what belongs to the line that was cut from the k fresh bytes, and returns how many are left. While skipping, the
// buffer holds nothing else.
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

// dropNULs drops the NULs at the beginning of lines from the fresh bytes, in place, and returns how many bytes are left.
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
		if bytes.IndexByte(fresh[:end], 0) >= 0 {
			s.nulLines++
		}
		kept += copy(s.buf[s.n+kept:], fresh[:end])
		fresh = fresh[end:]
		atStart = true
	}
	return kept
}

// full returns a chunk if the buffer is full, else false.
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

// whole returns the whole lines in the buffer; false: there are none.
func (s *splitter) whole() (Chunk, bool) {
	end := bytes.LastIndexByte(s.buf[s.searched:s.n], '\n')
	if end < 0 {
		s.searched = s.n
		return Chunk{}, false
	}
	return s.take(s.searched + end + 1), true
}

// rest returns everything in the buffer; false: it is empty. The last line may lack its LF; cut tells whether it is then
// incomplete, or just the last line of a file.
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

// take hands out the first k bytes: with the buffer if they are most of it, else as a copy.
func (s *splitter) take(k int) Chunk {
	c := Chunk{Line: s.line}
	s.line += int64(bytes.Count(s.buf[:k], newline))
	rest := s.buf[k:s.n]
	if k < len(s.buf)/2 {
		c.Text = string(s.buf[:k])
	} else {
		c.Text, c.memory = s.memory.text(k), s.memory
		s.newBuffer(max(s.size, len(rest)+1))
	}
	s.n = copy(s.buf, rest)
	s.searched = s.n // what is left is less than a line
	return c
}

var newline = []byte{'\n'}

// cut hands out the beginning of a line that is too long, without splitting a character.
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
	s.newBuffer(min(2*len(old), s.maxLine+1))
	copy(s.buf, old)
}

// lines returns the number of lines that were handed out.
func (s *splitter) lines() int64 {
	if s.skipping {
		return s.line // the beginning of the line that is being skipped was handed out
	}
	return s.line - 1
}
