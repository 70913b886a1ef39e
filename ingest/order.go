package ingest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// order is in which order the lines of a file are. Log servers show the newest line first, and export as they show (Kibana, Graylog,
// Loki, Splunk, cloud providers), and so does journalctl -r; others export without any order (elasticdump, BigQuery).
type order struct {
	hosts    map[stamper]*direction
	programs map[program]*twoZones
}

// stamper is who stamps lines in one way: the stamps of others on a host may have no year, which is not known yet.
type stamper struct {
	host     string
	yearless bool
}

// program is a program on a host: one in a jail may have another time zone than the others.
type program struct{ host, name string }

// direction is how often a line is later or earlier than the line before.
type direction struct {
	last           mail.Instant
	later, earlier int
}

// twoZones are the lines of a program of which some processes may have another time zone than the others: in each zone, they are in order.
type twoZones struct {
	ahead, behind mail.Instant // the last line in each zone
	steps         int          // lines that have another time than these
	farEarlier    int          // lines that are in neither: earlier by more than processes that log at the same time are out of order
}

func newOrder() *order { return &order{make(map[stamper]*direction), make(map[program]*twoZones)} }

// note takes down the next line; yearless: its stamp has no year.
func (o *order) note(ev *mail.Event, yearless bool) {
	entryOf(o.hosts, stamper{ev.Host, yearless}).note(ev.Time)
	entryOf(o.programs, program{ev.Host, ev.Process}).note(ev.Time)
}

// entryOf returns the entry of all for key, which it makes if there is none.
func entryOf[K comparable, V any](all map[K]*V, key K) *V {
	v := all[key]
	if v == nil {
		v = new(V)
		all[key] = v
	}
	return v
}

func (d *direction) note(at mail.Instant) {
	switch {
	case d.last == 0:
	case at > d.last:
		d.later++
	case at < d.last:
		d.earlier++
	}
	d.last = at
}

func (z *twoZones) note(at mail.Instant) {
	const far = mail.Instant(time.Minute)
	if at != z.ahead && at != z.behind {
		z.steps++
	}
	switch {
	case at >= z.ahead-far:
		z.ahead = at
	case at >= z.behind-far:
		z.behind = at
	default:
		z.farEarlier++
		z.behind = at
	}
}

// arrangement returns what puts the lines of a file with the layout in order; nil: they are.
func (o *order) arrangement(layout *parse.Layout) *logfile.Arrangement {
	switch {
	case o.newestFirst():
		return &logfile.NewestFirst
	case o.isNone():
		return &logfile.Arrangement{
			Why:     "the lines are in no order",
			How:     "they are sorted by time and numbered so, but which of those with the same stamp comes first is not known",
			Arrange: func(text []byte) ([]byte, bool) { return sortLines(text, layout) },
		}
	}
	return nil
}

// newestFirst reports whether the lines come in the wrong order. A few that are out of order, by processes that write at the same
// time or by a clock that is set, are in many logs, but far more lines of these are later than the line before.
func (o *order) newestFirst() bool {
	const few, share = 3, 4
	later, earlier := 0, 0
	for _, d := range o.hosts {
		later += d.later
		earlier += d.earlier
	}
	return earlier >= few && earlier > share*later
}

// isNone reports whether the lines come in no order: many are far earlier than those before them of the same program.
func (o *order) isNone() bool {
	const few, share = 10, 10
	steps, far := 0, 0
	for _, z := range o.programs {
		steps += z.steps
		far += z.farEarlier
	}
	return far >= few && share*far > steps
}

// lastOfAll is a time that is after all lines, where only their order matters. The year that it ends, which stamps without one get, has
// a 29 February.
var lastOfAll = mail.InstantOf(time.Date(2197, 1, 1, 0, 0, 0, 0, time.UTC))

// orderReader returns a reader for headers of which only the order matters: year and zone are not known yet.
func orderReader(layout *parse.Layout) *parse.HeaderReader {
	return parse.NewHeaderReader(parse.NewClock(time.UTC, lastOfAll)).Expect(layout)
}

// sortLines returns the lines of a text by time. A line without a stamp stays behind the one before. false: stamps without a year are of
// both ends of a year, and which of these is the later one is not known.
func sortLines(text []byte, layout *parse.Layout) ([]byte, bool) {
	type line struct {
		at         mail.Instant
		begin, end int
	}
	reader := orderReader(layout)
	var lines []line
	var at, first, last mail.Instant
	yearless := false
	for begin := 0; begin < len(text); {
		end := begin + lineLength(text[begin:])
		var ev mail.Event
		if _, ok := reader.Read(trimLine(text[begin:end]), &ev); ok && ev.Time != 0 {
			at = ev.Time
			extend(&first, &last, at)
			yearless = yearless || reader.Yearless
		}
		lines = append(lines, line{at, begin, end})
		begin = end
	}
	if yearless && last.Sub(first) > halfAYear {
		return nil, false
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.at, b.at) })
	sorted := make([]byte, 0, len(text))
	for _, l := range lines {
		sorted = append(sorted, text[l.begin:l.end]...)
	}
	return sorted, true
}

// lineLength returns the length of the first line of a text, with its end.
func lineLength(text []byte) int {
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		return end + 1
	}
	return len(text)
}

// trimLine returns a line without its end.
func trimLine(line []byte) string { return strings.TrimRight(string(line), "\r\n") }
