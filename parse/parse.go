// Package parse turns a line into an event.
//
// It stands between ingest, which has the lines, and the formats in the packages below it (postfix, exim, dovecot, filter, webmail),
// which know what a daemon says. Headers (of syslog, journal, containers, Exim's own) are parsed here, by a HeaderReader and a
// Clock, so that N headers and M formats need no N×M cases, and a file may mix them.
//
// Words: the header is what comes before the text of the program: stamp, host, tag, PID; the body is that text; a stamp is a time
// as written, which may lack year and zone.
//
// A line is hostile: parsers cut from both ends with the grammar of the writer, never search its middle, never panic, and never
// allocate for a line. A line that is not understood is a Verdict, never an error.
package parse

import "mailforensics/mail"

// Verdict is how well a line was understood. Every line gets one, and the ledger adds them up.
type Verdict uint8

const (
	Foreign    Verdict = iota // of a program that the format does not know
	Parsed                    // understood; the event is filled
	Unfamiliar                // of a program of the format, in a shape that is not known
	Damaged                   // of a program of the format, but cut or garbled
)

var verdictNames = [...]string{"foreign", "parsed", "unfamiliar", "damaged"}

func (v Verdict) String() string { return verdictNames[v] }

// Format is a family of lines with one grammar: those of an MTA, a filter, a login daemon.
type Format struct {
	Name string

	// Parse parses what the program says. body is the line without its header; ev has Origin, Time, Host, Process and PID from the
	// header, and everything else zero. If ev.Process is not in its family, Parse returns Foreign and must leave ev as it is; at most
	// one format may claim a line. Otherwise it sets ev.MTA, ev.Kind and the fields that the line has. All strings that it sets are
	// slices of body, or constants, or, if something was escaped, copies. It keeps nothing, has no state, and may be called from many
	// goroutines.
	Parse func(body string, ev *mail.Event) Verdict
}
