package ingest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// file is an input, with what the survey found out about it: first what its head tells, then, from the heads of all files, its clock and
// its host.
type file struct {
	index     int // among the inputs
	in        *logfile.Input
	rejectLog bool  // of Exim: see isRejectLog
	live      bool  // a pipe that is followed: its head is not waited for, which could take hours
	err       error // why it cannot be read

	// What its head tells: set by look.
	journal   bool          // as written by journalctl -o export
	layout    *parse.Layout // of its lines; nil: the usual one
	notExim   bool          // its lines look like Exim's own, but are of another program: dpkg.log, alternatives.log
	firstLine string        // the first line that has a stamp; "": none has
	more      []string      // the next ones: the first may be out of order
	stamp     parse.Stamp   // of firstLine
	yearless  bool          // some stamp has no year
	zoneless  bool          // some stamp has no offset
	host      string        // that wrote most lines; "": they name none
	hosts     []string      // the first labels of those that wrote the lines of the head, in lower case, sorted
	proofs    []parse.Proof // of year and zone; nil after the survey
	toProof   parse.Course  // of the stamps up to the first proof, or up to where reading ended
	seen      int64         // bytes on disk that were read for the head

	// When it was written: set by setClock.
	clock     *parse.Clock
	first     mail.Instant // the earliest time of firstLine and more; 0: no line has a stamp
	latest    mail.Instant // no line is after it
	yearAsked bool         // --year was given: proofs in the lines do not change the year

	// Set by nameHosts.
	name string // of the host, from the path, if the lines name none and other files are of other hosts; else ""

	// Set by learnSkews.
	skews skews // of all hosts
}

// How many bytes of a file are read for the survey: the head, and at most proofSize if the head proves too little. Most logs prove
// year and zone in their first minutes. But a server that bounces little, with short queue IDs, makes a Message-ID of its own
// only a few times a day.
const (
	headSize  = 256 << 10
	proofSize = 16 << 20
)

// isRejectLog reports whether a file is a reject log or panic log of Exim, which has second copies of lines of the main log. The
// content does not tell, only the name.
func isRejectLog(path string) bool {
	name := filepath.Base(path)
	return strings.Contains(name, "reject") || strings.Contains(name, "panic")
}

// look reads the head of a file, and on until it has enough proofs.
func (f *file) look(ctx context.Context) {
	switch {
	case f.live:
		return
	case f.in.Size < 0:
		f.lookPipe()
		return
	}
	r := logfile.Open(ctx, f.in, logfile.Options{ChunkSize: headSize})
	defer r.Close()
	for size := 0; size < proofSize; {
		c, err := r.Next()
		if err != nil {
			if err != io.EOF {
				f.err = err
			}
			return
		}
		if size == 0 && f.arrange(f.head(c.Text)) {
			r.Close()
			f.look(ctx)
			return
		}
		size += len(c.Text)
		f.seen = r.Stats().Bytes
		if f.gather(c.Text, size) {
			return
		}
	}
}

// lookPipe is look for a pipe, which can be read only once: Input.Head keeps what it reads.
func (f *file) lookPipe() {
	head, err := f.in.Head(headSize)
	if f.err = err; err != nil {
		return
	}
	if f.arrange(f.head(string(head))) {
		f.lookPipe()
		return
	}
	if !f.yearless && !f.zoneless || len(head) < headSize/2 {
		f.gather(string(head), len(head))
		return
	}
	if head, f.err = f.in.Head(proofSize); f.err == nil {
		f.gather(string(head), len(head))
	}
}

// multiline reports whether lines without a header belong to the line above them, which has a header of that style.
func (f *file) multiline(style parse.Style) bool { return style == parse.EximOwn && !f.notExim }

// headers returns a reader for the headers of the file's lines.
func (f *file) headers(c *parse.Clock) *parse.HeaderReader {
	return parse.NewHeaderReader(c).Expect(f.layout)
}

// longestLine is more than any line has: Exim writes at most 8 KiB (LOG_BUFFER_SIZE), container runtimes 16 KiB at a time, of which JSON
// makes a few times as much.
const longestLine = 100 << 10

// head learns stamps, hosts and the style of headers from the first lines, and returns how all must be arranged; nil: they need not.
func (f *file) head(text string) *logfile.Arrangement {
	const enough = 2000
	if f.journal = isJournal(text); f.journal {
		text = journalHead(text)
	}
	if f.in.Order == nil { // else the names of columns are somewhere else
		f.layout = parse.LayoutOf(text)
	}
	reader := orderReader(f.layout)
	order, wrapped, hosts := newOrder(), newWrapping(), hostCount{lines: make(map[string]int)}
	var first, last parse.Proof
	lines, ownLines, eximLines, tooLong := 0, 0, 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		var ev mail.Event
		body, ok := reader.Read(line, &ev)
		wrapped.note(line, ok && ev.Time != 0 && !reader.Torn)
		if !ok || ev.Time == 0 {
			continue
		}
		f.keepFirst(line, reader)
		f.yearless = f.yearless || reader.Yearless
		f.zoneless = f.zoneless || reader.Zoneless
		order.note(&ev, reader.Yearless)
		hosts.note(ev.Host)
		if reader.Style == parse.EximOwn {
			ownLines++
			if isExim(body) {
				eximLines++
			}
		}
		if proof, ok := reader.Proof(&ev); ok {
			first, last = cmp.Or(first, proof), proof
		}
		if len(line) > longestLine && tooLong == 0 {
			tooLong = len(line)
		}
		if lines++; lines == enough {
			break
		}
	}
	f.keepProofs(first, last)
	f.host, f.hosts = strings.Clone(hosts.most), hosts.labels()
	f.notExim = ownLines > 0 && eximLines == 0 && !isEximName(f.in.Path)
	if tooLong > 0 && f.in.Order == nil { // it is told once
		f.in.Warnings = append(f.in.Warnings, fmt.Sprintf("%s: a line of %d bytes, of which only the beginning was understood: are line ends lost?", f.in.Path, tooLong))
	}
	joined, ordered := wrapped.arrangement(f.layout), order.arrangement(f.layout)
	if joined != nil && ordered == &logfile.NewestFirst { // a copy of what a log server shows
		return joined.Then(ordered)
	}
	return cmp.Or(joined, ordered)
}

// keepProofs keeps the first and the last proof of the head, if there are any.
func (f *file) keepProofs(first, last parse.Proof) {
	if first.At != 0 {
		f.proofs = append(f.proofs, first)
	}
	if last.At != first.At {
		f.proofs = append(f.proofs, last)
	}
}

// hostCount counts the lines of hosts.
type hostCount struct {
	lines map[string]int
	most  string // the host that has most
}

func (c *hostCount) note(host string) {
	if c.lines[host]++; c.lines[host] > c.lines[c.most] || c.most == "" {
		c.most = host
	}
}

// labels returns the first labels of the hosts' names, sorted.
func (c *hostCount) labels() (labels []string) {
	for host := range c.lines {
		labels = append(labels, strings.ToLower(labelOf(strings.Clone(host))))
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

// arrange has the lines of a file arranged before they are read, and forgets what its head told; false: that is not needed, or cannot be.
func (f *file) arrange(order *logfile.Arrangement) bool {
	if order == nil || f.in.Order != nil {
		return false
	}
	if f.journal {
		f.in.Warnings = append(f.in.Warnings, f.in.Path+": "+order.Why+", and what became of messages may be told wrongly: export the journal without -r")
		return false
	}
	f.in.Order = order
	*f = file{index: f.index, in: f.in, rejectLog: f.rejectLog, layout: f.layout}
	return true
}

// keepFirst remembers the first lines that have a stamp.
func (f *file) keepFirst(line string, reader *parse.HeaderReader) {
	const more = 2
	switch {
	case f.firstLine == "":
		f.firstLine, f.stamp = strings.Clone(line), reader.Stamp()
	case len(f.more) < more:
		f.more = append(f.more, strings.Clone(line))
	}
}

// isExim reports whether the text after a stamp like Exim's can only be Exim's. Few lines of a main log are not of these kinds.
func isExim(body string) bool {
	if id, _, ok := strings.Cut(body, " "); ok {
		if _, ok := parse.EximID(id); ok {
			return true
		}
	}
	for _, begin := range [...]string{"exim 4.", "cwd=", "SMTP ", "Start queue run: pid=", "End queue run: pid=",
		"no host name found for IP address ", "no IP address found for host ", "unexpected disconnection while reading SMTP "} {
		if strings.HasPrefix(body, begin) {
			return true
		}
	}
	return strings.HasPrefix(body, "H=") && strings.IndexByte(body, '[') > 0 || strings.Contains(body, " authenticator failed for ")
}

// isEximName reports whether a file has a usual name of Exim's logs.
func isEximName(path string) bool {
	name := filepath.Base(path)
	for _, part := range [...]string{"exim", "mainlog", "main.log", "rejectlog", "reject.log", "paniclog", "panic.log"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// gather looks for proofs in the next piece of the file, up to which size bytes were read, and reports whether they are enough.
func (f *file) gather(text string, size int) (enough bool) {
	if !f.yearless && !f.zoneless {
		return true
	}
	const perPiece, few, many = 1000, 12, 4000
	known := len(f.timeless())
	f.proofs = append(f.proofs, parse.Gather(text, f.layout, perPiece)...)
	proofs := f.timeless()
	if known == 0 {
		f.advanceCourse(proofs, text)
	}
	if len(proofs) < few || len(proofs) >= many {
		return len(proofs) >= many
	}
	// Read on, to see a change to or from summer time, if that is likely: the bytes that may be read span more than a week.
	span := parse.Newest(proofs).Sub(proofs[0].At)
	return size >= headSize && span*time.Duration(proofSize/headSize)/time.Duration(size/headSize) < 7*24*time.Hour
}

// advanceCourse adds the stamps of the next piece to toProof, up to the first proof.
func (f *file) advanceCourse(proofs []parse.Proof, text string) {
	end := len(text)
	if len(proofs) > 0 {
		end = proofs[0].Place
	}
	parse.Samples(text, f.layout, func(at int, stamp parse.Stamp) bool {
		if at <= end {
			f.toProof.Step(stamp)
		}
		return at < end
	})
}

// timeless returns the proofs from queue IDs, message IDs and Message-IDs: without those from stamps with an offset, which come first.
func (f *file) timeless() []parse.Proof {
	for i, p := range f.proofs {
		if p.Kind != parse.ByStamp {
			return f.proofs[i:]
		}
	}
	return nil
}

// group returns a key for the files that were stamped by the same clock, and so share their proofs of the zone: those of one
// host. Exim's own files name no host: those in one directory are a group.
func (f *file) group(host string) string {
	if host == "" {
		return "\x00" + filepath.Dir(f.in.Path)
	}
	return host
}

// nameDate returns the end of the day in the file's name, as of maillog-20240131.gz or mail-2024-01-31.log, in UTC; false: there is
// none.
func (f *file) nameDate() (time.Time, bool) {
	name := filepath.Base(f.in.Path)
	for i := range name {
		if i > 0 && name[i-1] >= '0' && name[i-1] <= '9' {
			continue
		}
		if day, ok := leadingDay(name[i:]); ok {
			return day.AddDate(0, 0, 1), true
		}
	}
	return time.Time{}, false
}

// leadingDay returns the day with which s begins, as 20240131 or 2024-01-31.
func leadingDay(s string) (day time.Time, ok bool) {
	const digits = 8
	if len(s) >= digits+2 && s[4] == '-' && s[7] == '-' {
		s = s[:4] + s[5:7] + s[8:]
	}
	n, err := strconv.Atoi(s[:min(digits, len(s))])
	year, month, mday := n/10000, time.Month(n/100%100), n%100
	day = time.Date(year, month, mday, 0, 0, 0, 0, time.UTC)
	return day, err == nil && year >= 1990 && year < 2100 && day.Month() == month && day.Day() == mday
}
