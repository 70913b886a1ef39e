package ingest

import (
	"context"
	"strings"
	"sync"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// FollowOptions are what reading a growing log needs beside Options.
type FollowOptions struct {
	Now    func() time.Time            // the clock on the wall: a stamp without a year is not after it
	Notice func(path, text string)     // told about rotations and losses
	Silent func(d time.Duration) error // told, in the place of sink, that nothing was written for so long; may be nil
	Log    logfile.FollowOptions       // Notice and Saved are set here
}

// quietFor is how long a file has nothing to say before it is taken for read to its end.
const quietFor = time.Second

// Follow is Read for logs that grow: it goes on over rotations until ctx is done, and returns nil then, or until sink returns
// an error. What the files hold at the beginning comes in the order of time over all of them; after that events come as they
// are written.
func Follow(ctx context.Context, inputs []*logfile.Input, o Options, fo FollowOptions, sink func([]mail.Event) error) (*Ledger, error) {
	if o.LocalZone == nil {
		o.LocalZone = time.UTC
	}
	ctx, cancel := context.WithCancel(ctx)
	f := &following{run: run{o: o, sink: sink, growing: true, free: make(chan *batch, 8)}, fo: fo, news: make(chan struct{}, 1)}
	survey := f.survey(ctx, inputs)
	f.begin(survey.zone)
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
	f.wait.Wait()
	if err == nil || ctx.Err() != nil && err == ctx.Err() {
		err = f.rest()
	}
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
	news  chan struct{} // something was queued, or a file was read to its end
}

// followed is a file that grows. Its goroutine owns what stands above the lock until it ends; the merge owns what stands
// below it.
type followed struct {
	stream       *stream
	bytes, lines int64
	queue        chan *batch
	held         *batch // was not queued any more

	mu      sync.Mutex
	caught  bool // read to its end for now; under mu, like stopped
	stopped bool // for good

	cursor *batch
	next   int
}

// follow reads one file as it grows.
func (f *following) follow(ctx context.Context, file *followed) {
	o := f.fo.Log
	o.Notice = func(text string) { f.fo.Notice(file.stream.file.in.Path, text) }
	o.Saved = func(logfile.Checkpoint) { f.say(file, true, false) }
	err := file.stream.file.grow(ctx, o, func(c logfile.Chunk) error {
		b := f.parse(file, c)
		f.say(file, false, false)
		select {
		case file.queue <- b:
		case <-ctx.Done():
			file.held = b // the merge has ended: rest hands it out
			return ctx.Err()
		}
		f.say(file, false, false)
		return nil
	})
	if err != nil && ctx.Err() == nil {
		file.stream.settler.ledger.Err = err
	}
	f.say(file, true, true)
}

// grow reads a file, or a pipe, as it grows. Nothing was taken from a pipe yet: its first lines tell what it is.
func (f *file) grow(ctx context.Context, o logfile.FollowOptions, sink func(logfile.Chunk) error) error {
	if !f.live {
		return logfile.Follow(ctx, f.in.Path, o, sink)
	}
	begun := false
	return logfile.FollowPipe(ctx, f.in, o, func(c logfile.Chunk) error {
		if !begun {
			begun = true
			f.head(c.Text)
		}
		return sink(c)
	})
}

// parse parses a chunk.
func (f *following) parse(file *followed, c logfile.Chunk) *batch {
	s := file.stream
	if s.serial == nil {
		s.serial = f.parser(s.file)
	}
	s.serial.reader = parse.NewHeaderReader(f.clock(file))
	file.bytes += int64(len(c.Text))
	file.lines += int64(strings.Count(c.Text, "\n"))
	if !strings.HasSuffix(c.Text, "\n") {
		file.lines++
	}
	b := f.batch()
	s.serial.text(text{Chunk: c}, b)
	s.settler.settle(b)
	return b
}

// clock completes the stamps of the next chunk of a file: what was there at the beginning has the file's own clock, what is
// written since then is not after now. Where a year was asked for, it is of that year, and goes on into the next ones as the log
// does: see turn.
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

// say tells the merge how a file is.
func (f *following) say(file *followed, caught, stopped bool) {
	file.mu.Lock()
	file.caught, file.stopped = caught, file.stopped || stopped
	file.mu.Unlock()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// merge hands out the earliest events of all files, as long as each of them has one or is read to its end.
func (f *following) merge(ctx context.Context) error {
	timer := time.NewTimer(quietFor)
	defer timer.Stop()
	ticker := time.NewTicker(quietFor)
	defer ticker.Stop()
	quiet := false
	silent := time.Duration(0)
	for {
		first, limit, waits, stopped := f.heads()
		switch {
		case first != nil && (!waits || quiet):
			if err := f.handUpTo(first, limit); err != nil {
				return err
			}
			silent = 0
			continue
		case stopped == len(f.files):
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
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// heads finds the file with the earliest event, the moment of the next file's, and whether a file must be waited for.
func (f *following) heads() (first *followed, limit mail.Instant, waits bool, stopped int) {
	limit = 1<<63 - 1
	for _, file := range f.files {
		file.mu.Lock()
		caught, ended := file.caught, file.stopped // read before the queue: what is queued after that is news
		file.mu.Unlock()
		if f.fill(file); file.cursor == nil {
			waits = waits || !caught && !ended
			if ended {
				stopped++
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
	return first, limit, waits, stopped
}

// fill takes the next batch that has events.
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

// rest hands out what was parsed before the end.
func (f *following) rest() error {
	for {
		first, limit, _, _ := f.heads()
		if first == nil && !f.unhold() {
			return nil
		}
		if first == nil {
			continue
		}
		if err := f.handUpTo(first, limit); err != nil {
			return err
		}
	}
}

// unhold queues the batches that were held; false when there are none.
func (f *following) unhold() (any bool) {
	for _, file := range f.files {
		if file.held != nil {
			file.queue <- file.held // there is room: it is empty
			file.held, any = nil, true
		}
	}
	return any
}
