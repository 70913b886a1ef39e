package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// The stamps of a file lie between a month before the first one (lines are out of order, and files were put together) and eleven
// months after it. Those of a longer file are moved on while it is read: see turn.
const elevenMonths = 334 * 24 * time.Hour

// findYears gives each file its clock: what its newest line can be at most. The order of belief: what was asked for; what the
// log itself proves; what the file's name, its archive or the file system say of its time; now.
//
// Times of files lie: a copy, a checkout or a download makes them new. Where one file of the run proves that, the others are
// not believed either, and take their year from it.
func (s *survey) findYears(ctx context.Context) {
	if s.o.Year != 0 {
		s.yearAsked(ctx)
		return
	}
	var known []*file
	var lies lies
	for _, f := range s.files {
		first, why := s.provenFirst(f)
		if first == 0 {
			continue
		}
		s.setClock(f, first, s.now(f), why)
		known = append(known, f)
		lies.files = lies.files || isLate(f, f.in.ModTime)
		lies.archives = lies.archives || isLate(f, f.in.Archived)
	}
	for _, f := range s.files {
		if f.clock == nil {
			s.guessYear(ctx, f, known, lies)
		}
	}
}

// provenFirst is the time of the first stamp, where the log proves its year; 0: it does not.
func (s *survey) provenFirst(f *file) (first mail.Instant, why string) {
	zone := s.zoneOf(f).Location
	proofs := f.timeless()
	switch {
	case f.firstLine == "":
		return 0, ""
	case !f.yearless:
		var ev mail.Event
		parse.NewHeaderReader(parse.NewClock(zone, mail.InstantOf(s.o.Now))).Read(f.firstLine, &ev)
		return ev.Time, "as in the file's stamps that name one"
	case len(proofs) == 0:
		return 0, ""
	}
	first = begin(f.toProof, f.stamp, proofs[0].At.Add(24*time.Hour), zone)
	return first, fmt.Sprintf("%d, proven by %s", first.In(zone).Year(), parse.Proven(proofs))
}

const halfAYear = 183 * 24 * time.Hour

// begin is the first moment of a course that ends at the latest at end. One that is shorter than a year needs no counting. Of a
// longer one the days are counted, which leap years blur: it is meant the year in which it begins nearest to that.
func begin(c parse.Course, first parse.Stamp, end mail.Instant, zone *time.Location) mail.Instant {
	if c.Passed < elevenMonths {
		return first.Before(end, zone)
	}
	return first.Before(c.Last.Before(end, zone).Add(halfAYear-c.Passed), zone)
}

// now is what no line of a file is after. Clocks differ by minutes; where the zone is a guess, what the clock on the wall showed
// may be ahead by hours.
func (s *survey) now(f *file) mail.Instant {
	slack := 10 * time.Minute
	if z := s.zoneOf(f); !z.proven && s.o.Zone == nil {
		slack = 14 * time.Hour
	}
	return mail.InstantOf(s.o.Now.Add(slack))
}

// lies is which times are not those of the lines, as a file whose year is known has shown.
type lies struct{ files, archives bool }

// isLate reports whether a time is much later than a file whose year is known.
func isLate(f *file, at time.Time) bool {
	const longest = 400 * 24 * time.Hour
	return !at.IsZero() && at.Sub(f.first.In(time.UTC)) > longest
}

// about reports whether what is left to date a file by is a lie. An archive says when it was compressed, which a copy keeps.
func (l lies) about(f *file) bool {
	if _, dated := f.nameDate(); dated {
		return false
	}
	if !f.in.Archived.IsZero() {
		return l.archives
	}
	return l.files
}

// guessYear finds the year of a file that proves nothing.
func (s *survey) guessYear(ctx context.Context, f *file, known []*file, lies lies) {
	if !f.yearless {
		s.setClock(f, s.now(f), s.now(f), "no line is after now")
		return
	}
	zone := s.zoneOf(f).Location
	bound, why := s.bound(f)
	if lies.about(f) {
		bound = min(bound, known[0].first.Add(halfAYear))
		why = "as in " + known[0].in.Path + ", since the times of the files are not those of their lines"
	}
	var c parse.Course
	if f.mayBeLong() {
		c = f.course(ctx, new(parse.YearCircle))
	}
	first := begin(c, f.stamp, bound, zone)
	if bound == mail.InstantOf(s.o.Now) {
		bound = s.now(f)
	}
	s.setClock(f, first, bound, why)
}

// mayBeLong reports whether a file of which only the head is known may go over most of a year: one of which the first megabytes
// are an hour's does not. Going over the whole file costs as much as decompressing it once more.
func (f *file) mayBeLong() bool {
	const slower = 10 // its slowest time than its first one
	most := f.toProof.Passed.Hours() * float64(f.in.Size) / float64(max(1, f.seen)) * slower
	return f.in.Size < 0 || most > time.Duration(elevenMonths).Hours()
}

// bound is what no line of a file is after, as far as times of files tell.
func (s *survey) bound(f *file) (mail.Instant, string) {
	bound, why := s.o.Now, "no line is after now"
	earlier := func(t time.Time, what string) {
		if t = t.AddDate(0, 0, 1); t.Year() > 1970 && t.Before(bound) {
			bound, why = t, fmt.Sprintf("no line is after %s, the day after %s", t.In(s.zoneOf(f).Location).Format(time.DateOnly), what)
		}
	}
	earlier(f.in.ModTime, "the file was written")
	earlier(f.in.Archived, "the file was compressed")
	if date, ok := f.nameDate(); ok {
		earlier(date, "the date in its name")
	}
	return mail.InstantOf(bound), why
}

// yearAsked sets the clocks where the year of the newest line is given. Which line that is, only the lines tell: all files are
// run over once. A file that is longer than a year ends with it.
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
		firsts[i] = begin(courses[i], f.stamp, newest, zone)
		if at := firsts[i].Add(courses[i].Passed).In(zone); firsts[i] != 0 && at.After(last) {
			last = at
		}
	}
	// Counted days are blurred by a leap day: at the turn of the year they prove nothing.
	if year := last.AddDate(0, 0, 2).Year(); !last.IsZero() && year < s.o.Year {
		why = fmt.Sprintf("the newest line is of %d: no days like these end in %d, which was asked for", year, s.o.Year)
	}
	for i, f := range s.files {
		f.yearAsked = true
		s.setClock(f, firsts[i], newest, why)
	}
}

// course goes over the stamps of a whole file, and adds their days to a circle. Of a pipe, only the head can be seen.
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
		parse.Samples(text, func(_ int, stamp parse.Stamp) bool {
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
