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
	probe := values{}
	for _, c := range head {
		probe.next(nil, c)
	}
	if !probe.otherwise || isLines(head) {
		return r, false
	}
	v := &values{in: r}
	return &converted{fill: v.fill}, true
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
	v := values{}
	for _, c := range line {
		v.next(nil, c)
	}
	return line[0] == '{' && line[len(line)-1] == '}' && v.depth == 0 && !v.inString && !v.otherwise
}

// values reads JSON and ends each record with a line end.
type values struct {
	in        *bufio.Reader
	depth     int    // of objects and lists
	level     int    // depth at which records begin
	outer     []int  // levels of the records that contain this list
	text      []byte // of the last string, as far as it matters
	name      bool   // that is the name of what comes next
	list      bool   // a list with such a name has just begun
	inString  bool
	escaped   bool
	begun     bool // something was written since the last line end
	otherwise bool // something is not laid out as one record a line
}

// recordLists are the names of lists of records: of CloudWatch Logs (also what it hands to others), Elasticsearch, Loki, Splunk, Datadog,
// Graylog, Google Cloud Logging and Azure Monitor.
var recordLists = map[string]bool{"events": true, "logEvents": true, "hits": true, "result": true, "values": true, "results": true, "data": true,
	"messages": true, "entries": true, "records": true, "logs": true, "items": true}

func (v *values) fill(out []byte) ([]byte, error) {
	for len(out)+2 < cap(out) {
		c, err := v.in.ReadByte()
		if err != nil {
			return out, err
		}
		out = v.next(out, c)
	}
	return out, nil
}

// next reads one byte and appends what it becomes: at most two.
func (v *values) next(out []byte, c byte) []byte {
	if v.inString {
		return v.inside(out, c)
	}
	switch c {
	case ' ', '\t', '\r':
		return out
	case '\n':
		if v.depth == v.level {
			return v.end(out)
		}
		v.otherwise = true
		return out
	}
	if v.list && (c == '{' || c == '[') {
		v.outer = append(v.outer, v.level)
		v.level = v.depth
		out = v.end(out)
		v.otherwise = true
	}
	named := v.name
	v.list, v.name = false, false
	switch c {
	case '"':
		v.inString, v.text = true, v.text[:0]
	case ':':
		v.name = true
	case ',':
		if v.depth == v.level {
			return v.end(out)
		}
	case '{', '[':
		return v.open(out, c, named)
	case '}', ']':
		return v.close(out, c)
	}
	v.begun = true
	return append(out, c)
}

// inside reads a byte of a string.
func (v *values) inside(out []byte, c byte) []byte {
	const longest = 16 // name of a list of records
	switch {
	case v.escaped:
		v.escaped = false
	case c == '\\':
		v.escaped = true
	case c == '"':
		v.inString = false
	case c == '\n': // no JSON
		v.inString = false
		return v.end(out)
	case len(v.text) < longest:
		v.text = append(v.text, c)
	}
	v.begun = true
	return append(out, c)
}

// open begins an object or a list; named: it has the name that is in v.text.
func (v *values) open(out []byte, c byte, named bool) []byte {
	if v.depth == v.level && v.begun { // objects without a line end between them
		v.otherwise = true
		out = v.end(out)
	}
	v.depth++
	if c == '[' && v.depth == 1 {
		v.outer, v.level = append(v.outer, 0), 1
		v.otherwise = true
		return out
	}
	const deepest = 8 // lists in lists
	v.list = c == '[' && named && recordLists[string(v.text)] && len(v.outer) < deepest
	v.begun = true
	return append(out, c)
}

// close ends an object or a list.
func (v *values) close(out []byte, c byte) []byte {
	if v.depth == v.level && len(v.outer) > 0 { // the list of records
		out = v.end(out)
		v.level = v.outer[len(v.outer)-1]
		v.outer = v.outer[:len(v.outer)-1]
		if v.depth--; v.depth == 0 {
			return out
		}
	} else {
		v.depth = max(v.depth-1, 0)
	}
	v.begun = true
	return append(out, c)
}

// end ends the line, if something is in it.
func (v *values) end(out []byte) []byte {
	if !v.begun {
		return out
	}
	v.begun = false
	return append(out, '\n')
}
