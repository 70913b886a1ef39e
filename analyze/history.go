package analyze

import (
	"time"

	"mailforensics/mail"
)

// history is what is remembered of a subject. All bursts of the subject share it: there may be one each day, and each asks who wrote when.
type history struct {
	records []*record // in order
	names   map[string][]mail.Instant
	days    []stretch // the first and the last message of each
}

// uses is when each sender was used, in order; nil: of a story nothing is known.
func (p *history) uses() map[string][]mail.Instant {
	if p == nil {
		return nil
	}
	if p.names == nil {
		p.names = make(map[string][]mail.Instant)
		for _, r := range p.records {
			sender := mail.Fold(r.sender)
			p.names[sender] = append(p.names[sender], r.time)
		}
	}
	return p.names
}

// daysBeside is on how many days, but for those of the start and those that are wholly within, something was sent outside of a window; it counts
// up to enough.
func (p *history) daysBeside(start, end mail.Instant, enough int) (n int) {
	if p == nil {
		return 0
	}
	const day = mail.Instant(24 * time.Hour)
	if p.days == nil {
		for _, r := range p.records {
			if last := len(p.days) - 1; last >= 0 && p.days[last].from/day == r.time/day {
				p.days[last].to = r.time
				continue
			}
			p.days = append(p.days, stretch{r.time, r.time})
		}
	}
	for _, d := range p.days {
		if (d.from < start || d.to > end) && d.from/day != start/day {
			n++
		}
		if n == enough {
			break
		}
	}
	return n
}
