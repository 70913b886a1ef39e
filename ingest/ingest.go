// Package ingest turns files into events in the order of time, and keeps the books about every line.
//
// It stands between logfile, which hands out chunks of whole lines, and correlate, which makes messages of events. Read looks
// at the head of each file first: what its stamps leave out (year, zone), which hosts wrote it, when it begins. Then the files
// are read in the order of their first stamps, chunks are parsed by workers, and the events of all files are merged by time.
//
// Words: a file is an input that was looked at; a stream is a file being read; a batch is what a chunk means; to settle a
// batch is to resolve what its lines owe to the chunk before; a twin is another open file of the same host, whose lines may be
// the same ones.
//
// Promises: the same inputs give the same events in the same order, whatever the number of workers and the size of the chunks.
// Every line is in the ledger once. Memory is bounded by the number of files that overlap in time, never by their length.
package ingest

import (
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
	Workers    int            // 0: one per processor; 1: a plain loop, without goroutines
	Zone       *time.Location // of stamps without one; nil: what the log itself proves, else LocalZone
	LocalZone  *time.Location // of this machine; nil: UTC
	Year       int            // of the newest line, where stamps have none; 0: what the log itself proves, else the file's times
	Now        time.Time      // nothing is later
	Since      mail.Instant   // events before are left out; 0: none
	Until      mail.Instant   // events from then on are left out; 0: none
	Everything bool           // hand out events of kind mail.Other, too
	Hash       bool           // compute the SHA-256 of the files
	Progress   *logfile.Progress
	ChunkSize  int                                                   // bytes; 0: what suits the cache
	Window     func(zone *time.Location) (since, until mail.Instant) // Since and Until, where they depend on the zone in which times should be shown
	Begin      func(zone *time.Location)                             // told before the first event in which zone times should be shown; may be nil
	Late       int                                                   // what sink was given is used again only after so many further calls have returned
	Scrub      bool                                                  // overwrite text that no event refers to any more, for tests: who kept a string of one then shows
}

// chunkSize makes a batch that stays in the second-level cache: an event is some 700 bytes, a line 150. Where many hosts are
// merged, all their files are open at once, with three batches each: chunks are smaller then, down to leastChunk.
const (
	chunkSize  = 64 << 10
	leastChunk = 4 << 10
)

// chunksFor is the size of chunks for files that come in so many rotated sets.
func chunksFor(sets int) int {
	size := chunkSize
	for several := 8; sets > several && size > leastChunk; several *= 2 {
		size /= 2
	}
	return size
}

// setsOf counts the logs of which the inputs are rotations.
func setsOf(inputs []*logfile.Input) int {
	sets := make(map[string]bool)
	for _, in := range inputs {
		sets[logfile.Family(in.Path)] = true
	}
	return len(sets)
}

// Read reads the inputs and calls sink with their events, in the order of time over all files and hosts. The slice belongs to
// Read: it is used again after the call, and the text that its strings are of. An error of sink ends the reading, and so does
// ctx; what was found until then is in the ledger, which is never nil. Inputs that cannot be read are no error: their ledgers say so.
func Read(ctx context.Context, inputs []*logfile.Input, o Options, sink func([]mail.Event) error) (*Ledger, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.LocalZone == nil {
		o.LocalZone = time.UTC
	}
	if o.ChunkSize <= 0 {
		o.ChunkSize = chunksFor(setsOf(inputs))
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &run{o: o, sink: sink, jobs: make(chan job), free: make(chan *batch, 4*o.Workers+8)}
	r.pool.Scrub = o.Scrub
	survey := r.survey(ctx, inputs)
	r.begin(survey.zone)
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

// begin tells the zone to those who wait for it.
func (r *run) begin(zone *time.Location) {
	if r.o.Window != nil {
		r.o.Since, r.o.Until = r.o.Window(zone)
	}
	if r.o.Begin != nil {
		r.o.Begin(zone)
	}
}

// run is one call of Read.
type run struct {
	o       Options
	sink    func([]mail.Event) error
	streams []*stream // in the order of the inputs
	jobs    chan job
	free    chan *batch
	wait    sync.WaitGroup
	dups    duplicates
	copies  []mail.Event
	pool    logfile.Pool
	calls   int      // of sink
	growing bool     // Follow
	late    []*batch // with Options.Late: read, and perhaps still looked at, oldest first
}

// open makes the streams.
func (r *run) open(files []*file) {
	for _, f := range files {
		s := &stream{file: f}
		s.settler.parser = *r.parser(f)
		s.settler.ledger = FileLedger{Path: f.in.Path, Err: f.err, Warnings: slices.Clone(f.in.Warnings)}
		r.streams = append(r.streams, s)
	}
}

func (r *run) parser(f *file) *parser {
	return &parser{file: f, formats: r.o.Formats, everything: r.o.Everything}
}

// merge reads all streams that can be read, by time, and those that begin in the same second as their names tell. Files of which
// no line has a stamp come first: they make no events.
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
		case a.file.first != b.file.first:
			return int(min(1, max(-1, a.file.first-b.file.first)))
		case a.file.rejectLog != b.file.rejectLog && b.file.rejectLog:
			return -1
		case a.file.rejectLog != b.file.rejectLog:
			return 1
		}
		return rotated[a.file.in] - rotated[b.file.in]
	})
	for i, s := range m.waiting {
		s.rank = i
		if s.file.rejectLog { // of two copies of a line, that of the main log is kept
			s.rank += len(m.waiting)
		}
	}
	return m.all(ctx)
}

// start begins to read a stream.
func (r *run) start(ctx context.Context, s *stream) {
	if s.reader != nil {
		return
	}
	o := logfile.Options{ChunkSize: r.o.ChunkSize, Hash: r.o.Hash, Progress: r.o.Progress, Pool: &r.pool, Verbatim: s.file.export}
	if s.file.in.Size < 0 {
		o.ReadAhead = 2 // a pipe may block for ever: only the reader's own goroutine may wait for it
	}
	s.reader = logfile.Open(ctx, s.file.in, o)
	if s.file.export {
		s.export = &export{r: s.reader}
	}
	if r.o.Workers == 1 {
		s.serial = r.parser(s.file)
		return
	}
	depth := r.o.Workers + 2
	if r.o.ChunkSize < chunkSize/2 {
		depth = 1 // many files
	}
	s.promises = make(chan chan *batch, depth)
	r.wait.Go(func() {
		defer s.reader.Close()
		r.feed(ctx, s)
	})
}

// startAhead begins to read the files that come next, so that archives are decompressed side by side.
func (r *run) startAhead(ctx context.Context, waiting []*stream) {
	if r.o.Workers == 1 {
		return
	}
	for _, s := range waiting[:min(len(waiting), r.o.Workers)] {
		r.start(ctx, s)
	}
}

// failed notes why a stream cannot be read on; an error ends the run.
func (r *run) failed(ctx context.Context, s *stream, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.settler.ledger.Err = err
	return nil
}

// end closes the books of a stream.
func (r *run) end(s *stream) {
	s.done = true
	s.settler.end(s.reader.Stats())
	r.dups.close(s)
	if s.serial != nil {
		s.reader.Close()
	}
}

// batch is an empty batch.
func (r *run) batch() *batch {
	select {
	case b := <-r.free:
		return b
	default:
		return &batch{}
	}
}

// release takes a batch back: what was handed out of it only when it is no longer looked at.
func (r *run) release(b *batch) {
	if b.handed == 0 || r.o.Late == 0 {
		r.reuse(b)
		return
	}
	r.late = append(r.late, b)
	for len(r.late) > 0 && r.late[0].handed+r.o.Late <= r.calls {
		r.reuse(r.late[0])
		r.late = append(r.late[:0], r.late[1:]...)
	}
}

// reuse empties a batch for the next one, and gives back the memory of its text.
func (r *run) reuse(b *batch) {
	r.pool.Put(b.chunk)
	b.reset()
	select {
	case r.free <- b:
	default:
	}
}

// hand hands out the events of a cursor's run, up to end. twins: other files are open.
func (r *run) hand(c *cursor, end int, twins bool) error {
	b := c.b
	twins = twins && r.dups.possible(c.s, b)
	if !twins && len(b.repeats) == 0 && r.inside(b) {
		return r.some(b, b.events[c.i:end])
	}
	start := c.i
	for i := c.i; i < end; i++ {
		n := b.times(i)
		if n == 1 && r.wanted(b.events[i].Time) && !(twins && r.duplicate(c.s, b, i)) {
			continue
		}
		if err := r.some(b, b.events[start:i]); err != nil {
			return err
		}
		start = i + 1
		if n > 1 && r.wanted(b.events[i].Time) && !(twins && r.duplicate(c.s, b, i)) {
			err := r.repeat(&b.events[i], n)
			if b.handed = r.calls; err != nil {
				return err
			}
		}
	}
	return r.some(b, b.events[start:end])
}

func (r *run) duplicate(s *stream, b *batch, i int) bool {
	if !r.dups.duplicate(s, &b.events[i], b.bodies[i]) {
		return false
	}
	s.settler.ledger.Duplicates++
	return true
}

// some hands out events of a batch.
func (r *run) some(b *batch, events []mail.Event) error {
	if len(events) == 0 {
		return nil
	}
	r.calls++
	b.handed = r.calls
	return r.sink(events)
}

// repeat hands out an event n times.
func (r *run) repeat(ev *mail.Event, n int) error {
	const together = 64
	if r.copies == nil || r.o.Late > 0 {
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

// times is how many lines an event stands for.
func (b *batch) times(i int) int {
	if len(b.repeats) > 0 {
		if at, ok := slices.BinarySearchFunc(b.repeats, i, func(r repeat, i int) int { return r.index - i }); ok {
			return b.repeats[at].n
		}
	}
	return 1
}

// inside reports whether all events of a batch are in the time that is asked for.
func (r *run) inside(b *batch) bool {
	return r.o.Since == 0 && r.o.Until == 0 || !b.twice && r.wanted(b.first) && r.wanted(b.last)
}

func (r *run) wanted(t mail.Instant) bool {
	return t >= r.o.Since && (r.o.Until == 0 || t < r.o.Until)
}

// ledger joins the ledgers of the files.
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
