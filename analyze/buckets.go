package analyze

import (
	"slices"
	"time"

	"mailforensics/mail"
)

// bucketCap is how many buckets a Buckets keeps: two weeks of minutes in which something happened every minute. Where
// there are more, their width doubles; which width results depends on the set of instants alone, not on their order.
const bucketCap = 20_160

// Buckets counts messages and refused attempts over time: by minute at first, wider when there are too many. Each bucket
// knows the exact first and last instant in it. The zero value is ready.
type Buckets struct {
	width  int64 // minutes; 0 means 1
	cells  []cell
	places map[int64]int32 // of a time, its place in cells
}

type cell struct {
	messages, rejected int
	first, last        mail.Instant
}

// Add counts messages and refused attempts at t.
func (b *Buckets) Add(t mail.Instant, messages, rejected int) {
	b.at(t).add(cell{messages, rejected, t, t})
	b.bound()
}

// Merge adds all of other, which stays as it is.
func (b *Buckets) Merge(other *Buckets) {
	for b.span() < other.span() {
		b.widen()
	}
	for _, c := range other.cells {
		b.at(c.first).add(c)
	}
	b.bound()
}

func (b *Buckets) span() int64 { return max(1, b.width) }

func (b *Buckets) at(t mail.Instant) *cell {
	key := t.Minute() / b.span()
	place, ok := b.places[key]
	if !ok {
		if b.places == nil {
			b.places = make(map[int64]int32)
		}
		place = int32(len(b.cells))
		b.places[key] = place
		b.cells = append(b.cells, cell{first: t, last: t})
	}
	return &b.cells[place]
}

func (c *cell) add(d cell) {
	c.messages += d.messages
	c.rejected += d.rejected
	c.first, c.last = min(c.first, d.first), max(c.last, d.last)
}

func (b *Buckets) bound() {
	for len(b.cells) > bucketCap {
		b.widen()
	}
}

func (b *Buckets) widen() {
	b.width = 2 * b.span()
	old := b.cells
	b.cells, b.places = make([]cell, 0, len(old)/2), make(map[int64]int32, len(old)/2)
	for _, c := range old {
		b.at(c.first).add(c)
	}
}

// Width is how long a bucket is.
func (b *Buckets) Width() time.Duration { return time.Duration(b.span()) * time.Minute }

// Timeline is the buckets in order of time; empty ones are left out.
func (b *Buckets) Timeline() []Bucket {
	line := make([]Bucket, 0, len(b.cells))
	for _, c := range b.cells {
		line = append(line, Bucket{
			Time:     mail.Instant(c.first.Minute() / b.span() * b.span() * int64(time.Minute)),
			Messages: c.messages,
			Rejected: c.rejected,
		})
	}
	slices.SortFunc(line, func(a, b Bucket) int { return int((a.Time - b.Time) / mail.Instant(time.Minute)) })
	return line
}

// Bounds is the first and the last instant that was counted; zeros where there was none.
func (b *Buckets) Bounds() (first, last mail.Instant) {
	for _, c := range b.cells {
		if first == 0 || c.first < first {
			first = c.first
		}
		last = max(last, c.last)
	}
	return first, last
}

// Days is in how many days (of UTC) something happened.
func (b *Buckets) Days() int {
	days := make(map[int64]bool)
	for _, c := range b.cells {
		days[int64(c.first)/int64(24*time.Hour)] = true
	}
	return len(days)
}

// Peak is the most instants in a span that begins with one of them, and that one; times must be sorted.
func Peak(times []mail.Instant, span time.Duration) (most int, at mail.Instant) {
	end := 0
	for i, t := range times {
		for end < len(times) && times[end].Sub(t) < span {
			end++
		}
		if end-i > most {
			most, at = end-i, t
		}
	}
	return most, at
}
