package analyze

import "mailforensics/mail"

// Share is a part of what an engine does. The shares of one engine share nothing: each may be used from a goroutine of its own.
type Share struct {
	totals  *Totals // nil: that of another share
	survey  *Survey
	watches []Watch
	logins  bool   // a watch wants the ends of sessions that only logged in
	watched []Item // for Items
}

// Item is a message whose fate is known, or an event that is of no message.
type Item struct {
	Message *mail.Message
	Event   *mail.Event
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
		share.logins = share.logins || e.detectors[i].Logins
	}
	return shares
}

// Items counts messages and events, in the order of the log. Each watch gets all of them before the next one does: the processor
// then finds the code of one in its cache, instead of fetching that of all watches for every message.
func (s *Share) Items(items []Item) {
	if s.totals != nil {
		s.count(items)
	}
	s.watched = s.watched[:0]
	for _, i := range items {
		if i.Message != nil || s.concerns(i.Event) {
			s.watched = append(s.watched, i)
		}
	}
	for _, w := range s.watches {
		for _, i := range s.watched {
			if i.Message != nil {
				w.Message(i.Message)
			} else {
				w.Event(i.Event)
			}
		}
	}
	clear(s.watched)
}

func (s *Share) count(items []Item) {
	for _, i := range items {
		if i.Message != nil {
			s.totals.Message(i.Message)
			s.survey.Message(i.Message)
		} else {
			s.totals.Event(i.Event)
			s.survey.Event(i.Event)
		}
	}
}

// concerns reports whether watches are told of an event: they look at refusals and logins only.
func (s *Share) concerns(ev *mail.Event) bool {
	switch ev.Kind {
	case mail.Disconnect:
		return s.logins && onlyLoggedIn(ev)
	case mail.Reject, mail.Auth, mail.AuthFailed:
		return true
	}
	return false
}
