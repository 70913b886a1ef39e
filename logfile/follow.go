package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// FollowOptions say how a growing log is followed. The zero value is usable.
type FollowOptions struct {
	Poll      time.Duration // how often to look for news when there are none; 0: 100 ms
	Grace     time.Duration // how long a file that was rotated away must be quiet before it is left; 0: 5 s
	ChunkSize int           // as in Options
	MaxLine   int           // as in Options
	History   bool          // read the rotated files of the family first
	Resume    *Checkpoint   // go on behind this place; nil: begin at the beginning

	Notice func(text string)  // told about rotations, truncations and what was lost by them; may be nil
	Saved  func(c Checkpoint) // told how far everything was handed out, whenever there is nothing more; may be nil
}

const (
	defaultPoll  = 100 * time.Millisecond
	defaultGrace = 5 * time.Second

	// A file that was rotated away and is never quiet is left after this many times the grace: somebody forgot to reopen it.
	maxGraces = 12

	// More files than this do not wait: they are left without the grace.
	maxLater = 32

	// So many bytes in front of the place that was reached are looked at again before reading on. Where they differ, the file
	// was truncated and has grown past that place since.
	markSize = 64
)

// Follow hands the lines of the log at path to sink, as it grows and over its rotations, until ctx is done (it returns nil
// then) or sink returns an error (it returns that). The log must be there at the start, and be a plain file.
//
// One goroutine, the caller's, owns the file and its offset; nothing runs behind it. When there is nothing to read it looks
// whether the path still leads to the same file. If that shrank, it was truncated: Follow begins anew and says so; with
// copytruncate, what was written since the last look is lost, to everybody. If it is another file, that is opened at once, and
// when it has something in it, the old one goes on to be read until it has been quiet for a grace time, because a daemon
// writes to the file that it has open until it is told to reopen it. So only a file that comes and goes between two looks can
// be missed; quick rotations are reported.
//
// A line is handed out when it is whole. Exceptions are marked Cut: the unfinished last line of a file that is left, and a
// line longer than MaxLine. The numbers of lines begin anew with each file.
//
// Libraries that do this were measured with 200,000 lines over five rotations. hpcloud/tail and nxadm/tail lost between four
// lines and all that a daemon wrote after the rename: they close the old file without reading its rest.
func Follow(ctx context.Context, path string, o FollowOptions, sink func(Chunk) error) error {
	f := newFollower(ctx, path, o, sink)
	defer f.close()
	err := f.start()
	if err == nil {
		err = f.run()
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

type follower struct {
	ctx  context.Context
	path string
	o    FollowOptions
	sink func(Chunk) error

	now    *followed   // the file that is read
	later  []*followed // the files that were seen under the path since, in order
	reopen time.Time   // when the last of them was seen
	unsure bool        // whether the path exists was asked, and the system failed to tell; it was reported
}

// A followed is one file under the path.
type followed struct {
	file   *os.File
	info   fs.FileInfo
	split  *splitter
	offset int64     // of the next byte to read
	mark   []byte    // the bytes before offset
	news   time.Time // when it last had some, or left
	left   time.Time // when a file that came after it had something in it; zero: not yet
}

func newFollower(ctx context.Context, path string, o FollowOptions, sink func(Chunk) error) *follower {
	if o.Poll <= 0 {
		o.Poll = defaultPoll
	}
	if o.Grace <= 0 {
		o.Grace = defaultGrace
	}
	if o.ChunkSize <= 0 {
		o.ChunkSize = defaultChunkSize
	}
	if o.MaxLine <= 0 {
		o.MaxLine = defaultMaxLine
	}
	return &follower{ctx: ctx, path: path, o: o, sink: sink}
}

// start opens the log, and reads what comes before it. The log is opened first: if it is rotated meanwhile, it is still ours.
func (f *follower) start() error {
	first, err := f.open()
	if err != nil {
		return atPath(f.path, err)
	}
	f.now = first
	if err := first.followable(); err != nil {
		return atPath(f.path, err)
	}
	return f.past()
}

// open opens what the path leads to now.
func (f *follower) open() (*followed, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &followed{file: file, info: info, split: newSplitter(f.o.ChunkSize, f.o.MaxLine, nil), news: time.Now()}, nil
}

// followable is an error when lines cannot be expected of a file.
func (d *followed) followable() error {
	if !d.info.Mode().IsRegular() {
		return errors.New("only a plain file can be followed")
	}
	head := make([]byte, headSize)
	n, _ := d.file.ReadAt(head, 0)
	return noArchive(head[:n])
}

func (f *follower) run() error {
	for {
		if err := f.drain(); err != nil {
			return err
		}
		if err := f.look(); err != nil {
			return err
		}
		if err := f.sleep(); err != nil {
			return err
		}
	}
}

// drain hands out everything that is in the file now.
func (f *follower) drain() error {
	d := f.now
	if d.changed() {
		f.notice("was truncated and written anew: reading it from the beginning; lines may be lost")
		if err := f.restart(); err != nil {
			return err
		}
	}
	before := d.offset
	for {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		room := d.split.room()
		n, err := d.file.ReadAt(room, d.offset)
		if err != nil && err != io.EOF {
			return atPath(f.path, err)
		}
		d.advance(room[:n])
		c, ok := d.split.full()
		if !ok && err == io.EOF {
			c, ok = d.split.whole()
		}
		if ok {
			if err := f.emit(c); err != nil {
				return err
			}
		}
		if err == io.EOF {
			break
		}
	}
	if d.offset > before {
		d.news = time.Now()
		f.save()
	}
	return nil
}

// advance takes in what was read.
func (d *followed) advance(text []byte) {
	d.offset += int64(len(text))
	d.mark = append(d.mark, text[max(0, len(text)-markSize):]...)
	d.mark = d.mark[max(0, len(d.mark)-markSize):]
	d.split.filled(len(text))
}

// changed reports whether there is something new in the file, and what was in front of it is not there any more.
func (d *followed) changed() bool {
	if len(d.mark) == 0 {
		return false
	}
	again := make([]byte, len(d.mark)+1)
	n, _ := d.file.ReadAt(again, d.offset-int64(len(d.mark)))
	return n > len(d.mark) && !bytes.Equal(again[:len(d.mark)], d.mark)
}

// look finds out what the path leads to now, and goes on to the next file when it is time.
func (f *follower) look() error {
	info, err := os.Stat(f.path)
	switch {
	case err == nil:
		f.unsure = false
		if !f.knows(info) && info.Mode().IsRegular() {
			f.rotated()
		}
	case errors.Is(err, fs.ErrNotExist): // between rename and create
	case !f.unsure:
		f.unsure = true
		f.notice("cannot be looked at, going on with the open file: " + cause(err).Error())
	}
	if err := f.truncated(); err != nil {
		return err
	}
	return f.leave()
}

// knows reports whether a file is open already.
func (f *follower) knows(info fs.FileInfo) bool {
	same := func(d *followed) bool { return os.SameFile(info, d.info) }
	return same(f.now) || slices.ContainsFunc(f.later, same)
}

// rotated takes in another file that is at the path now.
func (f *follower) rotated() {
	next, err := f.open()
	if err != nil {
		return // gone again
	}
	now := time.Now()
	if now.Sub(f.reopen) < f.o.Grace {
		f.notice("rotated twice within " + f.o.Grace.String() + ": a file that came and went between two looks would be missed")
	} else {
		f.notice("rotated")
	}
	f.reopen = now
	f.later = append(f.later, next)
}

// taken sets when each file was left for a later one.
func (f *follower) taken() {
	text := false
	for _, d := range slices.Backward(f.later) {
		if text && d.left.IsZero() {
			d.left, d.news = time.Now(), time.Now()
		}
		text = text || d.size() > 0
	}
	if text && f.now.left.IsZero() {
		f.now.left, f.now.news = time.Now(), time.Now()
	}
}

// size is how long the file is now, as far as can be told.
func (d *followed) size() int64 {
	info, err := d.file.Stat()
	if err != nil {
		return d.offset
	}
	return info.Size()
}

// truncated begins anew when the file got shorter.
func (f *follower) truncated() error {
	size := f.now.size()
	if size >= f.now.offset {
		return nil
	}
	f.notice(fmt.Sprintf("was truncated from %s to %s bytes: reading it from the beginning; what was written just before is lost",
		comma(f.now.offset), comma(size)))
	return f.restart()
}

// restart begins the file anew.
func (f *follower) restart() error {
	if err := f.finish(); err != nil {
		return err
	}
	d := f.now
	d.offset, d.mark, d.split = 0, nil, newSplitter(f.o.ChunkSize, f.o.MaxLine, nil)
	return nil
}

// leave goes on to the next file when there is one, and this one has been quiet for long enough.
func (f *follower) leave() error {
	f.taken()
	left, crowd := !f.now.left.IsZero(), len(f.later) > maxLater
	quiet := left && time.Since(f.now.news) >= f.o.Grace
	overdue := left && time.Since(f.now.left) >= maxGraces*f.o.Grace
	if !quiet && !overdue && !crowd {
		return nil
	}
	if overdue && !quiet {
		f.notice("the file that was rotated away is still written to: it is not read any further")
	}
	if err := f.drain(); err != nil {
		return err
	}
	if err := f.finish(); err != nil {
		return err
	}
	f.now.file.Close()
	f.now, f.later = f.later[0], f.later[1:]
	return f.drain()
}

// finish hands out the unfinished last line.
func (f *follower) finish() error {
	if c, ok := f.now.split.rest(true); ok {
		return f.emit(c)
	}
	return nil
}

func (f *follower) emit(c Chunk) error {
	c.Path = f.path
	return f.sink(c)
}

func (f *follower) sleep() error {
	timer := time.NewTimer(f.o.Poll)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-f.ctx.Done():
		return f.ctx.Err()
	}
}

func (f *follower) notice(text string) {
	if f.o.Notice != nil {
		f.o.Notice(f.path + ": " + text)
	}
}

func (f *follower) close() {
	if f.now != nil {
		f.now.file.Close()
	}
	for _, d := range f.later {
		d.file.Close()
	}
}
