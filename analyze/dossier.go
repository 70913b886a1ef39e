package analyze

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// Dossier gathers what a finding says about the messages and refused attempts that belong to it: exact counts, clients,
// accounts, the most frequent senders, recipient domains and subjects, hosts, timeline, evidence, what is still queued.
// Every detector fills its findings from one. The zero value is ready; merging dossiers changes nothing.
type Dossier struct {
	Counts           Counts // without the distinct numbers, which Fill adds
	Senders          Tally
	SenderDomains    Tally
	Recipients       Tally // folded envelope recipients, refused ones included
	RecipientDomains Tally
	Subjects         Tally
	MessageDomains   Tally // domains of Message-IDs
	HELOs            Tally
	Accounts         Tally
	Hosts            Tally
	Scripts          Tally
	Replies          Tally // texts of bounces and deferrals, as written
	Buckets          Buckets
	Evidence         Keeper
	Start, End       mail.Instant

	clients map[netip.Addr]*ClientCount
	lost    int // clients beyond the bound
	queued  []string
	waiting int // messages that are still in the queue: more than are in queued, where they are many
}

const (
	dossierClients = 20_000 // addresses of one finding: the largest botnets that were seen at one host
	dossierQueued  = 1000   // as Finding.QueueIDs promises

	peakSpan = time.Minute // as Rate.PeakPerMinute promises
)

// Add counts a message. Its strings are cloned where they are kept.
func (d *Dossier) Add(m *mail.Message) {
	d.Counts.Messages++
	d.seen(m.Time)
	d.Buckets.Add(m.Time, 1, 0)
	d.Evidence.Add(MessageEvidence(m))
	addNamed(&d.Hosts, m.Host)
	addNamed(&d.Subjects, m.Subject)
	addNamed(&d.Accounts, m.Account)
	addNamed(&d.Scripts, origin(m.Script, m.Directory))
	addNamed(&d.MessageDomains, mail.Domain(strings.TrimSuffix(m.MessageID, ">")))
	d.sender(m.Sender)
	if c := d.Client(m.Client); c != nil {
		c.Messages++
		c.at(m.Time)
	}
	// Of one that the log's end left with the queue manager no recipient is named yet.
	waiting := len(m.Recipients) == 0 && m.Sender != ""
	for i := range m.Recipients {
		r := &m.Recipients[i]
		d.recipient(r)
		waiting = waiting || r.Disposition == mail.Deferred || r.Disposition == mail.Held
	}
	if waiting && !m.Completed {
		d.waits(whereQueued(m), m.Host)
	}
}

// origin is what best names the program that handed in a local message: the script that a header names; the directory in
// which sendmail or exim was called, since the call itself says nothing; else the call.
func origin(script, directory string) string {
	if directory != "" && (script == "" || isCall(script)) {
		return directory
	}
	return script
}

// isCall reports whether a script is the call of sendmail or Exim, with its arguments.
func isCall(script string) bool {
	command, _, _ := strings.Cut(script, " ")
	return strings.HasSuffix(command, "sendmail") || strings.Contains(command, "exim")
}

func (d *Dossier) sender(sender string) {
	if sender == "" {
		return
	}
	d.Senders.Add(mail.Fold(sender), 1)
	addNamed(&d.SenderDomains, mail.Domain(sender))
}

func (d *Dossier) recipient(r *mail.Recipient) {
	if r.Disposition == mail.Probed {
		return
	}
	d.Counts.recipient(r.Disposition)
	address := mail.Fold(r.Envelope())
	d.Recipients.Add(address, 1)
	addNamed(&d.RecipientDomains, mail.Domain(address))
	if r.Disposition == mail.Bounced || r.Disposition == mail.Deferred {
		addNamed(&d.Replies, r.Reply)
	}
}

// waits notes the queue IDs of a message that is still in the queue, each with its host: that which took it, where none is named.
func (d *Dossier) waits(ids, host string) {
	if ids == "" {
		return
	}
	d.waiting++
	for id := range strings.FieldsSeq(ids) {
		if len(d.queued) >= dossierQueued {
			return
		}
		if strings.IndexByte(id, '@') < 0 {
			id = withHost(id, host)
		}
		d.queued = append(d.queued, strings.Clone(id))
	}
}

// isHostName reports whether a log said so of the host: a name with a blank is a word of ours for one that has none.
func isHostName(host string) bool { return host != "" && strings.IndexByte(host, ' ') < 0 }

// withHost is a queue ID with the host behind it, "3F2B@mx1", where the log names one.
func withHost(id, host string) string {
	if isHostName(host) {
		return id + "@" + host
	}
	return id
}

// whereQueued is the queue IDs by which a message waits, parted by blanks: those of the hops that put a recipient off, else the
// last. One of another host than that which took the message has its name behind it: "3F2B@mx1".
func whereQueued(m *mail.Message) string {
	const most = 8
	n := len(m.QueueIDs)
	if n == 0 {
		return ""
	}
	if n == 1 {
		return m.QueueIDs[0]
	}
	var hops []uint32
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if !m.Completed && (r.Disposition == mail.Deferred || r.Disposition == mail.Held) && r.Hop != 0 && !slices.Contains(hops, r.Hop) && len(hops) < most {
			hops = append(hops, r.Hop)
		}
	}
	if len(hops) == 0 {
		return hopName(m, n)
	}
	ids := make([]string, len(hops))
	for i, hop := range hops {
		ids[i] = hopName(m, int(hop))
	}
	return strings.Join(ids, " ")
}

// hopName is the n-th queue ID of a message, from 1, with its host where that is not the one that took the message.
func hopName(m *mail.Message, n int) string {
	id, host := m.Hop(n)
	if host != m.Host && isHostName(host) {
		return id + "@" + host
	}
	return id
}

// Reject counts a refused attempt.
func (d *Dossier) Reject(ev *mail.Event) {
	d.Counts.Rejected++
	d.seen(ev.Time)
	d.Buckets.Add(ev.Time, 0, 1)
	addNamed(&d.Hosts, ev.Host)
	if c := d.Client(ev.Client); c != nil {
		c.Rejected++
		c.at(ev.Time)
	}
}

// at notes when the client sent something or was refused.
func (c *ClientCount) at(t mail.Instant) {
	c.spanned(t, t)
	c.Lane.Add(t, 1)
}

// spanned widens the time in which the client was seen.
func (c *ClientCount) spanned(first, last mail.Instant) {
	if first != 0 && (c.First == 0 || first < c.First) {
		c.First = first
	}
	c.Last = max(c.Last, last)
}

// Client is the entry of a client, made when it is new, or nil where the address is not known or there are too many.
func (d *Dossier) Client(c mail.Client) *ClientCount {
	if !c.IP.IsValid() {
		return nil
	}
	ip := c.IP.Unmap()
	if known := d.clients[ip]; known != nil {
		known.complete(c)
		return known
	}
	if len(d.clients) >= dossierClients {
		d.lost++
		return nil
	}
	if d.clients == nil {
		d.clients = make(map[netip.Addr]*ClientCount)
	}
	made := &ClientCount{Client: mail.Client{IP: ip}}
	made.complete(c)
	d.clients[ip] = made
	return made
}

// complete adds what another line says of the client. Of two different names the greater one stays, so that the order of
// lines means nothing.
func (c *ClientCount) complete(o mail.Client) {
	if o.Name > c.Name && o.Name != "unknown" {
		c.Name = strings.Clone(o.Name)
	}
	if o.HELO > c.HELO {
		c.HELO = strings.Clone(o.HELO)
	}
	if o.Country > c.Country {
		c.Country = strings.Clone(o.Country)
	}
	c.ASN = max(c.ASN, o.ASN)
}

func (d *Dossier) seen(t mail.Instant) {
	if d.Start == 0 || t < d.Start {
		d.Start = t
	}
	d.End = max(d.End, t)
}

// addNamed counts a value that is known.
func addNamed(t *Tally, value string) {
	if value != "" {
		t.Add(value, 1)
	}
}

// Merge adds all of other, which must not be used after it.
func (d *Dossier) Merge(o *Dossier) {
	d.Counts.add(&o.Counts)
	for _, pair := range [][2]*Tally{
		{&d.Senders, &o.Senders}, {&d.SenderDomains, &o.SenderDomains}, {&d.Recipients, &o.Recipients},
		{&d.RecipientDomains, &o.RecipientDomains}, {&d.Subjects, &o.Subjects}, {&d.MessageDomains, &o.MessageDomains},
		{&d.HELOs, &o.HELOs}, {&d.Accounts, &o.Accounts}, {&d.Hosts, &o.Hosts}, {&d.Scripts, &o.Scripts}, {&d.Replies, &o.Replies},
	} {
		pair[0].Merge(pair[1])
	}
	d.Buckets.Merge(&o.Buckets)
	d.Evidence.Merge(&o.Evidence)
	if o.Start != 0 {
		d.seen(o.Start)
		d.seen(o.End)
	}
	for _, c := range o.clients {
		if mine := d.Client(c.Client); mine != nil {
			mine.Messages += c.Messages
			mine.Rejected += c.Rejected
			mine.Logins += c.Logins
			mine.FailedLogins += c.FailedLogins
			mine.spanned(c.First, c.Last)
			mine.Lane.Merge(&c.Lane)
		}
	}
	d.lost += o.lost
	d.queued = append(d.queued, o.queued...)
	d.waiting += o.waiting
}

// Fill writes what was gathered into a finding. Start and End are set where the finding has none.
func (d *Dossier) Fill(f *Finding) {
	f.Counts = d.Counts
	f.Counts.Senders = d.Senders.Distinct()
	f.Counts.SenderDomains = d.SenderDomains.Distinct()
	f.Counts.RecipientDomains = d.RecipientDomains.Distinct()
	f.Clients = d.Clients()
	f.Counts.Clients = len(f.Clients) + d.lost
	f.Accounts = d.Accounts.Values()
	f.Hosts = d.Hosts.Values()
	f.Senders = d.Senders.Top(topMost)
	f.RecipientDomains = d.RecipientDomains.Top(topMost)
	f.Subjects = d.Subjects.Top(topMost)
	f.Scripts = d.Scripts.Top(topMost)
	f.Timeline = d.Buckets.Timeline()
	if f.Start == 0 {
		f.Start, f.End = d.Start, d.End
	}
	var peakAt mail.Instant
	if f.Rate != nil {
		peakAt = f.Rate.PeakAt
	}
	f.Evidence = d.Evidence.Lines(peakAt)
	slices.Sort(d.queued)
	f.QueueIDs, f.QueueHosts = cutHosts(d.queued[:min(len(d.queued), dossierQueued)])
	f.Queued = d.waiting
	if !d.Senders.Exact() || !d.Recipients.Exact() || d.lost > 0 {
		f.Facts = append(f.Facts, Fact{"precision", "more distinct values than are counted exactly: their number is an estimate (0.8 %)"})
	}
}

// cutHosts parts queue IDs and their hosts. There are none of these where no log names its host.
func cutHosts(queued []string) (ids, hosts []string) {
	named := false
	for _, id := range queued {
		id, host, ok := strings.Cut(id, "@")
		ids, hosts = append(ids, id), append(hosts, host)
		named = named || ok
	}
	if !named {
		hosts = nil
	}
	return ids, hosts
}

// Clients is every client, the one with most messages first.
func (d *Dossier) Clients() []ClientCount {
	all := make([]ClientCount, 0, len(d.clients))
	for _, c := range d.clients {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b ClientCount) int {
		return cmp.Or(
			cmp.Compare(b.Messages, a.Messages), cmp.Compare(b.Rejected, a.Rejected),
			cmp.Compare(b.Logins, a.Logins), a.IP.Compare(b.IP))
	})
	return all
}

// RateOf is the rate of instants, which must be sorted: over the whole, and the most in 60 seconds.
func RateOf(times []mail.Instant) *Rate {
	if len(times) == 0 {
		return nil
	}
	minutes := max(1, times[len(times)-1].Sub(times[0]).Minutes())
	most, at := Peak(times, peakSpan)
	return &Rate{PerMinute: float64(len(times)) / minutes, PeakPerMinute: most, PeakAt: at}
}
