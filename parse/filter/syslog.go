package filter

import (
	"strings"

	"mailforensics/mail"
)

// logDaemon parses the lines of log daemons about lost lines: gaps in the evidence. All their other lines are foreign.
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
