package correlate

// lent are the messages that were handed out and not given back, oldest first.
type lent struct {
	messages []*message
	returned int // how many were given back
}

func (l *lent) push(m *message) { l.messages = append(l.messages, m) }

// Lend begins or ends lending. While it is on, the messages that are handed out are left to those who take them, who may look
// at them from another goroutine, until they are given back with Return; else, as at first, a message is used again after the
// call that hands it out.
func (t *Tracker) Lend(on bool) { t.lending = on }

// Lent is how many messages were lent so far.
func (t *Tracker) Lent() int { return t.lent.returned + len(t.lent.messages) }

// Return gives back the first n messages that were lent, those that were given back before among them.
func (t *Tracker) Return(n int) {
	l := &t.lent
	n = min(n-l.returned, len(l.messages))
	for _, m := range l.messages[:max(n, 0)] {
		t.recycleAll(m)
	}
	if n > 0 {
		kept := copy(l.messages, l.messages[n:])
		clear(l.messages[kept:])
		l.messages = l.messages[:kept]
		l.returned += n
	}
}
