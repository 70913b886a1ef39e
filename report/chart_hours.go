package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/mail"
)

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
