package filter

import (
	"strings"

	"mailforensics/mail"
)

// logDaemon reads the lines of log daemons that tell of lost lines: gaps in the evidence. All else of them is foreign.
func logDaemon(body string, ev *mail.Event) {
	for _, sign := range [...]string{"rate-limiting", "Suppressed ", "begin to drop", "messages lost", "message lost", "dropped", "missed "} {
		if strings.Contains(body, sign) {
			is(ev, mail.Warning)
			ev.Text = body
			return
		}
	}
	if strings.HasPrefix(body, "logfile turned over") {
		is(ev, mail.Other)
	}
}
