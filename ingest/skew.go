package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// Hosts whose clocks differ seem to take over a message before it is handed to them, or long after. How far a clock is ahead is
// learned from such messages: the reply that one host logs has the queue ID that the other logs, and both log the same Message-ID.
//
// That is a rehearsal: before anything is handed out, the logs are read from shortly before the place where the last host begins,
// until there are enough such messages. What it finds changes no time, only the order in which the events of the hosts are merged,
// and mail.Event.Ahead, by which correlate compares times of two hosts. Clocks that were set anew in the middle of the logs are not
// learned: messages that disagree prove nothing.

// How much is read for it, in events: before the last host begins, and from then on. A second or two, in the worst case.
const (
	rehearseBefore = 1 << 20
	rehearseAfter  = 1 << 19
)

const (
	// apartAtMost is how far clocks may differ: what a wrong zone makes.
	apartAtMost = 14 * time.Hour
	// A few messages prove it, if nearly all agree: one may have waited for a filter before the queue.
	fewLinks, enoughLinks = 3, 32
	agreeWithin           = 10 * time.Second
	// A stranger can forge some: he is sent a notice of one host, reads its Message-ID, sends the same to the other host, and replies
	// with the queue ID that he got. So they must be a part of what one of the hosts hands over, or takes over: one in so many.
	shareOfLinks = 10
	// aheadAtLeast is what matters: correlate waits longer than that for the lines of other hosts.
	aheadAtLeast = 5 * time.Second
	// aheadToTell is what a reader of the report must know.
	aheadToTell = time.Minute
)

// skews are what is known of the clocks of hosts: by the first label of the name, how far each is ahead of that of the host that
// hands over most. nil: nothing is known, or they agree.
type skews map[string]time.Duration

// errRehearsed ends the rehearsal.
var errRehearsed = errors.New("enough messages passed from host to host")

// learnSkews finds out how far the clocks of the hosts differ.
func (s *survey) learnSkews(ctx context.Context) {
	files, from := s.toRehearse()
	if len(files) == 0 {
		return
	}
	l := &linkLearner{from: from, seed: maphash.MakeSeed(), born: make(map[uint64]life), hosts: make(map[string]int32)}
	ctx, cancel := context.WithCancel(ctx)
	o := s.o
	o.Hash, o.Progress, o.Retain, o.Since, o.Until, o.Everything = false, nil, 0, 0, 0, false
	r := &run{o: o, sink: l.events, jobs: make(chan job), ahead: 2}
	r.open(files)
	if o.Workers > 1 {
		for range o.Workers {
			r.wait.Go(func() { r.work(ctx) })
		}
	}
	r.merge(ctx)
	cancel()
	r.wait.Wait()
	for _, stream := range r.streams {
		if stream.serial != nil && !stream.done {
			stream.reader.Close()
		}
	}
	found, told := l.skews()
	for _, f := range s.files {
		f.skews = found
	}
	s.warnings = append(s.warnings, told...)
}

// toRehearse returns the files to read, and the time from which they matter: none if they are of one host, or cannot be read twice.
func (s *survey) toRehearse() (files []*file, from mail.Instant) {
	begins := make(map[string]mail.Instant) // by host: its first line
	for _, f := range s.files {
		switch {
		case f.err != nil || f.first == 0:
			continue
		case f.in.Size < 0:
			return nil, 0
		}
		for _, host := range f.writers() {
			if at, known := begins[host]; !known || f.first < at {
				begins[host] = f.first
			}
		}
		files = append(files, f)
	}
	if len(begins) < 2 {
		return nil, 0
	}
	for _, at := range begins {
		from = max(from, at)
	}
	from = max(from, s.o.Since).Add(-apartAtMost)
	slices.SortStableFunc(files, func(a, b *file) int { return cmp.Compare(a.first, b.first) })
	// A file after which the same host begins another one before that time has ended before it.
	return slices.DeleteFunc(files, func(f *file) bool {
		return slices.ContainsFunc(files, func(next *file) bool {
			return next.first > f.first && next.first <= from && slices.Equal(next.writers(), f.writers())
		})
	}), from
}

// linkLearner collects messages that pass from host to host.
type linkLearner struct {
	from          mail.Instant
	before, after int // events before that time, and since
	next          int // so many of those since, before it is looked whether they are enough
	seed          maphash.Seed
	hosts         map[string]int32 // number of a host, by the first label of its name
	names         []string         // by number
	born          map[uint64]life  // by the hash of its queue ID
	passed        []handover
}

// life is what is known of the message with a queue ID. Of two hosts that have the same, only the later is remembered: a few
// messages less.
type life struct {
	host      int32
	at        mail.Instant // when its Message-ID was logged, which is when it was received
	messageID uint64
}

// handover is a delivery whose reply names a queue ID of another host.
type handover struct {
	from          int32
	parent, child uint64 // hashes of the queue IDs
	at            mail.Instant
}

// events takes note of events. It keeps nothing of them.
func (l *linkLearner) events(events []mail.Event) error {
	for i := range events {
		l.event(&events[i])
	}
	switch {
	case l.before > rehearseBefore, l.after > rehearseAfter:
		return errRehearsed
	case l.after >= l.next:
		l.next = max(1<<13, 2*l.next) // each time all of them are gone through
		if l.connected() {
			return errRehearsed
		}
	}
	return nil
}

func (l *linkLearner) event(ev *mail.Event) {
	if ev.Time < l.from {
		l.before++
		return
	}
	l.after++
	switch {
	case ev.QueueID == "" || ev.Host == "" || ev.Has(mail.Doubtful):
	case ev.MessageID != "" && (ev.Kind == mail.MessageID || ev.Kind == mail.Accept && ev.MTA == mail.Exim):
		l.born[l.hash(ev.QueueID)] = life{l.host(ev.Host), ev.Time, l.hash(ev.MessageID)}
	case ev.Kind == mail.Delivery && ev.Disposition == mail.Delivered && ev.Child != "":
		l.passed = append(l.passed, handover{from: l.host(ev.Host), parent: l.hash(ev.QueueID), child: l.hash(ev.Child), at: ev.Time})
	}
}

func (l *linkLearner) hash(s string) uint64 { return maphash.String(l.seed, s) }

func (l *linkLearner) host(name string) int32 {
	label := strings.ToLower(labelOf(name))
	n, known := l.hosts[label]
	if !known {
		n = int32(len(l.names))
		label = strings.Clone(label)
		l.hosts[label], l.names = n, append(l.names, label)
	}
	return n
}

// pair is two hosts, the first of which handed over messages to the second.
type pair struct{ from, to int32 }

// links returns the messages that passed, by hosts: how much later the second one's clock showed that it had them.
func (l *linkLearner) links() map[pair][]time.Duration {
	links := make(map[pair][]time.Duration)
	given, taken := make([]int, len(l.names)), make([]int, len(l.names)) // messages that each host handed over to anybody, and received
	for _, b := range l.born {
		taken[b.host]++
	}
	known := make(map[uint64]bool) // children: a message has a delivery for each recipient
	for _, p := range l.passed {
		if known[p.child] {
			continue
		}
		known[p.child] = true
		given[p.from]++
		parent, ok1 := l.born[p.parent]
		child, ok2 := l.born[p.child]
		if ok1 && ok2 && parent.host == p.from && child.host != p.from && child.messageID == parent.messageID && child.at.Sub(p.at).Abs() <= apartAtMost {
			key := pair{p.from, child.host}
			links[key] = append(links[key], child.at.Sub(p.at))
		}
	}
	maps.DeleteFunc(links, func(p pair, ds []time.Duration) bool { return shareOfLinks*len(ds) < min(given[p.from], taken[p.to]) })
	return links
}

// connected reports whether enough messages passed between all hosts, so that no more must be read.
func (l *linkLearner) connected() bool {
	links := l.links()
	maps.DeleteFunc(links, func(_ pair, ds []time.Duration) bool { return len(ds) < enoughLinks })
	reached := map[int32]bool{0: true}
	for range l.names {
		for p := range links {
			if reached[p.from] || reached[p.to] {
				reached[p.from], reached[p.to] = true, true
			}
		}
	}
	return len(l.names) > 1 && len(reached) == len(l.names)
}

// agreed returns the difference that nearly all links show; false: too few, or they disagree.
func agreed(links []time.Duration) (time.Duration, bool) {
	if len(links) < fewLinks {
		return 0, false
	}
	slices.Sort(links)
	middle := links[len(links)/2]
	agree := 0
	for _, d := range links {
		if (d - middle).Abs() <= agreeWithin {
			agree++
		}
	}
	return middle, 10*agree >= 9*len(links)
}

// skews returns how far the clock of each host is ahead, and what a reader of the report must know. Between hosts that hand over to
// each other, the direction with more messages counts. The clock of the host that hands over most is the one to go by: its times are
// those at which messages came in.
func (l *linkLearner) skews() (skews, []string) {
	links := l.links()
	balance := make([]int, len(l.names)) // messages handed over, without those that were taken over
	pairs := slices.SortedFunc(maps.Keys(links), func(a, b pair) int {
		return cmp.Or(cmp.Compare(len(links[b]), len(links[a])), strings.Compare(l.names[a.from], l.names[b.from]), strings.Compare(l.names[a.to], l.names[b.to]))
	})
	for _, p := range pairs {
		balance[p.from] += len(links[p])
		balance[p.to] -= len(links[p])
	}
	hosts := make([]int32, len(l.names))
	for i := range hosts {
		hosts[i] = int32(i)
	}
	slices.SortFunc(hosts, func(a, b int32) int { return cmp.Or(balance[b]-balance[a], strings.Compare(l.names[a], l.names[b])) })

	ahead := make(map[int32]time.Duration)
	found := make(skews)
	var told []string
	for _, first := range hosts {
		if _, known := ahead[first]; known {
			continue
		}
		ahead[first] = 0
		for changed := true; changed; {
			changed = false
			for _, p := range pairs {
				d, ok := agreed(links[p])
				if !ok {
					continue
				}
				of, by, with := p.to, d, p.from
				if _, known := ahead[p.to]; known {
					of, by, with = p.from, -d, p.to
				}
				from, known := ahead[with]
				if _, done := ahead[of]; done || !known {
					continue
				}
				ahead[of] = from + by
				changed = true
				if ahead[of].Abs() >= aheadAtLeast {
					found[l.names[of]] = ahead[of]
				}
				if ahead[of].Abs() >= aheadToTell {
					told = append(told, l.tell(of, ahead[of], first, len(links[p])))
				}
			}
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found, told
}

func (l *linkLearner) tell(host int32, ahead time.Duration, than int32, messages int) string {
	word := "ahead of"
	if ahead < 0 {
		word = "behind"
	}
	return fmt.Sprintf("the clock of %s is %s %s that of %s, as %d messages show that passed from host to host: they are put together by that; "+
		"each time is as its host logged it", l.names[host], ahead.Abs().Round(time.Second), word, l.names[than], messages)
}

// ahead returns how far the clock of a host is ahead.
func (s skews) ahead(host string) time.Duration {
	if s == nil {
		return 0
	}
	return s[strings.ToLower(labelOf(host))]
}

// writers returns the hosts that wrote the file, as far as its head or its path tells.
func (f *file) writers() []string {
	if f.name != "" {
		return []string{strings.ToLower(labelOf(f.name))}
	}
	return f.hosts
}

// begins returns the file's first time, by the clock that the merge goes by.
func (f *file) begins() mail.Instant {
	return f.first.Add(-f.skews.ahead(cmp.Or(f.host, f.name)))
}
