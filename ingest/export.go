package ingest

import (
	"encoding/binary"
	"io"
	"strings"

	"mailforensics/logfile"
)

// text is whole lines to be parsed.
type text struct {
	logfile.Chunk
	records []exported // of journalctl -o export: what each line stands for; nil: itself
}

// exported is where a record stands in the file.
type exported struct {
	line  int64 // of its MESSAGE
	lines int64 // it has, with the blank one behind it
}

// export reads what journalctl -o export writes: a record is many lines "FIELD=value" and a blank one. Each is made one line
// of the form that journalctl -o short-unix has; that is also the line which is shown as evidence.
//
// A value that is no plain text is written as "FIELD", a line end, its length in eight bytes, and itself. It may be of any
// program of the machine, and look like a record: only the length tells where it ends.
// https://systemd.io/JOURNAL_EXPORT_FORMATS
type export struct {
	r       *logfile.Reader // verbatim
	fields  exportFields
	skip    bool // up to the next line end
	partial bool // what was read last ended within a line
	binary  binaryValue
	out     strings.Builder
	recs    []exported
	err     error
}

// binaryValue is a value with a length that is being read.
type binaryValue struct {
	name   string // "": none is
	length []byte // what is there of it
	left   uint64 // bytes that are to come
	text   []byte // of a field that is wanted
	line   int64  // where it begins
}

type exportFields struct {
	realtime, source, host, tag, syslogPID, pid, message string
	at                                                   exported
}

const (
	lengthSize = 8
	mostBytes  = 768 << 20 // DATA_SIZE_MAX of systemd, src/shared/journal-importer.h: a length beyond it is damage
	mostKept   = 1 << 20   // no mail server writes so much into a line
)

// isExport tells by the first line.
func isExport(head string) bool { return strings.HasPrefix(head, "__CURSOR=") }

// next is the next piece of text, made of the records of a chunk.
func (x *export) next() (text, error) {
	for x.err == nil {
		c, err := x.r.Next()
		if x.err = err; err == nil {
			x.lines(c)
		} else if err == io.EOF {
			if x.partial {
				x.fields.at.lines++
			}
			x.end()
		}
		if x.out.Len() > 0 {
			t := text{logfile.Chunk{Path: c.Path, Text: x.out.String()}, x.recs}
			x.out, x.recs = strings.Builder{}, nil
			return t, nil
		}
	}
	return text{}, x.err
}

func (x *export) lines(c logfile.Chunk) {
	number := c.Line
	for s := c.Text; s != ""; {
		n := 0
		if x.binary.name != "" {
			n = x.value(s, number)
		} else {
			n = x.line(s, number)
		}
		number += int64(strings.Count(s[:n], "\n"))
		x.partial = s[n-1] != '\n'
		s = s[n:]
	}
}

// line reads the line that s begins with, or of one that is too long the next part, and returns its length.
func (x *export) line(s string, number int64) (n int) {
	n = strings.IndexByte(s, '\n') + 1
	whole := n > 0
	if whole {
		x.fields.at.lines++
	} else {
		n = len(s)
	}
	skip := x.skip
	if x.skip = !whole; skip {
		return n
	}
	line := strings.TrimLeft(strings.TrimRight(s[:n], "\r\n"), "\x00") // zeros: a file system that lost power
	name, value, ok := strings.Cut(line, "=")
	switch {
	case ok:
		x.fields.set(name, value, number)
	case line == "" && whole:
		x.end()
	case whole && isFieldName(name):
		x.binary = binaryValue{name: name}
	}
	return n
}

// value reads what s has of a value with a length, and returns how much that is.
func (x *export) value(s string, number int64) (n int) {
	b := &x.binary
	if missing := lengthSize - len(b.length); missing > 0 {
		n = min(missing, len(s))
		b.length = append(b.length, s[:n]...)
		if n == missing {
			b.left, b.line = binary.LittleEndian.Uint64(b.length), number+int64(strings.Count(s[:n], "\n"))
		}
	} else {
		n = int(min(b.left, uint64(len(s))))
		b.left -= uint64(n)
		if x.fields.field(b.name) != nil {
			b.text = append(b.text, s[:min(n, mostKept-len(b.text))]...)
		}
	}
	x.fields.at.lines += int64(strings.Count(s[:n], "\n"))
	if len(b.length) == lengthSize && (b.left == 0 || b.left > mostBytes) {
		if b.left == 0 {
			x.fields.set(b.name, string(b.text), b.line)
		}
		x.binary, x.skip = binaryValue{}, true // a line end follows
	}
	return n
}

// isFieldName reports whether a line may be the name of a field: systemd takes no others.
func isFieldName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != ""
}

func (f *exportFields) set(name, value string, number int64) {
	if into := f.field(name); into != nil {
		*into = value
	}
	if name == "MESSAGE" {
		f.at.line = number
	}
}

// field is where the value of a field belongs; nil: nowhere.
func (f *exportFields) field(name string) *string {
	switch name {
	case "__REALTIME_TIMESTAMP":
		return &f.realtime
	case "_SOURCE_REALTIME_TIMESTAMP":
		return &f.source
	case "_HOSTNAME":
		return &f.host
	case "SYSLOG_IDENTIFIER":
		return &f.tag
	case "SYSLOG_PID":
		return &f.syslogPID
	case "_PID":
		return &f.pid
	case "MESSAGE":
		return &f.message
	}
	return nil
}

// end ends a record. The blank line behind it is one of its lines.
func (x *export) end() {
	f := x.fields
	x.fields, x.binary = exportFields{}, binaryValue{}
	if f.at.lines == 0 {
		return
	}
	usec := f.source
	if usec == "" {
		usec = f.realtime
	}
	const micro = 6
	if len(usec) <= micro {
		usec = "0000000"
	}
	pid := f.syslogPID
	if pid == "" {
		pid = f.pid
	}
	for _, s := range [...]string{usec[:len(usec)-micro], ".", usec[len(usec)-micro:], " ", word(f.host), " ", word(f.tag), "[", word(pid), "]: ",
		strings.ReplaceAll(f.message, "\n", " "), "\n"} {
		x.out.WriteString(s)
	}
	x.recs = append(x.recs, f.at)
}

// word is s where it can stand between blanks.
func word(s string) string {
	if s == "" || strings.ContainsAny(s, " []:") {
		return "-"
	}
	return s
}

// exportHead is the beginning of an export, as lines.
func exportHead(head string) string {
	var x export
	x.lines(logfile.Chunk{Text: head, Line: 1})
	return x.out.String()
}
