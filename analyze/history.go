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
	runs    []stretch // in which it sent far more than otherwise
	relays  *relays
}

// relays is what a subject has relayed day by day, apart from its runs.
type relays struct {
	days  map[mail.Instant]bool
	names map[string]relayedOn // sender domains, and recipients
}

// relayedOn is the first and the last of the days on which a name occurred.
type relayedOn struct{ first, last mail.Instant }

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

// relayed is what was relayed apart from the runs. Who is busy all day has runs that are as long; those are counted.
func (p *history) relayed(site *Site) *relays {
	if p.relays != nil {
		return p.relays
	}
	p.relays = &relays{make(map[mail.Instant]bool), make(map[string]relayedOn)}
	var short []stretch
	for _, run := range p.runs {
		if run.to.Sub(run.from) < relayAtOnce {
			short = append(short, run)
		}
	}
	next := 0
	for _, r := range p.records {
		for next < len(short) && short[next].to < r.time {
			next++
		}
		if next < len(short) && r.time >= short[next].from || r.account != "" || site.IsOurs(mail.Domain(r.first.address)) {
			continue
		}
		p.relays.add(dayOf(r.time), mail.Domain(r.sender), mail.Fold(r.first.address))
	}
	return p.relays
}

func (d *relays) add(day mail.Instant, names ...string) {
	d.days[day] = true
	for _, name := range names {
		on, known := d.names[name]
		if !known {
			on.first = day
		}
		on.last = day
		d.names[name] = on
	}
}

// others is how many days there are but for one.
func (d *relays) others(day mail.Instant) int {
	n := len(d.days)
	if d.days[day] {
		n--
	}
	return n
}

// has reports whether a name occurred on another day.
func (d *relays) has(name string, day mail.Instant) bool {
	on, known := d.names[name]
	return known && (on.first != day || on.last != day)
}

func dayOf(t mail.Instant) mail.Instant { return t / mail.Instant(24*time.Hour) }
