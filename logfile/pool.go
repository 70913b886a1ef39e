package logfile

import (
	"sync"
	"unsafe"
)

// A Pool holds the memory of the text of chunks. The owner of a chunk gives it back when done, and the next one is read into the
// same memory: a log of gigabytes then costs neither fresh pages nor work for the garbage collector. A Pool may be shared by
// readers and used from any goroutine. A nil Pool, and a chunk that is never given back, are correct, but slower. The zero value
// is ready to use.
type Pool struct {
	// Scrub overwrites what is given back at once, for tests: a string that still refers to it is then visibly wrong.
	Scrub bool

	mu   sync.Mutex
	free []*memory
}

// memory is what the text of one chunk, or of one buffer, is read into.
type memory struct{ bytes []byte }

// maxFree bounds what a pool keeps. More chunks are in use at once only if many files are open.
const maxFree = 64

// get returns memory of at least size bytes, with undefined content.
func (l *Pool) get(size int) *memory {
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

// Put takes back the memory of a chunk: nothing may refer to its text any more.
func (l *Pool) Put(c Chunk) {
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
	if len(l.free) < maxFree {
		l.free = append(l.free, c.memory)
	}
}

// text returns the first k bytes as a string without copying them: they do not change until they are given back. This goes
// around the type system, because the copy and its fresh memory cost a tenth of the time of a run.
func (m *memory) text(k int) string { return unsafe.String(unsafe.SliceData(m.bytes), k) }
