package logfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
)

// A source reads the bytes of an input as they are on disk, and counts and hashes them. It reads no further than the file went
// when it was opened, so that reading a growing log comes to an end. Files are read with ReadAt and not mapped: a log that is
// truncated while it is mapped kills the program with SIGBUS.
type source struct {
	ctx      context.Context
	in       *Input
	file     *os.File  // if the input is a regular file, else nil
	pipe     io.Reader // if it is anything else, else nil
	member   io.Closer // pipe, if it is a file in an archive, else nil
	size     int64     // in bytes, when it was opened; -1: not known
	bytes    int64     // read so far
	last     byte      // that was read
	hash     hash.Hash // nil: not asked for
	progress *Progress // may be nil
	maxLine  int64

	wholeLine bool  // read on after size, to the end of the line
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
	if in.open != nil {
		member, err := in.open()
		s.pipe, s.member = member, member
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
		return s.restOfLine(p)
	}
	if s.size >= 0 {
		p = p[:min(int64(len(p)), left)]
	}
	return s.readAt(p)
}

// restOfLine reads the rest of a line that was being written when the file was opened.
func (s *source) restOfLine(p []byte) (int, error) {
	if !s.wholeLine || s.last == '\n' || s.bytes > s.size+s.maxLine {
		return 0, io.EOF
	}
	n, err := s.readAt(p)
	if end := bytes.IndexByte(p[:n], '\n'); end >= 0 {
		n = end + 1
	}
	return n, err
}

// readAt reads what comes next in the file.
func (s *source) readAt(p []byte) (int, error) {
	n, err := s.file.ReadAt(p, s.in.start+s.bytes)
	if n > 0 && err == io.EOF {
		err = nil // the next call returns it again, with n == 0
	}
	return n, err
}

// changes returns a warning for each thing that happened to the file while it was read.
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

// sum returns the SHA-256 of the bytes in hex; "": it was not asked for, or not everything was read.
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
	if s.member != nil {
		s.member.Close()
	}
	if s.in.stream != nil {
		s.in.stream.interrupt()
	}
}
