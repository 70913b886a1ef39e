package logfile

import (
	"sync"
	"unsafe"
)

// A Lender lends the memory that the text of chunks stands in. Who is done with a chunk gives it back, and the next one is
// read into the same memory: a log of gigabytes then costs neither fresh pages nor work for the collector. It may be shared
// by readers, in any number of goroutines. A nil Lender, or a chunk that is never given back, is right, and slower.
type Lender struct {
	// Scrub overwrites what is given back at once, for tests: what still refers to it shows.
	Scrub bool

	mu   sync.Mutex
	free []*memory
}

// memory is a piece that is lent.
type memory struct{ bytes []byte }

// mostFree bounds what a lender keeps. More chunks are underway at once only where many files are open.
const mostFree = 64

// lend is memory for size bytes at least. What stands in it is undefined.
func (l *Lender) lend(size int) *memory {
	if l == nil {
		return &memory{make([]byte, size)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := len(l.free); n > 0; n-- {
		m := l.free[n-1]
		l.free = l.free[:n-1]
		if len(m.bytes) >= size {
			return m
		}
	}
	return &memory{make([]byte, size)}
}

// Return takes back the memory of a chunk: nothing may refer to its text any more.
func (l *Lender) Return(c Chunk) {
	if l == nil || c.memory == nil {
		return
	}
	if l.Scrub {
		for i := range c.memory.bytes {
			c.memory.bytes[i] = '!'
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.free) < mostFree {
		l.free = append(l.free, c.memory)
	}
}

// text is the first k bytes as a string, without a copy: they do not change until they are given back. It is the only place
// in this program that goes around the type system; the copy and its fresh memory cost a tenth of the time of a run.
func (m *memory) text(k int) string { return unsafe.String(unsafe.SliceData(m.bytes), k) }
