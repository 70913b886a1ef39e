package parse

import (
	"strings"

	"mailforensics/mail"
)

// quoted reads a row of a table that a log server exported, whose first value is quoted (RFC 4180): Splunk's "_raw" is a whole
// line; Graylog and Kibana have a stamp, the name of the host, and the line without its stamp. The names of the columns are not
// needed: the values tell what they are.
func (r *HeaderReader) quoted(line string, ev *mail.Event) (string, bool) {
	host := ""
	for line != "" {
		value, rest, ok := cutValue(line, ',')
		if !ok {
			return "", false
		}
		line = rest
		switch {
		case ev.Time == 0 && value != "-" && (r.stamp5424(value, ev) || r.kibana(value, ev)):
			r.Style = JSON
		case stampAhead(value):
			return r.wrapped(value, ev)
		case ev.Time != 0 && strings.Contains(value, ": "):
			body, ok := r.hostAndTag(value, ev)
			if ev.Host == "" {
				ev.Host = host
			}
			return body, ok && ev.Process != ""
		case host == "" && isHostName(value):
			host = value
		}
	}
	return "", false
}

// kibana reads "Mar 7, 2026 @ 04:12:09.183".
func (r *HeaderReader) kibana(s string, ev *mail.Event) bool {
	date, clock, ok := strings.Cut(s, " @ ")
	if !ok || len(date) < len("Mar 7, 2026") || len(date) > len("Mar 17, 2026") || monthOf(date) == 0 || date[3] != ' ' {
		return false
	}
	mday, n := CutNumber(date[4:])
	sod, ok := secondOfDay(clock)
	if !ok || !strings.HasPrefix(date[4+n:], ", ") || len(date) != 4+n+len(", 2026") {
		return false
	}
	year, ok := fourDigits(date[4+n+2:])
	if !ok || !r.fullDay("", year, monthOf(date), mday) {
		return false
	}
	nano, end := fraction(clock[len("04:12:09"):])
	if len(clock) != len("04:12:09")+end {
		return false
	}
	r.moment(&r.full, sod, ev)
	ev.Time += nano
	r.Zoneless = true
	return true
}

// cutValue cuts the first value off a row.
func cutValue(row string, separator byte) (value, rest string, ok bool) {
	if row[0] != '"' {
		if end := strings.IndexByte(row, separator); end >= 0 {
			return row[:end], row[end+1:], true
		}
		return row, "", true
	}
	end, doubled := 1, false
	for {
		n := strings.IndexByte(row[end:], '"')
		if n < 0 {
			return "", "", false
		}
		if end += n; end+1 == len(row) || row[end+1] != '"' {
			break
		}
		end, doubled = end+2, true
	}
	value, rest = row[1:end], row[end+1:]
	if doubled {
		value = strings.ReplaceAll(value, `""`, `"`)
	}
	if rest == "" {
		return value, "", true
	}
	return value, rest[1:], rest[0] == separator
}
