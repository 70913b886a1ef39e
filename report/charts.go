package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
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

// mark is a window in a picture.
type mark struct {
	start, end mail.Instant
	label      string
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
	c.Words = fmt.Sprintf("Messages and notices of the server's own in the queue at the end of each %s, as far as the log tells: what was there before the log began is not in it. "+
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

// refusalChart draws what other hosts refused or put off of our mail.
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
	c := &chart{Name: name, Title: "What other hosts refused or put off"}
	c.Words = fmt.Sprintf("Recipients of all mail of this server that another host refused, or put off and never took, by the time of the last answer, for each %s. %s in all; most from %s: %s.",
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

const (
	namedLanes = 30  // with names; more are drawn thin
	mostLanes  = 300 // the busiest
)

// laneChart draws when each client was at work.
func laneChart(r *Report, name string, s *story) *chart {
	var lanes []*analyze.ClientCount
	all := 0
	for i := range s.clients {
		if s.clients[i].Lane.Empty() {
			continue
		}
		if all++; all <= mostLanes {
			lanes = append(lanes, &s.clients[i])
		}
	}
	if len(lanes) < 2 {
		return nil
	}
	slices.SortStableFunc(lanes, func(a, b *analyze.ClientCount) int { return cmp.Compare(a.First, b.First) })
	start, end := lanes[0].First, lanes[0].Last
	for _, c := range lanes {
		end = max(end, c.Last)
	}
	left, height := 150.0, 16.0
	if len(lanes) > namedLanes {
		left, height = 20, max(2, 400/float64(len(lanes)))
	}
	c := &chart{Name: name, Title: "Who was at work when"}
	who := Counted(all, "client", "clients")
	if all > len(lanes) {
		who = "the busiest " + Commas(len(lanes)) + " of " + who
	}
	c.Words = fmt.Sprintf("A line for each of %s, in the order in which they began, with a box wherever it sent something or was refused. The first began at %s, the last ended at %s; %s.",
		who, start.In(r.Zone).Format("Mon 15:04:05"), end.In(r.Zone).Format("Mon 15:04:05"), overlapText(lanes))
	bottom := plotTop + height*float64(len(lanes))
	picture := newSVG(name, bottom+axisHeight, c.Title, c.Words)
	axis := &timeAxis{start, max(end, start.Add(time.Minute)), left, plotRight, r.Zone}
	for i, lane := range lanes {
		drawLane(picture, axis, lane, plotTop+height*float64(i), height, len(lanes) <= namedLanes)
	}
	timeTicks(picture, axis, bottom)
	c.SVG = picture.html()
	c.Table = laneTable(r, c.Title, lanes)
	return c
}

func drawLane(picture *svg, axis *timeAxis, lane *analyze.ClientCount, y, height float64, named bool) {
	ip := lane.IP.Unmap().String()
	words := ip + ": " + clientVolume(lane) + ", " + from(lane.First, lane.Last, axis.zone)
	inner := height - min(4, height/4)
	if named {
		picture.label("t-lane", axis.left-8, y+height*0.75, ip)
		picture.line("grid", axis.left, y+height/2, axis.right, y+height/2)
	}
	var marks boxes
	width := lane.Lane.Width()
	for t := range lane.Lane.Marks {
		x := axis.x(max(t, lane.First))
		w := axis.x(min(t.Add(width), lane.Last)) - x
		marks.add(x, y+(height-inner)/2, max(w, 2), inner)
	}
	picture.boxes("lane", &marks)
	picture.rect("tip", axis.left, y, axis.right-axis.left, height, words)
}

// overlapText says whether clients took turns or worked together.
func overlapText(lanes []*analyze.ClientCount) string {
	together := 0
	end := mail.Instant(0)
	for _, c := range lanes {
		if c.First <= end {
			together++
		}
		end = max(end, c.Last)
	}
	switch {
	case together == 0:
		return "they took turns: none began before the one before had ended"
	case together >= len(lanes)-1:
		return "they worked at the same time"
	}
	return fmt.Sprintf("%d of them began while another was at work", together)
}

func laneTable(r *Report, title string, lanes []*analyze.ClientCount) *grid {
	g := &grid{Caption: title, Heads: heads("client", "first", "last", "#messages", "#rejected")}
	for _, c := range lanes {
		g.Rows = append(g.Rows, []gridCell{{Text: c.IP.Unmap().String(), Code: true, Tight: true}, tight(c.First.In(r.Zone).Format("Mon 2006-01-02 15:04:05")),
			tight(c.Last.In(r.Zone).Format("Mon 2006-01-02 15:04:05")), number(c.Messages), number(c.Rejected)})
	}
	return g
}

// hourChart draws how busy each hour of the week is.
func hourChart(r *Report, name string, marks []mark) *chart {
	if r.Course == nil || r.Course.Width() > time.Hour {
		return nil
	}
	week := weekOf(r, marks)
	if week == nil {
		return nil
	}
	const cellWidth, cellHeight, left = 27.0, 20.0, 44.0
	c := &chart{Name: name, Title: "Which hours of the week are busy"}
	c.Words = "Messages an hour that came in, on average over the hours that the log covers, by weekday and hour of the clock. " + week.words()
	if len(marks) > 0 {
		c.Words += " Hours with an outline are those of the incidents."
	}
	var days []int
	for i := range 7 {
		if day := (i + 1) % 7; week.covers(day) { // weeks begin on Monday
			days = append(days, day)
		}
	}
	picture := newSVG(name, 18+cellHeight*float64(len(days))+4, c.Title, c.Words)
	c.Table = &grid{Caption: c.Title, Heads: heads("day", "#hour", "#messages", "#hours covered", "#an hour")}
	for hour := range 24 {
		picture.label("t-x", left+cellWidth*(float64(hour)+0.5), 12, strconv.Itoa(hour))
	}
	for i, day := range days {
		y := 18 + cellHeight*float64(i)
		dayName := time.Weekday(day).String()
		picture.label("t-y", left-6, y+cellHeight*0.7, dayName[:3])
		for hour := range 24 {
			x := left + cellWidth*float64(hour)
			cell := &week.cells[day][hour]
			if cell.hours == 0 {
				picture.rect("q-none", x+0.5, y+0.5, cellWidth-1, cellHeight-1, dayName+" "+strconv.Itoa(hour)+": not in the log")
				continue
			}
			class, tone := week.tone(cell)
			picture.rect(class, x+0.5, y+0.5, cellWidth-1, cellHeight-1, fmt.Sprintf("%s %d:00 to %d:59: %s in %s", dayName, hour, hour,
				Counted(cell.messages, "message", "messages"), Counted(cell.hours, "such hour", "such hours")))
			picture.label(tone, x+cellWidth/2, y+cellHeight*0.7, shortNumber(cell.average()))
			c.Table.Rows = append(c.Table.Rows, []gridCell{plain(dayName), number(hour), number(cell.messages), number(cell.hours), {Text: per(cell.average()), Number: true}})
		}
	}
	c.SVG = picture.html()
	return c
}

// week is what came in by weekday and hour.
type week struct {
	cells [7][24]weekHour
	most  float64
	busy  string // the hour with the most
}

type weekHour struct {
	messages, hours int
	marked          bool
}

func (h *weekHour) average() float64 { return float64(h.messages) / float64(max(h.hours, 1)) }

// weekOf counts by hours; nil where the log is too long to tell which hours it covers, or too short to show anything.
func weekOf(r *Report, marks []mark) *week {
	start, end := r.Window()
	if span := end.Sub(start); span < 3*time.Hour || span > 30*365*24*time.Hour {
		return nil
	}
	w := new(week)
	for t := start - start%mail.Instant(time.Hour); t < end; t = t.Add(time.Hour) {
		local := t.In(r.Zone)
		cell := &w.cells[local.Weekday()][local.Hour()]
		cell.hours++
		cell.marked = cell.marked || slices.ContainsFunc(marks, func(m mark) bool { return m.start < t.Add(time.Hour) && m.end >= t })
	}
	for _, span := range r.Course.Spans() {
		local := span.Start.In(r.Zone)
		w.cells[local.Weekday()][local.Hour()].messages += span.Messages
	}
	for day := range w.cells {
		for hour := range w.cells[day] {
			cell := &w.cells[day][hour]
			if cell.messages > 0 && cell.hours == 0 { // a zone that is off by less than an hour
				cell.hours = 1
			}
			if a := cell.average(); a > w.most {
				w.most, w.busy = a, fmt.Sprintf("%v at %d", time.Weekday(day), hour)
			}
		}
	}
	if w.most == 0 {
		return nil
	}
	return w
}

// covers reports whether the log has an hour of that day.
func (w *week) covers(day int) bool {
	return slices.ContainsFunc(w.cells[day][:], func(h weekHour) bool { return h.hours > 0 })
}

func (w *week) words() string { return fmt.Sprintf("Most: %s an hour, %s.", per(w.most), w.busy) }

// tone is the class of a cell and that of its words: five steps by the root of the share, so that quiet hours still differ.
func (w *week) tone(cell *weekHour) (box, words string) {
	level := 0
	if a := cell.average(); a > 0 {
		level = min(1+int(math.Sqrt(a/w.most)*4.999), 5)
	}
	box, words = "q"+strconv.Itoa(level), "t-cell"
	if level >= 4 {
		words = "t-cell over"
	}
	if cell.marked {
		box += " hot"
	}
	return box, words
}

// shortNumber is a number for a small cell: 0.4, 12, 1.3k.
func shortNumber(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < 9.95:
		return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
	case x < 999.5:
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x/1000, 'f', 1, 64) + "k"
}

// shareChart draws the share of values, the largest first, the rest as one.
func shareChart(name, title, what string, counts []analyze.Count, total, distinct int) *chart {
	const most = 12
	if len(counts) < 2 || total <= 0 {
		return nil
	}
	shown := counts[:min(most, len(counts))]
	rest := total
	for _, c := range shown {
		rest -= c.Messages
	}
	c := &chart{Name: name, Title: title}
	c.Words = fmt.Sprintf("The most frequent %s of %s: %s with %s (%s).", what, Commas(distinct), counts[0].Value, Commas(counts[0].Messages), percent(share(counts[0].Messages, total)))
	const left, height = 210.0, 18.0
	rows := len(shown)
	if rest > 0 && distinct > len(shown) {
		rows++
	}
	picture := newSVG(name, height*float64(rows)+4, title, c.Words)
	row := func(i, n int, w float64, label string) {
		y := height * float64(i)
		picture.label("t-lane", left-8, y+13, cut(Visible(label), 30))
		if w > 0 {
			picture.rect("lane", left, y+3, w, height-5, label+": "+Commas(n))
			w += 6
		}
		picture.label("t-bar", left+w, y+13, Commas(n)+" ("+percent(share(n, total))+")")
	}
	for i, count := range shown {
		row(i, count.Messages, max(1, share(count.Messages, counts[0].Messages)*(svgWidth-left-120)), count.Value)
	}
	if rows > len(shown) { // without a bar: the longest would be that of those who are not named
		row(len(shown), rest, 0, Commas(distinct-len(shown))+" others together")
	}
	c.SVG = picture.html()
	c.Table = countGrid(title, what, counts, total, distinct)
	return c
}

func share(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

func countGrid(caption, what string, counts []analyze.Count, total, distinct int) *grid {
	g := &grid{Caption: caption, Heads: heads(what, "#number", "#share")}
	for _, c := range counts {
		g.Rows = append(g.Rows, []gridCell{codeCell(c.Value), number(c.Messages), {Text: percent(share(c.Messages, total)), Number: true}})
	}
	if more := distinct - len(counts); more > 0 {
		g.More = "and " + Commas(more) + " more"
	}
	return g
}

// fateChart draws what became of the recipients of a story as one strip.
func fateChart(name string, c *analyze.Counts) *chart {
	parts := []struct {
		class, label string
		n            int
	}{
		{"d-delivered", "delivered", c.Delivered}, {"d-deferred", "deferred", c.Deferred}, {"d-bounced", "bounced", c.Bounced + c.Expired},
		{"d-other", "held, discarded or not known", max(c.Recipients-c.Delivered-c.Deferred-c.Bounced-c.Expired, 0)},
		{"d-rejected", "refused attempts", c.Rejected},
	}
	total := 0
	for _, p := range parts {
		total += p.n
	}
	if total == 0 {
		return nil
	}
	ch := &chart{Name: name, Title: "What became of it"}
	var words []string
	for _, p := range parts {
		if p.n > 0 {
			text := Commas(p.n) + " " + p.label + " (" + percent(share(p.n, total)) + ")"
			words = append(words, text)
			ch.Legend = append(ch.Legend, legend{p.class, text})
		}
	}
	ch.Words = "Recipients by their last disposition, and refused attempts: " + strings.Join(words, ", ") + "."
	picture := newSVG(name, 28, ch.Title, ch.Words)
	x := 0.0
	for _, p := range parts {
		w := share(p.n, total) * svgWidth
		if p.n > 0 {
			picture.rect(p.class, x, 2, max(w-1, 1), 24, Commas(p.n)+" "+p.label)
		}
		x += w
	}
	ch.SVG = picture.html()
	return ch
}
