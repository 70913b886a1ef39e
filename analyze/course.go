package analyze

import (
	"cmp"
	"slices"
	"time"

	"mailforensics/mail"
)

// Course counts what happened to all mail over time: what came in and what became of it, what was refused, what other
// hosts refused of ours, and how full the queue was. It is what the pictures of a report are drawn from. It is exact, costs
// some 30 ns a message, and its size is bounded: spans are a minute at first, wider when there are too many. The zero value
// is ready, and merging courses changes nothing.
type Course struct {
	step  int // index into courseWidths
	cells map[int64]*courseCell
	// The cells of the last acceptance, end and disposition: messages come nearly in order, and a look-up in the map costs
	// more than all counting.
	came, went, fate courseNear
}

// courseWidths are the widths of a span in minutes, each a multiple of the one before; beyond the last they double. Up to an
// hour a span lies within one hour of the clock in every zone that differs by full quarters.
var courseWidths = [...]int64{1, 5, 15, 30, 60}

// courseCap is how many spans there may be: two weeks of minutes, two years of hours.
const courseCap = 20_160

type courseCell struct {
	messages, notices                   int32 // accepted in it
	delivered, bounced, deferred, other int32 // recipients of those messages, by their last disposition
	rejected                            int32 // refused attempts
	refused                             int32 // recipients that another host refused or put off in it
	left, noticesLeft                   int32 // messages and notices that left the queue in it
}

// courseNear is a cell and the instants that lie in it.
type courseNear struct {
	cell       *courseCell
	start, end mail.Instant
}

// Span is a span of a Course.
type Span struct {
	Start                               mail.Instant
	Messages, Notices                   int
	Delivered, Bounced, Deferred, Other int // recipients of the messages accepted in it, by their last disposition; bounced with expired
	Rejected                            int // refused attempts
	Refused                             int // recipients that another host refused or put off in it
	Queued, QueuedNotices               int // in the queue at its end, as far as the log shows
}

// Message counts a message whose fate is known, or as far as it is known.
func (c *Course) Message(m *mail.Message) {
	if m.Time == 0 {
		return
	}
	cell := c.at(m.Time, &c.came)
	if m.Notice {
		cell.notices++
	} else {
		cell.messages++
	}
	waiting := len(m.Recipients) == 0
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if !m.Notice {
			cell.count(r.Disposition)
		}
		waiting = waiting || !gone(r.Disposition)
		if !r.Local && r.Time != 0 && (r.Disposition == mail.Bounced || r.Disposition == mail.Deferred || r.Disposition == mail.Expired) {
			c.at(r.Time, &c.fate).refused++
		}
	}
	if m.Completed || !waiting {
		c.leave(m)
	}
	if len(c.cells) > courseCap {
		c.widen()
	}
}

// leave takes a message out of the queue at its last line.
func (c *Course) leave(m *mail.Message) {
	cell := c.at(max(m.Time, m.End), &c.went)
	if m.Notice {
		cell.noticesLeft++
		return
	}
	cell.left++
}

func (c *courseCell) count(d mail.Disposition) {
	switch d {
	case mail.Delivered:
		c.delivered++
	case mail.Bounced, mail.Expired:
		c.bounced++
	case mail.Deferred:
		c.deferred++
	case mail.Probed:
	default:
		c.other++
	}
}

// gone reports whether a message with such recipients has left the queue though no line says so. What bounced may be a notice
// that Exim has frozen, and stay for days.
func gone(d mail.Disposition) bool {
	return d == mail.Delivered || d == mail.Discarded || d == mail.Forwarded || d == mail.Probed
}

// Event counts a refused attempt.
func (c *Course) Event(ev *mail.Event) {
	if ev.Kind != mail.Reject || ev.Time == 0 || !IsRefusal(ev) {
		return
	}
	c.at(ev.Time, &c.came).rejected++
	if len(c.cells) > courseCap {
		c.widen()
	}
}

func (c *Course) at(t mail.Instant, near *courseNear) *courseCell {
	if t >= near.start && t < near.end {
		return near.cell
	}
	width := mail.Instant(c.Width())
	key := floorDiv(int64(t), int64(width))
	cell := c.cells[key]
	if cell == nil {
		if c.cells == nil {
			c.cells = make(map[int64]*courseCell)
		}
		cell = new(courseCell)
		c.cells[key] = cell
	}
	*near = courseNear{cell, mail.Instant(key) * width, mail.Instant(key+1) * width}
	return cell
}

// floorDiv is a/b towards minus infinity, so that a span before 1970 is as wide as any other.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Width is how long a span is.
func (c *Course) Width() time.Duration {
	last := len(courseWidths) - 1
	if c.step <= last {
		return time.Duration(courseWidths[c.step]) * time.Minute
	}
	return time.Duration(courseWidths[last]<<(c.step-last)) * time.Minute
}

// widen makes spans wider until there are few enough. The width that results depends on what was counted alone, not on its
// order: it is the least at which there are not too many.
func (c *Course) widen() {
	for len(c.cells) > courseCap {
		width := c.Width()
		c.step++
		old := c.cells
		c.cells = make(map[int64]*courseCell, len(old)/2)
		c.came, c.went, c.fate = courseNear{}, courseNear{}, courseNear{}
		for key, cell := range old {
			c.at(mail.Instant(key*int64(width)), &c.came).add(cell)
		}
	}
}

func (c *courseCell) add(o *courseCell) {
	c.messages += o.messages
	c.notices += o.notices
	c.delivered += o.delivered
	c.bounced += o.bounced
	c.deferred += o.deferred
	c.other += o.other
	c.rejected += o.rejected
	c.refused += o.refused
	c.left += o.left
	c.noticesLeft += o.noticesLeft
}

// Merge adds all of other.
func (c *Course) Merge(other *Course) {
	for c.step < other.step {
		c.step++
		old := c.cells
		c.cells = make(map[int64]*courseCell, len(old))
		c.came, c.went, c.fate = courseNear{}, courseNear{}, courseNear{}
		before := Course{step: c.step - 1}
		for key, cell := range old {
			c.at(mail.Instant(key*int64(before.Width())), &c.came).add(cell)
		}
	}
	width := int64(other.Width())
	for key, cell := range other.cells {
		c.at(mail.Instant(key*width), &c.came).add(cell)
	}
	c.widen()
}

// Spans is the spans in order of time; those in which nothing happened are left out.
func (c *Course) Spans() []Span {
	keys := make([]int64, 0, len(c.cells))
	for key := range c.cells {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	spans := make([]Span, 0, len(keys))
	queued, notices := 0, 0
	for _, key := range keys {
		x := c.cells[key]
		queued += int(x.messages - x.left)
		notices += int(x.notices - x.noticesLeft)
		spans = append(spans, Span{
			Start: mail.Instant(key * int64(c.Width())), Messages: int(x.messages), Notices: int(x.notices),
			Delivered: int(x.delivered), Bounced: int(x.bounced), Deferred: int(x.deferred), Other: int(x.other),
			Rejected: int(x.rejected), Refused: int(x.refused), Queued: queued, QueuedNotices: notices,
		})
	}
	return spans
}

// Refused is how many recipients other hosts refused or put off in the spans that the time from start to end touches, and in all the
// others.
func (c *Course) Refused(start, end mail.Instant) (within, beside int) {
	width := int64(c.Width())
	for key, cell := range c.cells {
		if begin := mail.Instant(key * width); begin+mail.Instant(width) > start && begin <= end {
			within += int(cell.refused)
		} else {
			beside += int(cell.refused)
		}
	}
	return within, beside
}

// Join adds up spans to fewer and wider ones: those that begin in the same step of width after start. What is in the queue is
// what the last of them left there; a step without spans takes it over from the one before. start is that of the first
// result, and end is not reached.
func Join(spans []Span, start, end mail.Instant, width time.Duration) []Span {
	if width <= 0 || end <= start {
		return nil
	}
	joined := make([]Span, (int64(end-start)+int64(width)-1)/int64(width))
	at, _ := slices.BinarySearchFunc(spans, start, func(s Span, t mail.Instant) int { return cmp.Compare(s.Start, t) })
	var queued, notices int
	if at > 0 {
		queued, notices = spans[at-1].Queued, spans[at-1].QueuedNotices
	}
	for i := range joined {
		j := &joined[i]
		j.Start = start.Add(time.Duration(i) * width)
		for ; at < len(spans) && spans[at].Start < j.Start.Add(width); at++ {
			s := &spans[at]
			j.Messages += s.Messages
			j.Notices += s.Notices
			j.Delivered += s.Delivered
			j.Bounced += s.Bounced
			j.Deferred += s.Deferred
			j.Other += s.Other
			j.Rejected += s.Rejected
			j.Refused += s.Refused
			queued, notices = s.Queued, s.QueuedNotices
		}
		j.Queued, j.QueuedNotices = queued, notices
	}
	return joined
}
