package report

import (
	"html/template"
	"strconv"
)

// markup is HTML or SVG that is written by hand. Whatever comes out of a log goes through text, which escapes it for content
// and for attributes in double quotes.
type markup struct {
	buf []byte
}

func (m *markup) raw(s string) *markup {
	m.buf = append(m.buf, s...)
	return m
}

func (m *markup) text(words string) *markup {
	m.buf = append(m.buf, template.HTMLEscapeString(Visible(words))...)
	return m
}

// svg draws one picture. Colours come from classes, so that the page's style sheet decides for light, dark and paper.
// Lengths are in units of the view box, svgWidth of them across.
type svg struct {
	markup
}

const svgWidth = 720

// newSVG begins a picture that is height high. name is unique in the page; title and description are read out instead of the
// picture.
func newSVG(name string, height float64, title, description string) *svg {
	s := new(svg)
	s.raw(`<svg viewBox="0 0 `).number(svgWidth).raw(" ").number(height).raw(`" role="img" aria-labelledby="`).raw(name).raw(`-t `).raw(name).raw(`-d">`)
	s.raw(`<title id="`).raw(name).raw(`-t">`).text(title).raw(`</title><desc id="`).raw(name).raw(`-d">`).text(description).raw(`</desc>`)
	return s
}

// html ends the picture.
func (s *svg) html() template.HTML { return template.HTML(append(s.buf, "</svg>"...)) }

// number writes x with one digit after the point at most: a tenth of a pixel is enough.
func (m *markup) number(x float64) *markup {
	at := len(m.buf)
	m.buf = strconv.AppendFloat(m.buf, x, 'f', 1, 64)
	if n := len(m.buf); n-at > 2 && m.buf[n-1] == '0' && m.buf[n-2] == '.' {
		m.buf = m.buf[:n-2]
	}
	return m
}

func (m *markup) attribute(name string, x float64) *markup {
	return m.raw(" ").raw(name).raw(`="`).number(x).raw(`"`)
}

// rect draws a box. tip, if any, is shown when the mouse rests on it.
func (s *svg) rect(class string, x, y, w, h float64, tip string) {
	s.raw(`<rect class="`).raw(class).raw(`"`).attribute("x", x).attribute("y", y).attribute("width", w).attribute("height", h)
	if tip == "" {
		s.raw("/>")
		return
	}
	s.raw("><title>").text(tip).raw("</title></rect>")
}

func (s *svg) line(class string, x1, y1, x2, y2 float64) {
	s.raw(`<line class="`).raw(class).raw(`"`).attribute("x1", x1).attribute("y1", y1).attribute("x2", x2).attribute("y2", y2).raw("/>")
}

// label writes words; class says how they are anchored.
func (s *svg) label(class string, x, y float64, words string) {
	s.raw(`<text class="`).raw(class).raw(`"`).attribute("x", x).attribute("y", y).raw(">").text(words).raw("</text>")
}

// boxes draws many boxes of one class as a single path.
type boxes struct{ path []byte }

func (b *boxes) add(x, y, w, h float64) {
	if h <= 0 || w <= 0 {
		return
	}
	p := markup{b.path}
	p.raw("M").number(x).raw(" ").number(y).raw("h").number(w).raw("v").number(h).raw("h").number(-w).raw("z")
	b.path = p.buf
}

func (s *svg) boxes(class string, b *boxes) {
	if len(b.path) > 0 {
		s.raw(`<path class="`).raw(class).raw(`" d="`).raw(string(b.path)).raw(`"/>`)
	}
}
