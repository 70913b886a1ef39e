package analyze

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// A place that sends the site's own mail, orders and forms, may be where the abuse comes from, too: where only the user is
// known, or a library, it mostly is. What came all at once is then told apart from what the site sends at other times.

// keep remembers a message one by one.
func (w *scriptWatch) keep(b *localMail, r *record) {
	if b.missed {
		return
	}
	b.records = append(b.records, r)
	w.kept++
	w.makeRoom()
}

// makeRoom gives up the place with most messages, until there is room: there the run is most of it anyway.
func (w *scriptWatch) makeRoom() {
	for w.kept > w.pass.Thresholds.Script.MaxRecords {
		w.kept = 0
		var most *localMail
		for _, k := range w.places.Sorted(comparePlaces) {
			b := w.places.Find(k)
			w.kept += len(b.records)
			if most == nil || len(b.records) > len(most.records) {
				most = b
			}
		}
		if most == nil || len(most.records) == 0 {
			return
		}
		w.kept -= len(most.records)
		most.records, most.missed = nil, true
	}
}

// run is what came all at once from a place that sends other mail, too; nil where it is all of one kind.
func (w *scriptWatch) run(site *Site, b *localMail) *localMail {
	if b.missed || len(b.records) < w.pass.Thresholds.Script.MinMessages {
		return nil
	}
	sortRecords(b.records)
	t := &w.pass.Thresholds.Burst
	found := windows(instants(b.records), pace{minutes: site.Span(), minMessages: w.pass.Thresholds.Script.MinMessages, span: t.Span, pause: t.Pause, logChance: t.LogChance})
	if len(found) == 0 || size(found) == len(b.records) {
		return nil
	}
	of := withEdges(b.records, found, t.Pause)
	run, rest := &localMail{name: b.name, inside: b.inside}, new(localMail)
	var m mail.Message
	for i, r := range b.records {
		to := rest
		if of[i] {
			to = run
		}
		r.message(&m)
		to.add(&m, r)
	}
	if rest.outside == 0 || !run.otherThan(rest) {
		return nil
	}
	run.beside = rest.outside
	return run
}

// withEdges is which records belong to runs: those in the windows, and those before and after without a long pause, where a run is
// only not yet or no longer dense, unless the site sends in that name at other times, too.
func withEdges(records []*record, found []window, pause time.Duration) []bool {
	in, near := make([]bool, len(records)), make([]bool, len(records))
	for _, w := range found {
		from, to := w.from, w.to
		for from > 0 && records[from].time.Sub(records[from-1].time) <= pause {
			from--
		}
		for to < len(records) && records[to].time.Sub(records[to-1].time) <= pause {
			to++
		}
		for i := from; i < to; i++ {
			in[i], near[i] = in[i] || i >= w.from && i < w.to, true
		}
	}
	usual := make(map[string]bool)
	for i, r := range records {
		if !near[i] {
			usual[strings.ToLower(r.sender)] = true
		}
	}
	for i, r := range records {
		in[i] = in[i] || near[i] && !usual[strings.ToLower(r.sender)]
	}
	return in
}

// otherThan reports whether a run is plainly of another kind than the rest: not in its names, or refused where the rest, which
// is enough to say so, is not.
func (b *localMail) otherThan(rest *localMail) bool {
	shared := false
	for sender := range rest.tally.Senders.All {
		shared = shared || b.tally.Senders.Of(sender) > 0
	}
	bad, badRest := ratio(b.unknown+b.blocked, b.tally.Counts.Recipients), ratio(rest.unknown+rest.blocked, rest.tally.Counts.Recipients)
	const expected, fraction = 3, 4 // of what the run's share would be in the rest: so many at least, and at most that part of it
	return !shared || bad*float64(rest.tally.Counts.Recipients) >= expected && fraction*badRest <= bad
}
