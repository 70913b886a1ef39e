package logfile

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// FollowPipe hands the lines of a pipe to sink as they come, until the pipe ends (it returns nil then), ctx is done (nil, too),
// or sink returns an error (it returns that). A whole line is handed out at once, even if the next one comes an hour later;
// lines that arrive together are one chunk. Of the options, Poll, Grace, History and Resume mean nothing here, and Saved is
// given the zero Checkpoint: a pipe has no place to continue at.
//
// A read from a pipe cannot be interrupted. When ctx is done, the reading goroutine stays blocked until the pipe ends, and hands
// out nothing more.
func FollowPipe(ctx context.Context, in *Input, o FollowOptions, sink func(Chunk) error) error {
	if in.stream == nil {
		return atPath(in.Path, errors.New("this is no pipe"))
	}
	r, err := in.stream.take()
	if err != nil {
		return atPath(in.Path, err)
	}
	f := newFollower(ctx, in.Path, o, sink)
	split := newSplitter(f.o.ChunkSize, f.o.MaxLine, nil)
	pieces := f.pieces(r)
	for first := true; ; first = false {
		var p piece
		select {
		case p = <-pieces:
		case <-ctx.Done():
			return f.lastPieces(split, pieces)
		}
		if first {
			if err := checkNoArchive(p.text); err != nil {
				return atPath(in.Path, err)
			}
		}
		if err := f.take(split, p.text); err != nil {
			return err
		}
		var c Chunk
		ok := false
		switch {
		case p.err != nil:
			c, ok = split.rest(p.err != io.EOF)
		case len(pieces) == 0:
			c, ok = split.whole()
		}
		if ok {
			if err := f.emit(c); err != nil {
				return err
			}
		}
		switch {
		case p.err == io.EOF:
			return nil
		case p.err != nil:
			return atPath(in.Path, p.err)
		case len(pieces) == 0 && f.o.Saved != nil:
			f.o.Saved(Checkpoint{})
		}
	}
}

// lastPieces hands out what was read before ctx was done.
func (f *follower) lastPieces(split *splitter, pieces <-chan piece) error {
	for len(pieces) > 0 {
		if err := f.take(split, (<-pieces).text); err != nil {
			return err
		}
	}
	if c, ok := split.whole(); ok {
		return f.emit(c)
	}
	return nil
}

// piece is the result of one read.
type piece struct {
	text []byte
	err  error
}

// pieces reads in a goroutine of its own, a few reads ahead.
func (f *follower) pieces(r io.Reader) <-chan piece {
	pieces := make(chan piece, 4)
	go func() {
		room := make([]byte, f.o.ChunkSize)
		for {
			n, err := r.Read(room)
			select {
			case pieces <- piece{bytes.Clone(room[:n]), err}:
			case <-f.ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return pieces
}

// take puts a piece into the splitter, and hands out the chunks that it fills.
func (f *follower) take(split *splitter, text []byte) error {
	for len(text) > 0 {
		n := copy(split.room(), text)
		text = text[n:]
		split.filled(n)
		if c, ok := split.full(); ok {
			if err := f.emit(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkNoArchive returns an error if head is the beginning of an archive, or of a file that is certainly no log.
func checkNoArchive(head []byte) error {
	if codec := codecOf(head); codec != "" {
		return errors.New("a " + codec + " archive cannot be followed")
	}
	if isTar(head) {
		return errors.New("a tar archive cannot be followed")
	}
	if what := notLog(head); what != "" {
		return errors.New("this is " + what)
	}
	return nil
}
