package logfile

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// FollowPipe hands the lines of a pipe to sink as they come, until it ends (it returns nil then), ctx is done (nil, too), or sink
// returns an error (it returns that). Whole lines do not wait for more of them: a program at the other end that writes one in an hour
// has it read. In a busy pipe, what is there at once is one chunk.
//
// A read from a pipe cannot be woken up. When ctx is done, the goroutine that reads stays where it is until the pipe ends, and
// hands out nothing.
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
			return nil
		}
		if first {
			if err := noArchive(p.text); err != nil {
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

// piece is what one read gave.
type piece struct {
	text []byte
	err  error
}

// pieces reads in a goroutine of its own, a little ahead.
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

// take cuts a piece into chunks, as far as it fills them.
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

// noArchive is an error when lines cannot be expected of what begins so.
func noArchive(head []byte) error {
	if codec := codecOf(head); codec != "" {
		return errors.New("a " + codec + " archive cannot be followed")
	}
	if what := noLog(head); what != "" {
		return errors.New("this is " + what)
	}
	return nil
}
