package parsetest

import (
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// splitter cuts what stands before the daemon's words.
type splitter struct{ headers *parse.HeaderReader }

// newSplitter reads stamps without a year or zone as those of 2026, in UTC.
func newSplitter() splitter {
	newest := mail.InstantOf(time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC))
	return splitter{parse.NewHeaderReader(parse.NewClock(time.UTC, newest))}
}

func (s splitter) split(line string) (ev mail.Event, body string, ok bool) {
	body, ok = s.headers.Read(line, &ev)
	return ev, body, ok
}
