package ingest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// Ledger says what was read and what became of it. It is complete when Read has returned.
type Ledger struct {
	Files    []FileLedger   // in the order of the inputs
	Shapes   []Shape        // unfamiliar and damaged lines, most frequent first
	Warnings []string       // about the run as a whole
	First    mail.Instant   // of the lines of mail programs; 0: there are none
	Last     mail.Instant   // of the same lines
	Zone     *time.Location // in which times should be shown
	ZoneWhy  string         // why in this one, in words
}

// FileLedger is the ledger of one input. Every line is in exactly one of Parsed, Unfamiliar, Damaged, Foreign and Blank.
//
// The second and further physical lines of an entry (the header lines in a reject log, an entry that was cut for syslog) count as
// Parsed: they belong to the line above, and make no event of their own.
type FileLedger struct {
	Path   string
	SHA256 string // of the bytes on disk, hex; "" without Options.Hash, and if they were not all read
	Bytes  int64  // on disk

	Lines      int64
	Parsed     int64 // understood
	Unfamiliar int64 // of a mail program, in a shape that is not known
	Damaged    int64 // of a mail program, cut or garbled
	Foreign    int64 // of other programs, or of none
	Blank      int64
	Duplicates int64 // parsed lines that are copies of lines in another input, or of Exim's own in syslog, and counted there

	MTA         []string     // the mail programs that wrote lines, as mail.MTA names them
	Hosts       []string     // that have lines of mail programs, sorted; at most maxHosts
	First, Last mail.Instant // of the lines of mail programs; 0: there are none

	Numbering          string   // how lines are numbered, in words; "": as they stand
	YearRule, ZoneRule string   // how stamps were completed, in words; "": that was not needed
	Warnings           []string // what a reader of the report must know: losses, steps of the clock, cuts
	Damage             error    // why the input ends early; nil: it does not
	Err                error    // why it could not be read at all; nil: it could
}

// Shape is a kind of unfamiliar or damaged lines.
type Shape struct {
	Text    string // what these lines have in common: see parse.Shape
	Count   int64
	Example string      // the beginning of one of them
	Origin  mail.Origin // of the example
}

const (
	maxHosts  = 1000 // in a file
	maxShapes = 200  // in a file; further ones are counted together
)

// shapes counts the lines of each shape, in bounded memory.
type shapes struct {
	known  map[string]*Shape
	others int64
}

func (s *shapes) add(f unfamiliar) {
	known := s.known[f.shape]
	switch {
	case known != nil:
		known.Count++
	case len(s.known) >= maxShapes:
		s.others++
	default:
		if s.known == nil {
			s.known = make(map[string]*Shape)
		}
		shape := strings.Clone(f.shape)
		s.known[shape] = &Shape{Text: shape, Count: 1, Example: clip(f.line), Origin: f.origin}
	}
}

// clip returns a copy of the beginning of a line.
func clip(line string) string {
	const shown = 400
	if len(line) > shown {
		line = line[:shown]
	}
	return string([]byte(line))
}

// joinShapes adds up the shapes of all files, most frequent first.
func joinShapes(files []*shapes) []Shape {
	joined := make(map[string]*Shape)
	var others int64
	for _, file := range files {
		others += file.others
		for text, shape := range file.known {
			if sum := joined[text]; sum != nil {
				sum.Count += shape.Count
				continue
			}
			copied := *shape
			joined[text] = &copied
		}
	}
	list := make([]Shape, 0, len(joined)+1)
	for _, text := range slices.Sorted(maps.Keys(joined)) {
		list = append(list, *joined[text])
	}
	slices.SortStableFunc(list, func(a, b Shape) int { return cmp.Compare(b.Count, a.Count) })
	if others > 0 {
		list = append(list, Shape{Text: "(shapes beyond the first that were remembered)", Count: others})
	}
	return list
}

// extend widens the span of time to t.
func extend(first, last *mail.Instant, t mail.Instant) {
	if t == 0 {
		return
	}
	if *first == 0 || t < *first {
		*first = t
	}
	if t > *last {
		*last = t
	}
}
