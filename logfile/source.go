package logfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
)

// A source is the bytes of an input as they lie on disk: counted, hashed, and no more of them than there were when it was
// opened, so that reading a growing log comes to an end. Files are read with ReadAt and not mapped: a log that is truncated
// while it is mapped kills the program with SIGBUS.
type source struct {
	ctx      context.Context
	in       *Input
	file     *os.File  // of a regular file, else nil
	pipe     io.Reader // of anything else
	size     int64     // when opened; -1: not known
	bytes    int64     // read so far
	last     byte      // the last one
	hash     hash.Hash // or nil
	progress *Progress // or nil
	maxLine  int64

	wholeLine bool  // behind size, read on to the end of the line
	eof       bool  // everything was read
	err       error // why reading failed
}

func openSource(ctx context.Context, in *Input, o Options) (*source, error) {
	s := &source{ctx: ctx, in: in, size: -1, progress: o.Progress, maxLine: int64(o.MaxLine)}
	if o.Hash {
		s.hash = sha256.New()
	}
	var err error
	if in.stream != nil {
		s.pipe, err = in.stream.take()
		return s, err
	}
	if s.file = in.stdin; s.file == nil {
		if s.file, err = os.Open(in.Path); err != nil {
			return nil, err
		}
	}
	info, err := s.file.Stat()
	if err != nil {
		s.close()
		return nil, err
	}
	if info.Size() > 0 { // files of /proc say 0 and are not empty
		s.size = max(0, info.Size()-in.start)
	}
	return s, nil
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.next(p)
	if n > 0 {
		s.last = p[n-1]
		s.bytes += int64(n)
		if s.hash != nil {
			s.hash.Write(p[:n])
		}
		if s.progress != nil {
			s.progress.read.Add(int64(n))
		}
	}
	if err == io.EOF {
		s.eof = true
	} else if err != nil {
		s.err = err
	}
	return n, err
}

func (s *source) next(p []byte) (int, error) {
	if s.file == nil {
		return s.pipe.Read(p)
	}
	left := s.size - s.bytes
	if s.size >= 0 && left <= 0 {
		return s.beyond(p)
	}
	if s.size >= 0 {
		p = p[:min(int64(len(p)), left)]
	}
	return s.at(p)
}

// beyond reads the rest of a line that was being written when the file was opened.
func (s *source) beyond(p []byte) (int, error) {
	if !s.wholeLine || s.last == '\n' || s.bytes > s.size+s.maxLine {
		return 0, io.EOF
	}
	n, err := s.at(p)
	if end := bytes.IndexByte(p[:n], '\n'); end >= 0 {
		n = end + 1
	}
	return n, err
}

// at reads what comes next in the file.
func (s *source) at(p []byte) (int, error) {
	n, err := s.file.ReadAt(p, s.in.start+s.bytes)
	if n > 0 && err == io.EOF {
		err = nil // it comes again
	}
	return n, err
}

// changes says what became of the file while it was read.
func (s *source) changes() (warnings []string) {
	if s.file == nil || s.size < 0 {
		return nil
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil
	}
	if s.in.info != nil && !os.SameFile(s.in.info, info) {
		warnings = append(warnings, "another file has this name than when the run began: rotated meanwhile")
	}
	switch size := info.Size() - s.in.start; {
	case s.eof && s.bytes < s.size:
		warnings = append(warnings, fmt.Sprintf("shrank while it was read: %s of %s bytes were left", comma(s.bytes), comma(s.size)))
	case size > s.bytes && size > s.size:
		warnings = append(warnings, fmt.Sprintf("grew while it was read: the last %s bytes were not read", comma(size-s.bytes)))
	}
	return warnings
}

// sum is the SHA-256 of the bytes, or "" when it was not asked for, or not everything was read.
func (s *source) sum() string {
	if s.hash == nil || !s.eof {
		return ""
	}
	return hex.EncodeToString(s.hash.Sum(nil))
}

func (s *source) close() {
	if s.file != nil && s.file != s.in.stdin {
		s.file.Close()
	}
	if s.in.stream != nil {
		s.in.stream.interrupt()
	}
}

// A stream is what can be read only once: standard input, or a pipe.
type stream struct {
	path string

	peeked bool // it is only the head of another

	mu    sync.Mutex
	r     io.Reader // nil: not opened yet
	file  *os.File  // of a pipe that we opened
	head  []byte    // what was taken from r already, and must be read again
	err   error     // what r said behind head
	taken bool
}

// bigBlock is how much of an archive must be there to get some text out of it. A block of bzip2 has up to 900 kB, and what is
// in it does not come out before the last of it is there; those of zstd and xz are smaller.
const bigBlock = 1 << 20

// peek is the beginning of the stream as a stream of its own: size bytes, or as many as give some text.
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

// need reads until head has size bytes, if there are as many.
func (s *stream) need(size int) {
	missing := size - len(s.head)
	if missing <= 0 || s.err != nil {
		return
	}
	more := make([]byte, missing)
	n, err := io.ReadFull(s.r, more)
	s.head = append(s.head, more[:n]...)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		s.err = err
	}
}

// take is the whole stream.
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

// interrupt closes a pipe that we opened, which ends the wait for it. Opening a pipe that nobody writes to cannot be ended:
// then the lock is held.
func (s *stream) interrupt() {
	if s.mu.TryLock() {
		defer s.mu.Unlock()
		if s.file != nil {
			s.file.Close()
			s.file = nil
		}
	}
}
