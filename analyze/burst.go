package analyze

import "mailforensics/mail"

var burst = Detector{
	Name:    "burst",
	Command: "bursts",
	Title:   "many messages in minutes",
	New:     func(p *Pass) Watch { return &burstWatch{pass: p} },
}

type burstWatch struct{ pass *Pass }

func (w *burstWatch) Message(m *mail.Message)       {}
func (w *burstWatch) Event(ev *mail.Event)          {}
func (w *burstWatch) Merge(other Watch)             {}
func (w *burstWatch) Findings(site *Site) []Finding { return nil }
