package main

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/correlate"
	"mailforensics/geo"
	"mailforensics/ingest"
	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
	"mailforensics/parse/all"
	"mailforensics/report"
)

// want is what a command takes from a reading. All of it is called from one goroutine, in the order of the log.
type want struct {
	begin     func(b *beginning)              // before the first event; may be nil
	message   func(m *mail.Message)           // messages, as their fate becomes known; nil: none are put together
	event     func(ev *mail.Event)            // events that are of no message
	beside    []taker                         // who takes messages and events, too, and may do so from another goroutine
	batch     func(events []mail.Event) error // all events
	everyKind bool                            // in batch also those of Kind Other
	keepLines bool                            // messages with their log lines
	retain    int                             // the events of a batch are looked at until so many further ones are done
	failed    func() error                    // asked now and then whether to stop; nil: never
}

// beginning is what is known before the first event.
type beginning struct {
	zone  *time.Location // in which times are shown
	files []string       // names of the inputs, by mail.Origin.File
}

// errEnough ends a reading early: what was wanted is there.
var errEnough = errors.New("enough")

// reading is what a scan leaves behind.
type reading struct {
	ledger    *ingest.Ledger
	gaps      gapFinder
	stats     correlate.Stats
	instances map[string][]string // correlate.Tracker.Instances
	failed    bool                // an input could not be read, or was no mail log
}

// scan reads the inputs that args name and hands out what is wanted.
func (s *settings) scan(ctx context.Context, args []string, w want) (*reading, error) {
	inputs, errs, err := s.inputs(args)
	if err != nil {
		return nil, err
	}
	for _, err := range errs {
		say(s.err, err.Error())
	}
	if len(inputs) == 0 {
		return nil, errReported
	}
	r := &reading{failed: len(errs) > 0}
	places := s.openGeo(r)
	defer places.Close()
	over := s.handOver(&w)
	if over != nil {
		defer over.stop()
	}
	p := s.pipeline(w.located(places), r, over)
	r.ledger, err = s.read(ctx, inputs, w, p)
	if err == errEnough {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	p.end()
	if err := places.Err(); err != nil {
		say(s.err, err.Error())
		r.failed = true
	}
	for _, err := range errs {
		path, _, _ := strings.Cut(err.Error(), ": ")
		r.ledger.Files = append(r.ledger.Files, ingest.FileLedger{Path: path, Err: err})
	}
	return r, s.check(r, inputs)
}

// handOver gives messages and events to those who take them, batch by batch: beside the tracker, where there are processors for it
// and nobody looks at the batches, too. It returns nil if nobody takes any.
func (s *settings) handOver(w *want) *handover {
	takers := w.beside
	if w.message != nil || w.event != nil {
		takers = append([]taker{each(w.message, w.event)}, takers...)
	}
	if len(takers) == 0 {
		return nil
	}
	h := newHandover(takers)
	w.message, w.event = h.message, h.event
	if s.workersOf() > 1 && !s.follow && w.batch == nil && w.failed == nil {
		h.beside()
		w.retain = ahead
	}
	return h
}

// whole is a sink without nils.
func whole(sink correlate.Sink) correlate.Sink {
	if sink.Message == nil {
		sink.Message = func(*mail.Message) {}
	}
	if sink.Event == nil {
		sink.Event = func(*mail.Event) {}
	}
	return sink
}

// pipeline is what events go through: the gap finder, the command, the tracker.
type pipeline struct {
	events func(events []mail.Event) error
	silent func(d time.Duration) error // with --follow: nothing was written for so long
	end    func()                      // of the log
}

func (s *settings) pipeline(w want, r *reading, over *handover) pipeline {
	var tracker *correlate.Tracker
	p := pipeline{end: func() {}}
	if w.message != nil || w.event != nil {
		tracker = correlate.New(correlate.Options{KeepLines: w.keepLines, Local: s.pass.Local}, s.within(w))
		p.end = func() { tracker.Close(); r.stats, r.instances = tracker.Stats(), tracker.Instances() }
	}
	if over != nil {
		over.begin(tracker)
		closed := p.end
		p.end = func() { closed(); over.end() }
	}
	p.events = func(events []mail.Event) error {
		r.gaps.add(events)
		if w.batch != nil {
			if err := w.batch(events); err != nil {
				return err
			}
		}
		if tracker != nil {
			tracker.Events(events)
		}
		if over != nil {
			over.batch()
		}
		return w.stop()
	}
	p.silent = func(d time.Duration) error {
		if tracker != nil {
			tracker.Silent(d)
		}
		if over != nil {
			over.batch()
		}
		return w.stop()
	}
	return p
}

// stop is the error that ends the reading; mostly nil.
func (w *want) stop() error {
	if w.failed == nil {
		return nil
	}
	return w.failed()
}

// openGeo opens the files of --geo. One that cannot be used is named, and the run goes on without it.
func (s *settings) openGeo(r *reading) *geo.DB {
	db, errs := geo.Open(s.geo)
	for _, err := range errs {
		say(s.err, "--geo "+err.Error())
		r.failed = true
	}
	return db
}

// located adds network and country to the clients of what is handed out, where there is a database.
func (w want) located(places *geo.DB) want {
	if places.Empty() {
		return w
	}
	locate := func(c *mail.Client) {
		place := places.Lookup(c.IP)
		c.ASN, c.Country = place.ASN, place.Country
	}
	if message := w.message; message != nil {
		w.message = func(m *mail.Message) { locate(&m.Client); message(m) }
	}
	if event := w.event; event != nil {
		w.event = func(ev *mail.Event) { locate(&ev.Client); event(ev) }
	}
	if batch := w.batch; batch != nil {
		w.batch = func(events []mail.Event) error {
			for i := range events {
				locate(&events[i].Client)
			}
			return batch(events)
		}
	}
	return w
}

// within passes on what happened in the window that was asked for: a message belongs to the moment it was accepted.
func (s *settings) within(w want) correlate.Sink {
	sink := whole(correlate.Sink{Message: w.message, Event: w.event})
	if s.since == 0 && s.until == 0 {
		return sink
	}
	message, event := sink.Message, sink.Event
	in := func(t mail.Instant) bool { return t >= s.since && (s.until == 0 || t < s.until) }
	sink.Message = func(m *mail.Message) {
		if in(m.Time) {
			message(m)
		}
	}
	sink.Event = func(ev *mail.Event) {
		if in(ev.Time) {
			event(ev)
		}
	}
	return sink
}

// queueLife is how long a message may be on its way (Postfix, maximal_queue_lifetime): so much around the window is read
// too, so that a message that was accepted in it is whole, and one that was accepted before it is not taken for a new one.
const queueLife = 5 * 24 * time.Hour

// read reads the inputs to their end or, with --follow, until it is interrupted.
func (s *settings) read(ctx context.Context, inputs []*logfile.Input, w want, p pipeline) (*ingest.Ledger, error) {
	o := s.ingestOptions(w)
	o.Window = func(zone *time.Location) (since, until mail.Instant) {
		s.windowIn(zone)
		return s.readFrom(w), s.readUntil(w)
	}
	if w.begin != nil {
		o.Begin = func(zone *time.Location) { w.begin(s.beginning(zone, inputs)) }
	}
	if s.follow {
		return ingest.Follow(ctx, inputs, o, ingest.FollowOptions{
			Now:    time.Now,
			Notice: func(text string) { s.notice("%s", text) },
			Silent: p.silent,
		}, p.events)
	}
	if !s.quiet && isTerminal(s.err) {
		o.Progress = logfile.NewProgress(inputs)
		defer showProgress(s.err, o.Progress)()
	}
	return atOnce(ctx, func() (*ingest.Ledger, error) { return ingest.Read(ctx, inputs, o, p.events) })
}

// atOnce is what reading returns, or the error of ctx soon after that is done: a read from a terminal or a pipe cannot be woken
// up, and the user who hits ^C must not wait for it.
func atOnce(ctx context.Context, reading func() (*ingest.Ledger, error)) (*ingest.Ledger, error) {
	type result struct {
		ledger *ingest.Ledger
		err    error
	}
	done := make(chan result, 1)
	go func() {
		l, err := reading()
		done <- result{l, err}
	}()
	select {
	case r := <-done:
		return r.ledger, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.ledger, r.err
	case <-time.After(200 * time.Millisecond):
		return nil, ctx.Err()
	}
}

// beginning is what is known before the first event. zone is what the logs prove.
func (s *settings) beginning(zone *time.Location, inputs []*logfile.Input) *beginning {
	b := &beginning{zone: s.shownZone(zone)}
	for _, in := range inputs {
		b.files = append(b.files, in.Path)
	}
	return b
}

func (s *settings) ingestOptions(w want) ingest.Options {
	o := ingest.Options{
		Formats: all.Formats(), Workers: s.workersOf(), Zone: s.zone, LocalZone: time.Local, Year: s.year, Now: s.now,
		Everything: w.everyKind, Retain: w.retain, Hash: s.hash,
	}
	return o
}

// workersOf is how many processors may be used.
func (s *settings) workersOf() int {
	if s.workers == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return s.workers
}

// shares is what an engine takes, in as many parts as there are processors beside the parsers.
func (s *settings) shares(engine *analyze.Engine) (takers []taker) {
	const most = 4
	shares := engine.Shares(min(most, s.workersOf()/2))
	for i := range shares {
		takers = append(takers, shares[i].Items)
	}
	return takers
}

// readFrom and readUntil are what is read for the window that was asked for: 0 where there is no bound.
func (s *settings) readFrom(w want) mail.Instant {
	if s.since == 0 || w.message == nil {
		return s.since
	}
	return s.since.Add(-queueLife)
}

func (s *settings) readUntil(w want) mail.Instant {
	if s.until == 0 || w.message == nil {
		return s.until
	}
	return s.until.Add(queueLife)
}

// newReport begins the report of a reading.
func (s *settings) newReport(command, schema string, args []string, r *reading) *report.Report {
	rep := &report.Report{
		Schema: schema, Command: command, Version: versionText(), Files: namedShortly(args), Options: s.carry,
		Zone: s.shownZone(r.ledger.Zone), Ledger: r.ledger, Since: s.since, Until: s.until,
		Instances: r.instances,
	}
	rep.Gaps, rep.QuietSpans = r.gaps.longest()
	rep.Notes = append(lineNotes(r.ledger), trackerNotes(&r.stats)...)
	return rep
}

// lineNotes say of which files the lines have other numbers than those that an editor shows.
func lineNotes(l *ingest.Ledger) (notes []string) {
	for i := range l.Files {
		if f := &l.Files[i]; f.Numbering != "" {
			notes = append(notes, f.Path+": "+f.Numbering)
		}
	}
	return notes
}

// trackerNotes say what joining the events to messages could not know.
func trackerNotes(st *correlate.Stats) []string {
	var notes, waiting []string
	if st.Unfinished > 0 {
		waiting = append(waiting, report.Counted(int(st.Unfinished), "message", "messages"))
	}
	if st.Waiting > 0 {
		waiting = append(waiting, report.Counted(int(st.Waiting), "notice", "notices")+" of the mail server itself")
	}
	if len(waiting) > 0 {
		notes = append(notes, strings.Join(waiting, " and ")+" still in the queue when the log ended, as far as it shows")
	}
	for _, n := range []struct {
		count int64
		text  string
	}{
		{st.Unborn, "whose beginning is not in the log, but counted anyway: the log starts later, or lines are missing"},
		{st.Orphans, "without a beginning in the log, and not counted: the log starts later, or lines are missing"},
		{st.EndNotSeen, "whose end was not seen: the queue ID was reused"},
		{st.Outlived, "open for more than 30 days, and counted as they stood then: their end is not in the log"},
		{st.Evicted, "counted before their end, to limit the memory used: too many were open"},
		{st.Unclear, "counted without a client: a HELO, an ident or a certificate's name imitates another field, and the line can be read both ways"},
		{st.Doubtful, "in lines that contradict themselves and may be forged: not counted"},
	} {
		if n.count > 0 {
			notes = append(notes, report.Counted(int(n.count), "message", "messages")+" "+n.text)
		}
	}
	if st.Cut > 0 {
		notes = append(notes, report.Counted(int(st.Cut), "recipient, line or session", "recipients, lines or sessions")+" left out, to limit the memory used")
	}
	return notes
}

// shownZone is the zone in which times are shown. logged is what the logs prove.
func (s *settings) shownZone(logged *time.Location) *time.Location {
	switch {
	case s.zone != nil:
		return s.zone
	case logged != nil:
		return logged
	}
	return time.Local
}

// print writes a report in the format that was asked for.
func (s *settings) print(rep *report.Report) error {
	if s.redact {
		rep = report.Redact(rep, lineReader())
	}
	return s.write(func(w io.Writer) error {
		switch s.format {
		case "json":
			return report.JSON(w, rep)
		case "ndjson":
			if s.ecs {
				return report.FindingsECS(w, rep)
			}
			return report.NDJSON(w, rep)
		case "stix":
			return report.STIX(w, rep)
		case "timesketch":
			return report.TimesketchJSONL(w, rep)
		case "timesketch-csv":
			return report.TimesketchCSV(w, rep)
		case "csv":
			return report.CSV(w, rep)
		case "markdown":
			return report.Markdown(w, rep)
		case "html":
			return report.HTML(w, rep)
		}
		return report.Terminal(w, rep, report.Style{Width: s.columns, Color: s.color})
	})
}

// lineReader reads single lines, of which the time does not matter.
func lineReader() report.LineReader {
	headers, formats := parse.NewHeaderReader(parse.NewClock(time.UTC, 0)), all.Formats()
	return func(line string, ev *mail.Event) bool {
		body, ok := headers.Read(line, ev)
		if !ok {
			return false
		}
		for i := range formats {
			if v := formats[i].Parse(body, ev); v != parse.Foreign {
				return v == parse.Parsed
			}
		}
		return false
	}
}

// outcome is the error of a run that printed its report: an input was not read, or a finding is grave enough.
func (s *settings) outcome(r *reading, rep *report.Report) error {
	if s.failOn != 0 {
		for i := range rep.Findings {
			if rep.Findings[i].Severity >= s.failOn {
				return errSeverity
			}
		}
	}
	if r.failed {
		return errReported
	}
	return nil
}

// reportFormats are those of a command that makes a report.
var reportFormats = []string{"table", "json", "ndjson", "csv", "markdown"}

// findingsFormats are those of a command whose report has findings.
var findingsFormats = append(slices.Clone(reportFormats), "html", "stix", "timesketch", "timesketch-csv")
