package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

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
