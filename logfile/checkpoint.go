package logfile

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Checkpoint is how far a log was followed: which file, and what of it was handed out. The file is known by its first bytes,
// which it keeps when it is renamed, copied or compressed; device and inode it does not.
type Checkpoint struct {
	Head     string `json:"head"`      // SHA-256 of the first HeadSize bytes, hex
	HeadSize int    `json:"head_size"` // at most 1024
	Offset   int64  `json:"offset"`    // of the first byte that was not handed out
	Line     int64  `json:"line"`      // its line
}

const checkpointHead = 1024

// save tells how far everything was handed out.
func (f *follower) save() {
	if f.o.Saved == nil || f.now.split.skipping {
		return
	}
	d := f.now
	head := make([]byte, min(d.offset, checkpointHead))
	n, _ := d.file.ReadAt(head, 0)
	f.o.Saved(Checkpoint{Head: sumOf(head[:n]), HeadSize: n, Offset: d.offset - int64(d.split.n), Line: d.split.line})
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// startsWith reports whether head is the beginning of the file that c is about.
func (c *Checkpoint) startsWith(head []byte) bool {
	return len(head) >= c.HeadSize && sumOf(head[:c.HeadSize]) == c.Head
}

// past reads what comes before the file that is open: with History everything, with Resume what is behind the checkpoint.
func (f *follower) past() error {
	mark := f.o.Resume
	if mark != nil && f.now.resume(mark) {
		return nil
	}
	if mark == nil && !f.o.History {
		return nil
	}
	older := f.siblings()
	if mark != nil {
		older = f.behind(older)
	}
	for _, in := range older {
		if err := f.read(in); err != nil {
			return err
		}
	}
	return nil
}

// resume goes to the place of the checkpoint, if it is in this file.
func (d *followed) resume(c *Checkpoint) bool {
	head := make([]byte, checkpointHead)
	n, _ := d.file.ReadAt(head, 0)
	info, err := d.file.Stat()
	if err != nil || info.Size() < c.Offset || c.HeadSize > checkpointHead || !c.startsWith(head[:n]) {
		return false
	}
	d.offset, d.split.line = c.Offset, c.Line
	return true
}

// behind is the rotated files from the one with the checkpoint on; all, where it is in none.
func (f *follower) behind(older []*Input) []*Input {
	at := slices.IndexFunc(older, func(in *Input) bool {
		return f.o.Resume.startsWith(in.beginning(checkpointHead))
	})
	if at < 0 {
		f.notice("the place to go on from is in no file any more: reading everything that is there")
		f.o.Resume = nil
		return older
	}
	return older[at:]
}

// siblings are the rotated files of the log that is open, oldest first.
func (f *follower) siblings() []*Input {
	dir := filepath.Dir(f.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var older []*Input
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if path == filepath.Clean(f.path) || Family(path) != filepath.Clean(f.path) || half(path) {
			continue
		}
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() || os.SameFile(info, f.now.info) {
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

// half reports whether path is an archive that is being made from a file beside it.
func half(path string) bool {
	source := uncompressed(path)
	if source == path {
		return false
	}
	_, err := os.Stat(source)
	return err == nil
}

// beginning is the first size bytes of text, or fewer, exactly as they are.
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

// read hands out a rotated file, behind the checkpoint if that is in it.
func (f *follower) read(in *Input) error {
	r := Open(f.ctx, in, Options{ChunkSize: f.o.ChunkSize, MaxLine: f.o.MaxLine, ReadAhead: 2})
	defer r.Close()
	from := int64(1)
	if f.o.Resume != nil {
		from = f.o.Resume.Line
		f.o.Resume = nil // the files behind it are read from the beginning
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

// from is the chunk without the lines before the given one.
func (c Chunk) from(line int64) (Chunk, bool) {
	for c.Line < line && c.Text != "" {
		_, c.Text, _ = strings.Cut(c.Text, "\n")
		c.Line++
	}
	return c, c.Text != ""
}
