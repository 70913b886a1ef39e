package correlate

import "mailforensics/mail"

// waiting is a message without living hops, and since when.
type waiting struct {
	message    *message
	generation uint32
	since      mail.Instant
}

// fifo is a queue of waiting messages.
type fifo struct {
	items []waiting // a ring; its length is a power of two
	head  int
	n     int
}

func (f *fifo) len() int { return f.n }

// since returns since when the first one waits.
func (f *fifo) since() mail.Instant { return f.items[f.head].since }

func (f *fifo) push(w waiting) {
	if f.n == len(f.items) {
		grown := make([]waiting, max(64, 2*f.n))
		copy(grown[copy(grown, f.items[f.head:]):], f.items[:f.head])
		f.items, f.head = grown, 0
	}
	f.items[(f.head+f.n)&(len(f.items)-1)] = w
	f.n++
}

func (f *fifo) pop() waiting {
	w := f.items[f.head]
	f.items[f.head] = waiting{}
	f.head = (f.head + 1) & (len(f.items) - 1)
	f.n--
	return w
}

// graves remember the queue IDs of messages that were handed out, so that a line that comes much too late does not begin a new
// life. IDs with the same slot share a time; the hash has a fixed seed, because the output must not depend on it.
type graves struct {
	at [1 << 15]grave
}

type grave struct {
	key  uint64
	died mail.Instant
}

// restless is how long a late line is taken for one. After that, a line of an unknown queue ID is taken for one of a life that
// began before the log, or whose first lines are lost.
const restless = 3600 * 1e9

func (g *graves) bury(h *hop, now mail.Instant) {
	key := mix(h.queue.salt, h.id)
	if h.state == dead {
		now = h.died
	}
	g.at[key%uint64(len(g.at))] = grave{key, now}
}

// holds reports whether a life of the queue ID ended lately.
func (g *graves) holds(q *queue, id string, now mail.Instant) bool {
	key := mix(q.salt, id)
	there := g.at[key%uint64(len(g.at))]
	return there.key == key && now-there.died < restless && there.died-now < restless
}

// unknownEnd counts the end of a life that is not open: it was handed out already, or no other line of it was seen.
func (t *Tracker) unknownEnd(q *queue, ev *mail.Event) {
	if t.graves.holds(q, ev.QueueID, t.now) {
		t.stats.Late++
	} else {
		t.stats.Orphans++
	}
}

// ring holds the last few values that were put in.
type ring[T any] struct {
	items [64]T
	n     uint // how many were put in
}

func (r *ring[T]) put(x T) {
	r.items[r.n%uint(len(r.items))] = x
	r.n++
}

// each calls f with the values that are held, newest first, until f returns false.
func (r *ring[T]) each(f func(*T) bool) {
	size := uint(len(r.items))
	for i := range min(r.n, size) {
		if !f(&r.items[(r.n-1-i)%size]) {
			return
		}
	}
}
