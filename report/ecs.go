package report

import (
	"bufio"
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// ecsVersion is the version of the Elastic Common Schema whose field names are used. ECS has no word for the SMTP envelope
// beyond sender and recipients (its email.* is about headers), so what it lacks stands under smtp.*, as its rules for own
// fields want it. Lists in smtp.* that are about recipients are as long as email.to.address.
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
	if m.Completed {
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
	o.strIf("email.sender.address", m.Sender)
	var to, fates, relays, replies []string
	for i := range m.Recipients {
		r := &m.Recipients[i]
		to = append(to, r.Envelope())
		fates = append(fates, r.Disposition.String())
		relays = append(relays, r.Relay)
		replies = append(replies, r.Reply)
	}
	o.strsIf("email.to.address", to)
	o.strsIf("smtp.dispositions", fates)
	o.strsIf("smtp.relays", relays)
	o.strsIf("smtp.replies", replies)
	o.strIf("email.subject", m.Subject)
	o.str("email.direction", m.Direction.String())
	o.strIf("smtp.helo", m.Client.HELO)
	o.strIf("smtp.protocol", m.Protocol)
	o.strIf("smtp.auth_method", m.AuthMethod)
	o.ecsTLS(m.TLS)
	o.numIf("smtp.size", m.Size)
	if m.Notice {
		o.bool("smtp.notice", true)
	}
	o.strIf("smtp.parent", m.Parent)
	o.close()
}

// ecsTLS parts what the mail servers log: Postfix "TLSv1.3", Exim "TLS1.3:ECDHE_X25519__RSA_SHA256__AES_256_GCM:256".
func (o *object) ecsTLS(text string) {
	version, cipher, _ := strings.Cut(text, ":")
	at := strings.IndexAny(version, "0123456789")
	if at < 0 {
		return
	}
	protocol := strings.ToLower(strings.TrimSuffix(version[:at], "v"))
	if version = version[at:]; !strings.Contains(version, ".") {
		version += ".0" // OpenSSL's name of 1.0 is TLSv1
	}
	o.str("tls.version", version)
	o.strIf("tls.version_protocol", protocol)
	o.strIf("tls.cipher", cipher)
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

// ecsOutcome is success when every recipient was served, failure when all were given up, unknown between: ECS wants that
// where an event holds several outcomes, or none yet.
func ecsOutcome(m *mail.Message) string {
	good, bad := 0, 0
	for i := range m.Recipients {
		switch m.Recipients[i].Disposition {
		case mail.Delivered, mail.Forwarded:
			good++
		case mail.Bounced, mail.Expired, mail.Discarded:
			bad++
		}
	}
	switch all := len(m.Recipients); {
	case all == 0:
		return ""
	case good == all:
		return "success"
	case bad == all:
		return "failure"
	}
	return "unknown"
}

// FindingsECS writes the findings as NDJSON with the names of ECS: event.kind is alert.
func FindingsECS(w io.Writer, r *Report) error {
	o := object{zone: r.Zone}
	begin, _ := r.Window()
	for i := range r.Findings {
		o.ecsFinding(&r.Findings[i], begin)
		o.buf = append(o.buf, '\n')
	}
	_, err := w.Write(o.buf)
	return err
}

// ecsSeverity is a number for event.severity, of which ECS says that the source chooses its meaning; Elastic's own rules
// use these.
var ecsSeverity = map[analyze.Severity]int64{analyze.Low: 21, analyze.Medium: 47, analyze.High: 73}

// ecsFinding writes a finding. begin stands in for a start that is not known: no event may be without a time.
func (o *object) ecsFinding(f *analyze.Finding, begin mail.Instant) {
	o.ecsHead(cmp.Or(f.Start, begin), "alert", f.Detector)
	o.timeIf("event.start", f.Start)
	o.timeIf("event.end", f.End)
	o.str("event.id", f.ID)
	o.num("event.severity", ecsSeverity[f.Severity])
	o.float("event.risk_score", 100*f.Score)
	o.str("rule.name", f.Detector)
	o.str("message", f.Title)
	var ips, reasons []string
	hosts := slices.Clone(f.Hosts)
	known := make(map[string]bool)
	for i := range f.Clients {
		if ip := f.Clients[i].IP.Unmap().WithZone(""); ip.IsValid() { // the type ip knows no zones
			ips = append(ips, ip.String())
		}
		if n := f.Clients[i].Name; n != "" && n != "unknown" && !known[n] {
			hosts = append(hosts, n)
			known[n] = true
		}
	}
	for _, reason := range f.Reasons {
		reasons = append(reasons, reason.Text)
	}
	if len(f.Clients) == 1 {
		o.ecsClient(&f.Clients[0].Client)
	}
	o.strsIf("related.ip", ips)
	o.strsIf("related.user", f.Accounts)
	o.strsIf("related.hosts", hosts)
	o.strsIf("smtp.reasons", reasons)
	o.num("smtp.messages", int64(f.Counts.Messages))
	o.num("smtp.recipients", int64(f.Counts.Recipients))
	o.num("smtp.rejected", int64(f.Counts.Rejected))
	o.close()
}
