package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// dispositions are the layers of a picture of mail over time, from the bottom up.
var dispositions = [...]struct {
	class, label string
	of           func(*analyze.Span) int
}{
	{"d-delivered", "delivered", func(s *analyze.Span) int { return s.Delivered }},
	{"d-deferred", "deferred", func(s *analyze.Span) int { return s.Deferred }},
	{"d-bounced", "bounced or expired", func(s *analyze.Span) int { return s.Bounced }},
	{"d-other", "held, discarded or not known", func(s *analyze.Span) int { return s.Other }},
	{"d-rejected", "refused attempts", func(s *analyze.Span) int { return s.Rejected }},
}

// mailChart draws all mail over time by what became of it.
func mailChart(r *Report, name, title string, start, end mail.Instant, marks []mark) *chart {
	spans, width := buckets(r, start, end)
	if len(spans) < 2 {
		return nil
	}
	most, at := 0, 0
	var sums [len(dispositions)]int
	for i := range spans {
		sum := 0
		for j := range dispositions {
			n := dispositions[j].of(&spans[i])
			sum += n
			sums[j] += n
		}
		if sum > most {
			most, at = sum, i
		}
	}
	if most == 0 {
		return nil
	}
	c := &chart{Name: name, Title: title}
	c.Words = fmt.Sprintf("Recipients of the mail that came in, by what became of them, and refused attempts, a bar for each %s; %s. The highest bar is %s, at %s.",
		stepOfWidth(width), from(start, end, r.Zone), Commas(most), spans[at].Start.In(r.Zone).Format("Mon 2006-01-02 15:04"))
	p := newPlot(r, name, c.Title, c.Words, spans, width, most)
	p.marks(marks)
	p.frame()
	var layers [len(dispositions)]boxes
	for i := range spans {
		below := 0
		for j := range dispositions {
			n := dispositions[j].of(&spans[i])
			layers[j].add(p.x[i], p.y.y(below+n), p.barWidth(i), p.y.height(n))
			below += n
		}
	}
	for j := range layers {
		p.svg.boxes(dispositions[j].class, &layers[j])
		if sums[j] > 0 {
			c.Legend = append(c.Legend, legend{dispositions[j].class, dispositions[j].label + ": " + Commas(sums[j])})
		}
	}
	c.Table = &grid{Caption: c.Title, Heads: heads("from", "#messages", "#delivered", "#deferred", "#bounced", "#other", "#refused attempts")}
	for i := range spans {
		s := &spans[i]
		p.tip(i, tipOf(s, r.Zone, width))
		if s.Messages+s.Rejected > 0 {
			c.Table.Rows = append(c.Table.Rows, []gridCell{tight(s.Start.In(r.Zone).Format("Mon 2006-01-02 15:04")), number(s.Messages), number(s.Delivered),
				number(s.Deferred), number(s.Bounced), number(s.Other), number(s.Rejected)})
		}
	}
	c.SVG = p.svg.html()
	return c
}

func tipOf(s *analyze.Span, zone *time.Location, width time.Duration) string {
	text := s.Start.In(zone).Format("Mon 2006-01-02 15:04") + ", " + stepOfWidth(width) + ": " + Counted(s.Messages, "message", "messages")
	if what := nonzero([]named{{"delivered", s.Delivered}, {"deferred", s.Deferred}, {"bounced", s.Bounced}, {"other", s.Other}, {"refused attempts", s.Rejected}}); len(what) > 0 {
		text += "; " + strings.Join(what, ", ")
	}
	return text
}

func stepOfWidth(width time.Duration) string { return step(int(width / time.Minute)) }

// plot is a picture over time with bars.
type plot struct {
	svg    *svg
	axis   timeAxis
	y      scale
	x      []float64 // where bars begin; one more than there are
	bottom float64
}

func newPlot(r *Report, name, title, words string, spans []analyze.Span, width time.Duration, most int) *plot {
	p := &plot{svg: newSVG(name, plotTop+plotHeight+axisHeight, title, words), bottom: plotTop + plotHeight}
	p.axis = timeAxis{spans[0].Start, spans[len(spans)-1].Start.Add(width), plotLeft, plotRight, r.Zone}
	p.y = newScale(most, plotTop, p.bottom)
	for i := range spans {
		p.x = append(p.x, p.axis.x(spans[i].Start))
	}
	p.x = append(p.x, plotRight)
	return p
}

// barWidth leaves a gap between bars that are wide enough for it.
func (p *plot) barWidth(i int) float64 {
	w := p.x[i+1] - p.x[i]
	return w - min(1, w/5)
}

// marks shades windows, and names those that do not stand in each other's way.
func (p *plot) marks(marks []mark) {
	free := math.Inf(-1)
	for _, m := range marks {
		x := p.axis.x(m.start)
		w := max(p.axis.x(m.end)-x, 2)
		p.svg.rect("win", x, plotTop-6, w, p.bottom-plotTop+6, m.label)
		if x > free {
			class, at := "t-mark", x
			if x > svgWidth-90 {
				class, at = "t-mark end", x+w
			}
			p.svg.label(class, at, plotTop-10, m.label)
			free = x + 7*float64(len(m.label))
		}
	}
}

func (p *plot) frame() {
	for _, n := range p.y.steps() {
		p.svg.line("grid", plotLeft, p.y.y(n), plotRight, p.y.y(n))
		p.svg.label("t-y", plotLeft-6, p.y.y(n)+4, Commas(n))
	}
	p.times()
}

// times writes the axis of time.
func (p *plot) times() { timeTicks(p.svg, &p.axis, p.bottom) }

func timeTicks(s *svg, axis *timeAxis, bottom float64) {
	s.line("axis", axis.left, bottom, axis.right, bottom)
	for _, t := range axis.ticks(8) {
		x := axis.x(t.at)
		s.line("axis", x, bottom, x, bottom+4)
		class := "t-x"
		if x > axis.right-30 {
			class = "t-x end"
		}
		s.label(class, x, bottom+16, t.label)
	}
}

// tip makes bar i answer to the mouse over its whole height.
func (p *plot) tip(i int, text string) {
	p.svg.rect("tip", p.x[i], plotTop, p.x[i+1]-p.x[i], p.bottom-plotTop, text)
}

// queueChart draws how full the queue was.
func queueChart(r *Report, name string, marks []mark) *chart {
	start, end := r.Window()
	spans, width := buckets(r, start, end)
	if len(spans) < 2 {
		return nil
	}
	most, at := 0, 0
	for i := range spans {
		if n := spans[i].Queued + spans[i].QueuedNotices; n > most {
			most, at = n, i
		}
	}
	if most == 0 {
		return nil
	}
	last := &spans[len(spans)-1]
	c := &chart{Name: name, Title: "How full the queue was"}
	c.Words = fmt.Sprintf("Messages and notices of the server's own in the queue at the end of each %s, as far as the log shows: what was there before the log began is not in it. "+
		"Most at %s: %s. At the end of the log: %s and %s.", stepOfWidth(width), spans[at].Start.Add(width).In(r.Zone).Format("Mon 2006-01-02 15:04"), Commas(most),
		Counted(last.Queued, "message", "messages"), Counted(last.QueuedNotices, "notice", "notices"))
	p := newPlot(r, name, c.Title, c.Words, spans, width, most)
	p.marks(marks)
	p.frame()
	var messages, notices boxes
	c.Table = &grid{Caption: c.Title, Heads: heads("at", "#messages", "#notices")}
	for i := range spans {
		s := &spans[i]
		w := p.x[i+1] - p.x[i]
		messages.add(p.x[i], p.y.y(s.Queued), w, p.y.height(s.Queued))
		notices.add(p.x[i], p.y.y(s.Queued+s.QueuedNotices), w, p.y.height(s.QueuedNotices))
		if i == 0 || s.Queued != spans[i-1].Queued || s.QueuedNotices != spans[i-1].QueuedNotices {
			c.Table.Rows = append(c.Table.Rows, []gridCell{tight(s.Start.Add(width).In(r.Zone).Format("Mon 2006-01-02 15:04")), number(s.Queued), number(s.QueuedNotices)})
		}
	}
	p.svg.boxes("d-deferred", &messages)
	p.svg.boxes("d-other", &notices)
	for i := range spans {
		p.tip(i, spans[i].Start.Add(width).In(r.Zone).Format("Mon 2006-01-02 15:04")+": "+Counted(spans[i].Queued, "message", "messages")+", "+
			Counted(spans[i].QueuedNotices, "notice", "notices"))
	}
	c.Legend = []legend{{"d-deferred", "messages"}, {"d-other", "bounces and other notices of the server's own"}}
	c.SVG = p.svg.html()
	return c
}

// refusalChart draws what other hosts refused or deferred of our mail.
func refusalChart(r *Report, name string, start, end mail.Instant, marks []mark) *chart {
	spans, width := buckets(r, start, end)
	most, at, sum := 0, 0, 0
	for i := range spans {
		sum += spans[i].Refused
		if spans[i].Refused > most {
			most, at = spans[i].Refused, i
		}
	}
	if len(spans) < 2 || sum < 10 {
		return nil
	}
	c := &chart{Name: name, Title: "What other hosts refused or deferred"}
	c.Words = fmt.Sprintf("Recipients of all mail of this server that another host refused, or deferred and never accepted, by the time of the last answer, for each %s. %s in all; most from %s: %s.",
		stepOfWidth(width), Commas(sum), spans[at].Start.In(r.Zone).Format("Mon 2006-01-02 15:04"), Commas(most))
	p := newPlot(r, name, c.Title, c.Words, spans, width, most)
	p.marks(marks)
	p.frame()
	var bars boxes
	c.Table = &grid{Caption: c.Title, Heads: heads("from", "#recipients")}
	for i := range spans {
		n := spans[i].Refused
		bars.add(p.x[i], p.y.y(n), p.barWidth(i), p.y.height(n))
		if n > 0 {
			c.Table.Rows = append(c.Table.Rows, []gridCell{tight(spans[i].Start.In(r.Zone).Format("Mon 2006-01-02 15:04")), number(n)})
		}
	}
	p.svg.boxes("d-bounced", &bars)
	for i := range spans {
		p.tip(i, spans[i].Start.In(r.Zone).Format("Mon 2006-01-02 15:04")+": "+Counted(spans[i].Refused, "recipient", "recipients"))
	}
	c.SVG = p.svg.html()
	return c
}
