package analyze

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// visitor is a client at a host.
type visitor struct {
	client netip.Addr
	host   string
}

// visits is what a visitor did there. There is one for every client of every host, because which host is a secondary is known
// only at the end: it is kept small, and most are of hosts with mailboxes.
type visits struct {
	messages, rejected int
	refused            minutes // what was refused
	*passage                   // nil where all mail ended
}

// through is the passage of a visitor, made where there was none.
func (v *visits) through() *passage {
	if v.passage == nil {
		v.passage = new(passage)
	}
	return v.passage
}

// join takes over what other visits counted.
func (v *visits) join(x *visits) {
	v.messages += x.messages
	v.rejected += x.rejected
	v.refused.merge(&x.refused)
	if x.passage != nil {
		v.through().merge(x.passage)
	}
}

// passage is what a visitor handed in that did not end there.
type passage struct {
	counts      Counts // recipients alone
	own         int    // messages of a mail server for its own organisation
	peer        mail.Client
	senders     variety
	companies   sketch // of the senders
	subjects    sketch
	titled      int     // messages with a subject
	domains     variety // of recipients
	took        minutes
	waited      int // messages that had to wait for the next host
	first, last Evidence
}

const (
	visitNames   = 8 // a visitor is seldom kept for long, but there are many
	visitMinutes = 64
)

// prove keeps the first and the last line. They are lines of messages, which own their text.
func (v *passage) prove(e Evidence) {
	if e.Text == "" {
		return
	}
	if v.first.Text == "" || before(e, v.first) {
		v.first = e
	}
	if v.last.Text == "" || before(v.last, e) {
		v.last = e
	}
}

func (v *passage) meet(c mail.Client) {
	k := ClientCount{Client: v.peer}
	k.complete(c)
	v.peer = k.Client
	v.peer.IP = c.IP.Unmap()
}

func (v *passage) merge(x *passage) {
	v.counts.add(&x.counts)
	v.own += x.own
	v.meet(x.peer)
	v.senders.merge(&x.senders)
	v.companies.merge(x.companies)
	v.subjects.merge(x.subjects)
	v.domains.merge(&x.domains)
	v.took.merge(&x.took)
	v.waited += x.waited
	v.titled += x.titled
	v.prove(x.first)
	v.prove(x.last)
}

// minutes are the first visitMinutes in which something came.
type minutes struct {
	buckets []Bucket
	busy    bool // there were more
}

// add counts in its minute what came; of too many minutes the first are kept.
func (m *minutes) add(b Bucket) {
	b.Time = mail.Instant(b.Time.Minute() * int64(time.Minute))
	at, found := slices.BinarySearchFunc(m.buckets, b, func(a, b Bucket) int { return cmp.Compare(a.Time, b.Time) })
	if found {
		m.buckets[at].Messages += b.Messages
		m.buckets[at].Rejected += b.Rejected
		return
	}
	if at < visitMinutes {
		m.buckets = slices.Insert(m.buckets, at, b)
	}
	if at == visitMinutes || len(m.buckets) > visitMinutes {
		m.buckets, m.busy = m.buckets[:visitMinutes], true
	}
}

func (m *minutes) merge(o *minutes) {
	for _, b := range o.buckets {
		m.add(b)
	}
	m.busy = m.busy || o.busy
}

func compareVisitors(a, b visitor) int {
	return cmp.Or(a.client.Compare(b.client), strings.Compare(a.host, b.host))
}
