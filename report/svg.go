package report

import (
	"html/template"
	"strconv"
)

// svg draws one picture as text. Colours come from classes, so that the page's style sheet decides for light, dark and
// paper; what is written is escaped here, once. Lengths are in units of the view box, svgWidth of them across.
type svg struct {
	buf []byte
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

func (s *svg) raw(markup string) *svg {
	s.buf = append(s.buf, markup...)
	return s
}

func (s *svg) text(words string) *svg {
	s.buf = append(s.buf, template.HTMLEscapeString(Visible(words))...)
	return s
}

// number writes x with one digit after the point at most: a tenth of a pixel is enough.
func (s *svg) number(x float64) *svg {
	at := len(s.buf)
	s.buf = strconv.AppendFloat(s.buf, x, 'f', 1, 64)
	if n := len(s.buf); n-at > 2 && s.buf[n-1] == '0' && s.buf[n-2] == '.' {
		s.buf = s.buf[:n-2]
	}
	return s
}

func (s *svg) attribute(name string, x float64) *svg {
	return s.raw(" ").raw(name).raw(`="`).number(x).raw(`"`)
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
	p := svg{b.path}
	p.raw("M").number(x).raw(" ").number(y).raw("h").number(w).raw("v").number(h).raw("h").number(-w).raw("z")
	b.path = p.buf
}

func (s *svg) boxes(class string, b *boxes) {
	if len(b.path) > 0 {
		s.raw(`<path class="`).raw(class).raw(`" d="`).raw(string(b.path)).raw(`"/>`)
	}
}
