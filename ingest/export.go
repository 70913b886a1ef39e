package ingest

import (
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
// A value that is no plain text is written as "FIELD", a line end, its length in eight bytes, and itself. The length is not
// needed: the text of a mail program has no line end, and zeros at the start of a line never arrive here.
// https://systemd.io/JOURNAL_EXPORT_FORMATS
type export struct {
	r      *logfile.Reader
	fields exportFields
	binary string // the field whose value stands in the next line
	out    strings.Builder
	recs   []exported
	err    error
}

type exportFields struct {
	realtime, source, host, tag, syslogPID, pid, message string
	at                                                   exported
}

// isExport tells by the first line.
func isExport(head string) bool { return strings.HasPrefix(head, "__CURSOR=") }

// next is the next piece of text, made of the records of a chunk.
func (x *export) next() (text, error) {
	for x.err == nil {
		c, err := x.r.Next()
		if x.err = err; err == nil {
			x.lines(c)
		} else if err == io.EOF {
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
	for line := range strings.Lines(c.Text) {
		x.line(strings.TrimRight(line, "\r\n"), number)
		number++
	}
}

func (x *export) line(line string, number int64) {
	x.fields.at.lines++
	if x.binary != "" {
		if line != "" {
			x.fields.set(x.binary, afterLength(line), number)
			x.binary = ""
		}
		return
	}
	if line == "" {
		x.end()
		return
	}
	name, value, ok := strings.Cut(line, "=")
	if !ok {
		x.binary = name
		return
	}
	x.fields.set(name, value, number)
}

// afterLength is a value without the rest of its length, of which the last byte is zero in any value that is not absurd.
func afterLength(line string) string {
	const length = 8
	return line[strings.LastIndexByte(line[:min(len(line), length)], 0)+1:]
}

func (f *exportFields) set(name, value string, number int64) {
	switch name {
	case "__REALTIME_TIMESTAMP":
		f.realtime = value
	case "_SOURCE_REALTIME_TIMESTAMP":
		f.source = value
	case "_HOSTNAME":
		f.host = value
	case "SYSLOG_IDENTIFIER":
		f.tag = value
	case "SYSLOG_PID":
		f.syslogPID = value
	case "_PID":
		f.pid = value
	case "MESSAGE":
		f.message, f.at.line = value, number
	}
}

// end ends a record. The blank line behind it is one of its lines.
func (x *export) end() {
	f := x.fields
	x.fields, x.binary = exportFields{}, ""
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
