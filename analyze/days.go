package analyze

import (
	"math"
	"slices"
	"time"

	"mailforensics/mail"
)

// anotherDay is how far something must be from what is judged to be of another day. What comes every day comes at about the same time, at
// most four hours earlier than the day before; the mail of one working day is closer together.
const anotherDay = 20 * time.Hour

// night is a time of the day in which nobody and nothing writes on any day, but for its edges: whoever writes until seven on most days
// writes at ten on another, and people stay up late more than they rise early. The zero value is no time at all.
type night struct{ start, length time.Duration } // start: after midnight, UTC

// shortestNight is how long nobody must have written on any day; a pause for lunch is none.
const shortestNight = 6 * time.Hour

// nightOf is the longest time of the day in which none of the times lies, without its edges: three eighths of it in the evening, a quarter
// in the morning. It is zero where that time may be free by chance: of n times at any hour, a part g of the day is free with a probability
// of at most n(1-g)^(n-1).
func nightOf(times []mail.Instant) night {
	const day, chance = 24 * time.Hour, 0.01
	hours := make(map[mail.Instant]bool) // those of a mailing are one use of its hour, not hundreds
	var clock []time.Duration
	for _, t := range times {
		clock = append(clock, timeOfDay(t))
		hours[t/mail.Instant(time.Hour)] = true
	}
	if len(clock) == 0 {
		return night{}
	}
	slices.Sort(clock)
	last := clock[len(clock)-1] - day
	var longest night
	for _, c := range clock {
		if c-last > longest.length {
			longest = night{last, c - last}
		}
		last = c
	}
	n := float64(len(hours))
	if longest.length < shortestNight || n*math.Pow(1-longest.length.Hours()/day.Hours(), n-1) > chance {
		return night{}
	}
	return night{(longest.start + longest.length*3/8 + day) % day, longest.length * 3 / 8}
}

// has reports whether a time is in the night.
func (n night) has(t mail.Instant) bool {
	return (timeOfDay(t)-n.start+24*time.Hour)%(24*time.Hour) < n.length
}

// timeOfDay is how long after midnight (UTC) a time is.
func timeOfDay(t mail.Instant) time.Duration {
	const day = mail.Instant(24 * time.Hour)
	return time.Duration((t%day + day) % day)
}
