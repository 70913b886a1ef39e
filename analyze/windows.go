package analyze

import (
	"cmp"
	"math"
	"slices"
	"time"

	"mailforensics/mail"
)

// window is a stretch of sorted instants: times[from:to].
type window struct{ from, to int }

// pace is what an entity's instants are measured against, and what a burst must have.
type pace struct {
	minutes     float64 // how long the log is
	past        int     // instants that are not remembered one by one
	minMessages int
	span        time.Duration
	pause       time.Duration
	logChance   float64
	stranger    bool    // a client, not somebody who belongs here
	like        float64 // messages on a day of others of its kind, who are much alike; 0: they are not
}

const (
	// tooDense is how much denser than usual a stretch must be, whatever chance says: honest mail is not a Poisson process,
	// it comes by day and in conversations, and its tenth busiest minute has four times the mean.
	tooDense = 4
	// shortLog: of a log that is shorter, the time that is missing is taken as silent. A steady client that fills an hour
	// and a half of it still has its rate.
	shortLog = 6 * time.Hour
	// enoughOutside is how much of the log a run must leave to be measured against the rest.
	enoughOutside = time.Hour
	// Where a run leaves nothing, an account or a local user, of which most are people, is measured against ten times what
	// the others send on a working day.
	manyTimes = 10
	workday   = 12 * time.Hour
	// newcomerPause is how long a client that was never seen before may rest between two batches of the same run.
	newcomerPause = 2 * time.Hour
	// steady: a run without a pause that lasts longer is measured against its own mean, not against the silence around it.
	steady = 6 * time.Hour
)

// windows finds where instants, which must be sorted, are denser than the entity's own past explains. It works in the manner
// of a scan statistic (J. I. Naus, "The distribution of the size of the maximum cluster of points on a line", JASA 60, 1965),
// which looks at every span that begins with a message and not at the cells of a grid:
//
//  1. Instants fall into runs without a long pause. What is usual is the rate outside of the run; where the run leaves no
//     outside, the mean of all, and then of what is not dense: a burst must not excuse itself.
//  2. A message is dense when it lies in a span with so many messages that their chance at the usual rate is below the
//     threshold (a Poisson tail). Neighbouring dense messages are one stretch. Its edges are cut where the gap to the next
//     message is likelier at the usual rate than at the stretch's own (the two rates of J. Kleinberg, "Bursty and
//     hierarchical structure in streams", KDD 2002).
//  3. Stretches with a short pause between them are one burst.
//
// A stranger that was never seen outside of a few hours has no past that could explain anything, nor a usual rate at which to
// cut: all that it did around its dense stretches belongs to the burst, with longer pauses.
func windows(times []mail.Instant, p pace) []window {
	if p.newcomer(times) {
		p.pause = max(p.pause, newcomerPause)
	}
	var found []window
	for from := 0; from < len(times); {
		to := from + 1
		for to < len(times) && times[to].Sub(times[to-1]) <= p.pause {
			to++
		}
		if to-from >= p.minMessages {
			found = append(found, p.inRun(times, window{from, to})...)
		}
		from = to
	}
	return found
}

// newcomer reports whether a stranger was there for a small part of the log only: half of it, or, where it stayed longer than a
// run mostly does, a quarter.
func (p pace) newcomer(times []mail.Instant) bool {
	if !p.stranger || len(times) == 0 || p.past > 0 {
		return false
	}
	life := times[len(times)-1].Sub(times[0])
	return life <= steady && p.minutes >= 2*life.Minutes() || life <= workday && p.minutes >= 4*life.Minutes()
}

// cameForIt reports whether a run is all that was ever seen of a stranger, and leaves at least half of the log without it. However
// long it went on, what is dense in it are but the peaks of one burst.
func (p pace) cameForIt(times []mail.Instant, run window) bool {
	length := times[run.to-1].Sub(times[run.from])
	return p.stranger && p.past == 0 && run == window{0, len(times)} && p.minutes >= 2*length.Minutes()
}

// inRun finds the bursts of one run.
func (p pace) inRun(times []mail.Instant, run window) []window {
	length := times[run.to-1].Sub(times[run.from])
	outside := p.minutes - length.Minutes()
	if length <= steady && outside >= min(length, enoughOutside).Minutes() {
		usual := float64(p.past+len(times)-(run.to-run.from)) / outside
		found := p.stretches(times, run, usual)
		if len(found) > 0 && p.newcomer(times) {
			return []window{run}
		}
		return found
	}
	usual := float64(p.past+len(times)) / max(p.minutes, shortLog.Minutes())
	if p.like > 0 && length <= steady {
		usual = min(usual, manyTimes*p.like/workday.Minutes())
	}
	for range 8 {
		rest := p.restRate(times, denseStretches(times, run, p.span, p.atLeast(usual)))
		if rest >= usual*0.99 {
			break
		}
		usual = rest
	}
	found := p.stretches(times, run, usual)
	if len(found) > 0 && (p.newcomer(times) || p.cameForIt(times, run)) {
		return []window{run}
	}
	return found
}

// stretches are the bursts of a run at the usual rate.
func (p pace) stretches(times []mail.Instant, run window, usual float64) []window {
	var kept []window
	for _, w := range denseStretches(times, run, p.span, p.atLeast(usual)) {
		if w = trim(times, w, usual); w.to-w.from >= p.minMessages {
			kept = append(kept, w)
		}
	}
	return join(times, kept, p.pause)
}

// atLeast is how many messages in a span are too many at that rate a minute.
func (p pace) atLeast(rate float64) int {
	usual := rate * p.span.Minutes()
	n := max(p.minMessages, int(math.Ceil(tooDense*usual)))
	for PoissonTail(n, usual) > p.logChance {
		n += max(1, n/16)
	}
	return n
}

// size is how many instants are in windows.
func size(found []window) (n int) {
	for _, w := range found {
		n += w.to - w.from
	}
	return n
}

// restRate is the rate outside of the stretches.
func (p pace) restRate(times []mail.Instant, stretches []window) float64 {
	n, outside := p.past+len(times), max(p.minutes, shortLog.Minutes())
	for _, w := range stretches {
		n -= w.to - w.from
		outside -= times[w.to-1].Sub(times[w.from]).Minutes()
	}
	return float64(n) / max(outside, p.span.Minutes())
}

// denseStretches are the maximal runs of messages each of which lies in a span with at least n.
func denseStretches(times []mail.Instant, run window, span time.Duration, n int) []window {
	var found []window
	end := run.from
	for i := run.from; i < run.to; i++ {
		for end < run.to && times[end].Sub(times[i]) <= span {
			end++
		}
		if end-i < n {
			continue
		}
		if last := len(found) - 1; last >= 0 && i < found[last].to {
			found[last].to = end
		} else {
			found = append(found, window{i, end})
		}
	}
	return found
}

// trim cuts the edges of a stretch: the segment with the greatest sum of log likelihood ratios of its gaps, own rate
// against the usual one (W. L. Ruzzo, M. Tompa, "A linear time algorithm for finding all maximal scoring subsequences", ISMB 1999;
// the greatest alone is Kadane's).
func trim(times []mail.Instant, w window, usual float64) window {
	minutes := max(times[w.to-1].Sub(times[w.from]).Minutes(), 1.0/60)
	own := float64(w.to-w.from-1) / minutes
	if usual <= 0 || own <= usual {
		return w
	}
	gain, loss := math.Log(own/usual), own-usual
	best, bestSum := w, 0.0
	from, sum := w.from, 0.0
	for i := w.from + 1; i < w.to; i++ {
		sum += gain - loss*times[i].Sub(times[i-1]).Minutes()
		if sum < 0 {
			from, sum = i, 0
		}
		if sum > bestSum {
			best, bestSum = window{from, i + 1}, sum
		}
	}
	return best
}

// join makes one of windows with a pause of at most that length between them.
func join(times []mail.Instant, found []window, pause time.Duration) []window {
	var joined []window
	for _, w := range found {
		if last := len(joined) - 1; last >= 0 && times[w.from].Sub(times[joined[last].to-1]) <= pause {
			joined[last].to = w.to
			continue
		}
		joined = append(joined, w)
	}
	return joined
}

// instants are the times of records.
func instants(records []*record) []mail.Instant {
	times := make([]mail.Instant, len(records))
	for i, r := range records {
		times[i] = r.time
	}
	return times
}

// sortRecords puts records in the order of the log. Most are in it already, but for those whose fate took longer: the stable sort, which
// merges what is in order, needs half of the comparisons.
func sortRecords(records []*record) {
	slices.SortStableFunc(records, func(a, b *record) int {
		if a.time != b.time {
			return cmp.Compare(a.time, b.time)
		}
		return mail.CompareLines(a.time, a.Origin, b.time, b.Origin)
	})
}
