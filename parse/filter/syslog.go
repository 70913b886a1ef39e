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

// sendmail reads its "QUEUEID: key=value" lines: on a host of another MTA they are of the command, which hands the mail over.
func sendmail(body string, ev *mail.Event) {
	is(ev, mail.Other)
	if id, _, ok := queueID(body); ok {
		ev.QueueID = id
	}
}
