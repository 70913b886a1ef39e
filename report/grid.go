package report

import (
	"html/template"
	"strings"
)

// grid is a table of the page.
type grid struct {
	Caption string
	Heads   []gridHead
	Rows    [][]gridCell
	More    string // what was left out
}

type gridHead struct {
	Title  string
	Number bool
}

type gridCell struct {
	Text   string
	Number bool
	Code   bool   // text of a log, or to copy
	Tight  bool   // never broken: an address, a time
	Link   string // anchor in the page; "" none
}

func plain(s string) gridCell    { return gridCell{Text: s} }
func tight(s string) gridCell    { return gridCell{Text: s, Tight: true} }
func codeCell(s string) gridCell { return gridCell{Text: s, Code: true} }
func number(n int) gridCell      { return gridCell{Text: Commas(n), Number: true} }

func heads(titles ...string) []gridHead {
	all := make([]gridHead, len(titles))
	for i, t := range titles {
		all[i].Title, all[i].Number = strings.CutPrefix(t, "#")
	}
	return all
}

// Long reports whether the table is better folded.
func (g *grid) Long() bool { return len(g.Rows) > 25 }

// HTML is the table as markup. It is written by hand, since a page is mostly cells, and a template takes ten times as long
// for each.
func (g *grid) HTML() template.HTML {
	m := new(markup)
	m.raw(`<div class="scroll" tabindex="0" role="region" aria-label="`).text(g.Caption).raw(`"><table><caption>`).text(g.Caption).raw("</caption>\n<thead><tr>")
	for _, h := range g.Heads {
		m.raw(`<th scope="col"`)
		if h.Number {
			m.raw(` class="num"`)
		}
		m.raw(">").text(h.Title).raw("</th>")
	}
	m.raw("</tr></thead>\n<tbody>\n")
	for _, row := range g.Rows {
		m.raw("<tr>")
		for i := range row {
			m.cell(&row[i])
		}
		m.raw("</tr>\n")
	}
	m.raw("</tbody></table></div>")
	if g.More != "" {
		m.raw(`<p class="more">`).text(g.More).raw("</p>")
	}
	return template.HTML(m.buf)
}

func (m *markup) cell(c *gridCell) {
	switch {
	case c.Number:
		m.raw(`<td class="num">`)
	case c.Tight:
		m.raw(`<td class="tight">`)
	default:
		m.raw("<td>")
	}
	if c.Link != "" {
		m.raw(`<a href="#`).text(c.Link).raw(`">`)
	}
	if c.Code && c.Text != "" {
		m.raw("<code>").text(c.Text).raw("</code>")
	} else {
		m.text(c.Text)
	}
	if c.Link != "" {
		m.raw("</a>")
	}
	m.raw("</td>")
}
