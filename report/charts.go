package report

import (
	"html/template"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// The pictures of the page. Each says in words what it shows, for who cannot see it, and has the numbers that it was drawn
// from as a table behind it. All are drawn from bounded data, so a page of a year is no larger than that of a day.

// chart is a picture with its words and numbers.
type chart struct {
	Name   string // unique in the page
	Title  string
	Words  string
	SVG    template.HTML
	Legend []legend
	Table  *grid
}

// legend says what a colour means.
type legend struct{ Class, Label string }

const (
	plotLeft    = 52
	plotRight   = svgWidth - 8
	plotTop     = 22
	plotHeight  = 150
	axisHeight  = 24
	mostBuckets = 120
)

var bucketWidths = [...]time.Duration{
	time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour,
	12 * time.Hour, 24 * time.Hour, 2 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 28 * 24 * time.Hour, 91 * 24 * time.Hour, 364 * 24 * time.Hour,
}

// buckets is the course of all mail from start to end in at most mostBuckets steps, which begin at round times of the clock.
func buckets(r *Report, start, end mail.Instant) ([]analyze.Span, time.Duration) {
	if r.Course == nil || start == 0 || end < start {
		return nil, 0
	}
	least := r.Course.Width()
	width := bucketWidths[len(bucketWidths)-1]
	for _, w := range bucketWidths {
		if w >= least && w%least == 0 && end.Sub(start) < mostBuckets*w {
			width = w
			break
		}
	}
	if end.Sub(start) >= mostBuckets*10*width { // stamps of a forger, or of a broken clock
		return nil, 0
	}
	local := start.In(r.Zone)
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, r.Zone)
	since := local.Sub(midnight)
	first := mail.InstantOf(midnight.Add(since - since%width))
	return analyze.Join(r.Course.Spans(), first, end.Add(1), width), width
}

// mark is a window in a picture.
type mark struct {
	start, end mail.Instant
	label      string
}
