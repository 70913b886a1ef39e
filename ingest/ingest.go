// Package ingest turns files into events in the order of time, and accounts for every line in a ledger.
//
// It stands between logfile, which hands out chunks of whole lines, and correlate, which makes messages of events. Read first
// surveys the head of each file: what its stamps leave out (year, zone), which hosts wrote it, when it begins. Then the files
// are read in the order of their first stamps, chunks are parsed by workers, and the events of all files are merged by time.
//
// Words: a file is an input whose head was read; a stream is a file being read; a batch is the parsed form of a chunk; to settle
// a batch is to resolve what depends on the chunks before it; a twin is another open file of the same host, which may have
// copies of the same lines; a stamp is the time in a line, which may lack year and zone.
//
// Promises: the same inputs give the same events in the same order, whatever the number of workers and the size of the chunks.
// Every line is in the ledger once. Memory is bounded by the number of files that overlap in time, not by their length.
package ingest

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// Options say how to read. Formats and Now must be set.
type Options struct {
	Formats    []parse.Format
	Workers    int               // 0: one per processor; 1: a plain loop, without goroutines
	Zone       *time.Location    // of stamps without one; nil: what the log itself proves, else LocalZone
	LocalZone  *time.Location    // of this machine; nil: UTC
	Year       int               // of the newest line, where stamps have none; 0: what the log itself proves, else the file's times
	Now        time.Time         // nothing is later
	Since      mail.Instant      // events before are left out; 0: none
	Until      mail.Instant      // events from then on are left out; 0: none
	Everything bool              // hand out events of kind mail.Other, too
	Hash       bool              // compute the SHA-256 of the files
	Progress   *logfile.Progress // counts what is read; may be nil
	ChunkSize  int               // bytes; 0: what suits the cache
	Retain     int               // a slice given to sink stays valid until so many further calls have returned; 0: until its own call has
	Scrub      bool              // overwrite text as soon as it may be reused, for tests: a string that was kept is then visibly wrong

	// Window returns Since and Until, if they depend on the zone in which times should be shown; Begin is told that zone before the
	// first event. Either may be nil.
	Window func(zone *time.Location) (since, until mail.Instant)
	Begin  func(zone *time.Location)
}

// chunkSize makes a batch that stays in the second-level cache: an event is some 700 bytes, a line 150. If many hosts are merged,
// all their files are open at once, with three batches each: then chunks are smaller, down to minChunkSize. In bytes.
const (
	chunkSize    = 64 << 10
	minChunkSize = 4 << 10
)

// parsedAhead is how many batches may be parsed before they are wanted, over the files that are open: the goroutine that merges
// them takes long for some, and with two batches a processor has nothing to do for a twentieth of the time.
const parsedAhead = 10

// chunkSizeFor returns the size of chunks for files that are rotations of so many logs.
func chunkSizeFor(logs int) int {
	size := chunkSize
	for several := 8; logs > several && size > minChunkSize; several *= 2 {
		size /= 2
	}
	return size
}

// countLogs returns the number of logs that the inputs are rotations of.
func countLogs(inputs []*logfile.Input) int {
	logs := make(map[string]bool)
	for _, in := range inputs {
		logs[logfile.Family(in.Path)] = true
	}
	return len(logs)
}

// Read reads the inputs and calls sink with their events, in the order of time over all files and hosts, always from one goroutine.
// The slice and the text of its strings belong to Read and are overwritten after the call; see Options.Retain. Read ends with the
// error of sink, or of ctx; what was read until then is in the ledger, which is never nil. An input that cannot be read is no
// error: its FileLedger says so.
func Read(ctx context.Context, inputs []*logfile.Input, o Options, sink func([]mail.Event) error) (*Ledger, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.LocalZone == nil {
		o.LocalZone = time.UTC
	}
	logs := countLogs(inputs)
	if o.ChunkSize <= 0 {
		o.ChunkSize = chunkSizeFor(logs)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &run{o: o, sink: sink, jobs: make(chan job), ahead: max(2, parsedAhead/max(1, logs))}
	r.pool.Scrub = o.Scrub
	survey := r.survey(ctx, inputs)
	r.announce(survey.zone)
	survey.o = r.o
	survey.learnSkews(ctx)
	r.open(survey.files)
	if o.Workers > 1 {
		for range o.Workers {
			r.wait.Go(func() { r.work(ctx) })
		}
	}
	err := r.merge(ctx)
	cancel()
	r.wait.Wait()
	return r.ledger(survey), err
}

// announce tells the caller the zone, before the first event.
func (r *run) announce(zone *time.Location) {
	if r.o.Window != nil {
		r.o.Since, r.o.Until = r.o.Window(zone)
	}
	if r.o.Begin != nil {
		r.o.Begin(zone)
	}
}

// run is one call of Read.
type run struct {
	o        Options
	sink     func([]mail.Event) error
	streams  []*stream // in the order of the inputs
	jobs     chan job
	ahead    int // batches of a file that may be parsed before they are wanted, beside those at which the workers are
	free     spares
	wait     sync.WaitGroup
	dups     duplicates
	copies   []mail.Event
	pool     logfile.Pool
	calls    int      // of sink so far
	growing  bool     // the run is of Follow, not of Read
	retained []*batch // with Options.Retain: handed out, and perhaps still in use, oldest first
}

// open makes the streams of the files; none is read yet.
func (r *run) open(files []*file) {
	for _, f := range files {
		r.streams = append(r.streams, &stream{file: f, settler: settler{
			file:    f,
			ledger:  FileLedger{Path: f.in.Path, Err: f.err, Warnings: slices.Clone(f.in.Warnings)},
			years:   rollover{file: f},
			entries: entries{parser: *r.parser(f)},
		}})
	}
}

func (r *run) parser(f *file) *parser {
	return &parser{file: f, formats: r.o.Formats, everything: r.o.Everything}
}

// merge reads all streams that can be read, by time, and those that begin in the same second in the order of their names. Files in
// which no line has a stamp come first: they make no events.
func (r *run) merge(ctx context.Context) error {
	m := merge{run: r}
	var inputs []*logfile.Input
	for _, s := range r.streams {
		if s.file.err == nil {
			m.waiting = append(m.waiting, s)
			inputs = append(inputs, s.file.in)
		}
	}
	rotated := make(map[*logfile.Input]int)
	for i, in := range logfile.Order(inputs) {
		rotated[in] = i
	}
	slices.SortStableFunc(m.waiting, func(a, b *stream) int {
		switch {
		case a.file.begins() != b.file.begins():
			return cmp.Compare(a.file.begins(), b.file.begins())
		case a.file.rejectLog != b.file.rejectLog && b.file.rejectLog:
			return -1
		case a.file.rejectLog != b.file.rejectLog:
			return 1
		}
		return rotated[a.file.in] - rotated[b.file.in]
	})
	for i, s := range m.waiting {
		s.rank = i
		if s.file.rejectLog { // of two copies of a line, the one in the main log comes first and is kept
			s.rank += len(m.waiting)
		}
	}
	return m.all(ctx)
}

// start begins to read a stream, unless that was done before.
func (r *run) start(ctx context.Context, s *stream) {
	if s.reader != nil {
		return
	}
	o := logfile.Options{ChunkSize: r.o.ChunkSize, Hash: r.o.Hash, Progress: r.o.Progress, Pool: &r.pool, Verbatim: s.file.journal}
	if s.file.in.Size < 0 {
		o.ReadAhead = 2 // a read from a pipe may block for ever: it must be in a goroutine that can be abandoned
	}
	s.reader = logfile.Open(ctx, s.file.in, o)
	if s.file.journal {
		s.journal = &journal{r: s.reader}
	}
	if r.o.Workers == 1 {
		s.serial = r.parser(s.file)
		return
	}
	depth := r.o.Workers + r.ahead
	if r.o.ChunkSize < chunkSize/2 {
		depth = 1 // many files are open: see chunkSize
	}
	s.promises = make(chan chan *batch, depth)
	r.wait.Go(func() {
		defer s.reader.Close()
		r.feed(ctx, s)
	})
}

// startAhead begins to read the files that come next, so that several compressed files are decompressed at the same time.
func (r *run) startAhead(ctx context.Context, waiting []*stream) {
	if r.o.Workers == 1 {
		return
	}
	for _, s := range waiting[:min(len(waiting), r.o.Workers)] {
		r.start(ctx, s)
	}
}

// failed notes why a stream cannot be read any further. The error that it returns, of ctx, ends the run.
func (r *run) failed(ctx context.Context, s *stream, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.settler.ledger.Err = err
	return nil
}

// end completes the ledger of a stream that was read.
func (r *run) end(s *stream) {
	s.done = true
	s.settler.end(s.reader.Stats())
	r.dups.close(s)
	if s.serial != nil {
		s.reader.Close()
	}
}

// spares are batches that nobody uses. The one that was used last is taken first: its memory is the likeliest to be in the
// processor's cache still.
type spares struct {
	mu    sync.Mutex
	stack []*batch
}

// maxSpares bounds them. More batches are in use at once only if many files are open.
const maxSpares = 32

func (s *spares) take() *batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.stack) - 1
	if last < 0 {
		return &batch{}
	}
	b := s.stack[last]
	s.stack = s.stack[:last]
	return b
}

func (s *spares) put(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.stack) < maxSpares {
		s.stack = append(s.stack, b)
	}
}

// release takes a batch back. If its events were handed out, it is reused only after Options.Retain further calls of sink.
func (r *run) release(b *batch) {
	if b.handed == 0 || r.o.Retain == 0 {
		r.reuse(b)
		return
	}
	r.retained = append(r.retained, b)
	for len(r.retained) > 0 && r.retained[0].handed+r.o.Retain <= r.calls {
		r.reuse(r.retained[0])
		r.retained = append(r.retained[:0], r.retained[1:]...)
	}
}

// reuse empties a batch for the next one, and gives back the memory of its text.
func (r *run) reuse(b *batch) {
	r.pool.Put(b.chunk)
	b.reset()
	r.free.put(b)
}

// hand hands out the events from the cursor to end, except those out of the time asked for and duplicates. twins: other files are
// open, which may have copies of the lines.
func (r *run) hand(c *cursor, end int, twins bool) error {
	b := c.b
	twins = twins && r.dups.possible(c.s, b)
	if !twins && len(b.repeats) == 0 && r.inside(b) {
		return r.handEvents(b, b.events[c.i:end])
	}
	start := c.i
	for i := c.i; i < end; i++ {
		n := b.times(i)
		keep := n > 0 && r.wanted(b.events[i].Time) && !(twins && r.duplicate(c.s, b, i))
		if keep && n == 1 {
			continue
		}
		if err := r.handEvents(b, b.events[start:i]); err != nil {
			return err
		}
		start = i + 1
		if keep {
			err := r.handCopies(&b.events[i], n)
			if b.handed = r.calls; err != nil {
				return err
			}
		}
	}
	return r.handEvents(b, b.events[start:end])
}

func (r *run) duplicate(s *stream, b *batch, i int) bool {
	if !r.dups.duplicate(s, &b.events[i], b.bodies[i]) {
		return false
	}
	s.settler.ledger.Duplicates++
	return true
}

// handEvents hands out events of a batch.
func (r *run) handEvents(b *batch, events []mail.Event) error {
	if len(events) == 0 {
		return nil
	}
	r.calls++
	b.handed = r.calls
	return r.sink(events)
}

// handCopies hands out an event n times.
func (r *run) handCopies(ev *mail.Event, n int) error {
	const together = 64
	if r.copies == nil || r.o.Retain > 0 {
		r.copies = make([]mail.Event, together)
	}
	for n > 0 {
		some := r.copies[:min(n, together)]
		for i := range some {
			some[i] = *ev
		}
		r.calls++
		if err := r.sink(some); err != nil {
			return err
		}
		n -= len(some)
	}
	return nil
}

// times returns how many lines event i stands for.
func (b *batch) times(i int) int {
	if len(b.repeats) > 0 {
		if at, ok := slices.BinarySearchFunc(b.repeats, i, func(r repeat, i int) int { return r.index - i }); ok {
			return b.repeats[at].n
		}
	}
	return 1
}

// inside reports whether all events of a batch are in the time that was asked for.
func (r *run) inside(b *batch) bool {
	return r.o.Since == 0 && r.o.Until == 0 || !b.twice && r.wanted(b.first) && r.wanted(b.last)
}

func (r *run) wanted(t mail.Instant) bool {
	return t >= r.o.Since && (r.o.Until == 0 || t < r.o.Until)
}

// ledger joins the ledgers of the files, also of those that were not read to their end.
func (r *run) ledger(survey *survey) *Ledger {
	l := &Ledger{Zone: survey.zone, ZoneWhy: survey.zoneWhy, Warnings: survey.warnings}
	all := make([]*shapes, len(r.streams))
	for i, s := range r.streams {
		if !s.done && s.reader != nil {
			s.settler.end(s.reader.Stats()) // interrupted
		}
		f := &s.settler.ledger
		l.Files = append(l.Files, *f)
		extend(&l.First, &l.Last, f.First)
		extend(&l.First, &l.Last, f.Last)
		all[i] = &s.settler.shapes
	}
	l.Shapes = joinShapes(all)
	return l
}
