package loggen

import (
	"bufio"
	"io"
	"strconv"
)

// lines puts lines into the order of time: all lines of a message are made when it arrives, and wait in a heap until they are due.
// A line is made by begin, any number of s, c and n, and end.
type lines struct {
	out   *bufio.Writer
	err   error // the first of out
	heap  []pending
	seq   uint64
	free  [][]byte // to be used again
	bytes int64    // written or pending
	count int64    // lines written
	first int64    // time of the first line
	last  int64    // time of the last line written

	b  []byte // the line that is being made
	at int64  // when it is due
}

// pending is a line that is not due yet. Lines due at the same time are written in the order in which they were made.
type pending struct {
	at  int64 // microseconds since 1970
	seq uint64
	b   []byte
}

func newLines(w io.Writer) lines { return lines{out: bufio.NewWriterSize(w, 1<<20)} }

// begin starts a line that is due at the given time.
func (l *lines) begin(at int64) *lines {
	l.at = at
	if n := len(l.free); n > 0 {
		l.b, l.free = l.free[n-1][:0], l.free[:n-1]
	} else {
		l.b = make([]byte, 0, 256)
	}
	return l
}

// s appends text to the line.
func (l *lines) s(text string) *lines {
	l.b = append(l.b, text...)
	return l
}

// c appends a character.
func (l *lines) c(c byte) *lines {
	l.b = append(l.b, c)
	return l
}

// n appends a number.
func (l *lines) n(n int) *lines {
	l.b = strconv.AppendInt(l.b, int64(n), 10)
	return l
}

// end completes the line.
func (l *lines) end() {
	l.b = append(l.b, '\n')
	l.bytes += int64(len(l.b))
	l.seq++
	l.heap = append(l.heap, pending{l.at, l.seq, l.b})
	l.up(len(l.heap) - 1)
}

// flush writes the lines that are due before the given time.
func (l *lines) flush(before int64) {
	for len(l.heap) > 0 && l.heap[0].at < before {
		p := l.pop()
		if l.count == 0 {
			l.first = p.at
		}
		l.last = p.at
		l.count++
		if _, err := l.out.Write(p.b); err != nil && l.err == nil {
			l.err = err
		}
		l.free = append(l.free, p.b)
	}
}

func (p *pending) less(q *pending) bool { return p.at < q.at || p.at == q.at && p.seq < q.seq }

func (l *lines) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !l.heap[i].less(&l.heap[parent]) {
			return
		}
		l.heap[i], l.heap[parent] = l.heap[parent], l.heap[i]
		i = parent
	}
}

func (l *lines) pop() pending {
	top := l.heap[0]
	n := len(l.heap) - 1
	l.heap[0] = l.heap[n]
	l.heap[n].b = nil
	l.heap = l.heap[:n]
	for i := 0; ; {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && l.heap[child+1].less(&l.heap[child]) {
			child++
		}
		if !l.heap[child].less(&l.heap[i]) {
			break
		}
		l.heap[i], l.heap[child] = l.heap[child], l.heap[i]
		i = child
	}
	return top
}
