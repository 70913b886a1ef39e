package analyze

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

var secondaryMX = Detector{
	Name:    "secondary-mx",
	Command: "secondary",
	Title:   "clients that speak only to the secondary MX",
	Doc: `RFC 5321 (section 5.1) tells a client to try the MX with the lowest preference
value first. Spam programs do the opposite: the secondary often has weaker
filters and no list of recipients, and the primary trusts it. A client that
comes several times, only to the secondary, while the primary was up and
answering others, did not come there by accident.

This detector needs the logs of both hosts. It takes the roles from --mx, or
recognises a host that passes nearly all it accepts from strangers to another
one whose log is given. It compares each client with the others: if a
twentieth of all mail comes through the secondary, the chance of five messages
in a row there is one in three million.

Honest mail that looks similar: a client that met a greylisting or overloaded
primary and went on to the secondary (it speaks to the primary, too); a few
old programs that pick any MX at random; a time when the primary was down
(visits count only if within five minutes of them the primary's log shows that
it was up, or it answered for mail that the secondary passed on). One sender
and one subject suggest an honest, if odd, client; many senders do not.

An IPv6 host may take a new address for every connection: those of one /64 are
one client here.

What it cannot see: a client that connected to the primary and hung up without
a word counts as one that never came there.`,
	New: func(p *Pass) Watch { return newSecondaryWatch(p) },
}

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

// minutes are the first visitMinutes in which something came.
type minutes struct {
	buckets []Bucket
	busy    bool // there were more
}

// passage is what a visitor handed in that did not end there.
type passage struct {
	recipients, delivered, bounced, deferred int
	own                                      int // messages of a mail server for its own organisation
	peer                                     mail.Client
	senders                                  sketch
	companies                                sketch // of the senders
	subjects                                 sketch
	domains                                  []Count // of recipients, at most visitDomains, the least by name
	took                                     minutes
	waited                                   int // messages that had to wait for the next host
	first, last                              Evidence
}

// through is the passage of a visitor, made where there was none.
func (v *visits) through() *passage {
	if v.passage == nil {
		v.passage = new(passage)
	}
	return v.passage
}

const (
	visitDomains = 8
	visitMinutes = 64
)

// sketch counts distinct values by the least of their hashes (bottom-k): exactly up to sketchSize, an estimate beyond.
type sketch []uint64

const sketchSize = 64

func (s *sketch) add(value string) {
	if value == "" {
		return
	}
	h := fnv.New64a()
	h.Write([]byte(value))
	s.insert(spread(h.Sum64()))
}

func (s *sketch) insert(h uint64) {
	at, found := slices.BinarySearch(*s, h)
	if found || at == sketchSize {
		return
	}
	*s = slices.Insert(*s, at, h)
	*s = (*s)[:min(len(*s), sketchSize)]
}

// distinct is how many values there were (Bar-Yossef et al., "Counting distinct elements in a data stream", 2002).
func (s sketch) distinct() int {
	if len(s) < sketchSize {
		return len(s)
	}
	return int((sketchSize - 1) / (float64(s[sketchSize-1]) / (1 << 64)))
}

type secondaryWatch struct {
	pass     *Pass
	visitors *Entities[visitor, visits]
	alive    map[string]minuteSet // in which a host took or refused something
	handed   map[string]minuteSet // in which the next host answered for what strangers had handed in to a host just before
	host     string               // of the latest line, and its set: lines come in runs of one host
	lived    minuteSet
}

func newSecondaryWatch(p *Pass) *secondaryWatch {
	own := func(v visitor) visitor { return visitor{v.client, strings.Clone(v.host)} }
	return &secondaryWatch{
		pass:     p,
		visitors: NewEntities(p.Thresholds.Secondary.MaxVisitors, func(v *visits) int { return v.messages + v.rejected }, own),
		alive:    make(map[string]minuteSet),
		handed:   make(map[string]minuteSet),
	}
}

func (w *secondaryWatch) lives(host string, t mail.Instant) {
	if host != w.host || w.lived == nil {
		if w.alive[host] == nil {
			w.alive[strings.Clone(host)] = make(minuteSet)
		}
		w.host, w.lived = strings.Clone(host), w.alive[host]
	}
	w.lived.add(t)
}

// minuteSet is a set of minutes, a bit each: 64 of them to a word.
type minuteSet map[int64]uint64

func (s minuteSet) add(t mail.Instant) {
	word, bit := t.Minute()>>6, uint64(1)<<(t.Minute()&63)
	if s[word]&bit == 0 {
		s[word] |= bit
	}
}

// any reports whether there is a minute from a to b.
func (s minuteSet) any(from, to mail.Instant) bool {
	for m := from.Minute(); m <= to.Minute(); m++ {
		if s[m>>6]&(1<<(m&63)) != 0 {
			return true
		}
	}
	return false
}

func (w *secondaryWatch) Message(m *mail.Message) {
	if m.Notice || m.Has(mail.Doubtful) || m.Host == "" { // a log that names no host can be of one host alone
		return
	}
	w.lives(m.Host, m.Time)
	if !m.Client.IP.IsValid() || m.Account != "" || m.Has(mail.HasUID) {
		return
	}
	visits := w.visitors.At(visitor{m.Client.IP.Unmap(), m.Host})
	visits.messages++
	if len(m.Hosts) == 1 && endsHere(m) {
		return // no secondary delivers to mailboxes: more than the number is never asked for
	}
	v := visits.through()
	if !w.handOn(m) && w.waits(m) {
		v.waited++
	}
	v.took.add(Bucket{Time: m.Time, Messages: 1})
	v.prove(MessageEvidence(m))
	v.meet(m.Client)
	v.senders.add(mail.Fold(m.Sender))
	v.companies.add(organisation(mail.Domain(m.Sender)))
	v.subjects.add(m.Subject)
	if c := &m.Client; c.Name != "" && c.Name != "unknown" && ownName(c.Name, m.Sender) && !genericName(c.Name, c.IP) && !rentedName(c.Name) {
		v.own++
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		v.recipients++
		v.domain(mail.Domain(r.Envelope()), 1)
		switch r.Disposition {
		case mail.Delivered:
			v.delivered++
		case mail.Bounced:
			v.bounced++
		case mail.Deferred:
			v.deferred++
		}
	}
}

// handOn notes that the host behind this one lived when m came, and reports whether it did: it took a recipient of m, or refused one, soon
// after. At night what comes through the secondary may be all that a primary's log has.
func (w *secondaryWatch) handOn(m *mail.Message) bool {
	within := mail.Instant(w.pass.Thresholds.Secondary.UpWithin)
	for i := range m.Recipients {
		r := &m.Recipients[i]
		answered := r.Disposition == mail.Delivered && (!r.Local || len(m.Hosts) > 1) || r.Disposition == mail.Bounced && r.RelayIP.IsValid()
		if !answered || r.Time == 0 || r.Time-m.Time > within {
			continue
		}
		if w.handed[m.Host] == nil {
			w.handed[strings.Clone(m.Host)] = make(minuteSet)
		}
		w.handed[m.Host].add(m.Time)
		return true
	}
	return false
}

// waits reports whether m, which no host behind this one answered for soon, had to wait for one.
func (w *secondaryWatch) waits(m *mail.Message) bool {
	within := mail.Instant(w.pass.Thresholds.Secondary.UpWithin)
	return slices.ContainsFunc(m.Recipients, func(r mail.Recipient) bool {
		return r.Disposition == mail.Deferred || r.Time-m.Time > within
	})
}

func (w *secondaryWatch) Event(ev *mail.Event) {
	if !IsRefusal(ev) || !ev.Client.IP.IsValid() || ev.Host == "" {
		return
	}
	w.lives(ev.Host, ev.Time)
	v := w.visitors.At(visitor{ev.Client.IP.Unmap(), ev.Host})
	v.rejected++
	v.refused.add(Bucket{Time: ev.Time, Rejected: 1})
}

// endsHere reports whether a recipient's mailbox is on the host that took the message.
func endsHere(m *mail.Message) bool {
	for i := range m.Recipients {
		if m.Recipients[i].Local {
			return true
		}
	}
	return false
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

func (v *passage) domain(name string, n int) {
	if name == "" {
		return
	}
	at, found := slices.BinarySearchFunc(v.domains, name, func(c Count, name string) int { return strings.Compare(c.Value, name) })
	if found {
		v.domains[at].Messages += n
		return
	}
	if at < visitDomains {
		v.domains = slices.Insert(v.domains, at, Count{strings.Clone(name), n})
		v.domains = v.domains[:min(len(v.domains), visitDomains)]
	}
}

func (v *passage) meet(c mail.Client) {
	k := ClientCount{Client: v.peer}
	k.complete(c)
	v.peer = k.Client
	v.peer.IP = c.IP.Unmap()
}

func (w *secondaryWatch) Merge(other Watch) {
	o := other.(*secondaryWatch)
	for k, x := range o.visitors.All() {
		w.visitors.At(k).join(x)
	}
	mergeMinutes(w.alive, o.alive)
	mergeMinutes(w.handed, o.handed)
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

func mergeMinutes(into, from map[string]minuteSet) {
	for host, minutes := range from {
		if into[host] == nil {
			into[host] = make(minuteSet)
		}
		for word, bits := range minutes {
			into[host][word] |= bits
		}
	}
}

func (v *passage) merge(x *passage) {
	v.recipients += x.recipients
	v.own += x.own
	v.delivered += x.delivered
	v.bounced += x.bounced
	v.deferred += x.deferred
	v.meet(x.peer)
	for _, h := range x.companies {
		v.companies.insert(h)
	}
	for _, h := range x.senders {
		v.senders.insert(h)
	}
	for _, h := range x.subjects {
		v.subjects.insert(h)
	}
	for _, d := range x.domains {
		v.domain(d.Value, d.Messages)
	}
	v.took.merge(&x.took)
	v.waited += x.waited
	v.prove(x.first)
	v.prove(x.last)
}

func (w *secondaryWatch) Findings(site *Site) []Finding {
	if !site.HasSecondary() {
		return nil
	}
	elsewhere := make(map[netip.Prefix]bool) // clients that were seen at another host
	through, all := 0, 0
	for k, v := range w.visitors.All() {
		if site.IsOwn(k.client) {
			continue
		}
		all += v.messages
		if site.IsSecondary(k.host) {
			through += v.messages
		} else {
			elsewhere[hostNetwork(k.client)] = true
		}
	}
	var guests []*guest // in the order of their addresses, those of an IPv6 host as one
	of := make(map[visitorHost]*guest)
	for _, k := range w.visitors.Sorted(compareVisitors) {
		if !site.IsSecondary(k.host) || elsewhere[hostNetwork(k.client)] || site.IsOwn(k.client) {
			continue
		}
		key := visitorHost{hostNetwork(k.client), k.host}
		if of[key] == nil {
			of[key] = &guest{visitorHost: key}
			guests = append(guests, of[key])
		}
		of[key].add(k.client, w.visitors.Find(k))
	}
	var found []Finding
	for _, g := range guests {
		// The client's own messages must not make its choice look common.
		share := float64(through-g.messages+1) / float64(all-g.messages+2)
		if f, ok := w.judge(site, g, share); ok {
			found = append(found, f)
		}
	}
	return found
}

// visitorHost is what one machine has (hostNetwork), at a host of ours.
type visitorHost struct {
	net  netip.Prefix
	host string
}

// guest is what a machine did at a secondary, from one address or, with IPv6, from several.
type guest struct {
	visitorHost
	visits
	clients []ClientCount
}

func (g *guest) add(client netip.Addr, v *visits) {
	c := ClientCount{Messages: v.messages, Rejected: v.rejected}
	if v.passage != nil {
		c.Client = v.peer
	}
	c.IP = client
	g.clients = append(g.clients, c)
	g.join(v)
}

// subject is the address, or the network of several.
func (g *guest) subject() Subject {
	if len(g.clients) == 1 {
		return Subject{IP, g.clients[0].IP.String()}
	}
	return Subject{Network, g.net.String()}
}

func compareVisitors(a, b visitor) int {
	return cmp.Or(a.client.Compare(b.client), strings.Compare(a.host, b.host))
}

// judge scores a client that came only to the secondary, through which share of the others' mail goes.
func (w *secondaryWatch) judge(site *Site, g *guest, share float64) (Finding, bool) {
	th, v := &w.pass.Thresholds.Secondary, &g.visits
	v.through()
	chance := float64(v.messages) * math.Log10(share)
	if v.messages < th.MinMessages || chance > th.LogChance || !w.primaryUp(site, g.host, v) {
		return Finding{}, false
	}
	f := Finding{Subject: g.subject()}
	f.because("secondary-only", 0.3, "%s through %s, a secondary, none through the primary, which was up",
		plural(v.messages, "message", "messages"), g.host)
	f.because("rare-choice", min(0.15, -chance/100), "%.0f %% of the others' mail came that way: a chance of 1 in 10^%.0f", 100*share, -chance)
	// A provider's server has many customers, and a newsletter a sender for each reader: of one company all of them.
	if n := v.senders.distinct(); n >= th.MinMessages && float64(n) >= 0.9*float64(v.messages) && 2*v.companies.distinct() > n {
		f.because("all-senders-differ", 0.2, "%d different senders in %s, of %d companies", n, plural(v.messages, "message", "messages"), v.companies.distinct())
	}
	if share := float64(v.bounced) / float64(max(1, v.recipients)); share >= 0.2 {
		f.because("bounced", 0.1, "%.0f %% of its recipients bounced", 100*share)
	}
	if float64(v.own) >= enough*float64(v.messages) && v.companies.distinct() == 1 { // newsletters take any MX, and their lists are old
		f.because("own-name", -0.2, "a mail server that sends for its own domain")
	}
	f.Title = fmt.Sprintf("%s spoke only to the secondary %s: %s", f.Subject.Value, g.host, plural(v.messages, "message", "messages"))
	g.fill(&f)
	return f, true
}

func (g *guest) fill(f *Finding) {
	v := &g.visits
	f.Start, f.End = v.first.Time, v.last.Time
	f.Counts = Counts{
		Messages: v.messages, Recipients: v.recipients, Delivered: v.delivered, Bounced: v.bounced, Deferred: v.deferred,
		Rejected: v.rejected, Senders: v.senders.distinct(), RecipientDomains: len(v.domains), Clients: len(g.clients),
	}
	f.Clients = g.clients
	slices.SortStableFunc(f.Clients, func(a, b ClientCount) int { return cmp.Compare(b.Messages, a.Messages) })
	f.Hosts = []string{g.host}
	f.RecipientDomains = v.domains
	f.Evidence = []Evidence{v.first, v.last}
	f.Evidence[0].Role, f.Evidence[1].Role = "first", "last"
	if n := v.subjects.distinct(); n == 1 && v.messages > 1 {
		f.Facts = append(f.Facts, Fact{"subject", "one subject in all of them"})
	}
	if !v.took.busy && !v.refused.busy {
		var all Buckets
		for _, b := range slices.Concat(v.took.buckets, v.refused.buckets) {
			all.Add(b.Time, b.Messages, b.Rejected)
		}
		f.Timeline = all.Timeline()
	}
}

// primaryUp reports whether a host that is no secondary showed life near most of the visits to one that is. Where most of a visitor's own
// mail had to wait there, another host answered, of another domain that the secondary is for.
func (w *secondaryWatch) primaryUp(site *Site, secondary string, v *visits) bool {
	within := mail.Instant(w.pass.Thresholds.Secondary.UpWithin)
	answered := 2*v.waited < v.messages
	lived := func(at mail.Instant) bool {
		if answered && w.handed[secondary].any(at-within, at+within) {
			return true
		}
		for host, alive := range w.alive {
			if !site.IsSecondary(host) && alive.any(at-within, at+within) {
				return true
			}
		}
		return false
	}
	up := 0
	for _, b := range v.took.buckets {
		if lived(b.Time) {
			up++
		}
	}
	return 2*up > len(v.took.buckets)
}
