package ingest

import (
	"context"
	"strings"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// survey is what the heads of all inputs tell together.
type survey struct {
	files    []*file
	zone     *time.Location
	zoneWhy  string
	warnings []string
}

const headSize = 64 << 10

// survey looks at the head of each input.
func (r *run) survey(ctx context.Context, inputs []*logfile.Input) *survey {
	s := &survey{zone: r.o.LocalZone, zoneWhy: "the zone of this machine"}
	if r.o.Zone != nil {
		s.zone, s.zoneWhy = r.o.Zone, "asked for"
	}
	for i, in := range inputs {
		f := &file{index: i, in: in, rejectLog: isRejectLog(in.Path)}
		f.clock = parse.NewClock(s.zone, mail.InstantOf(r.bound(in)))
		head, err := in.Head(headSize)
		if err != nil {
			f.err = err
		}
		f.first = firstStamp(string(head), f.clock)
		s.files = append(s.files, f)
	}
	return s
}

// bound is what no line of an input is after, as far as its times tell.
func (r *run) bound(in *logfile.Input) time.Time {
	newest := r.o.Now
	for _, t := range [...]time.Time{in.ModTime, in.Archived} {
		if !t.IsZero() && t.AddDate(0, 0, 1).Before(newest) {
			newest = t.AddDate(0, 0, 1)
		}
	}
	return newest
}

func firstStamp(head string, clock *parse.Clock) mail.Instant {
	reader := parse.NewHeaderReader(clock)
	for line := range strings.Lines(head) {
		var ev mail.Event
		if _, ok := reader.Read(strings.TrimRight(line, "\r\n"), &ev); ok && ev.Time != 0 {
			return ev.Time
		}
	}
	return 0
}
