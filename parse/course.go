package parse

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// Course adds up the time that passes from stamp to stamp in a file, whose stamps have no year. It tells a file that covers more
// than a year from a shorter one, which no single stamp can.
//
// From one stamp to the next, the shorter way round the year is taken: forwards if nothing was logged for some months, backwards
// if files were put together in the wrong order. Neither is ever more than half a year.
type Course struct {
	Last   Stamp
	Passed time.Duration // from the first stamp to Last

	any bool
}

// Step goes on to the next stamp.
func (c *Course) Step(s Stamp) {
	if !c.any {
		*c = Course{Last: s, any: true}
		return
	}
	c.Passed += c.Last.to(s)
	c.Last = s
}

// to returns the time from a stamp to another, the shorter way round the year; negative: backwards.
func (s Stamp) to(other Stamp) time.Duration {
	const year = 366 * day
	difference := (other.inLeapYear() - s.inLeapYear() + year) % year
	if difference > year/2 {
		difference -= year
	}
	return time.Duration(difference) * time.Second
}

// inLeapYear returns the stamp in a year that has all days.
func (s Stamp) inLeapYear() civil {
	_, month, mday := s.local.date()
	return civilDay(2000, month, mday) + s.local - s.local/day*day
}

// Samples reads the stamps without a year in lines that are spread over a text, with the first and the last line. text must begin
// with a line; the lines are laid out like that. visit is called with the offset of the line; it returns false when it has enough.
func Samples(text string, layout *Layout, visit func(at int, s Stamp) bool) {
	const samples = 64 // of a chunk: one from every few kilobytes of a long file, and every line of a short one
	reader := undatedReader(layout)
	last := strings.LastIndexByte(strings.TrimRight(text, "\r\n"), '\n') + 1
	for at := 0; at <= last; {
		line, _, _ := strings.Cut(text[at:], "\n")
		var ev mail.Event
		if _, ok := reader.Read(strings.TrimSuffix(line, "\r"), &ev); ok && reader.Yearless && !visit(at, reader.Stamp()) {
			return
		}
		if at == last {
			return
		}
		next := max(at+len(line), min(at+len(text)/samples, last-1))
		at = min(last, next+strings.IndexByte(text[next:], '\n')+1)
	}
}

// Later returns the moment with the same local time as t, so many years later; false: the calendar has no such day.
func (c *Clock) Later(t mail.Instant, years int) (mail.Instant, bool) {
	const second = mail.Instant(time.Second)
	local := civil(int64(t)/int64(time.Second) + c.offsetAt(t))
	year, month, mday := local.date()
	if mday > monthDays(year+years, month) {
		return 0, false
	}
	local += civilDay(year+years, month, mday) - civilDay(year, month, mday)
	return mail.Instant(c.utc(local))*second + t%second, true
}
