package report

import (
	"bufio"
	"io"
	"time"

	"mailforensics/mail"
)

// Messages writes one record per message, in the order in which it is given them. Flush passes on what is written; Close
// must be called.
type Messages struct {
	Write func(m *mail.Message) error
	Flush func() error
	Close func() error
}

// MessagesJSON writes the messages as NDJSON, "mailforensics.message/1".
func MessagesJSON(w io.Writer, zone *time.Location) Messages {
	out := bufio.NewWriterSize(w, 1<<16)
	o := object{zone: zone}
	return Messages{
		Write: func(m *mail.Message) error {
			o.reset()
			o.message(m, nil)
			_, err := out.Write(append(o.buf, '\n'))
			return err
		},
		Flush: out.Flush,
		Close: out.Flush,
	}
}

// AppendMessage appends m as one line of JSON, without its line end. Where files are given, the log lines that m holds
// are written with it.
func AppendMessage(dst []byte, m *mail.Message, zone *time.Location, files []string) []byte {
	o := object{zone: zone}
	o.message(m, files)
	return append(dst, o.buf...)
}

func (o *object) message(m *mail.Message, files []string) {
	o.open("")
	o.str("schema", "mailforensics.message/1")
	o.timeIf("time", m.Time)
	if m.MTA != mail.UnknownMTA {
		o.str("mta", m.MTA.String())
	}
	o.strIf("host", m.Host)
	if len(m.Hosts) > 1 {
		o.strs("hosts", m.Hosts)
	}
	o.strIf("service", m.Service)
	o.strs("queue_ids", m.QueueIDs)
	o.strIf("message_id", m.MessageID)
	o.client(&m.Client)
	o.strIf("protocol", m.Protocol)
	o.strIf("tls", m.TLS)
	o.strIf("account", m.Account)
	o.strIf("auth_method", m.AuthMethod)
	if m.Has(mail.HasUID) {
		o.num("uid", int64(m.UID))
	}
	o.strIf("user", m.User)
	o.strIf("script", m.Script)
	o.strIf("directory", m.Directory)
	o.strIf("sender", m.Sender)
	o.strIf("subject", m.Subject)
	o.numIf("size", m.Size)
	o.str("direction", m.Direction.String())
	o.openList("recipients")
	for i := range m.Recipients {
		o.recipient(&m.Recipients[i])
	}
	o.closeList()
	if m.Completed { // 0 is known then: most are gone within the second that stamps have
		o.seconds("queued_seconds", m.Queued)
	}
	o.bool("completed", m.Completed)
	if m.Notice {
		o.bool("notice", true)
	}
	o.strIf("parent", m.Parent)
	if files != nil {
		o.lines(m.Lines, files)
	}
	o.close()
}

// client writes what is known of the client, and nothing at all where nothing is.
func (o *object) client(c *mail.Client) {
	if !c.IP.IsValid() && c.Name == "" && c.HELO == "" {
		return
	}
	o.open("client")
	o.clientFields(c)
	o.close()
}

func (o *object) clientFields(c *mail.Client) {
	o.ipIf("ip", c.IP)
	if c.Name != "unknown" { // Postfix's word for an address without a name
		o.strIf("name", c.Name)
	}
	o.strIf("helo", c.HELO)
	o.numIf("port", int64(c.Port))
	o.numIf("asn", int64(c.ASN))
	o.strIf("country", c.Country)
}

func (o *object) recipient(r *mail.Recipient) {
	o.open("")
	o.strIf("address", r.Address)
	if r.Original != r.Address {
		o.strIf("original", r.Original)
	}
	o.strIf("disposition", r.Disposition.String())
	o.timeIf("time", r.Time)
	if r.Relay != "none" {
		o.strIf("relay", r.Relay)
	}
	o.ipIf("relay_ip", r.RelayIP)
	o.strIf("dsn", r.DSN)
	o.numIf("code", int64(r.Code))
	o.strIf("reply", r.Reply)
	o.numIf("attempts", int64(r.Attempts))
	if r.HasDelay {
		o.seconds("delay_seconds", r.Delay)
	}
	o.close()
}

func (o *object) lines(lines []mail.LogLine, files []string) {
	o.openList("lines")
	for i := range lines {
		l := &lines[i]
		o.open("")
		o.origin(l.Origin, files)
		o.timeIf("time", l.Time)
		o.str("text", l.Text)
		o.close()
	}
	o.closeList()
}

func (o *object) origin(at mail.Origin, files []string) {
	if int(at.File) < len(files) {
		o.strIf("file", files[at.File])
	}
	o.numIf("line", at.Line)
}
