package ingest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// FollowOptions say how to read a growing log, in addition to Options. Now and Notice must be set.
type FollowOptions struct {
	Now    func() time.Time            // the current time: a stamp without a year is not after it
	Notice func(text string)           // told about rotations and losses, from any goroutine
	Silent func(d time.Duration) error // told, from the goroutine that calls sink, that nothing was written for d; its error ends the run; may be nil
	Log    logfile.FollowOptions       // Notice and Saved are replaced
}

// quietFor is how long the merge waits for a file that has no event before it goes on without it.
const quietFor = time.Second

// Follow is Read for logs that grow: it reads on over rotations until ctx is done, and then returns nil, or until sink returns an
// error. What the files have at the beginning is handed out in the order of time over all of them; what is written later, as it
// comes.
func Follow(ctx context.Context, inputs []*logfile.Input, o Options, fo FollowOptions, sink func([]mail.Event) error) (*Ledger, error) {
	if o.LocalZone == nil {
		o.LocalZone = time.UTC
	}
	ctx, cancel := context.WithCancel(ctx)
	f := &following{run: run{o: o, sink: sink, growing: true}, fo: fo, news: make(chan struct{}, 1), merged: make(chan struct{})}
	survey := f.survey(ctx, inputs)
	f.announce(survey.zone)
	f.open(survey.files)
	for _, s := range f.streams {
		if s.file.err == nil {
			f.files = append(f.files, &followed{stream: s, queue: make(chan *batch, 2)})
		}
	}
	for _, file := range f.files {
		f.wait.Go(func() { f.follow(ctx, file) })
	}
	err := f.merge(ctx)
	cancel()
	close(f.merged)
	f.wait.Wait()
	for _, file := range f.files {
		file.stream.settler.end(logfile.Stats{Bytes: file.bytes, Lines: file.lines})
		file.stream.done = true
	}
	return f.ledger(survey), err
}

// following is one call of Follow.
type following struct {
	run
	fo    FollowOptions
	files []*followed
	news  chan struct{} // signals the merge that a batch was queued, or a file was read to its end

	merged chan struct{} // closed when the merge has ended
}

// followed is a file that grows. Its goroutine owns the fields above mu until it ends, and the merge those at the end.
type followed struct {
	stream       *stream
	bytes, lines int64
	queue        chan *batch

	mu    sync.Mutex
	state readState // guarded by mu

	cursor *batch // that is being handed out; nil: none is there
	next   int    // index of the next event in cursor
}

// readState tells the merge whether to wait for a file that has no event now.
type readState uint8

const (
	reading  readState = iota // an event may come at once
	caughtUp                  // read to its end, for now
	stopped                   // read to its end, for good
)

// follow reads one file as it grows.
func (f *following) follow(ctx context.Context, file *followed) {
	o := f.fo.Log
	o.Notice = f.fo.Notice
	o.Saved = func(logfile.Checkpoint) { f.report(file, caughtUp) }
	err := file.stream.file.grow(ctx, o, func(c logfile.Chunk) error {
		b := f.parse(file, c)
		f.report(file, reading)
		select {
		case file.queue <- b:
		case <-f.merged: // with an error
			return errMerged
		}
		f.report(file, reading)
		return nil
	})
	if err != nil && err != errMerged && ctx.Err() == nil {
		file.stream.settler.ledger.Err = err
	}
	f.report(file, stopped)
}

// errMerged ends the reading of a file, because nobody takes its events any more.
var errMerged = errors.New("the merge has ended")

// grow reads a file or a pipe as it grows. The survey did not touch a pipe: its first chunk is its head.
func (f *file) grow(ctx context.Context, o logfile.FollowOptions, sink func(logfile.Chunk) error) error {
	if !f.live {
		return logfile.Follow(ctx, f.in.Path, o, sink)
	}
	begun := false
	return logfile.FollowPipe(ctx, f.in, o, func(c logfile.Chunk) error {
		if !begun {
			begun = true
			f.head(c.Text) // what comes as it is written cannot be arranged
		}
		return sink(c)
	})
}

// parse parses the next chunk of a file into a batch, and settles it.
func (f *following) parse(file *followed, c logfile.Chunk) *batch {
	s := file.stream
	if s.serial == nil {
		s.serial = f.parser(s.file)
	}
	s.serial.reader = s.file.headers(f.clock(file))
	file.bytes += int64(len(c.Text))
	file.lines += int64(strings.Count(c.Text, "\n"))
	if !strings.HasSuffix(c.Text, "\n") {
		file.lines++
	}
	b := f.free.take()
	s.serial.text(text{Chunk: c}, b)
	s.settler.settle(b)
	return b
}

// clock returns the clock for the next chunk of a file. What was there at the beginning has the clock of the survey; what is written
// since then is not after now. If a year was asked for, later lines are of that year, or, as the log goes on, of the next ones: see
// rollOver.
func (f *following) clock(file *followed) *parse.Clock {
	of := file.stream.file
	if file.bytes < of.in.Size {
		return of.clock
	}
	const skew = time.Hour // of the clocks of two hosts
	zone := of.clock.Location()
	bound := mail.InstantOf(f.fo.Now().Add(skew))
	if f.o.Year != 0 {
		of.latest = bound
		bound = min(bound, mail.InstantOf(time.Date(f.o.Year+1, 1, 1, 0, 0, 0, 0, zone))-1)
	}
	return parse.NewClock(zone, bound)
}

// report tells the merge the state of a file.
func (f *following) report(file *followed, state readState) {
	file.mu.Lock()
	file.state = state
	file.mu.Unlock()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// merge hands out the earliest events of all files, as long as each of them has one or is read to its end; a file that is neither
// is waited for, but not longer than quietFor. It goes on after ctx is done, until all files have stopped: what was read counts.
func (f *following) merge(ctx context.Context) error {
	timer := time.NewTimer(quietFor)
	defer timer.Stop()
	ticker := time.NewTicker(quietFor)
	defer ticker.Stop()
	quiet := false
	silent := time.Duration(0)
	done := ctx.Done()
	for {
		first, limit, waits, ended := f.earliest()
		switch {
		case first != nil && (!waits || quiet):
			if err := f.handUpTo(first, limit); err != nil {
				return err
			}
			silent = 0
			continue
		case ended == len(f.files):
			return nil
		}
		timer.Reset(quietFor)
		quiet = false
		select {
		case <-f.news:
		case <-timer.C:
			quiet = true
		case <-ticker.C:
			if silent += quietFor; first == nil && f.fo.Silent != nil {
				if err := f.fo.Silent(silent); err != nil {
					return err
				}
			}
		case <-done:
			done = nil // the files stop
		}
	}
}

// earliest returns the file with the earliest event, the time of the earliest event in any other file, whether a file must be waited
// for, and how many files have ended and been handed out.
func (f *following) earliest() (first *followed, limit mail.Instant, waits bool, ended int) {
	limit = 1<<63 - 1
	for _, file := range f.files {
		file.mu.Lock()
		state := file.state // before looking into the queue: what is queued after that comes with a signal
		file.mu.Unlock()
		if f.fill(file); file.cursor == nil {
			waits = waits || state == reading
			if state == stopped {
				ended++
			}
			continue
		}
		key := file.key()
		switch {
		case first == nil:
			first = file
		case key < first.key():
			limit, first = first.key(), file
		default:
			limit = min(limit, key)
		}
	}
	return first, limit, waits, ended
}

// fill makes sure that the file's cursor is at an event, if one is queued.
func (f *following) fill(file *followed) {
	for file.cursor == nil || file.next == len(file.cursor.events) {
		select {
		case b := <-file.queue:
			f.dups.note(file.stream, b)
			file.cursor, file.next = b, 0
		default:
			file.cursor = nil
			return
		}
	}
}

func (file *followed) key() mail.Instant { return file.cursor.events[file.next].Time }

// handUpTo hands out the events of a file that are not after limit, at least one.
func (f *following) handUpTo(file *followed, limit mail.Instant) error {
	events := file.cursor.events
	end := file.next + 1
	for end < len(events) && events[end].Time <= limit {
		end++
	}
	c := &cursor{s: file.stream, b: file.cursor, i: file.next}
	file.next = end
	return f.hand(c, end, len(f.files) > 1)
}
