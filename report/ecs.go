package report

import (
	"bufio"
	"cmp"
	"io"
	"strconv"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// ecsVersion is the version of the Elastic Common Schema whose field names are used. ECS has no word for the SMTP envelope
// beyond sender and recipients (its email.* is about headers), so what it lacks stands under smtp.*, as its rules for own
// fields want it.
const ecsVersion = "8.17.0"

// MessagesECS writes messages as NDJSON with the names of ECS.
func MessagesECS(w io.Writer, zone *time.Location) Messages {
	out := bufio.NewWriterSize(w, 1<<16)
	o := object{zone: zone}
	return Messages{
		Write: func(m *mail.Message) error {
			o.reset()
			o.ecsMessage(m)
			_, err := out.Write(append(o.buf, '\n'))
			return err
		},
		Flush: out.Flush,
		Close: out.Flush,
	}
}

func (o *object) ecsHead(t mail.Instant, kind, action string) {
	o.open("")
	o.timeIf("@timestamp", t)
	o.str("ecs.version", ecsVersion)
	o.str("event.kind", kind)
	o.strs("event.category", []string{"email"})
	o.str("event.dataset", "mailforensics."+action)
	o.str("event.action", action)
}

func (o *object) ecsMessage(m *mail.Message) {
	o.ecsHead(m.Time, "event", "message")
	o.strIf("event.outcome", ecsOutcome(m))
	if m.Queued > 0 {
		o.num("event.duration", int64(m.Queued))
	}
	o.strIf("host.name", m.Host)
	o.strIf("service.type", m.MTA.String())
	o.ecsClient(&m.Client)
	o.strIf("user.name", cmp.Or(m.Account, m.User))
	if m.Has(mail.HasUID) {
		o.str("user.id", strconv.Itoa(m.UID))
	}
	o.strIf("process.working_directory", m.Directory)
	o.strIf("smtp.script", m.Script)
	o.strIf("email.message_id", m.MessageID)
	if len(m.QueueIDs) > 0 {
		o.str("email.local_id", m.QueueIDs[0])
	}
	o.strs("smtp.queue_ids", m.QueueIDs)
	if m.Sender != "" {
		o.strs("email.sender.address", []string{m.Sender})
	}
	var to, fates, relays, replies []string
	for i := range m.Recipients {
		r := &m.Recipients[i]
		to = append(to, r.Envelope())
		fates = append(fates, r.Disposition.String())
		relays = append(relays, r.Relay)
		replies = append(replies, r.Reply)
	}
	o.strs("email.to.address", to)
	o.strs("smtp.dispositions", fates)
	o.strs("smtp.relays", relays)
	o.strs("smtp.replies", replies)
	o.strIf("email.subject", m.Subject)
	o.str("email.direction", m.Direction.String())
	o.strIf("smtp.helo", m.Client.HELO)
	o.strIf("smtp.protocol", m.Protocol)
	o.strIf("smtp.auth_method", m.AuthMethod)
	o.strIf("tls.version", m.TLS)
	o.numIf("smtp.size", m.Size)
	o.close()
}

func (o *object) ecsClient(c *mail.Client) {
	o.ipIf("source.ip", c.IP)
	if c.Name != "unknown" {
		o.strIf("source.domain", c.Name)
	}
	o.numIf("source.port", int64(c.Port))
	o.numIf("source.as.number", int64(c.ASN))
	o.strIf("source.geo.country_iso_code", c.Country)
}

// ecsOutcome is success when every recipient was served, failure when none was, unknown between.
func ecsOutcome(m *mail.Message) string {
	good := 0
	for i := range m.Recipients {
		if m.Recipients[i].Disposition == mail.Delivered {
			good++
		}
	}
	switch {
	case len(m.Recipients) == 0:
		return ""
	case good == len(m.Recipients):
		return "success"
	case good == 0:
		return "failure"
	}
	return "unknown"
}

// FindingsECS writes the findings as NDJSON with the names of ECS: event.kind is alert.
func FindingsECS(w io.Writer, r *Report) error {
	o := object{zone: r.Zone}
	for i := range r.Findings {
		o.ecsFinding(&r.Findings[i])
		o.buf = append(o.buf, '\n')
	}
	_, err := w.Write(o.buf)
	return err
}

// ecsSeverity is a number for event.severity, of which ECS says that the source chooses its meaning; Elastic's own rules
// use these.
var ecsSeverity = map[analyze.Severity]int64{analyze.Low: 21, analyze.Medium: 47, analyze.High: 73}

func (o *object) ecsFinding(f *analyze.Finding) {
	o.ecsHead(f.Start, "alert", f.Detector)
	o.timeIf("event.start", f.Start)
	o.timeIf("event.end", f.End)
	o.str("event.id", f.ID)
	o.num("event.severity", ecsSeverity[f.Severity])
	o.float("event.risk_score", 100*f.Score)
	o.str("rule.name", f.Detector)
	o.str("message", f.Title)
	var ips, names, reasons []string
	for i := range f.Clients {
		ips = append(ips, f.Clients[i].IP.String())
		if n := f.Clients[i].Name; n != "" && n != "unknown" {
			names = append(names, n)
		}
	}
	for _, reason := range f.Reasons {
		reasons = append(reasons, reason.Text)
	}
	if len(f.Clients) == 1 {
		o.ecsClient(&f.Clients[0].Client)
	}
	o.strs("related.ip", ips)
	o.strs("related.user", f.Accounts)
	o.strs("related.hosts", append(append([]string{}, f.Hosts...), names...))
	o.strs("smtp.reasons", reasons)
	o.num("smtp.messages", int64(f.Counts.Messages))
	o.num("smtp.recipients", int64(f.Counts.Recipients))
	o.num("smtp.rejected", int64(f.Counts.Rejected))
	o.close()
}
