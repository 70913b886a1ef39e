package analyze

import (
	"math"
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
		if w.kept <= w.pass.Thresholds.Script.MaxRecords { // there is room: some were of places that are forgotten
			return
		}
		w.kept -= len(most.records)
		most.records, most.missed = nil, true
	}
}

// run is what came all at once from a place that sends other mail, too; nil where it is all of one kind. At once means in minutes; of a
// program that stays below every limit, in the hours or days in which there was most.
func (w *scriptWatch) run(site *Site, b *localMail) *localMail {
	if b.missed || len(b.records) < w.pass.Thresholds.Script.MinMessages {
		return nil
	}
	sortRecords(b.records)
	t := &w.pass.Thresholds.Burst
	times := instants(b.records)
	found := windows(times, pace{minutes: site.Span(), minMessages: w.pass.Thresholds.Script.MinMessages, span: t.Span, pause: t.Pause, logChance: t.LogChance})
	if len(found) > 0 && size(found) < len(b.records) {
		return b.apart(withEdges(b.records, found, t.Pause))
	}
	if win := densest(times); win.to-win.from >= w.pass.Thresholds.Script.MinMessages {
		return b.apart(inNewNames(b.records, win))
	}
	return nil
}

// apart is what belongs to a run, if it is plainly of another kind than the rest; else nil.
func (b *localMail) apart(of []bool) *localMail {
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
	if rest.tally.Buckets.Days() > 2 && rest.badShare() < manyRefused {
		name, _ := run.tally.Senders.Most()
		run.inName = rest.tally.Senders.Of(name)
		run.atNight = nightOf(b.timesOfRest(of, name)).has(run.tally.Start)
	}
	return run
}

// timesOfRest are the times of what was sent in a name beside a run.
func (b *localMail) timesOfRest(of []bool, name string) []mail.Instant {
	var times []mail.Instant
	for i, r := range b.records {
		if !of[i] && mail.Fold(r.sender) == name {
			times = append(times, r.time)
		}
	}
	return times
}

// slots is into how many parts the time is divided for that.
const slots = 400

// densest is the part of the time of n instants that has far more of them than the rest, if there is one: of all parts the one whose number
// is least likely if all times were alike (M. Kulldorff, "A spatial scan statistic", 1997). It is as exact as a slot.
func densest(times []mail.Instant) window {
	n := len(times)
	first, life := times[0], times[n-1].Sub(times[0])
	if life < slots*time.Second {
		return window{}
	}
	var upTo [slots + 1]int // how many come before the end of a slot
	for _, t := range times {
		upTo[1+min(slots-1, int(slots*t.Sub(first)/life))]++
	}
	for i := range slots {
		upTo[i+1] += upTo[i]
	}
	best, found := 0.0, window{}
	for from := range slots {
		for to := from + 1; to <= slots; to++ {
			k, part := float64(upTo[to]-upTo[from]), float64(to-from)/slots
			rest, expected := float64(n)-k, part*float64(n)
			if rest == 0 || k*(1-part) < tooDense*rest*part {
				continue
			}
			if likely := k*math.Log(k/expected) + rest*math.Log(rest/(float64(n)-expected)); likely > best {
				best, found = likely, window{upTo[from], upTo[to]}
			}
		}
	}
	return found
}

// inNewNames is which records of a part of the time are in names that the place does not use at other times; all of them, where these are
// not most: what the site sends goes on beside a slow run. The part is as exact as a slot, so what lies within one of its edges is of the
// part or not, as the names tell.
func inNewNames(records []*record, win window) []bool {
	slot := records[len(records)-1].time.Sub(records[0].time) / slots
	from, to := records[win.from].time.Add(-slot), records[win.to-1].time.Add(slot)
	usual := make(map[string]bool)
	for _, r := range records {
		if r.time < from || r.time > to {
			usual[strings.ToLower(r.sender)] = true
		}
	}
	in, n := make([]bool, len(records)), 0
	for i, r := range records {
		if in[i] = r.time >= from && r.time <= to && !usual[strings.ToLower(r.sender)]; in[i] {
			n++
		}
	}
	if 2*n <= win.to-win.from {
		for i := range records {
			in[i] = i >= win.from && i < win.to
		}
	}
	return in
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
	shared = shared || rest.neverTwice() && b.sharesRecipients(rest)
	bad, badRest := b.badShare(), rest.badShare()
	const expected, fraction = 3, 4 // of what the run's share would be in the rest: so many at least, and at most that part of it
	return !shared || bad*float64(rest.tally.Counts.Recipients) >= expected && fraction*badRest <= bad
}

// neverTwice reports whether nearly every message is in another name: those of the visitors of forms, or of whoever's mail is passed on.
func (b *localMail) neverTwice() bool { return ratio(b.tally.Senders.Distinct(), b.outside) >= enough }

// sharesRecipients reports whether a run goes to those to whom the place writes at other times. What waited while the mail server was down
// comes all at once, to the owners of the same sites; of a list, hardly any is among them.
func (b *localMail) sharesRecipients(rest *localMail) bool {
	const some = 0.1 // of the recipients
	n := 0
	for to, times := range b.tally.Recipients.All {
		if rest.tally.Recipients.Of(to) > 0 {
			n += times
		}
	}
	return ratio(n, b.tally.Recipients.Total()) >= some
}

// badShare is the share of the recipients that do not exist or refused it.
func (b *localMail) badShare() float64 {
	return ratio(b.unknown+b.blocked, b.tally.Counts.Recipients)
}
