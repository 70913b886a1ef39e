package ingest

import (
	"hash/maphash"
	"path/filepath"
	"strings"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
)

// duplicates finds lines that several files have: a file given twice, plain and compressed; rotations that overlap; Exim's reject
// log beside its main log; the same log from two syslog daemons. A line that one file has twice and another three times counts
// three times. Equal lines on both sides of a rotation, in the second of the cut, are no copies.
//
// Only files that are open within some minutes of each other and share a host are compared. A line is identified by its second, its
// text and its host; Exim's own files name no host, and are compared with those of every host. What is remembered is bounded by
// time and by number.
type duplicates struct {
	seed    maphash.Seed
	open    []*stream
	changes int               // how often open, or the known hosts of its streams, changed
	young   map[uint64]uint32 // by key of a line: how often it was counted; by that and the salt of a stream: how often it was met there
	old     map[uint64]uint32 // the same for the lines before since
	since   mail.Instant
}

// What is remembered: the lines of at least so much time, or at least so many keys. A reject log is behind its main log by less
// than a second; copies of a file are read in step.
const (
	rememberFor  = mail.Instant(5 * time.Minute)
	rememberKeys = 1 << 19
)

// note takes down which hosts a stream has lines of, from its next batch.
func (d *duplicates) note(s *stream, b *batch) {
	if s.labels == nil {
		s.labels = make(map[string]bool)
		d.open = append(d.open, s)
		d.changes++
	}
	for i := range b.hosts {
		label := labelOf(b.hosts[i].host)
		if len(s.labels) >= maxHosts {
			label = "" // it has lines of anybody
		}
		if !s.labels[label] {
			s.labels[strings.Clone(label)] = true
			d.changes++
		}
	}
}

// close notes that a stream ended. Its last lines are remembered as long as all others: a reject log ends after its main log.
func (d *duplicates) close(s *stream) { s.ended = true }

// forget drops the streams whose lines are all forgotten.
func (d *duplicates) forget() {
	kept := d.open[:0]
	for _, s := range d.open {
		if s.ended {
			s.ages++
		}
		if s.ages < 2 { // its lines are in young or in old
			kept = append(kept, s)
		}
	}
	if len(kept) < len(d.open) {
		d.changes++
	}
	clear(d.open[len(kept):])
	d.open = kept
}

// possible reports whether another open file may have copies of lines of b.
func (d *duplicates) possible(s *stream, b *batch) bool {
	if b.twinsAt == d.changes {
		return b.twins
	}
	b.twinsAt, b.twins = d.changes, false
	for _, other := range d.open {
		if other != s && s.mayShare(other) {
			b.twins = true
		}
	}
	return b.twins
}

// mayShare reports whether two streams have lines of the same host, or of an unknown one.
func (s *stream) mayShare(other *stream) bool {
	if s.labels[""] || other.labels[""] {
		return true
	}
	for label := range s.labels {
		if other.labels[label] {
			return true
		}
	}
	return false
}

// labelOf returns the first label of a host name: some files of a machine have its short name, some the fully qualified one.
func labelOf(host string) string {
	label, _, _ := strings.Cut(host, ".")
	return label
}

// duplicate reports whether the line is a copy of one that another file had before, and counts it.
func (d *duplicates) duplicate(s *stream, ev *mail.Event, body string) bool {
	d.age(ev.Time.Add(-ev.Ahead))
	line := d.key(ev, body)
	met := d.get(line+s.salt()) + 1
	d.young[line+s.salt()] = met
	if met > d.get(line) {
		d.young[line] = met
		return false
	}
	return d.held(s, line, met, ev.Time.Second())
}

// held reports whether another file had the line at least met times, and not because the log was rotated in this second.
func (d *duplicates) held(s *stream, line uint64, met uint32, second mail.Instant) bool {
	for _, other := range d.open {
		if other != s && d.get(line+other.salt()) >= met && !other.handsOver(s, second) {
			return true
		}
	}
	return false
}

// handsOver reports whether s ended in the second in which next, its successor in the rotation, begins. Exim's cwd= lines, and some
// of a busy Postfix, occur many times a second with the same text: some before the cut, some after it.
func (s *stream) handsOver(next *stream, second mail.Instant) bool {
	return s.ended && next.file.first.Second() == second && s.file.first.Second() < second &&
		filepath.Base(logfile.Family(s.file.in.Path)) == filepath.Base(logfile.Family(next.file.in.Path))
}

// salt, added to the key of a line, gives the key of the line in this stream.
func (s *stream) salt() uint64 { return uint64(s.file.index+1) * 0x9e3779b97f4a7c15 }

func (d *duplicates) get(key uint64) uint32 {
	if n, ok := d.young[key]; ok {
		return n
	}
	return d.old[key]
}

// age forgets the old lines when there are enough young ones.
func (d *duplicates) age(now mail.Instant) {
	if d.young == nil {
		d.seed, d.young, d.old, d.since = maphash.MakeSeed(), make(map[uint64]uint32), make(map[uint64]uint32), now
	}
	if now-d.since < rememberFor && len(d.young) < rememberKeys {
		return
	}
	d.young, d.old, d.since = d.old, d.young, now
	clear(d.young)
	d.forget()
}

// key identifies the line. Exim's own files name no host and, by default, no PID: so neither counts for Exim's lines, whose copy in
// syslog has both.
func (d *duplicates) key(ev *mail.Event, body string) uint64 {
	key := maphash.String(d.seed, body) ^ uint64(ev.Time.Second())*0xff51afd7ed558ccd
	if !strings.HasPrefix(ev.Process, "exim") {
		key += maphash.String(d.seed, labelOf(ev.Host)) + uint64(ev.PID)*0xc4ceb9fe1a85ec53
	}
	return key
}
