package ingest

import (
	"fmt"
	"strings"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// stepAtLeast is how far time must go back from one line of a host to the next to be reported. Processes that log at the same time
// are out of order by seconds, and by minutes if a busy mail server waits for slow look-ups.
const stepAtLeast = mail.Instant(15 * time.Minute)

// step is a place where time goes back from one line of a host to the next.
type step struct {
	host     string
	origin   mail.Origin // of the second line
	from, to mail.Instant
}

func (b *batch) step(h *hostLines, ev *mail.Event) {
	b.steps = append(b.steps, step{h.host, ev.Origin, h.last, ev.Time})
}

// steps is the steps of a file: the first few, and how many more there are.
type steps struct {
	first []step
	more  int64
}

func (s *steps) add(one step) {
	const shown = 3
	if len(s.first) < shown {
		one.host = strings.Clone(one.host)
		s.first = append(s.first, one)
		return
	}
	s.more++
}

func (s *steps) warnings(clock *parse.Clock) (list []string) {
	zone := clock.Location()
	for _, one := range s.first {
		back := one.from.Sub(one.to).Round(time.Second)
		why := "the clock was set, or the lines are out of order"
		if back > halfAYear {
			why = "the lines are out of order, or span more years than their file's times allow; --year says of which year the newest is"
		} else if back > 31*24*time.Hour {
			why = "the lines are out of order, or the log was silent for more than half a year, and what follows is of a later one"
		} else if _, twice := clock.Twice(one.to); twice {
			why = "summer time ended, and what follows is taken for the repeated hour"
		} else if (back - time.Hour).Abs() < 2*time.Minute {
			why = "summer time ended, or the clock was set"
		}
		list = append(list, fmt.Sprintf("line %d: time goes back by %v, from %s to %s%s: %s", one.origin.Line, back,
			one.from.In(zone).Format(time.DateTime), one.to.In(zone).Format(time.DateTime), onHost(one.host), why))
	}
	switch {
	case s.more == 1:
		list = append(list, "time goes back in 1 more place")
	case s.more > 1:
		list = append(list, fmt.Sprintf("time goes back in %d more places", s.more))
	}
	return list
}

func onHost(host string) string {
	if host == "" {
		return ""
	}
	return " on " + host
}
