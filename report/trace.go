package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"mailforensics/mail"
)

// Trace is the story of some messages: each with its lines, the notices that it caused, and what else the log says of what
// was asked for.
type Trace struct {
	Asked    string // what was asked for, as it was written
	Messages []Traced
	Left     int // further messages that matched
	Attempts []mail.LogLine
	LeftOut  int // further attempts
	Refused  int // attempts that were refused
	Queries  int // refused VRFY, EXPN, ETRN
	Warnings int // refusals that only warn
	Doubtful int // refusals in lines that contradict themselves, and count nowhere
	Logins   int
	Failed   int // failed logins
}

// Traced is a message and the notices (bounces, delay warnings) that the mail server wrote because of it.
type Traced struct {
	*mail.Message
	Notices []*mail.Message
}

// Story writes a trace for a person.
func Story(w io.Writer, r *Report, t *Trace, style Style) error {
	p := &page{r: r, style: style, files: r.fileNames(), columns: style.Width}
	if p.columns == 0 {
		p.columns = 100
	}
	for i := range t.Messages {
		if i > 0 {
			p.line("")
		}
		p.traced(t.Messages[i].Message, "")
		for _, n := range t.Messages[i].Notices {
			p.traced(n, "notice  ")
		}
	}
	if t.Left > 0 {
		p.line(p.paint(dim, "and "+Commas(t.Left)+" more messages: --top shows more, --format ndjson all"))
	}
	p.attempts(t)
	if len(t.Messages) == 0 && len(t.Attempts) == 0 {
		p.line("Nothing in these logs is of " + Visible(t.Asked) + ".")
	}
	p.foot()
	_, err := w.Write(p.out.Bytes())
	return err
}

// traced writes one message.
func (p *page) traced(m *mail.Message, label string) {
	p.line(p.paint(bold, label+m.Time.In(p.r.Zone).Format("2006-01-02 15:04:05")+"  "+Visible(strings.Join(m.QueueIDs, " → "))) + traits(m))
	p.known("from", m.Sender)
	p.known("client", strings.Join(clientWords(&m.Client), "  "))
	p.known("login", strings.TrimSpace(m.Account+" "+m.AuthMethod))
	p.known("by", localOrigin(m))
	p.known("subject", m.Subject)
	p.known("id", m.MessageID)
	for i := range m.Recipients {
		p.recipient(i, m, &m.Recipients[i])
	}
	for i, text := range m.ACL {
		p.field(firstLabel(i, "rules"), Visible(text))
	}
	p.lines("lines", m.Lines)
}

// traits are what kind of message it is, behind its queue IDs.
func traits(m *mail.Message) string {
	words := []string{m.Direction.String()}
	if m.Notice {
		words[0] = "because of " + m.Parent
	}
	if hosts := strings.Join(m.Hosts, " → "); hosts != "" { // Exim's own log names none
		words = append(words, hosts)
	}
	if m.Size > 0 {
		words = append(words, Bytes(m.Size))
	}
	switch {
	case m.Completed && m.Queued > 0:
		words = append(words, "in the queue for "+span(m.Queued))
	case !m.Completed:
		words = append(words, "its end is not in the log")
	}
	return "  " + Visible(strings.Join(words, ", "))
}

// localOrigin is the local user, script and directory that made it.
func localOrigin(m *mail.Message) string {
	var words []string
	if m.Has(mail.HasUID) {
		words = append(words, "uid "+strconv.Itoa(m.UID))
	}
	if m.User != "" {
		words = append(words, "user "+m.User)
	}
	if m.Directory != "" {
		words = append(words, "in "+m.Directory)
	}
	if m.Script != "" {
		words = append(words, m.Script)
	}
	return strings.Join(words, ", ")
}

func (p *page) known(label, text string) {
	if text != "" {
		p.field(label, Visible(text))
	}
}

// recipient says what became of one recipient.
func (p *page) recipient(i int, m *mail.Message, r *mail.Recipient) {
	text := r.Envelope()
	if r.Original != "" && r.Original != r.Address {
		text += " → " + r.Address
	}
	fate := r.Disposition.String()
	switch {
	case r.Disposition != mail.NoDisposition:
	case m.Completed: // refused after DATA (PRDR), or in lines that are not here
		fate = "the log does not say what became of it"
	default:
		fate = "not tried yet"
	}
	if r.Time != 0 {
		fate += " " + r.Time.In(p.r.Zone).Format("15:04:05")
	}
	if r.Relay != "" && r.Relay != "none" {
		fate += " by " + r.Relay
	}
	if r.Attempts > 1 {
		fate += fmt.Sprintf(" after %d attempts", r.Attempts)
	}
	if r.Reply != "" {
		fate += ": " + r.Reply
	}
	p.field(firstLabel(i, "to"), Visible(text)+"  "+Visible(fate))
}

// lines writes log lines with their places, whole.
func (p *page) lines(label string, lines []mail.LogLine) {
	for i := range lines {
		l := &lines[i]
		place := ""
		if int(l.File) < len(p.files) {
			place = Visible(p.files[l.File]) + ":" + strconv.FormatInt(l.Line, 10) + ": "
		}
		p.raw(firstLabel(i, label), p.paint(dim, place)+Visible(l.Text))
	}
}

// attempts are the refusals and logins of what was asked for.
func (p *page) attempts(t *Trace) {
	if len(t.Attempts) == 0 {
		return
	}
	var words []string
	for _, n := range []struct {
		n         int
		one, many string
	}{{t.Refused, "refused attempt", "refused attempts"}, {t.Queries, "refused query", "refused queries"},
		{t.Warnings, "refusal that only warns", "refusals that only warn"}, {t.Doubtful, "refusal in a doubtful line", "refusals in doubtful lines"},
		{t.Logins, "login", "logins"}, {t.Failed, "failed login", "failed logins"}} {
		if n.n > 0 {
			words = append(words, Counted(n.n, n.one, n.many))
		}
	}
	p.line("")
	p.line(p.paint(bold, "Besides: "+strings.Join(words, ", ")))
	p.lines("lines", t.Attempts)
	if t.LeftOut > 0 {
		p.line(p.paint(dim, "and "+Commas(t.LeftOut)+" more: --top shows more"))
	}
}

// TraceJSON writes the messages of a trace as NDJSON, "mailforensics.message/1", with their log lines.
func TraceJSON(w io.Writer, zone *time.Location, files []string, t *Trace) error {
	var buf []byte
	for i := range t.Messages {
		for _, m := range append([]*mail.Message{t.Messages[i].Message}, t.Messages[i].Notices...) {
			buf = append(AppendMessage(buf[:0], m, zone, files), '\n')
			if _, err := w.Write(buf); err != nil {
				return err
			}
		}
	}
	return nil
}
