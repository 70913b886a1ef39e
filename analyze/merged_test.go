package analyze

import (
	"testing"

	"mailforensics/mail"
)

// twiceTold is an engine, and three more that share its input and are merged at the end: they must find the same.
type twiceTold struct {
	*Engine
	t     testing.TB
	parts [3]*Engine
	n     int
}

func newTwiceTold(t testing.TB, pass *Pass, detectors []Detector) *twiceTold {
	e := &twiceTold{Engine: NewEngine(pass, detectors), t: t}
	for i := range e.parts {
		e.parts[i] = NewEngine(pass, detectors)
	}
	return e
}

func (e *twiceTold) Message(m *mail.Message) {
	e.Engine.Message(m)
	e.next().Message(m)
}

func (e *twiceTold) Event(ev *mail.Event) {
	e.Engine.Event(ev)
	e.next().Event(ev)
}

func (e *twiceTold) next() *Engine {
	e.n++
	return e.parts[e.n%len(e.parts)]
}

func (e *twiceTold) Findings() ([]Finding, *Site) {
	e.t.Helper()
	want, site := e.Engine.Findings()
	for _, other := range e.parts[1:] {
		e.parts[0].Merge(other)
	}
	got, _ := e.parts[0].Findings()
	compare(e.t, "merged", got, want)
	return want, site
}
