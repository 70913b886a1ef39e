package ingest

import (
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// fold is the state within the hour that local time repeats when summer time ends.
type fold struct {
	second bool         // the repetition has begun
	latest mail.Instant // of the lines of this hour so far, before they are moved
}

// unfold moves the lines of the repeated hour to where they belong. The clock takes both hours for the first one; if time goes back
// within it, the second has begun.
func (f *fold) unfold(b *batch, clock *parse.Clock) {
	if !b.twice {
		*f = fold{}
		return
	}
	for i := range b.events {
		ev := &b.events[i]
		shift, ok := clock.Twice(ev.Time)
		if !ok {
			continue
		}
		const back = mail.Instant(20 * time.Minute)
		if ev.Time < f.latest-back {
			f.second = true
		}
		f.latest = max(f.latest, ev.Time)
		if f.second {
			ev.Time = ev.Time.Add(shift)
		}
	}
}
