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
	records []record // of journalctl -o export: what each line stands for; nil: itself
}

// record is where a journal record is in the file.
type record struct {
	line  int64 // number of the line with its MESSAGE
	lines int64 // how many lines it has, with the blank one after it
}

// journal reads what journalctl -o export writes: a record is many lines "FIELD=value" and a blank one. Each record becomes one
// line as journalctl -o short-unix writes it, which is also the line that is shown as evidence.
//
// A value that is not plain text is written as "FIELD", a line end, its length in eight bytes, and the value. It may come from any
// program of the machine, and look like a record: only the length tells where it ends.
// https://systemd.io/JOURNAL_EXPORT_FORMATS
type journal struct {
	r       *logfile.Reader // with Options.Verbatim
	fields  journalFields   // of the current record, so far
	skip    bool            // drop everything up to the next line end
	partial bool            // the last chunk ended within a line
	binary  binaryValue
	out     strings.Builder // the lines that were made
	recs    []record        // of each line in out
	err     error           // of r
}

// binaryValue is a value with a length that is being read.
type binaryValue struct {
	name   string // of its field; "": no such value is being read
	length []byte // as far as read: lengthSize bytes when complete
	left   uint64 // bytes of the value that are still to come
	text   []byte // the value so far, if the field is wanted
	line   int64  // number of the line in which the value begins
}

// journalFields is the values of the fields that are wanted; "": the record does not have it.
type journalFields struct {
	realtime, source, host, tag, syslogPID, pid, message string
	at                                                   record
}

const (
	lengthSize = 8         // bytes, little-endian
	maxValue   = 768 << 20 // DATA_SIZE_MAX of systemd, src/shared/journal-importer.h: a greater length is damage
	maxKept    = 1 << 20   // of a value: more than a mail server writes into a line
)

// isJournal reports whether a file begins like an export of a journal.
func isJournal(head string) bool { return strings.HasPrefix(head, "__CURSOR=") }

// next returns the lines made of the records of the next chunk; io.EOF after the last ones.
func (x *journal) next() (text, error) {
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

func (x *journal) lines(c logfile.Chunk) {
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

// line reads the line at the beginning of s, or the next part of one that does not fit into a chunk, and returns its length.
func (x *journal) line(s string, number int64) (n int) {
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
	line := strings.TrimLeft(strings.TrimRight(s[:n], "\r\n"), "\x00") // NULs are what a power failure leaves in a file
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

// value reads the next part of a value with a length, or of the length itself, and returns how many bytes that is.
func (x *journal) value(s string, number int64) (n int) {
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
			b.text = append(b.text, s[:min(n, maxKept-len(b.text))]...)
		}
	}
	x.fields.at.lines += int64(strings.Count(s[:n], "\n"))
	if len(b.length) == lengthSize && (b.left == 0 || b.left > maxValue) {
		if b.left == 0 {
			x.fields.set(b.name, string(b.text), b.line)
		}
		x.binary, x.skip = binaryValue{}, true // a line end follows
	}
	return n
}

// isFieldName reports whether a line may be the name of a field: systemd accepts no others (src/libsystemd/sd-journal/journal-file.c,
// journal_field_valid).
func isFieldName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != ""
}

func (f *journalFields) set(name, value string, number int64) {
	if into := f.field(name); into != nil {
		*into = value
	}
	if name == "MESSAGE" {
		f.at.line = number
	}
}

// field returns where to store the value of a field; nil: it is not wanted.
func (f *journalFields) field(name string) *string {
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

// end makes a line of the current record.
func (x *journal) end() {
	f := x.fields
	x.fields, x.binary = journalFields{}, binaryValue{}
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

// word returns s if it cannot be taken for the end of its field in a header, else "-".
func word(s string) string {
	if s == "" || strings.ContainsAny(s, " []:") {
		return "-"
	}
	return s
}

// journalHead returns the lines of the records at the beginning of an export.
func journalHead(head string) string {
	var x journal
	x.lines(logfile.Chunk{Text: head, Line: 1})
	return x.out.String()
}
