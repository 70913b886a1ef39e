// Package parse turns the text of a line into what it means.
//
// It stands between ingest, which has the lines, and the formats below it (postfix, exim, dovecot, filter, webmail), which
// know what a daemon says. What stands before the daemon's words (syslog, journal, container, Exim's own stamp) is read
// here, by a Clock and the header readers, so that N headers and M formats need no N×M cases, and a file may mix them.
//
// A line is hostile: parsers cut from both ends with the grammar of the writer, never search its middle, never panic, and
// never allocate for a line. A line that is not understood is a Verdict, never an error.
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

	// Parse reads what the daemon says. body is the line without its header; ev has Origin, Time, Host, Process and PID
	// set from the header, and everything else zero. Parse looks at ev.Process first and returns Foreign, leaving ev as it
	// is, when the program is not of its family; at most one format may claim a line. Otherwise it sets ev.MTA and ev.Kind
	// and the fields that the line has. All strings it sets are slices of body (or constants); it keeps nothing, has no
	// state, and may be called from many goroutines.
	Parse func(body string, ev *mail.Event) Verdict
}
