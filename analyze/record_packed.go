package analyze

import (
	"net/netip"

	"mailforensics/mail"
)

// packed is a record in one piece of memory, for those that wait for the end of the log: of twenty thousand, each with a dozen
// texts, the garbage collector would have to follow every one, every time.
type packed struct {
	mail.Origin
	mail.Flags
	completed bool
	listed    bool
	local     bool // it has a submission
	port      uint16
	asn       uint32
	time      mail.Instant
	ip        netip.Addr
	text      string
}

// texts are those of a record and of its submission, in the order in which they are packed.
func (r *record) texts() []*string {
	all := append(make([]*string, 0, 13), &r.line, &r.client.Name, &r.client.HELO, &r.client.Country, &r.host, &r.account, &r.sender,
		&r.subject, &r.messageID, &r.queueID)
	if r.local != nil {
		all = append(all, &r.local.user, &r.local.script, &r.local.directory)
	}
	return all
}

// The marks of a packed recipient.
const (
	packedUnknown = 1 << iota
	packedBlocked
	packedLimited
)

// pack packs a record, all but whose it is.
func (r *record) pack() packed {
	text := make([]byte, 0, 1024)
	put := func(s string) {
		n := len(s)
		text = append(append(text, byte(n), byte(n>>8), byte(n>>16), byte(n>>24)), s...)
	}
	for _, s := range r.texts() {
		put(*s)
	}
	recipient := func(c *recalled) {
		put(c.address)
		put(c.reply)
		text = append(text, byte(c.disposition), bit(c.unknown, packedUnknown)|bit(c.blocked, packedBlocked)|bit(c.limited, packedLimited))
	}
	recipient(&r.first)
	for i := range r.more {
		recipient(&r.more[i])
	}
	return packed{
		Origin: r.Origin, Flags: r.Flags, completed: r.completed, listed: r.listed, local: r.local != nil,
		port: r.client.Port, asn: r.client.ASN, time: r.time, ip: r.client.IP, text: string(text),
	}
}

func bit(has bool, mark byte) byte {
	if has {
		return mark
	}
	return 0
}

// unpack fills r, which is new. Its texts are pieces of what was packed.
func (p *packed) unpack(r *record) {
	r.Origin, r.Flags, r.completed, r.listed, r.time = p.Origin, p.Flags, p.completed, p.listed, p.time
	r.client.IP, r.client.Port, r.client.ASN = p.ip, p.port, p.asn
	if p.local {
		r.local = new(submission)
	}
	rest := p.text
	cut := func() (s string) {
		n := int(rest[0]) | int(rest[1])<<8 | int(rest[2])<<16 | int(rest[3])<<24
		s, rest = rest[4:4+n], rest[4+n:]
		return s
	}
	for _, s := range r.texts() {
		*s = cut()
	}
	recipient := func() recalled {
		c := recalled{address: cut(), reply: cut()}
		marks := rest[1]
		c.disposition, c.unknown, c.blocked, c.limited = mail.Disposition(rest[0]), marks&packedUnknown != 0, marks&packedBlocked != 0, marks&packedLimited != 0
		rest = rest[2:]
		return c
	}
	for r.first = recipient(); rest != ""; {
		r.more = append(r.more, recipient())
	}
}
