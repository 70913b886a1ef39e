package logfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
)

// A stream is an input that can be read only once: a pipe, or standard input that is one. Its first bytes can be looked at before
// that. Its methods may be called from any goroutine.
type stream struct {
	path string

	peeked bool // made by peek: it is only the head of another stream

	mu    sync.Mutex
	r     io.Reader // nil: not opened yet
	file  *os.File  // if we opened it, else nil
	head  []byte    // what peek read from r; take hands it out again
	err   error     // of opening, or of reading what follows head
	taken bool      // by take
}

// bigBlock is how many bytes of a compressed stream give some text for sure. A block of bzip2 has up to 900 kB, and is not decoded before
// all of it is there; those of zstd and xz are smaller.
const bigBlock = 1 << 20

// peek returns the beginning of the stream as a stream of its own: size bytes, or as many more as decompression needs to give
// some text.
func (s *stream) peek(size int) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = s.open()
	}
	s.need(max(size, headSize))
	if codec := codecOf(s.head); codec != "" && codec != "gzip" {
		s.need(max(size, bigBlock))
	}
	head := &stream{path: s.path, peeked: true, r: bytes.NewReader(s.head)}
	if len(s.head) == 0 {
		head.err = s.err
	}
	return head
}

// need reads until head has size bytes, or the stream ends.
func (s *stream) need(size int) {
	missing := size - len(s.head)
	if missing <= 0 || s.err != nil {
		return
	}
	more, err := io.ReadAll(io.LimitReader(s.r, int64(missing)))
	s.head = append(s.head, more...)
	if err != nil {
		s.err = err
	}
}

// take returns a reader of the whole stream. It can be called once.
func (s *stream) take() (io.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken {
		return nil, errors.New("can be read only once")
	}
	if s.err == nil {
		s.err = s.open()
	}
	if s.err != nil && len(s.head) == 0 {
		return nil, s.err
	}
	s.taken = true
	return io.MultiReader(bytes.NewReader(s.head), s.r), nil
}

func (s *stream) open() error {
	if s.r != nil {
		return nil
	}
	if s.path == Stdin {
		return errors.New("no standard input")
	}
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	s.r, s.file = f, f
	return nil
}

// interrupt closes a pipe that we opened, which ends a blocked read. A blocked open, of a pipe that nobody writes to, cannot be
// ended; open then holds the lock, hence TryLock.
func (s *stream) interrupt() {
	if s.mu.TryLock() {
		defer s.mu.Unlock()
		if s.file != nil {
			s.file.Close()
			s.file = nil
		}
	}
}
