package analyze

import (
	"cmp"
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
	storiesTold = 2048    // small bursts of which a story is made when there are too many of them
	storyValues = 400_000 // different values in these: some 50 MB
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
		if s == nil || r.time > w.hotUntil[r.hotness[d]] || !s.isHot(r.time) {
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
		w.boundStories()
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
		w.boundStories()
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
	open := w.openSince()
	crowded := len(s.kept) >= seriesKept
	var stay []*record
	done := 0
	for _, found := range windows(instants(s.kept), w.pace(max(0, s.total-len(s.kept)-s.told()))) {
		records := s.kept[found.from:found.to]
		done = found.to
		switch {
		case len(records) > most && (crowded || records[0].time < open), len(records) > seriesKept/2:
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

// openSince is since when a burst must have been quiet to be over.
func (w *burstWatch) openSince() mail.Instant { return w.last.Add(-2 * w.pass.Thresholds.Burst.Pause) }

func storyOf(records []*record) *batch {
	story := newBatch()
	for _, r := range records {
		story.add(r)
	}
	return story
}

// tell makes a story of a burst, or the next part of one.
func (w *burstWatch) tell(s *series, records []*record) {
	before, story := len(s.stories), storyOf(records)
	s.addStory(story, w.pass.Thresholds.Burst.Pause)
	w.stories += len(s.stories) - before
	w.values += story.values()
}

// storied is a story and whose it is.
type storied struct {
	of     *series
	story  *batch
	isOpen bool // it may go on: how large it will be is not known
}

// boundStories forgets the smallest bursts when there are too many, or they are about too much: a flood in which every
// network sends its few hundred. The messages of these are lost; which, depends on the log alone. A large one is never
// forgotten, and takes no room from the small ones: a log has few of them.
func (w *burstWatch) boundStories() {
	if w.stories <= storiesTold && w.values <= storyValues {
		return
	}
	var small []storied
	open := w.openSince()
	w.values = 0
	w.all(func(s *series) bool {
		for _, story := range s.stories {
			if story.Counts.Messages <= seriesKept/2 {
				small = append(small, storied{s, story, story.End >= open})
				w.values += story.values()
			}
		}
		return true
	})
	w.stories = len(small)
	if w.stories <= storiesTold && w.values <= storyValues {
		return
	}
	slices.SortFunc(small, compareStories)
	for _, x := range small {
		if w.stories <= storiesTold*3/4 && w.values <= storyValues*3/4 {
			return
		}
		x.of.stories = slices.DeleteFunc(x.of.stories, func(story *batch) bool { return story == x.story })
		w.stories--
		w.values -= x.story.values()
		w.lost += x.story.Counts.Messages
	}
}

// compareStories is the order in which they are forgotten: those that may go on last, else the smallest first, and of equal ones
// the latest.
func compareStories(a, b storied) int {
	if a.isOpen != b.isOpen {
		if b.isOpen {
			return -1
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(a.story.Counts.Messages, b.story.Counts.Messages),
		cmp.Compare(b.story.Start, a.story.Start),
		cmp.Compare(a.of.dim, b.of.dim),
		cmp.Compare(a.of.name, b.of.name),
		cmp.Compare(a.of.number, b.of.number),
		compareNetworks(a.of.net(), b.of.net()),
	)
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
