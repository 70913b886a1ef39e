package parse

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// Layout is what the head of a file tells of all its lines, where a line by itself does not: the columns of a table that a log
// server exported, or that something stands before each stamp. nil: nothing; each line speaks for itself.
type Layout struct {
	columns   []column // of a table
	separator byte     // between its values
	utc       bool     // its stamps without an offset are UTC
	behind    bool     // the header is behind something: the name of a pod, a line number, blanks, "> "
}

// column is what a column of a table contains.
type column uint8

const (
	otherColumn column = iota
	stampColumn
	dateColumn // of a stamp in two columns
	clockColumn
	hostColumn
	programColumn
	pidColumn
	textColumn
)

// columnNames are the names of columns, without blanks and the marks between words. Those of Kibana, Graylog, Splunk, Datadog, Azure
// Monitor, CloudWatch Logs Insights, Grafana, Synology's Log Center and lnav are among them.
var columnNames = map[string]column{
	"timestamp": stampColumn, "datetime": stampColumn, "timegenerated": stampColumn, "eventtime": stampColumn, "logtime": stampColumn,
	"ts": stampColumn, "isodate": stampColumn, "timereported": stampColumn, "devicereportedtime": stampColumn,
	"date": dateColumn, "time": clockColumn,
	"host": hostColumn, "hostname": hostColumn, "hosthostname": hostColumn, "computer": hostColumn, "source": hostColumn,
	"loghostname": hostColumn, "sysloghostname": hostColumn, "sysloghost": hostColumn, "fromhost": hostColumn, "logsource": hostColumn,
	"program": programColumn, "programname": programColumn, "process": programColumn, "processname": programColumn,
	"logprocname": programColumn, "appname": programColumn, "application": programColumn, "applicationname": programColumn,
	"service": programColumn, "ident": programColumn, "syslogidentifier": programColumn, "logsyslogappname": programColumn,
	"tag": programColumn, "syslogtag": programColumn,
	"pid": pidColumn, "processid": pidColumn, "processpid": pidColumn, "procid": pidColumn, "logpid": pidColumn,
	"logsyslogprocid": pidColumn, "syslogpid": pidColumn,
	"message": textColumn, "messages": textColumn, "msg": textColumn, "content": textColumn, "log": textColumn, "line": textColumn,
	"raw": textColumn, "body": textColumn, "syslogmessage": textColumn, "logbody": textColumn, "textpayload": textColumn,
	"rawmessage": textColumn, "logmessage": textColumn,
}

// LayoutOf finds out how the lines of a file are laid out, by its head; nil: as usual.
func LayoutOf(head string) *Layout {
	first, rest, _ := strings.Cut(strings.TrimLeft(head, "\r\n"), "\n")
	first = strings.TrimSuffix(first, "\r")
	second, _, _ := strings.Cut(rest, "\n")
	if isPapertrail(first) {
		return papertrail
	}
	for _, line := range [...]string{first, second} { // the first may be the tokens of the next and the last page
		if strings.HasPrefix(line, "EVENTS\t") {
			return cloudWatchText[strings.Count(line, "\t")]
		}
	}
	if !isLogLine(first) && !(stampAhead(second) && isLogLine(second)) { // a heading, or the rest of a line, is no table
		for _, separator := range []byte("\t;,") {
			if l := tableOf(first, separator); l != nil {
				return l
			}
		}
	}
	if isBehind(head) {
		return &Layout{behind: true}
	}
	return nil
}

// isLogLine reports whether a line has a header: then what looks like names of columns was chosen by a stranger.
func isLogLine(line string) bool {
	var ev mail.Event
	_, ok := undatedReader(nil).Read(line, &ev)
	return ok
}

// isColumnName reports whether s can be the name of a column.
func isColumnName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte("_@. -[]()/", c) < 0 {
			return false
		}
	}
	return len(s) <= 64
}

// tableOf reads the names of the columns of a table; nil: that is none, or a column that is needed is missing.
func tableOf(names string, separator byte) *Layout {
	const most = 200 // columns
	l := &Layout{separator: separator}
	var seen [textColumn + 1]bool
	for names != "" && len(l.columns) < most {
		name, rest, ok := cutValue(names, separator)
		if !ok || !isColumnName(name) {
			return nil
		}
		names = rest
		name = strings.ToLower(strings.TrimSpace(name))
		bare, utc := strings.CutSuffix(name, " [utc]") // Azure Monitor
		c := columnNames[strings.NewReplacer(" ", "", "_", "", ".", "", "@", "", "-", "").Replace(bare)]
		if seen[c] {
			c = otherColumn
		}
		seen[c] = true
		l.columns = append(l.columns, c)
		l.utc = l.utc || c == stampColumn && utc || name == "@message" // CloudWatch Logs Insights shows UTC
	}
	if !seen[textColumn] || !seen[stampColumn] && !seen[dateColumn] && !seen[clockColumn] {
		return nil
	}
	return l
}

// papertrail is the layout of Papertrail's archives, whose columns have no names: ID, when the line was written and received, the
// sender's ID, name and address, facility, severity, program, text.
var papertrail = &Layout{separator: '\t', columns: []column{otherColumn, stampColumn, otherColumn, otherColumn, hostColumn,
	otherColumn, otherColumn, otherColumn, programColumn, textColumn}}

func isPapertrail(line string) bool {
	values := strings.SplitN(line, "\t", len(papertrail.columns))
	return len(values) == len(papertrail.columns) && AllDigits(values[0]) && values[0] != "" && AllDigits(values[3]) &&
		len(values[1]) >= len("2026-03-07T04:12:09") && values[1][4] == '-' && values[2] != "" && isDigit(values[2][0])
}

// cloudWatchText is what aws logs get-log-events and filter-log-events --output text write, by the number of tabs in a line: the members
// of an event in the order of their names, which are eventId, ingestionTime, logStreamName, message, timestamp.
var cloudWatchText = map[int]*Layout{
	3: {separator: '\t', columns: []column{otherColumn, otherColumn, textColumn, stampColumn}},
	5: {separator: '\t', columns: []column{otherColumn, otherColumn, otherColumn, otherColumn, textColumn, stampColumn}},
}

// isBehind reports whether the lines of a file have something before their stamps: no line has a header, and most have one behind
// something.
func isBehind(head string) bool {
	const enough = 100
	if text := strings.TrimSpace(head); strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") && strings.HasPrefix(strings.TrimSpace(text[1:]), "{") {
		return false // one value of JSON, in which anything can stand
	}
	r := undatedReader(nil)
	lines, behind := 0, 0
	for line := range strings.Lines(head) {
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) == "" {
			continue
		}
		var ev mail.Event
		if _, ok := r.Read(line, &ev); ok && ev.Process != "" {
			return false
		}
		if body, ok := r.behindSomething(line, &ev); ok && (r.Style != EximOwn || beginsLikeExim(body)) {
			behind++
		}
		if lines++; lines == enough {
			break
		}
	}
	return behind > 0 && behind >= lines/2
}

// beginsLikeExim reports whether a text begins with a message ID of Exim's: a stamp with a text behind it may be of any program.
func beginsLikeExim(body string) bool {
	id, _, _ := strings.Cut(body, " ")
	_, ok := EximID(id)
	return ok
}

// Expect makes r read lines that are laid out like that, and returns r.
func (r *HeaderReader) Expect(l *Layout) *HeaderReader {
	r.layout = l
	return r
}

// laidOut reads a line of a file with a layout.
func (r *HeaderReader) laidOut(line string, ev *mail.Event) (string, bool) {
	if r.layout.behind {
		return r.behindSomething(line, ev)
	}
	return r.row(line, ev)
}

// behindSomething reads the first header in a line that names a program. Whoever put something before the lines did so with all of
// them, and what a stranger chose is behind the header.
func (r *HeaderReader) behindSomething(line string, ev *mail.Event) (string, bool) {
	const longest = 256
	before := *ev
	for at := range min(len(line), longest) {
		if at > 0 && (isDigit(line[at-1]) || line[at-1]|0x20 >= 'a' && line[at-1]|0x20 <= 'z') || !stampAhead(line[at:]) {
			continue
		}
		r.reset()
		if body, ok := r.read(line[at:], ev); ok && ev.Process != "" {
			return body, true
		}
		*ev = before
	}
	return "", false
}

// row reads a row of a table as the record that it is.
func (r *HeaderReader) row(line string, ev *mail.Event) (string, bool) {
	var f record
	var stamp, date, clock string
	for i := 0; i < len(r.layout.columns) && line != ""; i++ {
		value, rest, ok := cutValue(line, r.layout.separator)
		if !ok {
			return "", false
		}
		line = rest
		if value == "" || value == "-" {
			continue
		}
		switch r.layout.columns[i] {
		case stampColumn:
			stamp = value
		case dateColumn:
			date = value
		case clockColumn:
			clock = value
		case hostColumn:
			f.host = rawString{text: value, set: isHostName(value)}
		case programColumn:
			f.program = rawString{text: value, set: true}
		case pidColumn:
			f.pid = rawString{text: value, set: true}
		case textColumn:
			f.text = rawString{text: value, set: true}
		}
	}
	if !f.host.set {
		f.host = rawString{}
	}
	if !f.text.set {
		return "", false
	}
	if stamp == "" {
		stamp = strings.Trim(date+" "+clock, " ")
	}
	if !r.stampOf(stamp, ev) && !r.kibana(stamp, ev) && !r.american(stamp, ev) {
		if _, ok := r.wrapped(f.text.text, &mail.Event{}); !ok { // what the names of the columns are, or a stamp in an unknown form
			return "", false
		}
		r.reset()
		return r.wrapped(f.text.text, ev)
	}
	if r.layout.utc && r.Zoneless {
		ev.Time = mail.Instant(r.local)*mail.Instant(time.Second) + ev.Time%mail.Instant(time.Second)
		r.Zoneless, r.Twice = false, false
	}
	return r.shipped(&f, ev)
}

// american reads "3/7/2026, 4:12:09.183 AM".
func (r *HeaderReader) american(s string, ev *mail.Event) bool {
	date, clock, ok := strings.Cut(s, ", ")
	parts := strings.Split(date, "/")
	clock, half, ok2 := strings.Cut(clock, " ")
	if !ok || !ok2 || len(parts) != 3 || half != "AM" && half != "PM" || len(parts[2]) != 4 {
		return false
	}
	month, n1 := CutNumber(parts[0])
	mday, n2 := CutNumber(parts[1])
	year, n3 := CutNumber(parts[2])
	if strings.IndexByte(clock, ':') == 1 {
		clock = "0" + clock
	}
	sod, ok := secondOfDay(clock)
	if !ok || n1*n2*n3 == 0 || month < 1 || month > 12 || !r.fullDay("", year, month, mday) {
		return false
	}
	const noon = 12 * 3600
	if sod %= noon; half == "PM" {
		sod += noon
	}
	r.moment(&r.full, sod, ev)
	nano, _ := fraction(clock[len("04:12:09"):])
	ev.Time += nano
	r.Zoneless = true
	return true
}
