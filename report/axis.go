package report

import (
	"math"
	"strconv"
	"time"

	"mailforensics/mail"
)

// timeAxis maps moments to places between left and right.
type timeAxis struct {
	start, end  mail.Instant
	left, right float64
	zone        *time.Location
}

func (a *timeAxis) x(t mail.Instant) float64 {
	if a.end <= a.start {
		return a.left
	}
	share := float64(min(max(t, a.start), a.end)-a.start) / float64(a.end-a.start)
	return a.left + share*(a.right-a.left)
}

// tick is a mark of an axis.
type tick struct {
	at    mail.Instant
	label string
}

// ticks are at most most marks at round moments of the clock in the axis' zone.
func (a *timeAxis) ticks(most int) []tick {
	span := a.end.Sub(a.start)
	for _, step := range []time.Duration{
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if span <= time.Duration(most)*step {
			return a.clockTicks(step)
		}
	}
	for _, days := range []int{1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 3650} {
		if span <= time.Duration(most*days)*24*time.Hour {
			return a.dayTicks(days)
		}
	}
	return nil
}

// clockTicks are those of a step that divides a day: from midnight on, day by day, since a day may have 23 or 25 hours.
func (a *timeAxis) clockTicks(step time.Duration) []tick {
	var all []tick
	day := a.midnight(a.start)
	for mail.InstantOf(day) <= a.end {
		next := day.AddDate(0, 0, 1)
		for t := day; t.Before(next); t = t.Add(step) {
			at := mail.InstantOf(t)
			if at < a.start || at > a.end {
				continue
			}
			label := t.Format(minuteLayout)
			if t.Equal(day) || len(all) == 0 {
				label = t.Format("Mon 2 Jan")
				if !t.Equal(day) {
					label = t.Format("Mon 15:04")
				}
			}
			all = append(all, tick{at, label})
		}
		day = next
	}
	return all
}

func (a *timeAxis) dayTicks(days int) []tick {
	var all []tick
	layout := "2 Jan"
	if days >= 180 {
		layout = "Jan 2006"
	}
	for t := a.midnight(a.start); mail.InstantOf(t) <= a.end; t = t.AddDate(0, 0, days) {
		if at := mail.InstantOf(t); at >= a.start {
			all = append(all, tick{at, t.Format(layout)})
		}
	}
	return all
}

func (a *timeAxis) midnight(t mail.Instant) time.Time {
	local := t.In(a.zone)
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, a.zone)
}

// scale maps numbers to heights: 0 at bottom, most at top.
type scale struct {
	most        float64
	top, bottom float64
}

// newScale rounds most up to a number that a person likes.
func newScale(most int, top, bottom float64) scale {
	x := math.Max(float64(most), 1)
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 1.5, 2, 3, 4, 5, 6, 8, 10} {
		if m*power >= x && math.Mod(m*power, 1) == 0 {
			return scale{m * power, top, bottom}
		}
	}
	return scale{10 * power, top, bottom}
}

func (s scale) height(n int) float64 { return float64(n) / s.most * (s.bottom - s.top) }
func (s scale) y(n int) float64      { return s.bottom - s.height(n) }

// steps are the numbers at which lines are drawn.
func (s scale) steps() []int {
	parts := 4
	switch {
	case math.Mod(s.most, 5) == 0 && strconv.Itoa(int(s.most))[0] == '5':
		parts = 5
	case s.most < 4 || math.Mod(s.most, 4) != 0 && math.Mod(s.most, 3) != 0 && math.Mod(s.most, 5) != 0:
		parts = 1
	case math.Mod(s.most, 4) == 0:
	case math.Mod(s.most, 3) == 0:
		parts = 3
	default:
		parts = 5
	}
	var all []int
	for i := 0; i <= parts; i++ {
		all = append(all, int(s.most)*i/parts)
	}
	return all
}
