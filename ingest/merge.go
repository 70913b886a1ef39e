package ingest

import (
	"context"
	"time"

	"mailforensics/mail"
)

// cursor is a place in a stream that is being merged.
type cursor struct {
	s   *stream
	b   *batch
	i   int          // the next event of b
	key mail.Instant // its time, as the merge sees it
}

// before is the order of the merge: by time, and at the same moment by rank. No two streams have the same rank, so the order of
// events depends on nothing but the inputs.
func (c *cursor) before(d *cursor) bool {
	return c.key < d.key || c.key == d.key && c.s.rank < d.s.rank
}

// merge hands out the events of all streams in the order of time. The order within a file is kept, whatever its stamps say.
type merge struct {
	run     *run
	waiting []*stream // not begun, by time
	open    []*cursor // a heap, the cursor with the next event first
}

// early is how long before its first stamp a file is opened. Lines are out of order by seconds, and duplicates are found only
// while both files are open.
const early = mail.Instant(2 * time.Minute)

// all merges until everything is handed out.
func (m *merge) all(ctx context.Context) error {
	for {
		if err := m.begin(ctx); err != nil {
			return err
		}
		if len(m.open) == 0 {
			return nil
		}
		c := m.open[0]
		end := m.runEnd(c)
		if err := m.run.hand(c, end, len(m.open) > 1 || len(m.run.dups.open) > 1); err != nil {
			return err
		}
		c.i = end
		if err := m.reposition(ctx, c); err != nil {
			return err
		}
	}
}

// begin opens the waiting streams whose events may be next.
func (m *merge) begin(ctx context.Context) error {
	for len(m.waiting) > 0 && (len(m.open) == 0 || m.waiting[0].file.begins()-early <= m.open[0].key) {
		s := m.waiting[0]
		m.waiting = m.waiting[1:]
		m.run.start(ctx, s)
		m.run.startAhead(ctx, m.waiting)
		c := &cursor{s: s, key: s.file.begins()}
		ok, err := m.advance(ctx, c)
		if err != nil {
			return err
		}
		if ok {
			m.open = append(m.open, c)
			m.up(len(m.open) - 1)
		}
	}
	return nil
}

// runEnd returns the index after the events of c that come before those of all other streams; at least one does.
func (m *merge) runEnd(c *cursor) int {
	if len(m.open) == 1 && len(m.waiting) == 0 {
		return len(c.b.events)
	}
	limit := cursor{s: c.s, key: 1<<63 - 1}
	for i := 1; i < min(3, len(m.open)); i++ {
		if d := m.open[i]; d.before(&limit) {
			limit = cursor{s: d.s, key: d.key}
		}
	}
	if len(m.waiting) > 0 {
		if due := m.waiting[0].file.begins() - early; due < limit.key {
			limit = cursor{s: m.waiting[0], key: due}
		}
	}
	events := c.b.events
	end := c.i + 1
	at := cursor{s: c.s, key: c.key}
	for ; end < len(events); end++ {
		if at.key = keyOf(&events[end], at.key); !at.before(&limit) {
			break
		}
	}
	return end
}

// keyOf returns the time of an event for the merge, by one clock for all hosts: if it has none, that of the event before it.
func keyOf(ev *mail.Event, before mail.Instant) mail.Instant {
	if ev.Time == 0 {
		return before
	}
	return ev.Time.Add(-ev.Ahead)
}

// reposition restores the heap after its first cursor moved.
func (m *merge) reposition(ctx context.Context, c *cursor) error {
	ok, err := m.advance(ctx, c)
	if err != nil {
		return err
	}
	if !ok {
		last := len(m.open) - 1
		m.open[0] = m.open[last]
		m.open = m.open[:last]
	}
	m.down(0)
	return nil
}

// advance moves the cursor to the next batch if it is at the end of one, and sets its key; false: its file has ended.
func (m *merge) advance(ctx context.Context, c *cursor) (bool, error) {
	for c.b == nil || c.i == len(c.b.events) {
		if c.b != nil {
			m.run.release(c.b)
		}
		var err error
		c.i = 0
		if c.b, err = m.run.next(ctx, c.s); err != nil {
			if err = m.run.failed(ctx, c.s, err); err != nil {
				return false, err
			}
		}
		if c.b == nil {
			m.run.end(c.s)
			return false, nil
		}
	}
	c.key = keyOf(&c.b.events[c.i], c.key)
	return true, nil
}

func (m *merge) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !m.open[i].before(m.open[parent]) {
			return
		}
		m.open[i], m.open[parent] = m.open[parent], m.open[i]
		i = parent
	}
}

func (m *merge) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.open); child++ {
			if m.open[child].before(m.open[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		m.open[i], m.open[least] = m.open[least], m.open[i]
		i = least
	}
}
