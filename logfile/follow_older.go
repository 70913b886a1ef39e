package logfile

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// readOlder hands out the rotated files that come before the open one: with History all of them, with Resume those from the
// checkpoint on.
func (f *follower) readOlder() error {
	mark := f.o.Resume
	if mark != nil && f.current.resume(mark) {
		return nil
	}
	if mark == nil && !f.o.History {
		return nil
	}
	older := f.siblings()
	if mark != nil {
		older = f.fromCheckpoint(older)
	}
	for _, in := range older {
		if err := f.read(in); err != nil {
			return err
		}
	}
	return nil
}

// fromCheckpoint returns the rotated files from the one with the checkpoint on; all, if it is in none of them.
func (f *follower) fromCheckpoint(older []*Input) []*Input {
	at := slices.IndexFunc(older, func(in *Input) bool {
		return f.o.Resume.identifies(in.beginning(checkpointHead))
	})
	if at < 0 {
		f.notice("the place to go on from is in no file any more: reading everything that is there")
		f.o.Resume = nil
		return older
	}
	return older[at:]
}

// siblings returns the rotated files of the log that is open, oldest first.
func (f *follower) siblings() []*Input {
	dir := filepath.Dir(f.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var older []*Input
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if path == filepath.Clean(f.path) || Family(path) != filepath.Clean(f.path) || beingWritten(path) {
			continue
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || os.SameFile(info, f.current.info) {
			continue
		}
		in, err := newInput(path, info)
		if err != nil {
			f.notice("not read: " + atPath(path, err).Error())
			continue
		}
		older = append(older, in)
	}
	return Order(older)
}

// beingWritten reports whether path is a compressed file that is still being made: logrotate removes the original when it is done.
func beingWritten(path string) bool {
	source := uncompressed(path)
	if source == path {
		return false
	}
	_, err := os.Stat(source)
	return err == nil
}

// beginning returns the first size bytes of text, or fewer, without the changes that Open makes to it.
func (in *Input) beginning(size int) []byte {
	file, err := os.Open(in.Path)
	if err != nil {
		return nil
	}
	defer file.Close()
	dec, err := decode(in.Codec, bufio.NewReader(file))
	if err != nil {
		return nil
	}
	defer dec.close()
	head := make([]byte, size)
	n, _ := io.ReadFull(dec, head)
	return head[:n]
}

// read hands out a rotated file: from the checkpoint on if that is in it, else as a whole.
func (f *follower) read(in *Input) error {
	r := Open(f.ctx, in, Options{ChunkSize: f.o.ChunkSize, MaxLine: f.o.MaxLine, ReadAhead: 2})
	defer r.Close()
	from := int64(1)
	if f.o.Resume != nil {
		from = f.o.Resume.Line
		f.o.Resume = nil // the files after it are read from the beginning
	}
	for {
		c, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if c, ok := c.from(from); ok {
			if err := f.sink(c); err != nil {
				return err
			}
		}
	}
	s := r.Stats()
	if s.Damage != nil {
		f.notice("read in part: " + s.Damage.Error())
	}
	return nil
}

// from returns the chunk without the lines before the given one; false: nothing is left.
func (c Chunk) from(line int64) (Chunk, bool) {
	for c.Line < line && c.Text != "" {
		_, c.Text, _ = strings.Cut(c.Text, "\n")
		c.Line++
	}
	return c, c.Text != ""
}
