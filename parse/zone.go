package parse

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// explained returns how many proofs agree with a zone, and how many contradict it. A line can be late, never early: if the offset
// is too large, the message took some time; if it is too small, it contradicts.
func explained(zone *time.Location, proofs []Proof) (same, early int) {
	for _, p := range proofs {
		_, seconds := p.At.In(zone).Zone()
		switch offset := time.Duration(seconds) * time.Second; {
		case p.Offset == offset:
			same++
		case p.Offset < offset:
			early++
		}
	}
	return same, early
}

// Agrees reports whether a zone explains the proofs. A few contradictions are forgeries, or a clock that was wrong.
func Agrees(zone *time.Location, proofs []Proof) bool {
	const enough, few = 0.7, 0.05
	same, early := explained(zone, proofs)
	n := float64(len(proofs))
	return float64(same) >= enough*n && float64(early) <= few*n
}

// ZoneOf finds the zone that explains the proofs: local, if it does; else the one offset that does; else, if the offset changed
// in between, the one of others that explains most of them. false: none does.
//
// If summer time begins or ends near one end of a log, the offset of the larger part agrees with all proofs, as if those of the
// rest had come an hour late. So a zone that also explains most of the rest is preferred.
func ZoneOf(proofs []Proof, local *time.Location, others func() []*time.Location) (*time.Location, bool) {
	if len(proofs) == 0 {
		return nil, false
	}
	common := fixedZone(commonOffset(proofs))
	best, most := common, 0
	agree := false
	for _, zone := range [...]*time.Location{local, common} {
		if !agree && Agrees(zone, proofs) {
			best, agree = zone, true
			most, _ = explained(zone, proofs)
		}
	}
	const few = 2 // lines that took just an hour
	least := most + max(few, (len(proofs)-most+1)/2)
	if agree && least > len(proofs) {
		return best, true
	}
	for _, zone := range others() {
		if n, _ := explained(zone, proofs); Agrees(zone, proofs) && (!agree || n >= least) {
			best, agree, least = zone, true, n+1
		}
	}
	return best, agree
}

// commonOffset returns the most frequent offset; if two are, the smaller one.
func commonOffset(proofs []Proof) time.Duration {
	count := make(map[time.Duration]int)
	for _, p := range proofs {
		count[p.Offset]++
	}
	best := proofs[0].Offset
	for offset, n := range count {
		if n > count[best] || n == count[best] && offset < best {
			best = offset
		}
	}
	return best
}

// fixedZone returns a zone that has one offset, and the offset as its name.
func fixedZone(offset time.Duration) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	sign, minutes := '+', int(offset/time.Minute)
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return time.FixedZone(fmt.Sprintf("%c%02d:%02d", sign, minutes/60, minutes%60), int(offset/time.Second))
}

// Proven returns in words how many proofs of each kind there are: "12 Exim message IDs".
func Proven(proofs []Proof) string {
	var count [ByStamp + 1]int
	for _, p := range proofs {
		count[p.Kind]++
	}
	var list []string
	for kind, n := range count {
		if n > 0 {
			list = append(list, ProofKind(kind).number(n))
		}
	}
	return strings.Join(list, " and ")
}

// SetHosts gives hosts that are not in the clock's zone their own: a syslog relay passes on the stamps of the hosts that wrote
// them.
func (c *Clock) SetHosts(zones map[string]*time.Location) {
	c.hosts = make(map[string]*Clock, len(zones))
	for host, zone := range zones {
		of := &Clock{zone: zone, newest: c.newest}
		of.spans = spansOf(zone, mail.Instant(c.newest)*mail.Instant(time.Second))
		c.hosts[host] = of
	}
}

// rezone corrects the time of a line whose host has a zone of its own.
func (r *HeaderReader) rezone(ev *mail.Event) {
	of := r.clock.hosts[ev.Host]
	if of == nil || ev.Time == 0 {
		return
	}
	part := ev.Time % mail.Instant(time.Second)
	ev.Time = mail.Instant(of.utc(r.local))*mail.Instant(time.Second) + part
	_, r.Twice = of.twice(r.local)
}

// YearCircle finds the newest of many stamps without a year, if only their order in each file is known: it is the one before the
// widest gap in the circle of the days of a year.
type YearCircle struct {
	days [366]bool
	any  bool
}

// Add adds the days of another circle.
func (y *YearCircle) Add(other *YearCircle) {
	for i, day := range other.days {
		y.days[i] = y.days[i] || day
	}
	y.any = y.any || other.any
}

// Span adds the days from one stamp to a later one of the same file. A small step back is disorder.
func (y *YearCircle) Span(from, to Stamp) {
	a, b := from.dayOfYear(), to.dayOfYear()
	const disorder = 36 // days
	n := (b - a + len(y.days)) % len(y.days)
	if n > len(y.days)-disorder {
		a, n = b, len(y.days)-n
	}
	for i := range n + 1 {
		y.days[(a+i)%len(y.days)] = true
	}
	y.any = true
}

// Newest returns the end of the day after the newest one, in the given year; false: there was no stamp.
func (y *YearCircle) Newest(year int) (mail.Instant, bool) {
	last := y.beforeWidestGap()
	if last < 0 {
		return 0, false
	}
	const leap = 2000 // has all days
	_, month, mday := (civilDay(leap, 1, 1) + civil(last)*day).date()
	end := civilDay(year, month, min(mday, monthDays(year, month))) + 2*day - 1
	return mail.Instant(end) * mail.Instant(time.Second), true
}

// beforeWidestGap returns the last day before the widest gap; -1: there are no days.
func (y *YearCircle) beforeWidestGap() int {
	n, best, widest := len(y.days), -1, -1
	for i := range y.days {
		if !y.days[i] {
			continue
		}
		gap := 0
		for gap < n && !y.days[(i+1+gap)%n] {
			gap++
		}
		// Of equal gaps, the one that ends the year: files that cover all of it begin in January.
		if gap > widest || gap == widest && i == n-1 {
			best, widest = i, gap
		}
	}
	if !y.any {
		return -1
	}
	return best
}

// Stamp is a stamp as written, before a clock completes it.
type Stamp struct{ local civil }

// Stamp returns the stamp of the line that was read last.
func (r *HeaderReader) Stamp() Stamp { return Stamp{r.local} }

func (s Stamp) dayOfYear() int {
	_, month, mday := s.local.date()
	return int((civilDay(2000, month, mday) - civilDay(2000, 1, 1)) / day)
}

// Before returns the latest moment with this stamp that is not after newest.
func (s Stamp) Before(newest mail.Instant, zone *time.Location) mail.Instant {
	c := NewClock(zone, newest)
	_, month, mday := s.local.date()
	sod := int(s.local - s.local/day*day)
	midnight := latest(c.newest, month, mday, sod)
	return mail.Instant(c.utc(midnight+civil(sod))) * mail.Instant(time.Second)
}

// Newest returns the time of the latest proof; 0: there is none.
func Newest(proofs []Proof) mail.Instant {
	if len(proofs) == 0 {
		return 0
	}
	return slices.MaxFunc(proofs, func(a, b Proof) int { return int(min(1, max(-1, a.At-b.At))) }).At
}
