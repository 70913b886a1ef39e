package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// webPage is what the template is given. Everything in it is text as the log has it.
type webPage struct {
	CSS     template.CSS
	JS      template.JS
	Policy  string
	Title   string
	Lead    string // below the title: how many incidents, over what
	Index   *grid  // the incidents, where there are several
	Stories []*webStory
	Rest    *grid // incidents that are not told in full
	Charts  []*chart

	NotFound []webDetector
	Covered  []string
	Shapes   *grid
	Advice   []analyze.Advice

	Totals, Read      string
	Inputs            *grid
	Assumptions       []string
	Thresholds        []webThreshold
	Tables            []*grid
	Notes             []string
	Command, Version  string
	ReadableByProgram string
}

type webDetector struct{ Name, Title string }

type webThreshold struct{ Name, Value string }

func newWebPage(r *Report) *webPage {
	b := &webBuilder{r: r, files: r.fileNames(), short: shortNames(r.fileNames()), ids: make(map[string]string)}
	stories := tell(r)
	d := &webPage{Version: r.Version, Command: command(r, r.Command, "--format", "html"), ReadableByProgram: command(r, r.Command, "--format", "json"),
		Totals: totalsText(&r.Totals), Read: verdicts(r), Notes: r.Notes, Advice: r.Advice, Covered: coverageTexts(r)}
	d.Title, d.Lead = b.title(stories)
	told := min(len(stories), cmp.Or(r.Told, webStories))
	b.anchor(stories[:told])
	if len(stories) > 1 {
		d.Index = b.index(stories[:told])
	}
	for _, s := range stories[:told] {
		d.Stories = append(d.Stories, b.story(s))
	}
	if told < len(stories) {
		d.Rest = b.index(stories[told:min(len(stories), told+500)])
		if more := len(stories) - told - 500; more > 0 {
			d.Rest.More = "and " + Commas(more) + " more, in --format json"
		}
	}
	d.Charts = b.charts(stories)
	names := notFound(r)
	for _, det := range r.Detectors {
		if slices.Contains(names, det.Name) {
			d.NotFound = append(d.NotFound, webDetector{det.Name, det.Title})
		}
	}
	b.method(d)
	return d
}

// webBuilder makes the page's parts.
type webBuilder struct {
	r            *Report
	files, short []string
	ids          map[string]string // anchors of the findings that are shown
}

func (b *webBuilder) anchor(stories []*story) {
	for _, s := range stories {
		all := s.findings()
		for _, f := range all[:min(len(all), roomOf(s).findings)] {
			b.ids[f.ID] = "f" + strconv.Itoa(len(b.ids)+1)
		}
	}
}

func (b *webBuilder) title(stories []*story) (title, lead string) {
	if len(stories) == 0 {
		return "Nothing found", inVain(b.r)
	}
	over := "in " + overWhat(b.r)
	return stories[0].sentence, Counted(len(stories), "incident", "incidents") + " (" + gravity(stories) + "), " +
		Counted(len(b.r.Findings), "finding", "findings") + ", " + over + "; " + zoneText(b.r) + "."
}

func (b *webBuilder) index(stories []*story) *grid {
	g := &grid{Caption: "Incidents, the most serious first", Heads: heads("#", "severity", "what", "who", "from", "lasted", "#messages", "#rejected", "#findings")}
	for _, s := range stories {
		g.Rows = append(g.Rows, []gridCell{
			{Text: strconv.Itoa(s.number), Number: true}, plain(s.Severity.String()), plain(s.main.Detector),
			{Text: s.main.Subject.Value, Code: true, Link: b.told(s)}, tight(shown(Moment(s.main.Start), b.r.Zone)),
			tight(shown(lasted(s.main), b.r.Zone)), number(s.main.Counts.Messages), number(s.main.Counts.Rejected), number(1 + len(s.others)),
		})
	}
	return g
}

// told is the anchor of a story; "" where it has but a row.
func (b *webBuilder) told(s *story) string {
	if b.ids[s.main.ID] == "" {
		return ""
	}
	return "i" + strconv.Itoa(s.number)
}

func (b *webBuilder) covers(first, last mail.Instant) string {
	if first == 0 {
		return ""
	}
	const layout = "2006-01-02 15:04:05"
	return first.In(b.r.Zone).Format(layout) + " to " + last.In(b.r.Zone).Format(layout)
}

// charts are the pictures of the whole log.
func (b *webBuilder) charts(stories []*story) []*chart {
	var marks []mark
	for _, s := range stories[:min(len(stories), 6)] {
		if s.Severity >= analyze.Medium {
			marks = append(marks, mark{s.main.Start, s.main.End, strconv.Itoa(s.number)})
		}
	}
	start, end := b.r.Window()
	var all []*chart
	for _, c := range []*chart{
		mailChart(b.r, "all-mail", "All mail over time", start, end, marks), queueChart(b.r, "all-queue", marks), hourChart(b.r, "all-hours", marks),
	} {
		if c != nil {
			all = append(all, c)
		}
	}
	return all
}

// method is how the report came about.
func (b *webBuilder) method(d *webPage) {
	r := b.r
	g := &grid{Caption: "Inputs", Heads: heads("file", "SHA-256", "#bytes", "#lines", "#understood", "#foreign", "#unread", "#counted elsewhere", "written by", "hosts", "covers")}
	for i := range r.Ledger.Files {
		f := &r.Ledger.Files[i]
		g.Rows = append(g.Rows, []gridCell{codeCell(f.Path), codeCell(f.SHA256), number(int(f.Bytes)), number(int(f.Lines)), number(int(f.Parsed)), number(int(f.Foreign)),
			number(int(f.Unfamiliar + f.Damaged)), number(int(f.Duplicates)), plain(strings.Join(f.MTA, ", ")), plain(some(f.Hosts, 5, len(f.Hosts))),
			plain(b.covers(f.First, f.Last))})
	}
	d.Inputs = g.compact()
	d.Assumptions = append([]string{zoneText(r)}, yearTexts(r)...)
	if r.Site != nil {
		for _, text := range []struct{ label, text string }{
			{"roles: ", rolesText(r.Site)}, {"local domains: ", domainsText(r.Site.LocalDomains)}, {"domains passed on: ", domainsText(r.Site.RelayDomains)},
		} {
			if text.text != "" {
				d.Assumptions = append(d.Assumptions, text.label+text.text)
			}
		}
	}
	if len(r.Ledger.Shapes) > 0 {
		d.Shapes = &grid{Caption: "Lines that were not understood", Heads: heads("#lines", "like")}
		for _, s := range r.Ledger.Shapes[:min(len(r.Ledger.Shapes), 50)] {
			d.Shapes.Rows = append(d.Shapes.Rows, []gridCell{number(int(s.Count)), codeCell(s.Text)})
		}
		if more := len(r.Ledger.Shapes) - 50; more > 0 {
			d.Shapes.More = "and " + Commas(more) + " more shapes, in --format json"
		}
	}
	if r.Thresholds != nil {
		for _, key := range r.Thresholds.Keys() {
			d.Thresholds = append(d.Thresholds, webThreshold{key.Name, thresholdText(key.Value)})
		}
	}
	for _, t := range r.tablesFor(Person) {
		d.Tables = append(d.Tables, b.table(&t))
	}
}

func thresholdText(value any) string {
	switch x := value.(type) {
	case *int:
		return Commas(*x)
	case *float64:
		return strconv.FormatFloat(*x, 'f', -1, 64)
	case *time.Duration:
		return span(*x)
	}
	return fmt.Sprint(value)
}

// table is a table of the report.
func (b *webBuilder) table(t *Table) *grid {
	g := &grid{Caption: t.Title, More: t.Empty}
	if len(t.Rows) > 0 {
		g.More = ""
	}
	var at []int
	for i, c := range t.Columns {
		if _, known := kindOf(t.Rows, i); c.Title != "" && known {
			g.Heads, at = append(g.Heads, gridHead{c.Title, c.Number}), append(at, i)
		}
	}
	for _, row := range t.Rows {
		cells := make([]gridCell, len(at))
		for i, j := range at {
			cells[i] = gridCell{Text: shown(row[j], b.r.Zone), Number: t.Columns[j].Number, Code: row[j].kind == textValue}
		}
		g.Rows = append(g.Rows, cells)
	}
	return g
}
