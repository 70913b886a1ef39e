package ingest

import (
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// fold is the state within the hour that local time repeats when summer time ends.
type fold struct {
	second bool         // the repetition has begun
	began  bool         // the file has lines from before the hour
	latest mail.Instant // of the lines of this hour so far, before they are moved
}

// unfold moves the lines of the repeated hour to where they belong. The clock takes both hours for the first one; if time goes back
// within it, or an ID proves it, the second has begun.
func (f *fold) unfold(b *batch, clock *parse.Clock) {
	if !b.twice {
		*f = fold{began: f.began || len(b.events) > 0}
		return
	}
	if f.latest == 0 && !f.began {
		f.second = beginsRepeated(b.events, clock)
	}
	for i := range b.events {
		ev := &b.events[i]
		shift, ok := clock.Twice(ev.Time)
		if !ok {
			f.began = true
			continue
		}
		if at, ok := parse.ProvenBy(ev); ev.Time < f.latest-stepsBack || ok && isRepeated(at, ev.Time, shift) {
			f.second = true
		}
		f.latest = max(f.latest, ev.Time)
		if f.second {
			ev.Time = ev.Time.Add(shift)
		}
	}
}

// stepsBack is how far time must go back for the hour to have begun again.
const stepsBack = mail.Instant(20 * time.Minute)

// beginsRepeated reports whether a file begins within the repetition, as after a rotation: the first ID proves it.
func beginsRepeated(events []mail.Event, clock *parse.Clock) bool {
	latest := mail.Instant(0)
	for i := range events {
		ev := &events[i]
		shift, ok := clock.Twice(ev.Time)
		if !ok || ev.Time < latest-stepsBack {
			return false
		}
		if at, ok := parse.ProvenBy(ev); ok {
			return isRepeated(at, ev.Time, shift)
		}
		latest = max(latest, ev.Time)
	}
	return false
}

// isRepeated reports whether the time in an ID tells that the hour had begun again when a line was written: no line is earlier than its ID.
func isRepeated(id, line mail.Instant, shift time.Duration) bool {
	const soon = time.Minute
	return id.Sub(line.Add(shift)).Abs() < soon
}
