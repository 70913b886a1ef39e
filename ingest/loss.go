package ingest

import (
	"fmt"
	"strings"
	"time"

	"mailforensics/mail"
)

// loss is a line in which a log daemon says that it dropped lines: a gap in the evidence.
type loss struct {
	who    string // the daemon
	n      int64  // number of dropped lines; 0: not told
	origin mail.Origin
	at     mail.Instant
}

// loss notes the line if it is one: systemd src/journal/journald-server.c; rsyslog plugins/imuxsock/imuxsock.c,
// plugins/imjournal/imjournal.c and runtime/ratelimit.c.
func (b *batch) loss(body string, ev *mail.Event) {
	switch ev.Process {
	case "systemd-journald", "systemd-journal", "rsyslogd", "rsyslogd-pstats":
	default:
		return
	}
	lost := strings.HasPrefix(body, "Suppressed ") || strings.Contains(body, "begin to drop") || strings.Contains(body, "begins to drop") ||
		strings.Contains(body, "lost ") && strings.Contains(body, "rate-limiting") || strings.Contains(body, " messages lost")
	if lost {
		b.losses = append(b.losses, loss{ev.Process, messages(body), ev.Origin, ev.Time})
	}
}

// messages returns the number before the word "messages"; 0: there is none.
func messages(body string) (n int64) {
	at := strings.Index(body, " messages")
	if at < 0 {
		return 0
	}
	start := at
	for start > 0 && body[start-1] >= '0' && body[start-1] <= '9' && at-start < 15 {
		start--
	}
	for _, c := range body[start:at] {
		n = n*10 + int64(c-'0')
	}
	return n
}

// losses adds up the losses of a file.
type losses struct {
	lines, lost int64
	first       loss
}

func (l *losses) add(one loss) {
	if l.lines == 0 {
		l.first = one
		l.first.who = strings.Clone(one.who)
	}
	l.lines++
	l.lost += one.n
}

func (l *losses) warning(zone *time.Location) string {
	if l.lines == 0 {
		return ""
	}
	number := "lines"
	if l.lost > 0 {
		number = fmt.Sprintf("%d lines", l.lost)
	}
	return fmt.Sprintf("%s dropped %s (rate limit, said in %d places, first in line %d, %s): there are gaps in this log",
		l.first.who, number, l.lines, l.first.origin.Line, l.first.at.In(zone).Format(time.DateTime))
}
