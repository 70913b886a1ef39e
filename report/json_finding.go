package report

import (
	"mailforensics/analyze"
)

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
