package parse

import (
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"mailforensics/mail"
)

// record is the header fields in a line of JSON, whoever wrote it. Values are raw: without quotes, but with their escapes.
type record struct {
	log, time                              rawString // Docker's json-file driver
	stamp, host, tag, program, pid, text   rawString // rsyslog templates and the shippers of others
	origin, full, name, identifier         rawString // Logstash's name of the host that wrote it; GELF's whole line; of what is nested
	realtime, source, unit, comm, bodyText rawString // systemd's journal: journalctl -o json
	journalHost, syslogPID, journalPID     rawString

	depth int // of what is nested
}

// rawString is a JSON value: the text of a string with its escapes, or of an array of numbers.
type rawString struct {
	text    string
	escaped bool
	bytes   bool // text is an array of numbers (journalctl -o json, of what is not UTF-8)
	set     bool
}

// field returns where the value of a key belongs; nil: it is not used.
func (f *record) field(key string) *rawString {
	switch key {
	case "log":
		return &f.log
	case "time":
		return &f.time
	case "@timestamp", "timestamp", "timereported", "timegenerated", "ISODATE", "DATE", "date", "TimeGenerated", "_time", "received_at":
		return &f.stamp
	case "hostname", "host", "HOST", "fromhost", "source", "sysloghost", "Computer":
		return &f.host
	case "logsource":
		return &f.origin
	case "tag", "syslogtag", "TAG", "syslog-tag", "syslog_tag":
		return &f.tag
	case "program", "programname", "PROGRAM", "appname", "app-name", "ident", "application_name", "_application_name",
		"app_name", "ProcessName":
		return &f.program
	case "identifier":
		return &f.identifier
	case "procid", "pid", "PID", "process_id", "_process_id", "proc_id", "ProcessID":
		return &f.pid
	case "message", "msg", "short_message", "line", "_raw", "textPayload", "SyslogMessage", "_msg":
		return &f.text
	case "full_message":
		return &f.full
	case "name":
		return &f.name
	case "__REALTIME_TIMESTAMP":
		return &f.realtime
	case "_SOURCE_REALTIME_TIMESTAMP":
		return &f.source
	case "SYSLOG_IDENTIFIER":
		return &f.unit
	case "_COMM":
		return &f.comm
	case "MESSAGE":
		return &f.bodyText
	case "_HOSTNAME":
		return &f.journalHost
	case "SYSLOG_PID":
		return &f.syslogPID
	case "_PID":
		return &f.journalPID
	}
	return nil
}

// sequenced reads the lines of journalctl -o json-seq (RFC 7464), which begin with a control character, and of json-sse.
func (r *HeaderReader) sequenced(line string, ev *mail.Event) (body string, ok, claimed bool) {
	object, claimed := strings.CutPrefix(line, "\x1e{")
	if !claimed {
		object, claimed = strings.CutPrefix(line, "data: {")
	}
	if !claimed {
		return "", false, false
	}
	body, ok = r.object(line[len(line)-len(object)-1:], ev)
	return body, ok, true
}

// object reads a line that is a JSON object.
func (r *HeaderReader) object(line string, ev *mail.Event) (string, bool) {
	var f record
	if !f.read(line) {
		return "", false
	}
	switch {
	case f.log.set && !r.inner:
		return r.docker(&f, ev)
	case f.realtime.set || f.source.set:
		return r.journal(&f, ev)
	case f.text.set || f.bodyText.set:
		return r.shipped(&f, ev)
	}
	return "", false
}

// listed reads a record that is a list: Loki's ["NANOSECONDS","text"], and those of CloudWatch Logs Insights, which are lists of fields.
func (r *HeaderReader) listed(line string, ev *mail.Event) (string, bool) {
	var f record
	if end := stringEnd(line, 1); end > 0 && end < len(line) && line[end] == ',' && isDigit(line[2]) {
		f.stamp, f.text = rawValue(line[1:end]), rawValue(line[end+1:max(end+1, stringEnd(line, end+1))])
	} else if !f.fields(line[1:]) {
		return "", false
	}
	if !f.text.set {
		return "", false
	}
	return r.shipped(&f, ev)
}

// fields reads {"field":"@timestamp","value":"2026-03-07 03:12:09.183"},{"field":"@message","value":"…"}…; the stamp is UTC.
func (f *record) fields(s string) bool {
	for {
		name, rest, ok1 := cutMember(s, `{"field":`)
		value, rest, ok2 := cutMember(rest, `,"value":`)
		if !ok1 || !ok2 || !strings.HasPrefix(rest, "}") {
			return false
		}
		switch name.text {
		case "@timestamp":
			value.text += " UTC"
			f.stamp = value
		case "@message":
			f.text = value
		}
		if s, ok1 = strings.CutPrefix(rest[1:], ","); !ok1 {
			return true
		}
	}
}

// cutMember cuts a string behind the name of a member off s.
func cutMember(s, name string) (value rawString, rest string, ok bool) {
	s, ok = strings.CutPrefix(s, name)
	end := stringEnd(s, 0)
	if !ok || end < 0 {
		return value, "", false
	}
	return rawValue(s[:end]), s[end:], true
}

// dockerPiece is the length of what Docker writes of a longer line at a time.  daemon/logger/copier.go: defaultBufSize
const dockerPiece = 16 << 10

// docker reads {"log":"…\n","stream":"stdout","time":"…"}. A piece of full length without a line end continues in the next
// object. Shippers drop the line end.
func (r *HeaderReader) docker(f *record, ev *mail.Event) (string, bool) {
	if f.time.set {
		r.stamp5424(f.time.plain(), ev)
	}
	r.Style = Docker
	text, whole := strings.CutSuffix(f.log.plain(), "\n")
	return r.piece(strings.TrimSuffix(text, "\r"), !whole && len(text) >= dockerPiece, ev)
}

// journal reads a record of systemd's journal. The stamps are microseconds in UTC: that of the program if there is one, else that
// of the journal.
func (r *HeaderReader) journal(f *record, ev *mail.Event) (string, bool) {
	stamp := f.source
	if !stamp.set {
		stamp = f.realtime
	}
	var usec int64
	for _, c := range []byte(stamp.plain()) {
		if !isDigit(c) || usec > latestSecond*1e6 {
			return "", false
		}
		usec = usec*10 + int64(c-'0')
	}
	r.Style, r.local = JSON, civil(usec/1e6)
	ev.Time = mail.Instant(usec * int64(time.Microsecond))
	if ev.Host = f.journalHost.plain(); ev.Host == "" {
		ev.Host = f.host.plain()
	}
	ev.Process = f.unit.plain()
	if ev.Process == "" {
		ev.Process = f.comm.plain()
	}
	pid := f.syslogPID.plain()
	if pid == "" {
		pid = f.journalPID.plain()
	}
	ev.PID, _ = CutNumber(pid)
	text := f.bodyText
	if !text.set { // Vector's journald source calls it message, and the host so
		text = f.text
	}
	return r.afterTag(text.plain(), ev)
}

// shipped reads an object that a template of a syslog daemon or a log shipper made. If it has no tag, the text may be a whole
// line with a header.
func (r *HeaderReader) shipped(f *record, ev *mail.Event) (string, bool) {
	for _, stamp := range [...]rawString{f.stamp, f.time} {
		if stamp.set && ev.Time == 0 {
			r.stampOf(stamp.plain(), ev)
		}
	}
	r.Style = JSON
	text := f.text.plain()
	if !f.text.set {
		text = f.bodyText.plain()
	}
	host := f.origin.plain()
	if host == "" {
		host = f.host.plain()
	}
	tag := f.tag.plain()
	if tag == "" {
		tag = f.program.plain()
	}
	process, pid, hasPID := strings.Cut(strings.TrimSuffix(tag, ":"), "[")
	if !hasPID {
		pid = f.pid.plain()
	}
	if !f.tag.set && !f.program.set {
		return r.untagged(host, text, f.full.plain(), ev)
	}
	n, _ := CutNumber(pid)
	if body, ok := r.wholeLine(text, n, ev); ok {
		return body, true
	}
	ev.Host, ev.Process, ev.PID = host, process, n
	return r.afterTag(strings.TrimPrefix(text, " "), ev)
}

// wholeLine reads the text of a record as a line with a header of its own, whatever the record calls the program. It names a host,
// unlike Exim's texts, which have a stamp, too; and the process that the record names, if it does: what other programs quote does not.
func (r *HeaderReader) wholeLine(text string, pid int, ev *mail.Event) (string, bool) {
	if r.inner || !stampAhead(text) {
		return "", false
	}
	before, state := *ev, r.state()
	if body, ok := r.wrapped(text, ev); ok && ev.Host != "" && (pid == 0 || ev.PID == pid) {
		return body, true
	}
	*ev = before
	r.back(state)
	return "", false
}

// untagged reads a text without a tag in the object: a whole line, or "host tag[pid]: " without a stamp, which the shipper took
// off (Graylog's syslog input leaves the host). full is the original line, if the shipper kept it, else "".
func (r *HeaderReader) untagged(host, text, full string, ev *mail.Event) (string, bool) {
	if r.inner {
		return "", false
	}
	for _, line := range [...]string{full, text} {
		before, state := *ev, r.state()
		if body, ok := r.wrapped(line, ev); ok {
			return body, true
		}
		*ev = before
		r.back(state)
	}
	if ev.Time == 0 {
		return "", false
	}
	body, ok := r.hostAndTag(strings.TrimPrefix(text, " "), ev)
	if ev.Process == "" {
		return "", false
	}
	if host != "" {
		ev.Host = host
	}
	return body, ok
}

// stampOf reads a stamp that is a value by itself: as in RFC 3339, as in syslog, or counted from 1970.
func (r *HeaderReader) stampOf(s string, ev *mail.Event) bool {
	switch {
	case s == "":
		return false
	case len(s) > 10 && s[4] == '-' && s[10] == ' ':
		return r.spaced(s, ev)
	case len(s) > 10 && s[4] == '-':
		return r.stamp5424(s, ev)
	case isDigit(s[0]):
		return r.since1970(s, ev)
	case len(s) >= len("Mar 7 04:12:09") && s[3] == ' ' && monthOf(s) != 0:
		style := r.Style
		rest, ok := r.traditional(s+" ", ev)
		r.Style = style
		return ok && rest == ""
	}
	return false
}

// spaced reads "2026-03-07 04:12:09.183", perhaps with an offset, or "UTC", behind a blank.
func (r *HeaderReader) spaced(s string, ev *mail.Event) bool {
	if len(s) < 19 || !r.isoDay(s) {
		return false
	}
	sod, ok := secondOfDay(s[11:])
	if !ok {
		return false
	}
	_, n := fraction(s[19:])
	if zone, found := strings.CutPrefix(s[19+n:], " "); found {
		if zone == "UTC" {
			zone = "Z"
		}
		s = s[:19+n] + zone
	}
	rest, ok := r.rfc3339(s, sod, ev)
	return ok && rest == ""
}

// since1970 reads "1706069414", with a fraction, or in milliseconds, microseconds or nanoseconds.
func (r *HeaderReader) since1970(s string, ev *mail.Event) bool {
	whole, _, _ := strings.Cut(s, ".")
	if !AllDigits(whole) || len(whole) > len("1706069414000000000") {
		return false
	}
	var n int64
	for i := range len(whole) {
		n = n*10 + int64(whole[i]-'0')
	}
	if n < 0 { // too large
		return false
	}
	unit := int64(time.Second)
	for n > latestSecond*int64(time.Second)/unit {
		if unit /= 1000; unit == 0 {
			return false
		}
	}
	nano, _ := fraction(s[len(whole):])
	ev.Time = mail.Instant(n)*mail.Instant(unit) + nano*mail.Instant(unit)/mail.Instant(time.Second)
	r.local = civil(int64(ev.Time) / int64(time.Second))
	return true
}

// shippedObject reads an object after a stamp that the shipper wrote.
func (r *HeaderReader) shippedObject(line string, ev *mail.Event) (string, bool) {
	if line == "" || line[0] != '{' {
		return "", false
	}
	before := *ev
	body, ok := r.object(line, ev)
	if before.Time != 0 {
		ev.Time = before.Time
	}
	return body, ok
}

// read fills f from an object, with what is nested where shippers nest it: {"_source":{…}} (Elasticsearch), {"result":{…}}
// (Splunk), {"jsonPayload":{…}} (Google Cloud Logging), {"attributes":{…}} (Datadog), {"fields":{…}} (Elasticsearch), {"message":{…}}
// (Graylog), {"host":{"name":…}}, {"process":{"name":…,"pid":…}},
// {"syslog":{"identifier":…}} and {"log":{"syslog":{"appname":…,"procid":…}}} (the Elastic Common Schema, Filebeat). false: that is
// no object, or it is cut.
func (f *record) read(s string) bool {
	i := skipBlanks(s, 1)
	for i < len(s) && s[i] != '}' {
		end := stringEnd(s, i)
		if end < 0 {
			return false
		}
		key := s[i+1 : end-1]
		into := f.field(key)
		i = skipBlanks(s, end)
		if i >= len(s) || s[i] != ':' {
			return false
		}
		i = skipBlanks(s, i+1)
		if end = valueEnd(s, i); end < 0 {
			return false
		}
		if s[i] == '{' {
			f.nested(key, s[i:end])
		} else if into != nil && !into.set {
			*into = rawValue(s[i:end])
		}
		if i = skipBlanks(s, end); i < len(s) && s[i] == ',' {
			i = skipBlanks(s, i+1)
		}
	}
	return i < len(s)
}

// nested takes the fields of f from the object that is the value of key.
func (f *record) nested(key, object string) {
	const deepest = 2
	if f.depth == deepest {
		return
	}
	inner := record{depth: f.depth + 1}
	switch key {
	case "attributes", "fields", "message": // unless they are more about a record whose text is beside them
		if inner.read(object); !inner.text.set {
			return
		}
		fallthrough
	case "_source", "result", "jsonPayload":
		f.depth++
		f.read(object)
		f.depth--
	case "host":
		if inner.read(object); !f.host.set {
			if f.host = inner.host; !f.host.set {
				f.host = inner.name
			}
		}
	case "process":
		if inner.read(object); !f.program.set && inner.name.set {
			f.program = inner.name
		}
		if !f.pid.set {
			f.pid = inner.pid
		}
	case "log", "syslog": // the tag of the line: what the process is called counts less
		inner.read(object)
		for _, name := range [...]rawString{inner.program, inner.identifier} {
			if name.set {
				f.program = name
			}
		}
		if inner.pid.set {
			f.pid = inner.pid
		}
	}
}

func skipBlanks(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

// stringEnd returns the index after the string that begins at i; -1: there is none.
func stringEnd(s string, i int) int {
	if i >= len(s) || s[i] != '"' {
		return -1
	}
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueEnd returns the index after the value that begins at i; -1: there is none.
func valueEnd(s string, i int) int {
	if i < len(s) && s[i] == '"' {
		return stringEnd(s, i)
	}
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			if i = stringEnd(s, i); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return -1
}

// rawValue returns a string, a number, an array of numbers, or the first string in an array. Anything else is not set.
func rawValue(v string) rawString {
	switch {
	case v == "" || v[0] == '{' || v == "null":
		return rawString{}
	case v[0] == '"':
		text := v[1 : len(v)-1]
		return rawString{text: text, escaped: strings.IndexByte(text, '\\') >= 0, set: true}
	case v[0] != '[':
		return rawString{text: strings.TrimRight(v, " \t"), set: true}
	}
	first := skipBlanks(v, 1)
	if end := stringEnd(v, first); end > 0 {
		return rawValue(v[first:end])
	}
	return rawString{text: v[1:], bytes: true, set: true}
}

// plain returns the value without escapes.
func (v rawString) plain() string {
	switch {
	case v.bytes:
		return fromNumbers(v.text)
	case v.escaped:
		return unescape(v.text)
	}
	return v.text
}

// fromNumbers returns the text whose bytes are in "67,111,…]".
func fromNumbers(s string) string {
	text := make([]byte, 0, len(s)/3)
	n, digits := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c) && digits < 3:
			n, digits = n*10+int(c-'0'), digits+1
		case c == ',' || c == ']':
			if digits > 0 {
				text = append(text, byte(n))
			}
			n, digits = 0, 0
		}
	}
	return string(text)
}

// unescape resolves the escapes of a JSON string (RFC 8259, section 7). What is not an escape stays as it is.
func unescape(s string) string {
	text := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			text = append(text, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			text = append(text, '\n')
		case 't':
			text = append(text, '\t')
		case 'r':
			text = append(text, '\r')
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'u':
			char, n := unicodeEscape(s[i-1:])
			text = utf8.AppendRune(text, char)
			i += n - 2
		default:
			text = append(text, s[i])
		}
	}
	return string(text)
}

// unicodeEscape reads a \u1234 at the beginning of s, and a second one if the two are a surrogate pair.
func unicodeEscape(s string) (char rune, n int) {
	first, ok := hex4(s)
	if !ok {
		return utf8.RuneError, 2
	}
	if !utf16.IsSurrogate(first) {
		return first, 6
	}
	second, ok := hex4(s[6:])
	if char = utf16.DecodeRune(first, second); !ok || char == utf8.RuneError {
		return utf8.RuneError, 6
	}
	return char, 12
}

func hex4(s string) (char rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for i := 2; i < 6; i++ {
		d := digit62(s[i])
		if s[i] >= 'a' && s[i] <= 'f' {
			d -= 26
		}
		if d < 0 || d > 15 {
			return 0, false
		}
		char = char<<4 | rune(d)
	}
	return char, true
}
