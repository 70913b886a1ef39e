package analyze

import "mailforensics/mail"

// Share is a part of what an engine does. The shares of one engine share nothing: each may be used from a goroutine of its own.
type Share struct {
	totals  *Totals // nil: that of another share
	survey  *Survey
	watches []Watch
}

// Shares divides the engine into n parts. Each must be given all messages and events, in the same order, as the engine would
// be, and they all must be done before the engine is merged or asked for its findings.
func (e *Engine) Shares(n int) []Share {
	n = max(1, min(n, 1+len(e.watches)))
	shares := make([]Share, n)
	shares[0].totals, shares[0].survey = &e.Totals, e.survey
	for i, w := range e.watches {
		share := &shares[(1+i)%n]
		share.watches = append(share.watches, w)
	}
	return shares
}

// Message counts a message whose fate is known.
func (s *Share) Message(m *mail.Message) {
	if s.totals != nil {
		s.totals.Message(m)
		s.survey.Message(m)
	}
	for _, w := range s.watches {
		w.Message(m)
	}
}

// Event counts an event that is of no message.
func (s *Share) Event(ev *mail.Event) {
	if s.totals != nil {
		s.totals.Event(ev)
		s.survey.Event(ev)
	}
	switch ev.Kind {
	case mail.Reject, mail.Auth, mail.AuthFailed:
		for _, w := range s.watches {
			w.Event(ev)
		}
	}
}
