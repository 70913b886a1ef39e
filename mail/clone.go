package mail

import (
	"slices"
	"strings"
)

// Clone returns a copy that may be kept: a Message that a callback gets is reused afterwards.
func (m *Message) Clone() *Message {
	c := *m
	c.Hosts = slices.Clone(m.Hosts)
	c.QueueIDs = slices.Clone(m.QueueIDs)
	c.HopHosts = slices.Clone(m.HopHosts)
	c.Recipients = slices.Clone(m.Recipients)
	c.ACL = slices.Clone(m.ACL)
	c.Headers = slices.Clone(m.Headers)
	c.Lines = slices.Clone(m.Lines)
	return &c
}

// Clone returns a copy with strings of its own: those of an event that is handed out are slices of the log's text.
func (ev *Event) Clone() Event {
	c := *ev
	texts := c.texts()
	n := 0
	for _, s := range texts {
		n += len(*s)
	}
	var b strings.Builder
	b.Grow(n)
	for _, s := range texts {
		b.WriteString(*s)
	}
	all := b.String()
	for _, s := range texts {
		*s, all = all[:len(*s)], all[len(*s):]
	}
	return c
}

// texts returns all strings of the event.
func (ev *Event) texts() [35]*string {
	return [...]*string{
		&ev.Host, &ev.Process, &ev.Instance, &ev.Service, &ev.Daemon, &ev.QueueID, &ev.Child, &ev.Parent,
		&ev.Client.Name, &ev.Client.HELO, &ev.Client.Country, &ev.Protocol, &ev.TLS, &ev.Interface, &ev.Account, &ev.AuthMethod,
		&ev.Sender, &ev.Recipient, &ev.Original, &ev.Recipients, &ev.MessageID, &ev.Subject, &ev.HeaderName, &ev.HeaderValue,
		&ev.User, &ev.Directory, &ev.Script, &ev.Relay, &ev.Transport, &ev.Router, &ev.Stage, &ev.DSN, &ev.Reply, &ev.Text, &ev.Raw,
	}
}
