package correlate

// lent is the messages that were handed out and not returned yet, oldest first.
type lent struct {
	messages []*message
	returned int // how many were returned before these
}

func (l *lent) push(m *message) { l.messages = append(l.messages, m) }

// Lend turns lending on or off; at first it is off. While it is on, a message that is handed out stays valid, also for other
// goroutines, until it is given back with Return; while it is off, until the callback returns.
func (t *Tracker) Lend(on bool) { t.lending = on }

// Lent returns the number of messages lent so far.
func (t *Tracker) Lent() int { return t.lent.returned + len(t.lent.messages) }

// Return gives back the first n messages that were lent, counted from the beginning: those that were returned before are among
// them.
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
