package report

import (
	"slices"

	"mailforensics/analyze"
)

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
