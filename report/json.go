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

// incidents are the stories of investigate, what to do about each, what was not found, and what was not logged.
func (o *object) incidents(r *Report) {
	if r.Command != investigateCommand {
		return
	}
	files := r.fileNames()
	o.openList("incidents")
	for i := range r.Incidents {
		inc := &r.Incidents[i]
		o.open("")
		o.str("id", inc.ID)
		o.str("severity", inc.Severity.String())
		o.float("score", inc.Score)
		o.str("title", inc.Title)
		o.timeIf("start", inc.Start)
		o.timeIf("end", inc.End)
		o.num("messages", int64(inc.Messages))
		o.num("clients", int64(inc.Clients))
		o.strs("accounts", inc.Accounts)
		o.queued("queue_ids", "queue_hosts", queuedOf(r.findingsOf(inc)))
		o.queued("notice_queue_ids", "notice_queue_hosts", noticesOf(r.findingsOf(inc)))
		o.strs("findings", inc.Findings)
		o.steps(inc.Steps, files)
		o.openList("actions")
		for _, a := range Actions(r, inc) {
			o.open("")
			o.str("text", a.Why)
			o.strIf("command", a.Command)
			o.str("finding", a.Finding)
			o.close()
		}
		o.closeList()
		o.close()
	}
	o.closeList()
	o.course(r)
	o.strs("not_found", notFound(r))
	o.openList("logging_advice")
	for _, a := range r.Advice {
		o.open("")
		o.str("missing", a.Why)
		o.str("setting", a.Setting)
		o.close()
	}
	o.closeList()
}

// course is all mail over time, in the steps of the pictures.
func (o *object) course(r *Report) {
	start, end := r.Window()
	spans, width := buckets(r, start, end)
	if len(spans) == 0 {
		return
	}
	o.open("course")
	o.num("step_seconds", int64(width.Seconds()))
	o.openList("steps")
	for i := range spans {
		s := &spans[i]
		o.open("")
		o.timeIf("time", s.Start)
		for _, n := range []named{
			{"messages", s.Messages}, {"delivered", s.Delivered}, {"bounced", s.Bounced}, {"deferred", s.Deferred}, {"other", s.Other}, {"rejected", s.Rejected},
			{"notices", s.Notices}, {"refused_elsewhere", s.Refused}, {"queued", s.Queued}, {"queued_notices", s.QueuedNotices},
		} {
			o.num(n.name, int64(n.n))
		}
		o.close()
	}
	o.closeList()
	o.close()
}

func (o *object) steps(steps []analyze.Step, files []string) {
	o.openList("timeline")
	for i := range steps {
		s := &steps[i]
		o.open("")
		o.timeIf("time", s.Time)
		o.str("text", s.Text)
		o.str("finding", s.Finding)
		if s.Evidence != nil {
			o.origin(s.Evidence.Origin, files)
		}
		o.close()
	}
	o.closeList()
}

// notFound is what was looked for in vain.
func notFound(r *Report) []string {
	names := []string{}
	for _, d := range r.Detectors {
		if !slices.ContainsFunc(r.Findings, func(f analyze.Finding) bool { return f.Detector == d.Name }) {
			names = append(names, d.Name)
		}
	}
	return names
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

func (o *object) findings(r *Report) {
	files := r.fileNames()
	o.openList("findings")
	for i := range r.Findings {
		o.finding(&r.Findings[i], files, "")
	}
	o.closeList()
}

func (o *object) finding(f *analyze.Finding, files []string, schema string) {
	o.open("")
	o.strIf("schema", schema)
	o.str("id", f.ID)
	o.str("detector", f.Detector)
	o.str("severity", f.Severity.String())
	o.float("score", f.Score)
	o.open("subject")
	o.str("kind", string(f.Subject.Kind))
	o.str("value", f.Subject.Value)
	o.close()
	o.str("title", f.Title)
	o.timeIf("start", f.Start)
	o.timeIf("end", f.End)
	o.counts(&f.Counts)
	o.rate(f.Rate)
	o.clients(f.Clients)
	o.strs("accounts", f.Accounts)
	o.strsIf("opened", f.Opened)
	o.strs("senders", values(f.Senders))
	o.valueCounts("recipient_domains", f.RecipientDomains)
	o.strs("subjects", values(f.Subjects))
	o.strs("hosts", f.Hosts)
	if len(f.Scripts) > 0 {
		o.valueCounts("scripts", f.Scripts)
	}
	o.mangled(f.Mangled)
	o.strIf("signature", f.Signature.In(o.zone))
	o.facts(f.Facts)
	o.reasons(f.Reasons)
	o.evidence(f.Evidence, files)
	o.timeline(f.Timeline)
	one := []*analyze.Finding{f}
	o.queued("queue_ids", "queue_hosts", queuedOf(one))
	o.numIf("queued", int64(f.Queued))
	o.queued("notice_queue_ids", "notice_queue_hosts", noticesOf(one))
	o.numIf("queued_notices", int64(f.Notices))
	o.strs("related", f.Related)
	o.close()
}

// queued writes queue IDs and, where they are on several hosts, that of each.
func (o *object) queued(ids, hosts string, all []queued) {
	o.strsIf(ids, queueIDs(all))
	o.strsIf(hosts, queueHosts(all))
}

// counts writes the numbers that every finding has, unless its detector does not count them, and those beyond them that are not zero.
func (o *object) counts(c *analyze.Counts) {
	o.open("counts")
	for _, n := range countsOf(c) {
		if n.known {
			o.num(n.name, int64(n.n))
		}
	}
	for _, n := range []named{
		{"expired", c.Expired}, {"held", c.Held}, {"discarded", c.Discarded}, {"logins", c.Logins}, {"failed_logins", c.FailedLogins},
	} {
		o.numIf(n.name, int64(n.n))
	}
	o.close()
}

// count is a number of a finding and its name in JSON and CSV.
type count struct {
	name  string
	n     int
	known bool // its detector counts it
}

// countsOf are the numbers that every finding has. Some detectors do not keep the senders: what was sent or tried has one, if
// only the null sender, so that 0 of them means not counted.
func countsOf(c *analyze.Counts) []count {
	nothing := c.Messages+c.Rejected == 0
	return []count{
		{"messages", c.Messages, true}, {"recipients", c.Recipients, true}, {"delivered", c.Delivered, true}, {"bounced", c.Bounced, true},
		{"deferred", c.Deferred, true}, {"rejected", c.Rejected, true}, {"senders", c.Senders, nothing || c.Senders > 0},
		{"sender_domains", c.SenderDomains, nothing || c.SenderDomains > 0}, {"recipient_domains", c.RecipientDomains, true}, {"clients", c.Clients, true},
	}
}

func (o *object) rate(r *analyze.Rate) {
	if r == nil {
		return
	}
	o.open("rate")
	o.float("per_minute", r.PerMinute)
	o.numIf("peak_per_minute", int64(r.PeakPerMinute))
	o.timeIf("peak_at", r.PeakAt)
	if r.WholeMinutes {
		o.bool("whole_minutes", true)
	}
	o.close()
}

func (o *object) clients(cs []analyze.ClientCount) {
	o.openList("clients")
	for i := range cs {
		o.open("")
		o.clientFields(&cs[i].Client)
		o.num("messages", int64(cs[i].Messages))
		o.numIf("rejected", int64(cs[i].Rejected))
		o.numIf("logins", int64(cs[i].Logins))
		o.numIf("failed_logins", int64(cs[i].FailedLogins))
		o.timeIf("first", cs[i].First)
		o.timeIf("last", cs[i].Last)
		o.close()
	}
	o.closeList()
}

func values(cs []analyze.Count) []string {
	vs := make([]string, len(cs))
	for i := range cs {
		vs[i] = cs[i].Value
	}
	return vs
}

func (o *object) valueCounts(name string, cs []analyze.Count) {
	o.openList(name)
	for _, c := range cs {
		o.open("")
		o.str("value", c.Value)
		o.num("messages", int64(c.Messages))
		o.close()
	}
	o.closeList()
}

func (o *object) mangled(ms []analyze.Mangled) {
	o.openList("mangled")
	for i := range ms {
		m := &ms[i]
		o.open("")
		o.str("recipient", m.Recipient)
		o.strIf("original", m.Original)
		o.str("kind", m.Kind)
		o.numIf("messages", int64(m.Messages))
		o.close()
	}
	o.closeList()
}

func (o *object) facts(fs []analyze.Fact) {
	if len(fs) == 0 {
		return
	}
	o.openList("facts")
	for _, f := range fs {
		o.open("")
		o.str("name", f.Name)
		o.str("text", f.Text)
		o.close()
	}
	o.closeList()
}

func (o *object) reasons(rs []analyze.Reason) {
	o.openList("reasons")
	for _, r := range rs {
		o.open("")
		o.str("code", r.Code)
		o.str("text", r.Text)
		o.float("weight", r.Weight)
		o.close()
	}
	o.closeList()
}

func (o *object) evidence(es []analyze.Evidence, files []string) {
	o.openList("evidence")
	for i := range es {
		e := &es[i]
		o.open("")
		o.origin(e.Origin, files)
		o.timeIf("time", e.Time)
		o.str("text", e.Text)
		o.strIf("role", e.Role)
		o.close()
	}
	o.closeList()
}

func (o *object) timeline(bs []analyze.Bucket) {
	o.openList("timeline")
	for _, b := range bs {
		o.open("")
		o.timeIf("time", b.Time)
		o.num("messages", int64(b.Messages))
		o.num("rejected", int64(b.Rejected))
		o.close()
	}
	o.closeList()
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
