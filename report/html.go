package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"io"
	"strings"
	"unicode/utf8"
)

//go:embed html/page.html html/page.css html/page.js
var pageFiles embed.FS

// HTML writes the report as one file that needs nothing else: no network, no font, no script but its own, which is small and
// without which everything can be read. It opens from a file, on a phone and on paper.
//
// The text of a log is written by html/template, which escapes it for the place where it stands, and by svg.text. What would
// act without being markup (controls, bidirectional overrides) is made visible in the finished page, so that nothing can be
// forgotten. The page forbids itself everything but its own style and script (Content-Security-Policy, by their hashes).
func HTML(w io.Writer, r *Report) error {
	css, err := pageFiles.ReadFile("html/page.css")
	if err != nil {
		return err
	}
	js, err := pageFiles.ReadFile("html/page.js")
	if err != nil {
		return err
	}
	t, err := template.New("page.html").ParseFS(pageFiles, "html/page.html")
	if err != nil {
		return err
	}
	d := newWebPage(r)
	d.CSS, d.JS = template.CSS(css), template.JS(js)
	d.Policy = "default-src 'none'; style-src 'sha256-" + hashOf(css) + "'; script-src 'sha256-" + hashOf(js) + "'; base-uri 'none'; form-action 'none'"
	var out bytes.Buffer
	if err := t.Execute(&out, d); err != nil {
		return err
	}
	_, err = w.Write(harmlessPage(out.Bytes()))
	return err
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// harmlessPage makes visible what is not harmless in a page, line ends aside.
func harmlessPage(page []byte) []byte {
	clean := true
	for i := 0; i < len(page); {
		c, size := rune(page[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRune(page[i:])
		}
		if c != '\n' && (!harmless(c) || c == utf8.RuneError && size == 1) {
			clean = false
			break
		}
		i += size
	}
	if clean {
		return page
	}
	dst := make([]byte, 0, len(page)+len(page)/16)
	for line := range strings.Lines(string(page)) {
		text, ended := strings.CutSuffix(line, "\n")
		dst = appendVisible(dst, text)
		if ended {
			dst = append(dst, '\n')
		}
	}
	return dst
}

const (
	webStories  = 25   // told; the others are rows
	webAtLength = 5    // with pictures and long tables
	webLineMost = 1500 // bytes of a log line
)

// compact leaves out the columns in which nothing stands but nothing and 0.
func (g *grid) compact() *grid {
	keep := make([]bool, len(g.Heads))
	for _, row := range g.Rows {
		for i := range row {
			keep[i] = keep[i] || row[i].Text != "" && row[i].Text != "0"
		}
	}
	out := &grid{Caption: g.Caption, More: g.More}
	for i, h := range g.Heads {
		if keep[i] {
			out.Heads = append(out.Heads, h)
		}
	}
	for _, row := range g.Rows {
		var cells []gridCell
		for i := range row {
			if keep[i] {
				cells = append(cells, row[i])
			}
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}
