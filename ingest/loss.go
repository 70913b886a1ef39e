package ingest

import (
	"fmt"
	"strings"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// loss is a line in which a log daemon says that it threw lines away: a gap in the evidence.
type loss struct {
	who    string
	n      int64 // how many; 0: the line does not tell
	origin mail.Origin
	at     mail.Instant
}

// loss notes such a line.
func (b *batch) loss(body string, ev *mail.Event) {
	switch ev.Process {
	case "systemd-journald", "systemd-journal", "rsyslogd", "rsyslogd-pstats":
	default:
		return
	}
	lost := strings.HasPrefix(body, "Suppressed ") || strings.Contains(body, "begin to drop") || strings.Contains(body, "begins to drop") ||
		strings.Contains(body, "lost ") && strings.Contains(body, "rate-limiting") || strings.Contains(body, " messages lost")
	if lost {
		b.losses = append(b.losses, loss{ev.Process, messages(body), ev.Origin, ev.Time})
	}
}

// messages is the number in front of the word "messages".
func messages(body string) (n int64) {
	at := strings.Index(body, " messages")
	if at < 0 {
		return 0
	}
	start := at
	for start > 0 && body[start-1] >= '0' && body[start-1] <= '9' && at-start < 15 {
		start--
	}
	for _, c := range body[start:at] {
		n = n*10 + int64(c-'0')
	}
	return n
}

// losses adds up the losses of a file.
type losses struct {
	lines, lost int64
	first       loss
}

func (l *losses) add(one loss) {
	if l.lines == 0 {
		l.first = one
		l.first.who = strings.Clone(one.who)
	}
	l.lines++
	l.lost += one.n
}

func (l *losses) warning(zone *time.Location) string {
	if l.lines == 0 {
		return ""
	}
	number := "lines"
	if l.lost > 0 {
		number = fmt.Sprintf("%d lines", l.lost)
	}
	return fmt.Sprintf("%s dropped %s (rate limit, said in %d places, first in line %d, %s): there are gaps in this log",
		l.first.who, number, l.lines, l.first.origin.Line, l.first.at.In(zone).Format(time.DateTime))
}

// stepAtLeast is how far the clock of a host must go back from a line to the next to be named. Processes that log at the same
// time are out of order by seconds, and by minutes after a busy mail server's slow look-ups.
const stepAtLeast = mail.Instant(15 * time.Minute)

// step is a clock that goes back.
type step struct {
	host     string
	origin   mail.Origin
	from, to mail.Instant
}

func (b *batch) step(h *hostLines, ev *mail.Event) {
	b.steps = append(b.steps, step{h.host, ev.Origin, h.last, ev.Time})
}

// steps are those of a file: the first few, and how many more there are.
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
