// Package correlate joins events to messages. It stands between ingest, which hands it events in the order of the log, and
// analyze, which is given messages whose fate is known, and the events that are of no message.
//
// Its words: a hop is one life of a queue ID, on one host and in one instance (short Postfix IDs are used again within
// minutes, hence life); a message is what its sender knows, and may have several hops, over content filters, forwards and
// hosts; a session is an SMTP connection that we took. A hop is born by a line that accepts it, dies by a line that ends
// it, and is kept for a while after that, since lines of several processes are not in order: a late line belongs to the
// dead, and never gives birth.
//
// A Tracker promises: the same events give the same messages in the same order; what a message holds stays true for ever,
// the Message itself until its callback returns; what a client can write decides nothing; memory is bounded, and what was
// lost to the bound is counted in Stats. It is used from one goroutine.
package correlate

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// Options are the settings of a run.
type Options struct {
	KeepLines bool     // fill Message.Lines
	Local     []string // local domains, beside those that local deliveries teach
	MaxOpen   int      // messages that may be open at once; 0: DefaultMaxOpen
}

// Sink takes what comes out. Either may be nil.
type Sink struct {
	Message func(*mail.Message) // a message whose fate is known, or as far as it is known; reused after the call, unless it is lent
	Event   func(*mail.Event)   // an event of no message: sessions, refusals (those with a queue ID, too), logins, warnings, skipped servers, filters
}

// DefaultMaxOpen is how many messages may be open. One takes about 2 KB; a hundred thousand that are all deferred at the
// same time are a larger backlog than any of the incidents that this was built for had, by a factor of ten.
const DefaultMaxOpen = 100_000

// patience is how long the dead are kept for late lines, and for a parent that logs them later than they died.
type patience struct {
	usual   time.Duration
	crowded time.Duration // while more than crowd messages linger: what left the processor's cache costs more than all its lines
}

const (
	crowd        = 512
	maxLingering = 1 << 15
	maxSpare     = 4096

	lingerReinjected = 10 * time.Minute // smtp_data_done_timeout: the filter's client logs its child only after the filter's reply
	lingerRequeued   = 24 * time.Hour   // postsuper -r: until pickup finds it

	// A line that is late, or a birth line that comes after the first lines of its child processes.
	late = 5 * time.Second

	maxAge     = 30 * 24 * time.Hour // of an open message: six times Postfix's maximal_queue_lifetime
	evictEvery = time.Minute         // how often that is looked at

	maxTexts      = 8      // ACL texts and headers of a message
	maxLines      = 10_000 // lines of a message
	maxRecipients = 50_000
)

// Stats are counts of what came in and went out, and of what is not known.
type Stats struct {
	Events int64

	Messages int64 // handed out, notices not among them
	Notices  int64 // handed out: bounces, delay warnings, reports

	Refused   int64 // had a queue ID and were refused at the end of DATA
	Cancelled int64 // had a queue ID, and the client reset or left
	Probes    int64 // address probes
	Doubtful  int64 // lines, and messages of lines, that contradict themselves
	Unclear   int64 // messages whose client can be read in two ways
	Unstarted int64 // had a queue ID, and neither acceptance nor refusal was seen

	Unborn     int64 // messages of which the log has what became of them, but not who handed them in
	Orphans    int64 // ends of lives of which no other line was seen
	Late       int64 // lines of messages that were already handed out
	EndNotSeen int64 // messages whose queue ID was given to another before their end was seen
	Unfinished int64 // messages that were open when the log ended: still in the queue, as far as the log tells
	Evicted    int64 // messages that were handed out early, because too many were open, or for too long
	Cut        int64 // recipients, lines and sessions that were dropped to bound the memory
}

// Tracker holds the open messages.
type Tracker struct {
	options Options
	sink    Sink
	stats   Stats
	now     mail.Instant // of the event at hand
	closing bool         // the log has ended

	seed   uint64 // of hashes: nobody can choose IDs that collide
	hops   table  // the newest life of each queue ID that is alive or lingers
	queues queues
	graves graves

	oldest, newest *message // all open messages, in order of birth
	open           int
	taken          *message     // that the line at hand bore
	waiting        fifo         // those that are over and linger
	rest           mail.Instant // before it, none of them has lingered long enough
	eviction       mail.Instant // before it, none is too old
	spare          []*message
	lending        bool
	lent           lent

	sessions sessions
	refused  refusedName
	names    intern
	local    localDomains

	notices  ring[noticeLink]  // notices named before they were seen
	piped    ring[pipeLink]    // deliveries to a command that may put the mail back
	tasks    ring[task]        // what a filter that answers by an ID of its own put back
	injected ring[hopRef]      // mail from this machine that may have been put back
	expected map[uint64]expect // queue IDs named by another host or a filter before they were seen, by hash of the ID
	relays   map[string]*queue // where mail for a relay was found again
	handIns  ring[handIn]      // what a webmail said of messages that were not seen yet
	arrived  ring[hopRef]      // messages of which a webmail may speak yet; empty where none does

	commands ring[command] // Exim: command lines whose message is to come
	texts    ring[aclText] // Exim: ACL texts whose message is to come
	aclMine  []*aclText    // scratch
}

// New makes a Tracker with nothing in it.
func New(o Options, sink Sink) *Tracker {
	if o.MaxOpen <= 0 {
		o.MaxOpen = DefaultMaxOpen
	}
	t := &Tracker{options: o, sink: sink, seed: rand.Uint64(), expected: make(map[uint64]expect), relays: make(map[string]*queue)}
	t.queues.byName = make(map[queueName]*queue)
	t.local.learn(o.Local)
	return t
}

// Stats is what was counted so far.
func (t *Tracker) Stats() Stats { return t.stats }

// Instances are the instances of Postfix by host, in the order in which they were met, of the hosts that have more than one
// (multi_instance_directories): each has a queue of its own, and its syslog_name is its name where nobody changed it.
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

// Event takes the next event of the log. It keeps nothing of ev.
func (t *Tracker) Event(ev *mail.Event) {
	t.stats.Events++
	if ev.Time != 0 {
		t.now = ev.Time
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
	if t.taken != nil {
		t.taken.text.endLine()
		t.taken = nil
	}
}

// pass hands on an event that is of no message.
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

func (t *Tracker) patience() patience {
	if t.mayHaveHosts() { // whose clocks differ
		return patience{usual: time.Minute, crowded: 10 * time.Second}
	}
	// Lines of one host are out of order by the time that a process needs to write to a socket.
	return patience{usual: 10 * time.Second, crowded: 2 * time.Second}
}

// release hands out those that have lingered long enough. It looks at few for each event: the queue keeps pace, and a
// single line with a stamp from the future does not end all lingering.
func (t *Tracker) release() {
	for range 4 {
		n := t.waiting.len()
		if n == 0 {
			t.rest = math.MaxInt64
			return
		}
		w := t.waiting.first()
		patience := t.patience().usual
		if n > crowd {
			patience = t.patience().crowded
		}
		if due := w.since.Add(patience); n <= maxLingering && t.now < due {
			t.rest = due
			return
		}
		t.waiting.pop()
		m := w.message
		if m.generation != w.generation || m.joined || !m.lingers {
			continue // was handed out, or is part of another
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

// Silent tells that nothing was logged for so long after the last event: what lingers for late lines is handed out when none
// can come any more. Between two calls there may be events.
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

// evict keeps the bounds on the number and the age of open messages.
func (t *Tracker) evict() {
	m := t.oldest
	if m == nil || t.open < t.options.MaxOpen && (t.now.Sub(m.born) < maxAge || m.born == 0) {
		t.eviction = t.now.Add(evictEvery)
		return
	}
	if m.alive > 0 {
		t.stats.Evicted++
	}
	t.handOut(m)
}

// Close hands out what is open: first what lingers, then the rest in order of birth.
func (t *Tracker) Close() {
	t.closing = true
	t.releaseName()
	for t.waiting.len() > 0 {
		w := t.waiting.pop()
		if m := w.message; m.generation == w.generation && !m.joined && m.lingers && m.alive == 0 {
			t.handOut(m)
		}
	}
	for t.oldest != nil {
		t.handOut(t.oldest)
	}
}

// handOut ends m: gives it to the sink when it is a message, and forgets it.
func (t *Tracker) handOut(m *message) {
	handed := false
	switch t.judge(m) {
	case isMail:
		t.finish(m)
		if m.Notice {
			t.stats.Notices++
		} else {
			t.stats.Messages++
			if m.hops[0].origin == unseen {
				t.stats.Unborn++
			}
		}
		if m.alive > 0 && t.closing {
			t.stats.Unfinished++
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
	t.forget(m, handed && t.lending)
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

// judge decides whether m is a message. Postfix's client= is a promise: only the queue manager's line, a delivery, or a
// rule that took the mail out (hold, discard) make a message of it. Exim's <= is a fact.
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

// finish completes what can be said only at the end.
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

// keepLine adds the line of ev to m, where lines are wanted.
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
