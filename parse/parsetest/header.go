package parsetest

import (
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// splitter splits off the header of a line.
type splitter struct{ headers *parse.HeaderReader }

// newSplitter returns a splitter for which stamps without a year or zone are in 2026, and UTC.
func newSplitter() splitter {
	newest := mail.InstantOf(time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC))
	return splitter{parse.NewHeaderReader(parse.NewClock(time.UTC, newest))}
}

func (s splitter) split(line string) (ev mail.Event, body string, ok bool) {
	body, ok = s.headers.Read(line, &ev)
	ev.Raw = line // as ingest does: a format must leave it
	return ev, body, ok
}
