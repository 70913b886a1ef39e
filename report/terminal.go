package report

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"mailforensics/analyze"
)

// Style is how Terminal may draw.
type Style struct {
	Width int  // columns of the terminal; 0: not a terminal, nothing is cut
	Color bool // with ANSI colours
}

// fullBlocks is how many findings get a block of their own when the user asked for no number, and overviewRows how many a row
// at the top.
const (
	fullBlocks   = 10
	overviewRows = 40
)

// Terminal writes the report for a person: the findings first, one block each, then the tables, then what the log as a whole
// held and what could not be read. All text of a log goes through Visible.
func Terminal(w io.Writer, r *Report, style Style) error {
	p := &page{r: r, style: style, files: r.fileNames(), columns: style.Width}
	if p.columns == 0 {
		p.columns = 100
	}
	if r.Command == investigateCommand {
		p.investigation()
	} else if r.Schema == findingsSchema {
		p.findings()
	}
	for _, t := range r.tablesFor(Person) {
		p.table(&t)
	}
	p.foot()
	_, err := w.Write(p.out.Bytes())
	return err
}

// page is a text under way.
type page struct {
	out     bytes.Buffer
	r       *Report
	style   Style
	files   []string
	columns int // in which text is wrapped
}

const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	yellow = "1;33"
	cyan   = "36"
)

func (p *page) paint(color, s string) string {
	if !p.style.Color || s == "" {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func (p *page) line(s string) {
	p.out.WriteString(s)
	p.out.WriteByte('\n')
}

func (p *page) findings() {
	r := p.r
	p.headline()
	if len(r.Findings) > 1 {
		p.overview()
	}
	blocks := len(r.Findings)
	if r.Left == 0 && blocks > fullBlocks+2 {
		blocks = fullBlocks
	}
	for i := range r.Findings[:blocks] {
		p.block(&r.Findings[i])
	}
	if rest := len(r.Findings) - blocks; rest > 0 {
		p.line("")
		p.wrap("", "", Counted(rest, "more finding has", "more findings have")+" only a row above: --top "+strconv.Itoa(len(r.Findings))+
			" shows them in full, and so does --format json.")
	}
	if r.Left > 0 {
		p.line("")
		p.line(Counted(r.Left, "more finding", "more findings") + " left out by --top.")
	}
}

// overview is a row for each finding: the answer on the first screen.
func (p *page) overview() {
	t := Table{Columns: []Column{
		{Name: "severity", Title: "severity"}, {Name: "detector", Title: "what", Spare: 1}, {Name: "subject", Title: "who"}, {Name: "start", Title: "from", Spare: 2},
		{Name: "lasted", Title: "lasted", Number: true, Spare: 5}, {Name: "messages", Title: "messages", Number: true},
		{Name: "rejected", Title: "rejected", Number: true, Spare: 4}, {Name: "score", Title: "sure", Number: true, Spare: 3},
	}}
	for i := range p.r.Findings {
		f := &p.r.Findings[i]
		t.Rows = append(t.Rows, []Value{
			Text(strings.ToUpper(f.Severity.String())), Text(f.Detector), Text(f.Subject.Value), Moment(f.Start), lasted(f),
			Int(f.Counts.Messages), Int(f.Counts.Rejected), Text(percent(f.Score)),
		})
		if i == overviewRows-1 && len(p.r.Findings) > overviewRows+2 {
			t.Left = len(p.r.Findings) - overviewRows
			break
		}
	}
	p.line("")
	p.grid(&t)
	if t.Left > 0 {
		p.line("and " + Commas(t.Left) + " more")
	}
}

// lasted is the time from the first to the last of a finding; not known, where that is not known.
func lasted(f *analyze.Finding) Value {
	if f.Start == 0 {
		return Value{}
	}
	return Span(f.End.Sub(f.Start))
}

func (p *page) headline() {
	r := p.r
	if len(r.Findings) == 0 {
		p.line(p.paint(bold, "Nothing found."))
		p.covered()
		for _, d := range r.Detectors {
			p.wrap("  ", "    ", "looked for: "+d.Title)
		}
		return
	}
	p.line(p.paint(bold, countOf(r)) + ": " + severities(r.Findings))
}

func onHosts(hosts []string) string {
	if len(hosts) == 0 {
		return ""
	}
	return ", on " + Visible(some(hosts, 4, len(hosts)))
}

const labelWidth = 13

// field writes a label and a text that is wrapped under itself.
func (p *page) field(label, text string) {
	pad := max(labelWidth-width(label), 1)
	p.wrap("  "+p.paint(dim, label)+strings.Repeat(" ", pad), strings.Repeat(" ", labelWidth+2), text)
}

// item writes a further text under the last field.
func (p *page) item(text string) { p.field("", text) }

// raw writes a label and a text that is never wrapped, so that it can be copied.
func (p *page) raw(label, text string) {
	p.line("  " + p.paint(dim, label) + strings.Repeat(" ", max(labelWidth-width(label), 1)) + text)
}

func (p *page) table(t *Table) {
	if p.out.Len() > 0 {
		p.line("")
	}
	if t.Title != "" {
		p.line(p.paint(bold, t.Title))
	}
	if len(t.Rows) == 0 {
		p.line("  " + t.Empty)
		return
	}
	p.grid(t)
	if t.Left > 0 {
		p.line(p.paint(dim, "and "+Commas(t.Left)+" more: --top shows more"))
	}
}

// grid draws the rows of a table, and says which columns the terminal has no room for.
func (p *page) grid(t *Table) {
	text, left := drawTable(t, p.style.Width, p.r.Zone)
	p.out.WriteString(text)
	if len(left) > 0 {
		p.wrap("", "", p.paint(dim, "too narrow for: "+strings.Join(left, ", ")))
	}
}

// wrap writes text with a first prefix and further lines under an indent, broken at blanks, which are left out there. A word that
// is longer than the line stands on a line of its own.
func (p *page) wrap(first, indent, text string) {
	p.out.WriteString(first)
	room := max(p.columns-width(indent), 20)
	used, blanks := 0, 0
	for word := range strings.SplitSeq(text, " ") {
		w := width(word)
		if word == "" {
			blanks++
			continue
		}
		if used > 0 && used+blanks+w > room {
			p.out.WriteByte('\n')
			p.out.WriteString(indent)
			used, blanks = 0, 0
		}
		p.out.WriteString(strings.Repeat(" ", blanks))
		p.out.WriteString(word)
		used, blanks = used+blanks+w, 1
	}
	p.out.WriteByte('\n')
}
