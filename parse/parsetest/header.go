package parsetest

import (
	"strconv"
	"strings"

	"mailforensics/mail"
)

// split cuts what stands before the daemon's words. It knows the three heads that specimens are written with: syslog's
// "Mmm dd hh:mm:ss host tag[pid]: ", with an RFC 3339 stamp as well, Exim's own and the webmails' stamps.
func split(line string) (ev mail.Event, body string, ok bool) {
	switch {
	case strings.HasPrefix(line, "["):
		return splitWebmail(line)
	case len(line) > 20 && line[4] == '-' && line[10] == ' ':
		return splitExim(line)
	case len(line) > 20 && line[4] == '-' && line[10] == 'T':
		_, rest, ok := strings.Cut(line, " ")
		return splitTag(rest, ok)
	case len(line) > 16 && line[3] == ' ' && line[15] == ' ':
		return splitTag(line[16:], true)
	}
	return ev, "", false
}

func splitTag(rest string, ok bool) (ev mail.Event, body string, found bool) {
	ev.Host, rest, found = strings.Cut(rest, " ")
	tag, body, colon := strings.Cut(rest, ": ")
	if !ok || !found || !colon || strings.Contains(tag, " ") {
		return mail.Event{}, "", false
	}
	ev.Process = tag
	if name, pid, ok := strings.Cut(tag, "["); ok {
		ev.Process = name
		ev.PID, _ = strconv.Atoi(strings.TrimSuffix(pid, "]"))
	}
	return ev, body, true
}

// splitExim reads "2024-05-14 10:00:05.287 +0200 [4711] text" with any of fraction, offset and PID.
func splitExim(line string) (ev mail.Event, body string, ok bool) {
	ev.Process = "exim"
	_, body, ok = strings.Cut(line[11:], " ")
	if len(body) > 6 && (body[0] == '+' || body[0] == '-') && body[5] == ' ' {
		body = body[6:]
	}
	if strings.HasPrefix(body, "[") {
		if pid, rest, found := strings.Cut(body[1:], "] "); found {
			if n, err := strconv.Atoi(pid); err == nil {
				ev.PID, body = n, rest
			}
		}
	}
	return ev, body, ok
}

func splitWebmail(line string) (ev mail.Event, body string, ok bool) {
	_, body, ok = strings.Cut(line, "]: ")
	ev.Process = "roundcube"
	if !ok {
		_, body, ok = strings.Cut(line, "] ")
		ev.Process = "squirrelmail"
	}
	return ev, body, ok
}
