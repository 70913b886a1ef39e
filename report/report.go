// Package report says what was found. It stands at the end of the flow: a command fills a Report, and every output format
// is a function of a writer and a report: Terminal and HTML for a person, JSON, NDJSON, CSV, Markdown and others. What can be
// millions (messages, events) has streaming writers of its own.
//
// Promises: the same report gives the same bytes. Every number comes from the report, none is computed from another
// format's text. Text of a log is hostile and reaches no reader unescaped; each format has one function for that
// (visible.go). What is not known is left out, and what was not read is said.
package report

import (
	"slices"
	"time"

	"mailforensics/analyze"
	"mailforensics/ingest"
	"mailforensics/mail"
)

// Report is the whole answer of a command.
type Report struct {
	Schema  string // last part of the JSON schema's name: "findings", "offenders" …
	Command string // that made it: "bursts"
	Version string // of the program

	Files   []string // as the user named them, for the commands to go on with
	Options []string // flags that those commands need again: --tz, --year …

	Zone         *time.Location // in which times are shown
	Ledger       *ingest.Ledger // what was read, and what could not be
	Since, Until mail.Instant   // what the user asked for; 0: no bound
	Gaps         []Gap          // spans without a line, longest first
	QuietSpans   int            // how many such spans there were in all
	Totals       analyze.Totals

	Detectors []analyze.Detector  // that looked; none: the command does not look for abuse
	Findings  []analyze.Finding   // gravest first, as analyze.Engine has them
	Left      int                 // findings that --top left out
	Site      *analyze.Site       // nil: nothing was learned
	Instances map[string][]string // instances of Postfix by host, of the hosts that have several

	Incidents []analyze.Incident // the findings joined to stories; only of investigate
	Told      int                // how many of them a person gets in full; 0: the writer's own number
	Advice    []analyze.Advice   // what better logging would have shown
	Course    *analyze.Course    // all mail over time; nil: not counted

	Thresholds *analyze.Thresholds // that the findings depend on; nil: none are named

	Tables []Table
	Named  []analyze.Finding // that tables name, for Redact: they are printed nowhere
	Notes  []string          // what the reader must know besides: precision that was lost, guesses
}

// Gap is a span in which a host logged nothing.
type Gap struct {
	Host     string
	From, To mail.Instant
}

// Window is the span that the report speaks about: what was read, within what was asked for; 0 and 0 where the logs hold
// nothing of that.
func (r *Report) Window() (start, end mail.Instant) {
	start, end = r.Ledger.First, r.Ledger.Last
	if start != 0 && r.Since > start {
		start = r.Since
	}
	if r.Until != 0 && r.Until < end {
		end = r.Until
	}
	if start > end {
		return 0, 0
	}
	return start, end
}

// fileNames are the names of the inputs, by mail.Origin.File.
func (r *Report) fileNames() []string {
	names := make([]string, len(r.Ledger.Files))
	for i := range r.Ledger.Files {
		names[i] = r.Ledger.Files[i].Path
	}
	return names
}

// Table is rows of named columns, for what is not a finding: offenders, timelines, totals.
type Table struct {
	Name    string // member of the JSON object; tables of one name share a list
	Title   string // above it, for a person
	For     Reader
	Columns []Column
	Rows    [][]Value
	Bars    int    // 1 + index of the column that is drawn as bars in the terminal; 0: none
	Left    int    // rows that --top left out
	Empty   string // what to say when there are no rows
}

// Hide keeps columns from a person, by their names; programs still get them.
func (t *Table) Hide(names ...string) {
	for i := range t.Columns {
		if slices.Contains(names, t.Columns[i].Name) {
			t.Columns[i].Title = ""
		}
	}
}

// Reader is whom a table is for, where the same numbers want another form.
type Reader uint8

const (
	Everybody Reader = iota
	Person           // not in JSON, NDJSON and CSV
	Program          // only there
)

// tablesFor are the tables that a reader gets.
func (r *Report) tablesFor(who Reader) []Table {
	var ts []Table
	for i := range r.Tables {
		if f := r.Tables[i].For; f == Everybody || f == who {
			ts = append(ts, r.Tables[i])
		}
	}
	return ts
}

// Column is a column of a table.
type Column struct {
	Name   string // in JSON and CSV: "first"
	Title  string // for a person; "": only in JSON and CSV
	Number bool   // aligned right
	Spare  int    // where a terminal has no room for all, columns go that have this, the largest first; 0: never
}

// Value is what stands in a cell. The zero Value is not known, and left out.
type Value struct {
	kind   valueKind
	text   string
	whole  int64
	series []int
}

type valueKind uint8

const (
	unknownValue valueKind = iota
	textValue
	intValue
	momentValue
	durationValue
	seriesValue
)

// Text is a text; "" is not known.
func Text(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{kind: textValue, text: s}
}

// Int is a whole number, 0 included.
func Int(n int) Value { return Value{kind: intValue, whole: int64(n)} }

// Moment is a time; 0 is not known.
func Moment(t mail.Instant) Value {
	if t == 0 {
		return Value{}
	}
	return Value{kind: momentValue, whole: int64(t)}
}

// Span is a duration.
func Span(d time.Duration) Value { return Value{kind: durationValue, whole: int64(d)} }

// Series is counts over time: a sparkline for a person, a list of numbers for a program.
func Series(counts []int) Value { return Value{kind: seriesValue, series: counts} }
