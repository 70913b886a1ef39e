package report

import (
	"fmt"
	"strings"

	"mailforensics/analyze"
)

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
