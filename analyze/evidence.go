package analyze

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// Evidence of a finding is at most ten lines: first, last, and up to eight between them.
const (
	evidenceLines   = 10
	evidenceSamples = 64 // kept while counting, so that something near the peak can be shown
)

// Keeper chooses the lines that prove a finding: the first, the typical, the peak, the last. The zero value is ready.
//
// The typical lines are those with the smallest hash of what they say, a sample that is spread over the whole and is the
// same whatever the order in which lines come, and into how many files the log was cut (bottom-k sampling; Cohen and Kaplan,
// "Summarizing data using bottom-k sketches", PODC 2007). Special ones (Mark) are kept besides.
type Keeper struct {
	first, last Evidence
	samples     []sample // sorted by hash
	marked      []Evidence
}

type sample struct {
	Evidence
	hash uint64
}

// markedLines bounds what Mark keeps.
const markedLines = 6

// Add offers a line. An empty text is no evidence. Its text is cloned if it is kept.
func (k *Keeper) Add(e Evidence) {
	if e.Text == "" {
		return
	}
	if k.first.Text == "" || before(e, k.first) {
		k.first = owned(e)
	}
	if k.last.Text == "" || before(k.last, e) {
		k.last = owned(e)
	}
	k.sample(sample{e, lineHash(&e)})
}

func (k *Keeper) sample(s sample) {
	full := len(k.samples) == evidenceSamples
	if full && s.hash >= k.samples[len(k.samples)-1].hash {
		return
	}
	at, found := slices.BinarySearchFunc(k.samples, s, func(a, b sample) int { return cmp.Compare(a.hash, b.hash) })
	if found { // of lines that say the same, the first
		if old := &k.samples[at]; before(s.Evidence, old.Evidence) {
			old.Origin = s.Origin
		}
		return
	}
	if full {
		k.samples = k.samples[:evidenceSamples-1]
	}
	s.Evidence = owned(s.Evidence)
	k.samples = slices.Insert(k.samples, at, s)
}

// Mark keeps a line that must be shown, with the role it has; the earliest of each role, at most six roles.
func (k *Keeper) Mark(role string, e Evidence) {
	if e.Text == "" {
		return
	}
	e.Role = role
	for i, old := range k.marked {
		if old.Role == role {
			if before(e, old) {
				k.marked[i] = owned(e)
			}
			return
		}
	}
	if len(k.marked) < markedLines {
		k.marked = append(k.marked, owned(e))
	}
}

// Merge takes over what other kept.
func (k *Keeper) Merge(other *Keeper) {
	for _, e := range []Evidence{other.first, other.last} {
		if e.Text != "" && (k.first.Text == "" || before(e, k.first)) {
			k.first = e
		}
		if e.Text != "" && (k.last.Text == "" || before(k.last, e)) {
			k.last = e
		}
	}
	for _, s := range other.samples {
		k.sample(s)
	}
	for _, e := range other.marked {
		k.Mark(e.Role, e)
	}
}

// Lines is the evidence in order of time, with roles; peakAt, where known, is the instant of the peak.
func (k *Keeper) Lines(peakAt mail.Instant) []Evidence {
	chosen := appendNew(nil, k.first, "first")
	chosen = appendNew(chosen, k.last, "last")
	for _, e := range k.marked {
		chosen = appendNew(chosen, e, e.Role)
		if e.Role == "peak" { // it was known, and may be the first line, too: no other one near it is the peak
			peakAt = 0
		}
	}
	if peakAt != 0 && len(chosen) < evidenceLines {
		chosen = appendNew(chosen, k.nearest(peakAt), "peak")
	}
	typical := 0
	for _, s := range k.samples {
		if typical == 3 || len(chosen) >= evidenceLines {
			break
		}
		if more := appendNew(chosen, s.Evidence, "typical"); len(more) > len(chosen) {
			chosen, typical = more, typical+1
		}
	}
	slices.SortFunc(chosen, compareEvidence)
	return chosen
}

// nearest is the sample that lies closest after the beginning of the peak.
func (k *Keeper) nearest(peakAt mail.Instant) Evidence {
	var best Evidence
	far := time.Minute
	for _, s := range k.samples {
		if d := s.Time.Sub(peakAt); d >= 0 && d < far {
			best, far = s.Evidence, d
		}
	}
	return best
}

// appendNew adds a line with its role, unless it is empty or there already.
func appendNew(lines []Evidence, e Evidence, role string) []Evidence {
	if e.Text == "" {
		return lines
	}
	for _, old := range lines {
		if old.Origin == e.Origin {
			return lines
		}
	}
	e.Role = role
	return append(lines, e)
}

// compareEvidence is its order in time.
func compareEvidence(a, b Evidence) int { return mail.CompareLines(a.Time, a.Origin, b.Time, b.Origin) }

func before(a, b Evidence) bool { return compareEvidence(a, b) < 0 }

func owned(e Evidence) Evidence {
	e.Text = strings.Clone(e.Text)
	return e
}

// pieceOf is s as it stands in text, which is kept anyway, or else a copy of it: a piece costs nothing to keep.
func pieceOf(text, s string) string {
	if at := strings.Index(text, s); at >= 0 {
		return text[at : at+len(s)]
	}
	return strings.Clone(s)
}

// lineHash is a hash of a line and its time, eight bytes at a step: it is asked for every message.
func lineHash(e *Evidence) uint64 {
	h := uint64(e.Time) + 0x9e3779b97f4a7c15
	s := e.Text
	for ; len(s) >= 8; s = s[8:] {
		word := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		h = (h ^ word) * 0xbf58476d1ce4e5b9
		h ^= h >> 29
	}
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x94d049bb133111eb
	}
	return spread(h)
}

// MessageEvidence is the line that accepted m.
func MessageEvidence(m *mail.Message) Evidence {
	return Evidence{Origin: m.Origin, Time: m.Time, Text: m.Line}
}

// EventEvidence is the line of ev. Its text is a slice of the log: Keeper clones what it keeps.
func EventEvidence(ev *mail.Event) Evidence {
	return Evidence{Origin: ev.Origin, Time: ev.Time, Text: ev.Raw}
}
