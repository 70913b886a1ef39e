package analyze

import (
	"net/netip"
	"slices"

	"mailforensics/mail"
)

// refusal is what is remembered of a refused attempt.
type refusal struct {
	time    mail.Instant
	ip      netip.Addr
	unknown bool
}

const (
	hotFactor   = 3       // a series is watched closely when it is so many times above its mean …
	hotMost     = 32      // … in so many stretches
	seriesKept  = 8192    // messages of one series that are kept one by one; of more the earlier ones become a story
	keptMost    = 32_768  // messages kept over all series
	burstsTold  = 2048    // small bursts of which a story is made when there are too many of them
	ringRefused = 100_000 // refused attempts remembered, and as many kept
)

// place is room for a record: a new one, or that of the oldest when there are enough.
func (w *burstWatch) place() *record {
	r, taken := w.ring.take(w.pass.Thresholds.Burst.MaxRecords)
	if taken {
		w.retire(r)
	}
	return r
}

// retire keeps what may belong to a burst before its place is taken.
func (w *burstWatch) retire(r *record) {
	var copied *record
	for d, s := range r.in {
		if s == nil || !w.mayBeHot[r.hotness[d]] || !s.isHot(r.time) {
			continue
		}
		if copied == nil {
			copied = r.clone()
		}
		w.keep(s, copied)
	}
}

// keep remembers a message that is about to leave the ring. Making room costs a look at all that is kept, so it must be
// worth it: where it gained less than a quarter, nothing is kept until as many messages have passed.
func (w *burstWatch) keep(s *series, r *record) {
	if w.kept >= keptMost && w.passed == 0 {
		w.settleAll()
		if w.kept > keptMost-keptMost/4 {
			w.passed = keptMost / 4
		}
	}
	w.passed = max(0, w.passed-1)
	if w.kept >= keptMost {
		w.lost++
		return
	}
	w.kept++
	s.kept = append(s.kept, r)
	if len(s.kept) >= seriesKept {
		w.settle(s, 0)
	}
}

func (r *record) clone() *record {
	c := *r
	c.more = slices.Clone(r.more)
	return &c
}

// settleAll makes room: what turned out to be no burst is forgotten, and large bursts become stories; where that is not
// enough, the smaller ones do, too.
func (w *burstWatch) settleAll() {
	for _, most := range []int{seriesKept / 8, w.pass.Thresholds.Burst.AloneFrom} {
		w.all(func(s *series) bool {
			if len(s.kept) > 0 {
				w.settle(s, most)
			}
			return true
		})
		if w.kept <= keptMost-keptMost/4 {
			return
		}
	}
}

// settle looks at what was kept of a series: a burst of more than most messages becomes a story, a smaller one stays as it
// is, and so does what may still go on; the rest is forgotten. Of a series that has its full share, at least a quarter goes:
// a steady stream in which there is no burst would be looked through again for every message.
func (w *burstWatch) settle(s *series, most int) {
	sortRecords(s.kept)
	open := w.last.Add(-2 * w.pass.Thresholds.Burst.Pause)
	crowded := len(s.kept) >= seriesKept
	var stay []*record
	done := 0
	for _, found := range windows(instants(s.kept), w.pace(max(0, s.total-len(s.kept)-s.told()))) {
		records := s.kept[found.from:found.to]
		done = found.to
		switch {
		case len(records) > most && (crowded || records[0].time < open) && w.stories < burstsTold, len(records) > seriesKept/2:
			w.tell(s, records)
		case !plainlyHonest(records):
			stay = append(stay, records...)
		}
	}
	rest := s.kept[done:]
	if crowded {
		rest = rest[max(0, len(rest)-seriesKept/2):]
	}
	for _, r := range rest {
		if r.time >= open {
			stay = append(stay, r)
		}
	}
	if most := seriesKept - seriesKept/4; len(stay) > most {
		w.lost += len(stay) - most
		stay = stay[len(stay)-most:]
	}
	w.kept -= len(s.kept) - len(stay)
	s.kept = stay
	s.hot = slices.DeleteFunc(s.hot, func(h stretch) bool { return h.to < open && w.ring.oldest().time > h.to })
}

func storyOf(records []*record) *batch {
	story := newBatch()
	for _, r := range records {
		story.add(r)
	}
	return story
}

// tell makes a story of a burst, or the next part of one.
func (w *burstWatch) tell(s *series, records []*record) {
	before := len(s.stories)
	s.addStory(storyOf(records), w.pass.Thresholds.Burst.Pause)
	w.stories += len(s.stories) - before
}

// told is how many messages are in stories.
func (s *series) told() (n int) {
	for _, story := range s.stories {
		n += story.Counts.Messages
	}
	return n
}

func (w *burstWatch) refuse(r refusal) {
	place, taken := w.refusals.take(ringRefused)
	if taken {
		w.retireRefusal(*place)
	}
	*place = r
}

// retireRefusal keeps a refused attempt of a network that was hot at the time.
func (w *burstWatch) retireRefusal(r refusal) {
	net := netOf(r.ip)
	if !w.hotNets[net.slot()] {
		return
	}
	s := w.nets.Find(net)
	if s == nil || !s.isHot(r.time) {
		return
	}
	if len(w.keptRefs) >= ringRefused {
		w.lost++
		return
	}
	w.keptRefs = append(w.keptRefs, r)
}
