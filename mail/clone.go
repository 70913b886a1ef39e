package mail

import "slices"

// Clone is a copy that may be kept: a Message that a callback gets is reused after it.
func (m *Message) Clone() *Message {
	c := *m
	c.Hosts = slices.Clone(m.Hosts)
	c.QueueIDs = slices.Clone(m.QueueIDs)
	c.Recipients = slices.Clone(m.Recipients)
	c.ACL = slices.Clone(m.ACL)
	c.Headers = slices.Clone(m.Headers)
	c.Lines = slices.Clone(m.Lines)
	return &c
}
