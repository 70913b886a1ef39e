package report

import (
	"bufio"
	"io"
	"time"

	"mailforensics/mail"
)

// Events writes one record per log event, in the order in which it is given them. Flush passes on what is written, and must
// be called at the end.
type Events struct {
	Write func(ev *mail.Event) error
	Flush func() error
}

// EventsJSON writes the events as NDJSON, "mailforensics.event/1". files are the names of the inputs.
func EventsJSON(w io.Writer, zone *time.Location, files []string) Events {
	out := bufio.NewWriterSize(w, 1<<16)
	o := object{zone: zone}
	return Events{
		Write: func(ev *mail.Event) error {
			o.reset()
			o.event(ev, files)
			_, err := out.Write(append(o.buf, '\n'))
			return err
		},
		Flush: out.Flush,
	}
}

func (o *object) event(ev *mail.Event, files []string) {
	o.open("")
	o.str("schema", "mailforensics.event/1")
	o.timeIf("time", ev.Time)
	if ev.MTA != mail.UnknownMTA {
		o.str("mta", ev.MTA.String())
	}
	o.strIf("host", ev.Host)
	o.strIf("process", ev.Process)
	o.numIf("pid", int64(ev.PID))
	o.eventKind(ev.Kind)
	o.strIf("queue_id", ev.QueueID)
	o.eventLinks(ev)
	o.eventPeer(ev)
	o.eventEnvelope(ev)
	o.eventOutcome(ev)
	o.eventFlags(ev.Flags)
	o.strIf("text", ev.Text)
	o.origin(ev.Origin, files)
	o.close()
}

// eventKind writes the kind. The list of kinds that scripts may rely on is shorter than ours; what it lacks is told by
// the detail.
func (o *object) eventKind(k mail.Kind) {
	switch k {
	case mail.TLS, mail.Attempt, mail.Release:
		o.str("kind", mail.Other.String())
		o.str("detail", k.String())
	case mail.Requeue:
		o.str("kind", mail.Remove.String())
		o.str("detail", k.String())
	default:
		o.str("kind", k.String())
	}
}

func (o *object) eventLinks(ev *mail.Event) {
	o.strIf("child", ev.Child)
	o.strIf("parent", ev.Parent)
	o.strIf("message_id", ev.MessageID)
}

func (o *object) eventPeer(ev *mail.Event) {
	o.client(&ev.Client)
	o.strIf("protocol", ev.Protocol)
	o.strIf("tls", ev.TLS)
	o.strIf("interface", ev.Interface)
	o.strIf("account", ev.Account)
	o.strIf("auth_method", ev.AuthMethod)
	if ev.Has(mail.HasUID) {
		o.num("uid", int64(ev.UID))
	}
	o.strIf("user", ev.User)
	o.strIf("directory", ev.Directory)
	o.strIf("script", ev.Script)
}

func (o *object) eventEnvelope(ev *mail.Event) {
	o.strIf("sender", ev.Sender)
	o.strIf("recipient", ev.Recipient)
	if ev.Original != ev.Recipient {
		o.strIf("original", ev.Original)
	}
	o.strIf("recipients", ev.Recipients)
	o.strIf("subject", ev.Subject)
	o.strIf("header_name", ev.HeaderName)
	o.strIf("header_value", ev.HeaderValue)
	o.numIf("size", ev.Size)
	o.numIf("nrcpt", int64(ev.NRcpt))
}

func (o *object) eventOutcome(ev *mail.Event) {
	o.strIf("disposition", ev.Disposition.String())
	o.strIf("relay", ev.Relay)
	o.ipIf("relay_ip", ev.RelayIP)
	o.numIf("relay_port", int64(ev.RelayPort))
	o.strIf("transport", ev.Transport)
	o.strIf("router", ev.Router)
	o.strIf("stage", ev.Stage)
	o.numIf("code", int64(ev.Code))
	o.strIf("dsn", ev.DSN)
	o.strIf("reply", ev.Reply)
	if ev.Has(mail.HasDelay) {
		o.seconds("delay_seconds", ev.Delay)
	}
}

func (o *object) eventFlags(f mail.Flags) {
	for _, one := range eventFlags {
		if f.Has(one.flag) {
			o.bool(one.name, true)
		}
	}
}

var eventFlags = [...]struct {
	flag mail.Flags
	name string
}{
	{mail.Temporary, "temporary"}, {mail.WarnOnly, "warn_only"}, {mail.FakeReject, "fake_reject"}, {mail.LocalTarget, "local_target"},
	{mail.Verified, "verified"}, {mail.Cutthrough, "cutthrough"}, {mail.Doubtful, "doubtful"}, {mail.Incomplete, "incomplete"},
	{mail.RejectLog, "reject_log"}, {mail.Unclear, "unclear"},
}
