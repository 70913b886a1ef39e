package ingest

import "mailforensics/mail"

// order is by host how often its lines are later or earlier than the line before. Log servers show the newest line first, and
// export as they show (Kibana, Graylog, Loki, Splunk, cloud providers), and so does journalctl -r.
type order map[string]*hostOrder

type hostOrder struct {
	last           mail.Instant
	later, earlier int
}

// note takes down the time of the next line of a host.
func (o order) note(ev *mail.Event) {
	h := o[ev.Host]
	if h == nil {
		h = &hostOrder{last: ev.Time}
		o[ev.Host] = h
	}
	switch {
	case ev.Time > h.last:
		h.later++
	case ev.Time < h.last:
		h.earlier++
	}
	h.last = ev.Time
}

// newestFirst reports whether the lines come in the wrong order. A few that are out of order, by processes that write at the same
// time or by a clock that is set, are in many logs, but far more lines of these are later than the line before.
func (o order) newestFirst() bool {
	const few, share = 3, 4
	later, earlier := 0, 0
	for _, h := range o {
		later += h.later
		earlier += h.earlier
	}
	return earlier >= few && earlier > share*later
}
