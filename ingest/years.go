package ingest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// A file is taken to be shorter than a year: its stamps lie between a month before the first one (lines are out of order, and
// files were put together) and eleven months after it.
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
		s.setClock(f, s.notFuture(f, first.Add(elevenMonths)), why)
		known = append(known, f)
		lies.files = lies.files || isLate(f, f.in.ModTime)
		lies.archives = lies.archives || isLate(f, f.in.Archived)
	}
	for _, f := range s.files {
		if f.clock == nil {
			s.guessYear(f, known, lies)
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
	first = f.stamp.Before(proofs[0].At.Add(24*time.Hour), zone)
	return first, fmt.Sprintf("%d, proven by %s", first.In(zone).Year(), parse.Proven(proofs))
}

// notFuture is t, or now if that is earlier. Clocks differ by minutes; where the zone is a guess, what the clock on the wall
// showed may be ahead by hours.
func (s *survey) notFuture(f *file, t mail.Instant) mail.Instant {
	slack := 10 * time.Minute
	if z := s.zoneOf(f); !z.proven && s.o.Zone == nil {
		slack = 14 * time.Hour
	}
	return min(t, mail.InstantOf(s.o.Now.Add(slack)))
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
func (s *survey) guessYear(f *file, known []*file, lies lies) {
	if !f.yearless {
		s.setClock(f, s.notFuture(f, mail.InstantOf(s.o.Now)), "no line is after now")
		return
	}
	zone := s.zoneOf(f).Location
	bound, why := s.bound(f)
	if lies.about(f) {
		const halfAYear = 183 * 24 * time.Hour
		bound = min(bound, known[0].first.Add(halfAYear))
		why = "as in " + known[0].in.Path + ", since the times of the files are not those of their lines"
	}
	first := f.stamp.Before(bound, zone)
	newest := bound
	if bound == mail.InstantOf(s.o.Now) {
		newest = s.notFuture(f, first.Add(elevenMonths))
	}
	s.setClock(f, min(newest, first.Add(elevenMonths)), why)
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
// run over once.
func (s *survey) yearAsked(ctx context.Context) {
	var circle parse.YearCircle
	for _, f := range s.files {
		if f.err == nil {
			f.circle(ctx, &circle)
		}
	}
	newest, ok := circle.Newest(s.o.Year)
	if !ok {
		newest = mail.InstantOf(s.o.Now)
	}
	for _, f := range s.files {
		s.setClock(f, newest, fmt.Sprintf("the newest line is of %d, as asked for", s.o.Year))
	}
}

// circle adds the days of a file. Of a pipe, only the head can be seen.
func (f *file) circle(ctx context.Context, circle *parse.YearCircle) {
	if f.in.Size < 0 {
		head, _ := f.in.Head(proofSize)
		f.addDays(string(head), parse.Stamp{}, false, circle)
		return
	}
	r := logfile.Open(ctx, f.in, logfile.Options{})
	defer r.Close()
	var last parse.Stamp
	any := false
	for {
		c, err := r.Next()
		if err != nil {
			return
		}
		last, any = f.addDays(c.Text, last, any, circle)
	}
}

// addDays adds the days from the last stamp over the first of text to its last one.
func (f *file) addDays(text string, last parse.Stamp, any bool, circle *parse.YearCircle) (parse.Stamp, bool) {
	reader := parse.NewHeaderReader(parse.NewClock(time.UTC, mail.InstantOf(time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC))))
	for _, line := range [...]string{firstWhole(text), lastWhole(text)} {
		var ev mail.Event
		if _, ok := reader.Read(line, &ev); !ok || !reader.Yearless {
			continue
		}
		stamp := reader.Stamp()
		if !any {
			last, any = stamp, true
		}
		circle.Span(last, stamp)
		last = stamp
	}
	return last, any
}

func firstWhole(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r")
}

func lastWhole(text string) string {
	text = strings.TrimRight(text, "\r\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}
