package logfile

import (
	"bufio"
	"bytes"
	"io"
)

// oneRecordALine makes a line of each record in JSON that is not laid out so: a list, objects printed over several lines or joined
// without a line end, and the lists in the answers of log servers, such as {"events":[{…},{…}]}. What stands around such a list becomes
// lines, too; blanks between values, and the brackets and commas of a list, are dropped. The head is what can be looked at without
// waiting; false: its records are lines already, or it is no JSON.
func oneRecordALine(r *bufio.Reader, head []byte) (io.Reader, bool) {
	if !isJSON(head) {
		return r, false
	}
	probe := jsonLines{}
	for _, c := range head {
		probe.next(nil, c)
	}
	if !probe.otherwise || isLines(head) {
		return r, false
	}
	j := &jsonLines{in: r}
	return &converted{fill: j.fill}, true
}

// isJSON reports whether head begins with an object that has a member, or a list of objects or of lists.
func isJSON(head []byte) bool {
	for range 2 {
		head = bytes.TrimLeft(head, " \t\r\n")
		switch {
		case bytes.HasPrefix(head, []byte("[")):
			head = head[1:]
		case bytes.HasPrefix(head, []byte("{")):
			return bytes.HasPrefix(bytes.TrimLeft(head[1:], " \t\r\n"), []byte(`"`))
		default:
			return false
		}
	}
	return bytes.HasPrefix(head, []byte("{")) || bytes.HasPrefix(head, []byte(`"`))
}

// isLines reports whether at least half of the lines in head are records, or most of them are not even a part of JSON: then a line that
// was cut, and what another program wrote between the records or behind them, says nothing about how the records are laid out.
func isLines(head []byte) bool {
	lines, records, others := 0, 0, 0
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		lines++
		switch {
		case isRecord(line):
			records++
		case bytes.IndexByte([]byte(`{}[],"`), line[0]) < 0:
			others++
		}
	}
	return records > 0 && 2*records >= lines || 2*others > lines
}

// isRecord reports whether a line is one whole object, without a list of records in it.
func isRecord(line []byte) bool {
	j := jsonLines{}
	for _, c := range line {
		j.next(nil, c)
	}
	return line[0] == '{' && line[len(line)-1] == '}' && j.depth == 0 && !j.inString && !j.otherwise
}

// jsonLines reads JSON and makes a line of each record.
type jsonLines struct {
	in        *bufio.Reader
	depth     int    // of objects and lists
	level     int    // depth at which records begin
	outer     []int  // levels of the records that contain this list
	text      []byte // of the last string, as far as it matters: the name of a list of records is short
	name      bool   // that string is the name of what comes next
	list      bool   // a list that has the name of one of records has just begun
	told      bool   // the record has a text of its own: what lists it has is more about it
	inString  bool
	escaped   bool // the last byte was a backslash in a string
	begun     bool // something was written since the last line end
	otherwise bool // something is not laid out as one record a line
}

// recordLists are the names of lists of records: of CloudWatch Logs (also what it hands to others), Elasticsearch, Loki, Splunk, Datadog,
// Graylog, Google Cloud Logging and Azure Monitor.
var recordLists = map[string]bool{"events": true, "logEvents": true, "hits": true, "result": true, "values": true, "results": true, "data": true,
	"messages": true, "entries": true, "records": true, "logs": true, "items": true}

// texts are the names of what a record tells; no answer of a log server has one beside its list of records.
var texts = map[string]bool{"message": true, "msg": true, "log": true, "line": true, "_raw": true, "MESSAGE": true, "textPayload": true}

func (j *jsonLines) fill(out []byte) ([]byte, error) {
	for len(out)+2 < cap(out) {
		c, err := j.in.ReadByte()
		if err != nil {
			return out, err
		}
		out = j.next(out, c)
	}
	return out, nil
}

// next reads one byte and appends what it becomes: at most two.
func (j *jsonLines) next(out []byte, c byte) []byte {
	if j.inString {
		return j.inside(out, c)
	}
	switch c {
	case ' ', '\t', '\r':
		return out
	case '\n':
		if j.depth == j.level {
			return j.end(out)
		}
		j.otherwise = true
		return out
	}
	if j.list && (c == '{' || c == '[') {
		j.outer = append(j.outer, j.level)
		j.level = j.depth
		out = j.end(out)
		j.otherwise = true
	}
	named := j.name
	j.list, j.name = false, false
	switch c {
	case '"':
		j.told = j.told || named && texts[string(j.text)]
		j.inString, j.text = true, j.text[:0]
	case ':':
		j.name = true
	case ',':
		if j.depth == j.level {
			return j.end(out)
		}
	case '{', '[':
		return j.open(out, c, named)
	case '}', ']':
		return j.close(out, c)
	}
	j.begun = true
	return append(out, c)
}

// inside reads a byte of a string.
func (j *jsonLines) inside(out []byte, c byte) []byte {
	const longest = 16 // name of a list of records
	switch {
	case j.escaped:
		j.escaped = false
	case c == '\\':
		j.escaped = true
	case c == '"':
		j.inString = false
	case c == '\n': // no JSON
		j.inString = false
		return j.end(out)
	case len(j.text) < longest:
		j.text = append(j.text, c)
	}
	j.begun = true
	return append(out, c)
}

// open begins an object or a list; named: it has the name that is in j.text.
func (j *jsonLines) open(out []byte, c byte, named bool) []byte {
	if j.depth == j.level {
		if j.told = false; j.begun { // objects without a line end between them
			j.otherwise = true
			out = j.end(out)
		}
	}
	j.depth++
	if c == '[' && j.depth == 1 {
		j.outer, j.level = append(j.outer, 0), 1
		j.otherwise = true
		return out
	}
	const deepest = 8 // lists in lists
	j.list = c == '[' && named && !j.told && recordLists[string(j.text)] && len(j.outer) < deepest
	j.begun = true
	return append(out, c)
}

// close ends an object or a list.
func (j *jsonLines) close(out []byte, c byte) []byte {
	if j.depth == j.level && len(j.outer) > 0 { // the list of records
		out = j.end(out)
		j.level = j.outer[len(j.outer)-1]
		j.outer = j.outer[:len(j.outer)-1]
		if j.depth--; j.depth == 0 {
			return out
		}
	} else {
		j.depth = max(j.depth-1, 0)
	}
	j.begun = true
	return append(out, c)
}

// end ends the line, if something is in it.
func (j *jsonLines) end(out []byte) []byte {
	if !j.begun {
		return out
	}
	j.begun = false
	return append(out, '\n')
}
