// Package correlate joins events to messages. It stands between ingest, which hands it events in the order of the log, and
// analyze, which gets messages whose fate is known, and the events that belong to no message.
//
// Words: a hop is one life of a queue ID on one host and in one instance (a life, because short Postfix IDs are reused within
// minutes); a message is what its sender knows, and may have several hops, over content filters, forwards and hosts; a session is
// an SMTP session with a client. A hop begins (its birth) with the line that accepts the message, ends (is dead) with a line that
// says so, and lingers after that, because the lines of several processes are not in order: a late line belongs to the hop that
// lingers, and must not begin a new one.
//
// A Tracker promises: the same events give the same messages in the same order; the strings of a message never change, and the
// Message itself not before its callback returns; what a client can write decides nothing; memory is bounded, and what was dropped
// for that is counted in Stats. It may be used by one goroutine at a time.
package correlate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// Options are the settings of a run. The zero value is usable.
type Options struct {
	KeepLines bool     // fill Message.Lines
	Local     []string // local domains, in addition to those learned from local deliveries
	MaxOpen   int      // messages that may be open at once; 0: DefaultMaxOpen
}

// Sink receives what comes out. Either function may be nil.
type Sink struct {
	Message func(*mail.Message) // a message that is complete, or will not be completed by this log; reused after the call, unless it is lent
	Event   func(*mail.Event)   // an event that belongs to no message: sessions, refusals (also those with a queue ID), logins, warnings, skipped servers, filters
}

// DefaultMaxOpen is how many messages may be open. Each takes about 2 KB; a hundred thousand that are all deferred at the same
// time are ten times the largest backlog of the incidents that this was built for.
const DefaultMaxOpen = 100_000

const (
	maxLingering = 1 << 15
	maxSpare     = 4096

	lingerReinjected = 10 * time.Minute // smtp_data_done_timeout: the filter's client logs its child only after the filter's reply
	lingerRequeued   = 24 * time.Hour   // postsuper -r: until pickup finds it

	// How late a line may be, such as one that begins a hop after the first lines of child processes about it.
	late = 5 * time.Second

	maxAge     = 30 * 24 * time.Hour // of an open message: six times Postfix's maximal_queue_lifetime
	evictEvery = time.Minute         // how often that is looked at

	maxTexts      = 8      // ACL texts and headers of a message
	maxLines      = 10_000 // lines of a message
	maxRecipients = 50_000
)

// Stats counts what came in and went out, and what is not known.
type Stats struct {
	Events int64

	Messages int64 // handed out, without notices
	Notices  int64 // handed out: bounces, delay warnings, reports

	Refused   int64 // had a queue ID and were refused at the end of DATA
	Cancelled int64 // had a queue ID, and the client reset or left
	Probes    int64 // address probes
	Doubtful  int64 // lines, and messages made of lines, that contradict themselves
	Unclear   int64 // messages whose client can be read in two ways
	Unstarted int64 // had a queue ID, but neither acceptance nor refusal was seen

	Unborn     int64 // messages whose dispositions are in the log, but not who handed them in
	Orphans    int64 // ends of queue IDs of which no other line was seen
	Late       int64 // lines of messages that were already handed out
	EndNotSeen int64 // messages whose end is missing, although their queue ID was given to another
	Unfinished int64 // messages that were open at the end of the log: still in the queue, as far as the log tells
	Waiting    int64 // notices that were
	Evicted    int64 // messages that were handed out early, because too many were open
	Outlived   int64 // messages that were open for longer than a mail server keeps one: their end is not in the log
	Cut        int64 // recipients, lines and sessions that were dropped to bound the memory
}

// Tracker joins events to messages, and holds those that are open.
type Tracker struct {
	options Options
	sink    Sink
	stats   Stats
	now     mail.Instant // of the current event
	closing bool         // the log has ended

	seed   uint64 // of hashes, so that nobody can choose IDs that collide
	hops   table  // the newest life of each queue ID, alive or lingering
	queues queues
	graves graves

	oldest, newest *message // all open messages, in the order in which they began
	open           int
	keeping        *message     // with whose strings the current line is kept: see keepText
	waiting        fifo         // messages that linger
	rest           mail.Instant // until then, none of them has lingered long enough
	eviction       mail.Instant // until then, no open message is too old
	spare          []*message
	lending        bool
	lent           lent

	sessions sessions
	refused  refusedName
	names    intern
	local    localDomains

	notices  ring[noticeLink]  // notices that were named before any line of theirs
	piped    ring[pipeLink]    // deliveries to commands, which may put the mail back
	tasks    ring[task]        // what filters that reply with an ID of their own put back
	injected ring[hopRef]      // messages from this machine that may have been put back
	expected map[string]expect // queue IDs that a delivery named before any line had them
	relays   map[string]*queue // the queue in which mail for a relay was found again
	handIns  ring[handIn]      // what webmails said of messages that have not been seen yet
	arrived  ring[hopRef]      // messages that a webmail may still log; empty if there is no webmail

	commands ring[command] // Exim: calls whose message is to come
	texts    ring[aclText] // Exim: ACL texts whose message is to come
	aclMine  []*aclText    // scratch
}

// New makes a Tracker without messages.
func New(o Options, sink Sink) *Tracker {
	if o.MaxOpen <= 0 {
		o.MaxOpen = DefaultMaxOpen
	}
	t := &Tracker{options: o, sink: sink, seed: rand.Uint64(), expected: make(map[string]expect), relays: make(map[string]*queue)}
	t.queues.byName = make(map[queueName]*queue)
	t.local.learn(o.Local)
	return t
}

// Stats returns the counts so far.
func (t *Tracker) Stats() Stats { return t.stats }

// Instances returns the instances of Postfix by host, in the order in which they were met, of the hosts that have more than one
// (multi_instance_directories). Each has a queue of its own; by default its syslog_name is its name.
func (t *Tracker) Instances() map[string][]string {
	all := make(map[string][]string)
	for _, h := range t.queues.hosts {
		var names []string
		for _, q := range h.queues {
			if q.managed {
				names = append(names, q.instance)
			}
		}
		if len(names) > 1 {
			all[h.name] = names
		}
	}
	return all
}

// Events takes the next events of the log. It keeps nothing of them, and of their strings only copies.
func (t *Tracker) Events(events []mail.Event) {
	for i := range events {
		t.event(&events[i])
	}
	t.queues.forgetLast()
}

// event takes one of them.
func (t *Tracker) event(ev *mail.Event) {
	t.stats.Events++
	if ev.Time != 0 {
		t.now = ev.Time.Add(-ev.Ahead)
	}
	if t.now >= t.rest {
		t.release()
	}
	if t.open >= t.options.MaxOpen || t.now >= t.eviction || t.now < t.eviction-2*mail.Instant(evictEvery) { // a stamp from the future
		t.evict()
	}
	if ev.Flags.Has(mail.Doubtful) {
		t.stats.Doubtful++
		return
	}
	switch ev.MTA {
	case mail.Postfix:
		t.postfix(ev)
	case mail.Exim:
		t.exim(ev)
	case mail.Filter:
		t.filter(ev)
	case mail.Webmail:
		t.webmail(ev)
	default:
		t.pass(ev)
	}
	t.endLine()
}

// pass hands on an event that belongs to no message.
func (t *Tracker) pass(ev *mail.Event) {
	if t.sink.Event == nil {
		return
	}
	if ev.Kind == mail.AuthFailed || t.refused.event != nil {
		if ev = t.tie(ev); ev == nil {
			return
		}
	}
	t.sink.Event(ev)
}

// patience is how long messages linger, for late lines, and for a parent that is logged after its child has ended.
func (t *Tracker) patience() time.Duration {
	if t.mayHaveHosts() { // their clocks differ
		return time.Minute
	}
	return 10 * time.Second // the lines of one host are out of order by the time that a process needs to write to the log socket
}

// release hands out messages that have lingered long enough. It looks at few for each event: that is enough to keep pace, and a
// single line with a stamp in the future does not end all lingering.
func (t *Tracker) release() {
	patience := t.patience()
	for range 4 {
		n := t.waiting.len()
		if n == 0 {
			t.rest = math.MaxInt64
			return
		}
		if due := t.waiting.since().Add(patience); n <= maxLingering && t.now < due {
			t.rest = due
			return
		}
		w := t.waiting.pop()
		m := w.message
		if m.generation != w.generation || m.joined {
			continue // handed out already, or part of another message
		}
		if m.alive > 0 {
			m.lingers = false
			continue
		}
		if m.due > t.now && t.waiting.len() < maxLingering {
			t.waiting.push(waiting{m, m.generation, t.now})
			continue
		}
		t.handOut(m)
	}
}

// Silent tells the tracker that nothing was logged for so long after the last event: messages for which no late lines can come
// any more are handed out. Events may follow.
func (t *Tracker) Silent(d time.Duration) {
	last := t.now
	t.now = last.Add(d)
	t.releaseName()
	for before := -1; t.waiting.len() != before; {
		before = t.waiting.len()
		t.release()
	}
	t.now = last
}

// evict enforces the bounds on number and age of open messages.
func (t *Tracker) evict() {
	m := t.oldest
	if m == nil || t.open < t.options.MaxOpen && (t.now.Sub(m.born) < maxAge || m.born == 0) {
		t.eviction = t.now.Add(evictEvery)
		return
	}
	switch {
	case m.alive == 0:
	case t.open >= t.options.MaxOpen:
		t.stats.Evicted++
	default:
		t.stats.Outlived++
	}
	t.handOut(m)
}

// Close hands out all messages that are open: first those that linger, then the others in the order in which they began.
func (t *Tracker) Close() {
	t.closing = true
	t.releaseName()
	for t.waiting.len() > 0 {
		w := t.waiting.pop()
		if m := w.message; m.generation == w.generation && !m.joined && m.alive == 0 {
			t.handOut(m)
		}
	}
	for t.oldest != nil {
		t.handOut(t.oldest)
	}
}

// handOut ends m: it gives it to the sink if it is a message, and forgets it.
func (t *Tracker) handOut(m *message) {
	handed := false
	switch t.judge(m) {
	case isMail:
		t.finish(m)
		open := m.alive > 0 && t.closing
		if m.Notice {
			t.stats.Notices++
			if open {
				t.stats.Waiting++
			}
		} else {
			t.stats.Messages++
			if m.hops[0].origin == unseen {
				t.stats.Unborn++
			}
			if open {
				t.stats.Unfinished++
			}
		}
		if t.sink.Message != nil {
			t.sink.Message(&m.Message)
			handed = true
		}
	case isRefused:
		t.stats.Refused++
	case isCancelled:
		t.stats.Cancelled++
	case isProbe:
		t.stats.Probes++
	case isDoubtful:
		t.stats.Doubtful++
	case isUnstarted:
		t.stats.Unstarted++
	}
	t.forget(m)
	if handed && t.lending {
		t.lent.push(m)
		return
	}
	t.recycleAll(m)
}

// verdict is what a set of hops turned out to be.
type verdict uint8

const (
	isMail verdict = iota
	isRefused
	isCancelled
	isProbe
	isDoubtful
	isUnstarted
)

// judge decides whether m is a message. Postfix's client= comes before the content: only the queue manager's line, a delivery, or
// a rule that took the message out (hold, discard) makes it one. Exim's <= comes when the message is accepted.
func (t *Tracker) judge(m *message) verdict {
	var all marks
	for _, h := range m.hops {
		all |= h.marks
	}
	switch {
	case all&probed != 0 && all&delivered == 0:
		return isProbe
	case all&suspect != 0 && all&(delivered|completed) == 0:
		return isDoubtful
	case all&(accepted|discarded|held) != 0 && (all&refused == 0 || all&accepted != 0):
		return isMail
	case all&refused != 0:
		return isRefused
	case all&delivered != 0:
		return isMail
	case all&cancelled != 0:
		return isCancelled
	}
	return isUnstarted
}

// finish fills in what is known only at the end.
func (t *Tracker) finish(m *message) {
	m.Completed = m.alive == 0
	for _, h := range m.hops {
		if h.marks&completed == 0 {
			m.Completed = false
		}
		m.settleRecipients(h)
	}
	if m.Completed && m.End > m.Time {
		m.Queued = m.End.Sub(m.Time)
	}
	m.Notice = m.Notice || m.isNotice()
	m.Direction = t.direction(m)
	if len(m.absorbed) > 0 && t.options.KeepLines {
		slices.SortStableFunc(m.Lines, byTime)
	}
}

func byTime(a, b mail.LogLine) int {
	if a.Time != b.Time {
		if a.Time < b.Time {
			return -1
		}
		return 1
	}
	if a.File != b.File {
		return int(a.File) - int(b.File)
	}
	return int(a.Line - b.Line)
}

// keepLine adds the line of ev to m, if lines are wanted.
func (t *Tracker) keepLine(m *message, ev *mail.Event) {
	if !t.options.KeepLines {
		return
	}
	if len(m.Lines) >= maxLines {
		t.stats.Cut++
		return
	}
	m.Lines = append(m.Lines, mail.LogLine{Origin: ev.Origin, Time: ev.Time, Text: strings.Clone(ev.Raw)})
}
