package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mailforensics/analyze"
	"mailforensics/mail"
	"mailforensics/report"
)

const timelineLong = `Timeline counts messages and refused attempts over time, a row for each bucket;
with --by, a line for each of the busiest values of a key. A message counts in
the bucket in which it was accepted, whenever it was delivered.

Without --by, --bucket, --since and --until, it looks for abuse first and shows
what happened around it. Keys:
`

func newTimeline(env *environment) *cobra.Command {
	var by, bucket string
	cmd := &cobra.Command{
		Use:     "timeline [FILES...]",
		GroupID: "mail",
		Short:   "messages over time, by client, account, sender …; without --by, around the findings",
		Long:    timelineLong + keyDocs(),
		Example: `  mailforensics timeline /var/log/mail.log
  mailforensics timeline --bucket 1h --since 2024-01-24 --until 2024-01-25 maillog
  mailforensics timeline --by account --bucket 10m --top 5 maillog
  mailforensics timeline --by direction --format csv maillog > direction.csv`,
	}
	cmd.Flags().StringVar(&by, "by", "", "`KEYS` to split by, separated by commas")
	cmd.Flags().StringVar(&bucket, "bucket", "", "`SPAN` of a row: 1m, 10m, 1h, 1d (default: for about fifty rows)")
	complete(cmd, "bucket", []string{"1m", "5m", "10m", "15m", "30m", "1h", "6h", "1d"})
	completeList(cmd, "by", keyNames())
	redactFlag(cmd, env.typed)
	return env.runs(cmd, reportFormats, func(ctx context.Context, s *settings, args []string) error {
		step, err := bucketOf(bucket)
		if err != nil {
			return err
		}
		var keys []mail.Key
		if by != "" {
			if keys, err = keysOf(by); err != nil {
				return err
			}
		}
		return runTimeline(ctx, s, args, keys, step)
	})
}

// bucketOf reads a span; 0 for none.
func bucketOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := parseSpan(text)
	if err != nil || d < time.Second || d%time.Second != 0 {
		return 0, &usageError{err: fmt.Errorf("--bucket %q: want a span of whole seconds", text), hint: "spans are 30s, 10m, 1h or 1d"}
	}
	return d, nil
}

// timeline is the counting of a run.
type timeline struct {
	all   *grid
	split []*tallyGrid
}

// tallyGrid is a grid by one key.
type tallyGrid struct {
	key  mail.Key
	grid *grid
	seen []string // values of the message at hand
}

func newTimelineOf(keys []mail.Key, step time.Duration) *timeline {
	t := &timeline{all: newGrid(step)}
	for _, k := range keys {
		g := newGrid(step)
		g.most = mostCells / len(keys)
		t.split = append(t.split, &tallyGrid{key: k, grid: g})
	}
	return t
}

func (t *timeline) message(m *mail.Message) {
	if m.Notice || m.Time == 0 {
		return
	}
	n := countsOf(m)
	t.all.at("", m.Time).add(&n)
	for _, s := range t.split {
		s.message(m, &n)
	}
}

func (t *timeline) event(ev *mail.Event) {
	if !analyze.IsRefusal(ev) || ev.Time == 0 {
		return
	}
	t.all.at("", ev.Time).rejected++
	for _, s := range t.split {
		if s.key.Event != nil {
			s.key.Event(ev, func(value string) { s.grid.at(value, ev.Time).rejected++ })
		}
	}
}

// message counts once for each value.
func (s *tallyGrid) message(m *mail.Message, n *counts) {
	s.seen = s.seen[:0]
	s.key.Message(m, func(value string) {
		for _, v := range s.seen {
			if v == value {
				return
			}
		}
		s.seen = append(s.seen, value)
		s.grid.at(value, m.Time).add(n)
	})
}

func countsOf(m *mail.Message) counts {
	n := counts{messages: 1}
	for i := range m.Recipients {
		switch m.Recipients[i].Disposition {
		case mail.Delivered:
			n.delivered++
		case mail.Bounced, mail.Expired:
			n.bounced++
		case mail.Deferred:
			n.deferred++
		}
	}
	return n
}

func runTimeline(ctx context.Context, s *settings, args []string, keys []mail.Key, step time.Duration) error {
	t := newTimelineOf(keys, step)
	var detectors []analyze.Detector
	if len(keys) == 0 && step == 0 && s.since == 0 && s.until == 0 {
		detectors = analyze.Detectors()
	}
	engine := analyze.NewEngine(s.pass, detectors)
	r, err := s.scan(ctx, args, want{
		message: t.message,
		event:   t.event,
		beside:  s.shares(engine),
	})
	if err != nil {
		return err
	}
	rep := s.newReport("timeline", "timeline", args, r)
	rep.Totals = engine.Totals
	findings, _ := engine.Findings()
	rep.Named = findings
	first, last := t.all.bounds()
	if from, to, n := around(findings, first, last); n > 0 {
		first, last = from, to
		rep.Notes = append(rep.Notes, "the time around "+report.Counted(n, "finding", "findings")+" is shown; --bucket shows the whole log")
	}
	marks := newRaster(first, last, cmp.Or(step, rowStep(last.Sub(first), t.all.step, s.mostMarks(keys))), rep.Zone)
	rep.Tables = append(rep.Tables, t.table(marks, findings))
	for _, split := range t.split {
		rep.Tables = append(rep.Tables, split.tables(marks, cmp.Or(s.top, 10))...)
		if split.grid.lost {
			rep.Notes = append(rep.Notes, "too many values of "+split.key.Name+": those with the fewest messages were dropped")
		}
	}
	if err := s.print(rep); err != nil {
		return err
	}
	return s.outcome(r, rep)
}

// around is the span of the findings that matter, with a tenth before and after it, and how many these are: those that are at
// least medium, or where none is, all of the gravest kind there is. The span lies within the log's, first to last.
func around(fs []analyze.Finding, first, last mail.Instant) (from, to mail.Instant, n int) {
	least := analyze.Medium
	if len(fs) > 0 && fs[0].Severity < least { // the gravest come first
		least = fs[0].Severity
	}
	for i := range fs {
		f := &fs[i]
		if f.Severity < least || f.Start == 0 {
			continue
		}
		n++
		if from == 0 || f.Start < from {
			from = f.Start
		}
		to = max(to, f.End)
	}
	pad := max(to.Sub(from)/10, 10*time.Minute)
	return max(first, from.Add(-pad)), min(last, to.Add(pad)), n
}

// mostMarks is how many steps there may be: with --by a line has a mark for each, beside the value and its numbers.
func (s *settings) mostMarks(keys []mail.Key) int {
	const most, beside = 60, 40
	if len(keys) == 0 || s.columns == 0 {
		return most
	}
	return min(most, max(most/3, s.columns-beside))
}

// rowStep is a round step that makes at most so many rows of a span.
func rowStep(span, least time.Duration, most int) time.Duration {
	for _, step := range []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
		if step >= least && span <= time.Duration(most)*step {
			return step
		}
	}
	return 30 * 24 * time.Hour
}

// table is the counts of all messages, a row a step.
func (t *timeline) table(marks raster, findings []analyze.Finding) report.Table {
	table := report.Table{
		Name: "timeline", Title: "Messages over time, a row is " + stepText(marks.step), Bars: 2, Empty: "no messages in this time",
		Columns: []report.Column{
			{Name: "time", Title: "from"}, {Name: "messages", Title: "messages", Number: true}, {Name: "delivered", Title: "delivered", Number: true, Spare: 3},
			{Name: "bounced", Title: "bounced", Number: true, Spare: 4}, {Name: "deferred", Title: "deferred", Number: true, Spare: 5},
			{Name: "rejected", Title: "rejected", Number: true, Spare: 1}, {Name: "findings", Title: "at work", Spare: 2},
		},
	}
	for i, n := range t.all.row("", marks) {
		start := marks.start(i)
		table.Rows = append(table.Rows, []report.Value{
			report.Moment(start), report.Int(n.messages), report.Int(n.delivered), report.Int(n.bounced), report.Int(n.deferred),
			report.Int(n.rejected), report.Text(atWork(findings, start, marks.start(i+1))),
		})
	}
	return table
}

// atWork names the subjects of the findings that touch a span, each once: several detectors may tell of one.
func atWork(fs []analyze.Finding, from, to mail.Instant) string {
	var names []string
	for i := range fs {
		if f := &fs[i]; f.Start < to && f.End >= from && !slices.Contains(names, f.Subject.Value) {
			names = append(names, f.Subject.Value)
		}
	}
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + fmt.Sprintf(" and %d more", len(names)-3)
	}
	return strings.Join(names, ", ")
}

// stepText is a step in words.
func stepText(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	switch {
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d d", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// tables are the busiest values: as sparklines for a person, as a row for each step for a program.
func (s *tallyGrid) tables(marks raster, top int) []report.Table {
	ranked, totals := s.grid.ranked(), s.grid.totals()
	shown := report.Table{
		Name: "series", Title: "By " + s.key.Name, For: report.Person, Left: max(len(ranked)-top, 0), Empty: "no message has " + article(s.key.Name) + " in this log",
		Columns: []report.Column{
			{Name: "by"}, {Name: "value", Title: s.key.Name}, {Name: "messages", Title: "messages", Number: true},
			{Name: "rejected", Title: "rejected", Number: true}, {Name: "over_time", Title: "over time, a mark is " + stepText(marks.step)},
		},
	}
	rows := report.Table{
		Name: "by", For: report.Program,
		Columns: []report.Column{{Name: "by"}, {Name: "value"}, {Name: "time"}, {Name: "messages"}, {Name: "delivered"}, {Name: "bounced"},
			{Name: "deferred"}, {Name: "rejected"}},
	}
	for _, value := range ranked[:min(top, len(ranked))] {
		row := s.grid.row(value, marks)
		series := make([]int, len(row))
		for i, n := range row {
			series[i] = n.messages + n.rejected
			if n == (counts{}) {
				continue
			}
			rows.Rows = append(rows.Rows, []report.Value{report.Text(s.key.Name), report.Text(value), report.Moment(marks.start(i)), report.Int(n.messages),
				report.Int(n.delivered), report.Int(n.bounced), report.Int(n.deferred), report.Int(n.rejected)})
		}
		total := totals[value]
		shown.Rows = append(shown.Rows, []report.Value{report.Text(s.key.Name), report.Text(value), report.Int(total.messages), report.Int(total.rejected),
			report.Series(series)})
	}
	return []report.Table{shown, rows}
}
