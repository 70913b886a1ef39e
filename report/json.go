package report

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"

	"mailforensics/analyze"
	"mailforensics/ingest"
)

// JSON writes the report as one object, indented. It is the contract with scripts: members may be added, never renamed.
func JSON(w io.Writer, r *Report) error {
	o := object{zone: r.Zone}
	o.open("")
	o.str("schema", "mailforensics."+r.Schema+"/1")
	o.open("tool")
	o.strIf("version", r.Version)
	o.strIf("command", r.Command)
	o.close()
	o.inputs(r.Ledger)
	o.window(r)
	o.totals(r)
	if r.Schema == findingsSchema {
		o.findings(r)
		o.incidents(r)
	}
	o.tables(r.tablesFor(Program))
	o.site(r.Site)
	o.coverage(r)
	o.strsIf("notes", r.Notes)
	o.close()
	var out bytes.Buffer
	if err := json.Indent(&out, o.buf, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}

const investigateCommand = "investigate"

const findingsSchema = "findings"

// NDJSON writes a finding, or a row of a table, per line.
func NDJSON(w io.Writer, r *Report) error {
	o := object{zone: r.Zone}
	files := r.fileNames()
	for i := range r.Findings {
		o.finding(&r.Findings[i], files, "mailforensics.finding/1")
		o.buf = append(o.buf, '\n')
	}
	for _, t := range r.tablesFor(Program) {
		for _, row := range t.Rows {
			o.row(t.Columns, row, "mailforensics."+t.Name+"/1")
			o.buf = append(o.buf, '\n')
		}
	}
	_, err := w.Write(o.buf)
	return err
}

func (o *object) inputs(l *ingest.Ledger) {
	o.openList("inputs")
	for i := range l.Files {
		o.input(&l.Files[i])
	}
	o.closeList()
}

func (o *object) input(f *ingest.FileLedger) {
	o.open("")
	o.str("path", f.Path)
	o.strIf("sha256", f.SHA256)
	o.num("bytes", f.Bytes)
	o.num("lines", f.Lines)
	o.num("events", f.Parsed)
	o.num("unparsed", f.Unfamiliar+f.Damaged)
	o.num("foreign", f.Foreign)
	o.num("blank", f.Blank)
	o.numIf("damaged", f.Damaged)
	o.numIf("duplicates", f.Duplicates)
	o.strs("mta", f.MTA)
	o.strs("hosts", f.Hosts)
	o.timeIf("first", f.First)
	o.timeIf("last", f.Last)
	o.strIf("year_rule", f.YearRule)
	o.strIf("zone_rule", f.ZoneRule)
	o.strs("warnings", f.Warnings)
	if f.Damage != nil {
		o.str("damage", f.Damage.Error())
	}
	if f.Err != nil {
		o.str("error", f.Err.Error())
	}
	o.close()
}

func (o *object) window(r *Report) {
	start, end := r.Window()
	o.open("window")
	o.timeIf("start", start)
	o.timeIf("end", end)
	o.close()
}

func (o *object) totals(r *Report) {
	o.open("totals")
	for _, t := range totalsOf(&r.Totals) {
		o.num(t.name, int64(t.n))
	}
	o.close()
}

// named is a number and its name in JSON.
type named struct {
	name string
	n    int
}

func totalsOf(t *analyze.Totals) []named {
	return []named{
		{"messages", t.Messages}, {"recipients", t.Recipients}, {"delivered", t.Delivered}, {"bounced", t.Bounced},
		{"deferred", t.Deferred}, {"rejected", t.Rejected}, {"discarded", t.Discarded}, {"held", t.Held},
		{"expired", t.Expired}, {"forwarded", t.Forwarded}, {"filtered", t.Filtered}, {"undecided", t.Undecided}, {"notices", t.Notices},
		{"rejected_queries", t.RejectedQueries},
	}
}

// tables writes every table as a list of rows; tables of one name share a list.
func (o *object) tables(ts []Table) {
	for i := range ts {
		if slices.ContainsFunc(ts[:i], func(before Table) bool { return before.Name == ts[i].Name }) {
			continue
		}
		o.openList(ts[i].Name)
		for j := range ts[i:] {
			t := &ts[i+j]
			if t.Name != ts[i].Name {
				continue
			}
			for _, row := range t.Rows {
				o.row(t.Columns, row, "")
			}
		}
		o.closeList()
	}
}

func (o *object) row(columns []Column, row []Value, schema string) {
	o.open("")
	o.strIf("schema", schema)
	for i, v := range row {
		o.value(columns[i].Name, v)
	}
	o.close()
}

func (o *object) value(name string, v Value) {
	switch v.kind {
	case textValue:
		o.str(name, v.text)
	case intValue:
		o.num(name, v.whole)
	case momentValue:
		o.timeIf(name, instant(v))
	case durationValue:
		o.float(name, duration(v).Seconds())
	case seriesValue:
		o.openList(name)
		for _, n := range v.series {
			o.num("", int64(n))
		}
		o.closeList()
	}
}

// site writes what was learned of the machines that wrote the logs, and how.
func (o *object) site(s *analyze.Site) {
	if s == nil {
		return
	}
	o.open("site")
	o.domains("local_domains", s.LocalDomains)
	o.domains("relay_domains", s.RelayDomains)
	o.openList("roles")
	for _, h := range sortedKeys(s.Roles) {
		o.known("host", h, s.Roles[h].Role.String(), s.Roles[h].Known)
	}
	o.closeList()
	o.close()
}

func (o *object) domains(name string, domains map[string]analyze.Known) {
	o.openList(name)
	for _, d := range sortedKeys(domains) {
		o.known("domain", d, "", domains[d])
	}
	o.closeList()
}

func (o *object) known(name, value, role string, k analyze.Known) {
	o.open("")
	o.str(name, value)
	o.strIf("role", role)
	o.bool("given", k.Given)
	o.strIf("why", k.Why)
	o.close()
}

// coverage writes what the report does not speak about: gaps, lines that were not understood, guesses.
func (o *object) coverage(r *Report) {
	o.open("coverage")
	o.str("zone", r.Zone.String())
	o.strIf("zone_why", r.Ledger.ZoneWhy)
	o.openList("gaps")
	for _, g := range r.Gaps {
		o.open("")
		o.strIf("host", g.Host)
		o.timeIf("start", g.From)
		o.timeIf("end", g.To)
		o.close()
	}
	o.closeList()
	o.openList("unfamiliar")
	for _, s := range r.Ledger.Shapes {
		o.open("")
		o.str("shape", s.Text)
		o.num("lines", s.Count)
		o.close()
	}
	o.closeList()
	o.strs("warnings", r.Ledger.Warnings)
	o.close()
}
