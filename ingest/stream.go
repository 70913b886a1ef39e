package ingest

import (
	"context"
	"io"

	"mailforensics/logfile"
)

// stream is a file that is being read: its batches in order.
type stream struct {
	file    *file
	rank    int             // of its events among those at the same moment
	reader  *logfile.Reader // nil: not begun
	journal *journal        // reads reader, if the file is a journal; else nil
	settler settler
	done    bool // its ledger is complete

	// For duplicates.
	labels map[string]bool // first labels of the names of its hosts; nil: no batch yet
	ended  bool            // it was read to its end
	ages   int             // how often duplicates aged since then

	promises chan chan *batch // with workers: in the order of the chunks, each filled by a worker
	serial   *parser          // without workers
}

// next returns the next batch, settled; nil: the end. The caller gives it back with release.
func (r *run) next(ctx context.Context, s *stream) (*batch, error) {
	b, err := r.fetch(ctx, s)
	if err != nil || b == nil {
		return nil, err
	}
	s.settler.settle(b)
	r.dups.note(s, b)
	return b, nil
}

func (r *run) fetch(ctx context.Context, s *stream) (*batch, error) {
	if s.serial != nil {
		t, err := s.text()
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		b := r.free.take()
		s.serial.reader = s.file.headers(s.file.clock)
		s.serial.text(t, b)
		return b, nil
	}
	select {
	case promise, ok := <-s.promises:
		if !ok {
			return nil, ctx.Err()
		}
		b := <-promise // always filled: by a worker, or by feed with an error
		return b, b.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// text returns the next piece of the file to be parsed.
func (s *stream) text() (text, error) {
	if s.journal != nil {
		return s.journal.next()
	}
	c, err := s.reader.Next()
	return text{Chunk: c}, err
}

// job is a chunk to be parsed.
type job struct {
	file    *file
	text    text
	promise chan *batch
}

// feed reads the chunks of a file, and hands them to the workers. The queue of promises keeps their order, and because it is
// bounded, the file is not read too far ahead.
func (r *run) feed(ctx context.Context, s *stream) {
	defer close(s.promises)
	for {
		t, err := s.text()
		if err == io.EOF {
			return
		}
		promise := make(chan *batch, 1)
		if err != nil {
			promise <- &batch{err: err}
		}
		select {
		case s.promises <- promise:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		select {
		case r.jobs <- job{s.file, t, promise}:
		case <-ctx.Done():
			promise <- &batch{err: ctx.Err()}
			return
		}
	}
}

// work parses chunks of any file until ctx is done.
func (r *run) work(ctx context.Context) {
	p := r.parser(nil)
	for {
		select {
		case j := <-r.jobs:
			b := r.free.take()
			p.file = j.file
			p.reader = j.file.headers(j.file.clock)
			p.text(j.text, b)
			j.promise <- b
		case <-ctx.Done():
			return
		}
	}
}
