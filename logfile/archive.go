package logfile

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// People hand over logs as maillog.tar.gz, and hosting panels as zip. Each file in such an archive is an input, whose path is that of
// the archive and its name in it.

// maxMembers is how many files an archive may have. A file in a compressed tar archive is reached by reading what comes before it: in
// one of ten thousand, that is fifty million files.
const maxMembers = 1000

// member is a file in an archive.
type member struct {
	name     string
	size     int64
	modified time.Time
	head     []byte // the first headSize bytes, or fewer
	open     func() (io.ReadCloser, error)
}

// isArchive reports whether head begins a file with files in it, which are listed by tarMembers or zipMembers.
func isArchive(head []byte) bool { return isTar(head) || isZip(head) }

func isZip(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

// membersOf returns the files in the archive at path; isArchive is false if that is another file.
func membersOf(path string) (members []member, isArchive bool, err error) {
	raw, err := readHead(path)
	if err != nil {
		return nil, false, err
	}
	if isZip(raw) {
		members, err = zipMembers(path)
		return members, true, err
	}
	in := &Input{Path: path, Codec: codecOf(raw)}
	if head := in.beginning(headSize); isTar(head) {
		members, err = tarMembers(path)
		return members, true, err
	}
	return nil, false, nil
}

// archive adds the files in an archive that may be logs.
func (e *expansion) archive(at string, members []member) {
	var skipped []string
	logs := 0
	times := make(map[string]int) // how often a name was there: tar -r and tar -u append a file again
	for _, m := range members {
		name := path.Clean("/" + m.name)
		if times[name]++; times[name] > 1 {
			name = fmt.Sprintf("/(%d)%s", times[name], name)
		}
		in := &Input{Path: at + name, Size: m.size, ModTime: m.modified, Archive: at, Found: len(members) > 1, open: m.open}
		switch {
		case strings.HasPrefix(path.Base(m.name), "."), m.size == 0:
		case codecOf(m.head) == "" && !isArchive(m.head) && (notLog(m.head) != "" || !looksLikeText(m.head)):
			skipped = append(skipped, in.Path)
		default:
			if err := in.examine(m.head); err != nil {
				e.fail(in.Path, err)
				continue
			}
			logs++
			e.add(in)
		}
	}
	if logs == 0 {
		e.fail(at, errors.New("no log file in this archive"+among(skipped)))
		return
	}
	e.warnOf(skipped)
}

// tarReader reads a tar archive, which may be compressed.
type tarReader struct {
	*tar.Reader
	file *os.File
	dec  decoder
	text int64 // bytes after decompression
	next int   // the number of the entry that comes next, from 0
}

func openTar(path string) (*tarReader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	t := &tarReader{file: file}
	head, err := headOf(file, 0)
	if err == nil {
		t.dec, err = decode(codecOf(head), bufio.NewReaderSize(file, 64<<10))
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	if codecOf(head) == "" {
		t.Reader = tar.NewReader(file) // which skips what is not asked for
	} else {
		t.Reader = tar.NewReader(tarText{t})
	}
	return t, nil
}

func (t *tarReader) Close() error {
	t.dec.close()
	return t.file.Close()
}

// tarText reads the text of a compressed archive, as long as that is no bomb.
type tarText struct{ t *tarReader }

func (r tarText) Read(p []byte) (int, error) {
	n, err := r.t.dec.Read(p)
	r.t.text += int64(n)
	if r.t.text > bombFloor {
		if at, _ := r.t.file.Seek(0, io.SeekCurrent); isBomb(r.t.text, at) {
			return n, fmt.Errorf("%w: a decompression bomb", errTooMuch)
		}
	}
	return n, err
}

// Next goes on to the next entry.
func (t *tarReader) Next() (*tar.Header, error) {
	h, err := t.Reader.Next()
	if err == nil {
		t.next++
	}
	return h, err
}

// tarMembers lists the files in a tar archive. A damaged one has those before the damage.
func tarMembers(path string) (members []member, err error) {
	t, err := openTar(path)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	archive := &tarArchive{path: path}
	for {
		number := t.next
		h, err := t.Next()
		if err == io.EOF {
			return members, nil
		}
		if err == nil && len(members) == maxMembers {
			return members, fmt.Errorf("more than %s files in it: unpack it first", comma(maxMembers))
		}
		if err != nil {
			return members, fmt.Errorf("corrupt tar archive after %d files: %w", len(members), err)
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse {
			continue
		}
		if info, err := t.file.Stat(); err == nil && isBomb(h.Size, info.Size()) { // holes, which take no room
			return members, fmt.Errorf("%s: %w: a decompression bomb", h.Name, errTooMuch)
		}
		head := make([]byte, headSize)
		n, _ := io.ReadFull(t, head)
		open := func() (io.ReadCloser, error) { return archive.open(number) }
		members = append(members, member{h.Name, h.Size, h.ModTime, head[:n], open})
	}
}

// tarArchive opens the entries of a tar archive. Where they are opened in their order, each goes on where an earlier one stopped.
type tarArchive struct {
	path string
	mu   sync.Mutex
	idle []*tarReader // of the entries that were closed last
}

// maxIdle is how many readers wait for a further entry: about as many as are open at the same time.
const maxIdle = 3

// open opens the entry with that number, from 0.
func (a *tarArchive) open(number int) (io.ReadCloser, error) {
	t, err := a.before(number)
	if err != nil {
		return nil, err
	}
	for t.next <= number {
		if _, err := t.Next(); err != nil {
			t.Close()
			return nil, fmt.Errorf("the archive changed: %w", err)
		}
	}
	return tarMember{t, a}, nil
}

// before returns the reader that came closest to an entry without passing it; if none did, a new one.
func (a *tarArchive) before(number int) (*tarReader, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	best := -1
	for i, t := range a.idle {
		if t.next <= number && (best < 0 || t.next > a.idle[best].next) {
			best = i
		}
	}
	if best < 0 {
		return openTar(a.path)
	}
	t := a.idle[best]
	a.idle = slices.Delete(a.idle, best, best+1)
	return t, nil
}

// tarMember is an open file in a tar archive.
type tarMember struct {
	*tarReader
	archive *tarArchive
}

// Close keeps the reader for a further entry.
func (m tarMember) Close() error {
	a := m.archive
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.idle = append(a.idle, m.tarReader); len(a.idle) <= maxIdle {
		return nil
	}
	oldest := a.idle[0]
	a.idle = slices.Delete(a.idle, 0, 1)
	return oldest.Close()
}

// zipMembers lists the files in a zip archive.
func zipMembers(path string) (members []member, err error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("corrupt zip archive: %w", err)
	}
	defer z.Close()
	if len(z.File) > maxMembers {
		return nil, fmt.Errorf("more than %s files in it: unpack it first", comma(maxMembers))
	}
	for number, f := range z.File {
		const encrypted = 1 // APPNOTE.TXT, section 4.4.4
		if f.Flags&encrypted != 0 {
			return nil, errors.New("an encrypted zip archive: unpack it first")
		}
		if !f.Mode().IsRegular() {
			continue
		}
		m := member{name: f.Name, size: int64(f.UncompressedSize64), modified: f.Modified}
		m.open = func() (io.ReadCloser, error) { return openZipMember(path, number) }
		text, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		m.head, _ = io.ReadAll(io.LimitReader(text, headSize))
		text.Close()
		members = append(members, m)
	}
	return members, nil
}

// zipMember is an open file in a zip archive.
type zipMember struct {
	io.ReadCloser
	archive *zip.ReadCloser
}

func (m zipMember) Close() error {
	m.ReadCloser.Close()
	return m.archive.Close()
}

func openZipMember(path string, number int) (io.ReadCloser, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	if number >= len(z.File) {
		z.Close()
		return nil, errors.New("the archive changed")
	}
	text, err := z.File[number].Open()
	if err != nil {
		z.Close()
		return nil, err
	}
	return zipMember{text, z}, nil
}
