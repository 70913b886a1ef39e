package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// elevenMonths is how far the stamps of a file may be after the first one; those that seem to be later are in the month before it,
// because lines are out of order, or files were put together. A longer file is taken care of while it is read: see rollOver.
const elevenMonths = 334 * 24 * time.Hour

// findYears gives each file its clock, which says how late its newest line can be. In this order, it believes the user (--year); the
// log itself; the date in the file's name, in its gzip header or in the file system; that nothing is later than now.
//
// Modification times can be wrong: a copy, a checkout or a download makes them new. If one file proves its own to be wrong, those
// of the others are not believed either, and these take their year from that file.
func (s *survey) findYears(ctx context.Context) {
	if s.o.Year != 0 {
		s.yearAsked(ctx)
		return
	}
	var known []*file
	var wrong wrongTimes
	for _, f := range s.files {
		first, why := s.provenFirst(f)
		if first == 0 {
			continue
		}
		latest := s.now(f)
		if s.isAhead(f, first) {
			latest, wrong.now = first.Add(elevenMonths), true
		}
		s.setClock(f, first, latest, why)
		known = append(known, f)
		wrong.files = wrong.files || isLate(f, f.in.ModTime)
		wrong.headers = wrong.headers || isLate(f, f.in.Compressed)
	}
	for _, f := range s.files {
		if f.clock == nil {
			s.guessYear(ctx, f, known, wrong)
		}
	}
}

// provenFirst returns the time of the first stamp, if the log proves its year, else 0; and why, in words.
func (s *survey) provenFirst(f *file) (first mail.Instant, why string) {
	zone := s.zoneOf(f).Location
	proofs := f.timeless()
	switch {
	case f.firstLine == "":
		return 0, ""
	case !f.yearless:
		var ev mail.Event
		f.headers(parse.NewClock(zone, mail.InstantOf(s.o.Now))).Read(f.firstLine, &ev)
		return ev.Time, "as in the file's stamps that name one"
	case len(proofs) == 0:
		return 0, ""
	}
	first = beginning(f.toProof, f.stamp, proofs[0].At.Add(24*time.Hour), zone)
	return first, fmt.Sprintf("%d, proven by %s", first.In(zone).Year(), parse.Proven(proofs))
}

const halfAYear = 183 * 24 * time.Hour

// beginning returns the first moment of a course of stamps that ends at end at the latest. If it is shorter than a year, its last
// stamp decides. Of a longer one the days are counted, which leap years make inexact, so the nearest moment with the first stamp
// is taken.
func beginning(c parse.Course, first parse.Stamp, end mail.Instant, zone *time.Location) mail.Instant {
	if c.Passed < elevenMonths {
		return first.Before(end, zone)
	}
	return first.Before(c.Last.Before(end, zone).Add(halfAYear-c.Passed), zone)
}

// now returns the time that no line of a file is after. Clocks differ by minutes; if the zone is a guess, the local time in the
// stamps may be ahead by hours.
func (s *survey) now(f *file) mail.Instant {
	slack := 10 * time.Minute
	if z := s.zoneOf(f); !z.proven && s.o.Zone == nil {
		slack = 14 * time.Hour
	}
	return mail.InstantOf(s.o.Now.Add(slack))
}

// isAhead reports whether a file whose year is known proves that there are lines after now: then the clock of this machine is wrong, and says
// nothing about the end of any file.
func (s *survey) isAhead(f *file, first mail.Instant) bool {
	now := s.now(f)
	return first > now || slices.ContainsFunc(f.timeless(), func(p parse.Proof) bool { return p.At > now })
}

// wrongTimes says which times of files are not those of their lines, as files whose year is known have shown: modification times of
// files, times in the headers of gzip, and
// whether this machine's is not, either.
type wrongTimes struct{ files, headers, now bool }

// isLate reports whether a time is much later than the first line of a file whose year is known.
func isLate(f *file, at time.Time) bool {
	const longest = 400 * 24 * time.Hour
	return !at.IsZero() && at.Sub(f.first.In(time.UTC)) > longest
}

// concerns reports whether the time by which a file would be dated is wrong. The header of gzip is believed longer than the
// file's modification time, because a copy keeps it.
func (w wrongTimes) concerns(f *file) bool {
	if _, dated := f.nameDate(); dated {
		return false
	}
	if !f.in.Compressed.IsZero() {
		return w.headers
	}
	return w.files
}

// guessYear gives a file that proves nothing its clock. known are the files whose year is proven.
func (s *survey) guessYear(ctx context.Context, f *file, known []*file, wrong wrongTimes) {
	if !f.yearless {
		s.setClock(f, s.now(f), s.now(f), "no line is after now")
		return
	}
	zone := s.zoneOf(f).Location
	bound, why := s.bound(f)
	switch {
	case wrong.now:
		bound = known[0].first.Add(halfAYear)
		why = "as in " + known[0].in.Path + ", which goes on after what is now on this machine"
	case wrong.concerns(f):
		bound = min(bound, known[0].first.Add(halfAYear))
		why = "as in " + known[0].in.Path + ", since the times of the files are not those of their lines"
	}
	var c parse.Course
	if f.mayBeLong() {
		c = f.course(ctx, new(parse.YearCircle))
	}
	first := beginning(c, f.stamp, bound, zone)
	if bound == mail.InstantOf(s.o.Now) {
		bound = s.now(f)
	}
	s.setClock(f, first, bound, why)
}

// mayBeLong reports whether a file whose head is known may cover most of a year, by the time that its head covers. If not, course
// need not read all of it, which costs as much as decompressing it once more.
func (f *file) mayBeLong() bool {
	const slower = 10 // how many times slower than its head the log may grow on average
	most := f.toProof.Passed.Hours() * float64(f.in.Size) / float64(max(1, f.seen)) * slower
	return f.in.Size < 0 || most > time.Duration(elevenMonths).Hours()
}

// bound returns the time that no line of a file is after, as far as its name and its times tell; and why, in words.
func (s *survey) bound(f *file) (mail.Instant, string) {
	bound, why := s.o.Now, "no line is after now"
	earlier := func(t time.Time, what string) {
		if t = t.AddDate(0, 0, 1); t.Year() > 1970 && t.Before(bound) {
			bound, why = t, fmt.Sprintf("no line is after %s, the day after %s", t.In(s.zoneOf(f).Location).Format(time.DateOnly), what)
		}
	}
	earlier(f.in.ModTime, "the file was written")
	earlier(f.in.Compressed, "the file was compressed")
	if date, ok := f.nameDate(); ok {
		earlier(date, "the date in its name")
	}
	return mail.InstantOf(bound), why
}

// yearAsked gives the files their clocks if the year of the newest line was given. To find that line, all files are read once. A
// file that covers more than a year ends with it.
func (s *survey) yearAsked(ctx context.Context) {
	circles, courses := make([]parse.YearCircle, len(s.files)), make([]parse.Course, len(s.files))
	s.each(func(i int, f *file) { courses[i] = f.course(ctx, &circles[i]) })
	var circle parse.YearCircle
	var longest parse.Course
	for i, c := range courses {
		circle.Add(&circles[i])
		if c.Passed > longest.Passed {
			longest = c
		}
	}
	if longest.Passed >= elevenMonths {
		circle = parse.YearCircle{}
		circle.Span(longest.Last, longest.Last)
	}
	newest, ok := circle.Newest(s.o.Year)
	if !ok {
		newest = mail.InstantOf(s.o.Now)
	}
	why := fmt.Sprintf("the newest line is of %d, as asked for", s.o.Year)
	firsts := make([]mail.Instant, len(s.files))
	var last time.Time
	for i, f := range s.files {
		zone := s.zoneOf(f).Location
		firsts[i] = beginning(courses[i], f.stamp, newest, zone)
		if at := firsts[i].Add(courses[i].Passed).In(zone); firsts[i] != 0 && at.After(last) {
			last = at
		}
	}
	// Counted days are inexact by a leap day: at the turn of the year they prove nothing.
	if year := last.AddDate(0, 0, 2).Year(); !last.IsZero() && year < s.o.Year {
		why = fmt.Sprintf("the newest line is of %d: no days like these end in %d, which was asked for", year, s.o.Year)
	}
	for i, f := range s.files {
		f.yearAsked = true
		s.setClock(f, firsts[i], newest, why)
	}
}

// course returns the course of the stamps of a whole file, and adds their days to circle. Of a pipe, it sees only the head.
func (f *file) course(ctx context.Context, circle *parse.YearCircle) (c parse.Course) {
	if f.err != nil || f.live {
		return c
	}
	texts := f.texts(ctx)
	if f.in.Size < 0 {
		head, _ := f.in.Head(proofSize)
		texts = slices.Values([]string{string(head)})
	}
	for text := range texts {
		parse.Samples(text, f.layout, func(_ int, stamp parse.Stamp) bool {
			from := c.Last
			if c == (parse.Course{}) {
				from = stamp
			}
			c.Step(stamp)
			circle.Span(from, stamp)
			return true
		})
	}
	return c
}
