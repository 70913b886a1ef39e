package mail

import (
	"strconv"
	"time"
)

// flagNames are in the order of the flags. HasDelay has none: the delay itself is shown.
var flagNames = [...]string{
	"temporary", "warn-only", "fake-reject", "local-target", "no-sender", "has-uid", "verified", "more-delivery", "cutthrough",
	"doubtful", "incomplete", "reject-log", "unclear",
}

// String returns the names of the flags that are set, separated by commas.
func (f Flags) String() string {
	var b []byte
	for i, name := range flagNames {
		if f&(1<<i) == 0 {
			continue
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = append(b, name...)
	}
	return string(b)
}

// AppendText appends the one-line form of the event: its kind, then name=value for every field that is set, in a fixed order,
// separated by blanks. A value with blanks, quotes, backslashes or unprintable characters is quoted as a Go string, so that the form
// is one line and safe to show. Origin and Raw are left out: they are about the line, not about what it says. The error is always
// nil.
func (ev *Event) AppendText(b []byte) ([]byte, error) {
	l := line(append(b, ev.Kind.String()...))
	l.moment("time", ev.Time)
	if ev.MTA != UnknownMTA {
		l.text("mta", ev.MTA.String())
	}
	l.text("host", ev.Host)
	l.text("process", ev.Process)
	l.text("instance", ev.Instance)
	l.text("service", ev.Service)
	l.text("daemon", ev.Daemon)
	l.number("pid", int64(ev.PID))
	l.text("queue", ev.QueueID)
	l.text("child", ev.Child)
	l.text("parent", ev.Parent)
	l.text("flags", ev.Flags.String())
	l.client(&ev.Client)
	l.text("protocol", ev.Protocol)
	l.text("tls", ev.TLS)
	l.text("interface", ev.Interface)
	l.text("account", ev.Account)
	l.text("method", ev.AuthMethod)
	l.envelope(ev)
	l.local(ev)
	l.outcome(ev)
	l.text("text", ev.Text)
	return l, nil
}

// line is the one-line form of an event while it is being written.
type line []byte

func (l *line) name(name string) { *l = append(append(append(*l, ' '), name...), '=') }

func (l *line) text(name, value string) {
	if value == "" {
		return
	}
	l.name(name)
	if plain(value) {
		*l = append(*l, value...)
	} else {
		*l = strconv.AppendQuote(*l, value)
	}
}

func (l *line) number(name string, value int64) {
	if value != 0 {
		l.name(name)
		*l = strconv.AppendInt(*l, value, 10)
	}
}

func (l *line) moment(name string, t Instant) {
	if t != 0 {
		l.name(name)
		*l = t.In(time.UTC).AppendFormat(*l, time.RFC3339Nano)
	}
}

func (l *line) client(c *Client) {
	if c.IP.IsValid() {
		l.name("client")
		*l = c.IP.AppendTo(*l)
	}
	l.text("name", c.Name)
	l.number("port", int64(c.Port))
	l.text("helo", c.HELO)
	l.number("asn", int64(c.ASN))
	l.text("country", c.Country)
}

func (l *line) envelope(ev *Event) {
	l.text("sender", ev.Sender)
	l.text("recipient", ev.Recipient)
	l.text("original", ev.Original)
	l.text("recipients", ev.Recipients)
	l.text("message-id", ev.MessageID)
	l.text("subject", ev.Subject)
	l.text("header", ev.HeaderName)
	l.text("value", ev.HeaderValue)
	l.number("size", ev.Size)
	l.number("nrcpt", int64(ev.NRcpt))
}

func (l *line) local(ev *Event) {
	if ev.Has(HasUID) {
		l.name("uid")
		*l = strconv.AppendInt(*l, int64(ev.UID), 10)
	}
	l.text("user", ev.User)
	l.text("directory", ev.Directory)
	l.text("script", ev.Script)
}

func (l *line) outcome(ev *Event) {
	l.text("disposition", ev.Disposition.String())
	l.text("relay", ev.Relay)
	if ev.RelayIP.IsValid() {
		l.name("relay-ip")
		*l = ev.RelayIP.AppendTo(*l)
	}
	l.number("relay-port", int64(ev.RelayPort))
	l.text("transport", ev.Transport)
	l.text("router", ev.Router)
	l.text("stage", ev.Stage)
	l.number("code", int64(ev.Code))
	l.text("dsn", ev.DSN)
	l.text("reply", ev.Reply)
	if ev.Has(HasDelay) {
		l.text("delay", ev.Delay.String())
	}
}

// plain reports whether a value needs no quotes.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}
