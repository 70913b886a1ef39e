package main

import (
	"fmt"
	"html"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// The pictures of the documents are what the program prints: a terminal drawn from its coloured text, and charts cut out of its
// page. They are compared, or drawn anew with -update (make docs).

// screens are terminals: file, command, and how many lines of it.
var screens = []struct {
	file, command string
	lines         int
}{
	{"investigate.svg", "mailforensics investigate samples/compromised-account/*.gz", 38},
	{"bursts.svg", "mailforensics bursts samples/burst-secondary-mx/*.gz", 33},
}

// charts are pictures of the page: file, sample, and the name that the page gives to the picture.
var charts = []struct{ file, command, name string }{
	{"mail-over-time.svg", "mailforensics investigate --format html samples/compromised-account/*.gz", "i1-pulse"},
	{"clients-over-time.svg", "mailforensics investigate --format html samples/open-relay-exim/*.gz", "i1-lanes"},
}

func TestPictures(t *testing.T) {
	dir := filepath.Join(repository, "docs", "pictures")
	for _, s := range screens {
		text := shell(t, strings.Replace(s.command, " ", " --color always ", 1))
		compare(t, filepath.Join(dir, s.file), terminalPicture(s.command, strings.TrimLeft(text, "\n"), s.lines))
	}
	for _, c := range charts {
		compare(t, filepath.Join(dir, c.file), chart(t, shell(t, c.command), c.name))
	}
}

// Sizes of a terminal's cell, and of what is around the text.
const (
	cellWidth  = 7.8
	cellHeight = 17
	margin     = 14
	columnsOf  = 102
)

// terminalPicture draws the first lines of a coloured text as a terminal shows them. Words keep their columns in any font,
// because each stretch of text is placed by itself.
func terminalPicture(command, text string, lines int) string {
	rows := strings.Split(text, "\n")
	rows = append([]string{"$ " + command}, rows[:min(lines, len(rows))]...)
	height := len(rows)*cellHeight + 2*margin
	width := int(math.Ceil(columnsOf*cellWidth)) + 2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n", width, height, width, height,
		html.EscapeString("what "+command+" prints"))
	b.WriteString(screenStyle)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8"/>`+"\n", width, height)
	class := ""
	for i, row := range rows {
		y := margin + i*cellHeight + 13
		class = drawRow(&b, row, y, class)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

const screenStyle = `<style>
rect { fill: #16191d; }
text { fill: #e8eaed; font: 13px ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
.bold { font-weight: 700; fill: #ffffff; }
.dim { fill: #949ba6; }
.red { fill: #f28b82; font-weight: 700; }
.yellow { fill: #e8b04a; font-weight: 700; }
.cyan { fill: #7cc7d8; }
</style>
`

// sgr is a colour of a terminal, and its class here.
var sgr = map[string]string{"0": "", "1": "bold", "2": "dim", "36": "cyan", "1;31": "red", "31": "red", "1;33": "yellow", "33": "yellow"}

var escape = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// drawRow draws a line at height y, and returns the class that goes on in the next.
func drawRow(b *strings.Builder, row string, y int, class string) string {
	column := 0
	for row != "" {
		part, rest, next := row, "", class
		if m := escape.FindStringSubmatchIndex(row); m != nil {
			part, rest, next = row[:m[0]], row[m[1]:], sgr[row[m[2]:m[3]]]
		}
		for _, word := range stretches(part) {
			if strings.TrimSpace(word) != "" && column < columnsOf {
				word = cut(word, columnsOf-column)
				attribute := ""
				if class != "" {
					attribute = ` class="` + class + `"`
				}
				fmt.Fprintf(b, `<text x="%.1f" y="%d"%s>%s</text>`+"\n", margin+float64(column)*cellWidth, y, attribute, html.EscapeString(strings.TrimRight(word, " ")))
			}
			column += utf8.RuneCountInString(word)
		}
		row, class = rest, next
	}
	return class
}

// cut is a text that is too long for the line, as far as it fits.
func cut(s string, columns int) string {
	if r := []rune(s); len(r) > columns {
		return string(r[:columns-1]) + "…"
	}
	return s
}

var blanks = regexp.MustCompile(`  +`)

// stretches splits a text where columns begin: after two blanks or more.
func stretches(s string) []string {
	var parts []string
	at := 0
	for _, m := range blanks.FindAllStringIndex(s, -1) {
		parts = append(parts, s[at:m[0]], s[m[0]:m[1]])
		at = m[1]
	}
	return append(parts, s[at:])
}

// chart cuts a picture out of a page, with the styles that it needs to stand alone.
func chart(t *testing.T, page, name string) string {
	t.Helper()
	at := strings.Index(page, `aria-labelledby="`+name+`-t`)
	if at < 0 {
		t.Fatalf("the page has no picture %s", name)
	}
	begin := strings.LastIndex(page[:at], "<svg ")
	end := begin + strings.Index(page[begin:], "</svg>")
	css := between(t, page, "<style>", "</style>")
	style := css[strings.Index(css, ":root"):strings.Index(css, "@media print")] + css[strings.Index(css, "svg text"):strings.Index(css, "@media (max-width")]
	head, body, _ := strings.Cut(page[begin:end], ">")
	return strings.Replace(head, "<svg ", `<svg xmlns="http://www.w3.org/2000/svg" width="720" `, 1) + ">\n<style>\n" + style + "</style>\n" +
		`<rect width="100%" height="100%" style="fill: var(--ground)"/>` + "\n" + strings.ReplaceAll(body, "><", ">\n<") + "</svg>\n"
}

func between(t *testing.T, s, before, after string) string {
	t.Helper()
	_, rest, found := strings.Cut(s, before)
	part, _, closed := strings.Cut(rest, after)
	if !found || !closed {
		t.Fatalf("no %s … %s", before, after)
	}
	return part
}
