package analyze

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

var backscatter = Detector{
	Name:    "backscatter",
	Command: "backscatter",
	Title:   "bounces to strangers, and bounces for mail that we never sent",
	Doc: `Spam has a forged sender. A server that accepts it and only later finds that
it cannot deliver it sends a bounce to somebody who has nothing to do with it.
This is backscatter. There are two kinds.

We send it: this host accepted mail from outside, could not deliver it, and
sent bounces to strangers. The usual causes are a secondary MX that does not
know the recipients (Postfix: relay_recipient_maps,
reject_unverified_recipient), a catch-all that forwards, a filter that bounces
instead of rejecting, and mailboxes over quota. The signs: many of these
bounces cannot be delivered themselves, their recipients have nothing in
common and look invented, one client caused many of them, and they came all at
once. It is our fault and should be fixed, but it is seldom an emergency:
medium at most. Bounces to senders in our own domains that do not exist only
fill our own queue, and are low.

We receive it: bounces (with the null sender) arrive from everywhere for mail
that we never sent, because somebody forged one of our addresses. That is a
nuisance and no break-in: never more than low, however many there are. An
address that did send as much is left out: its bounces are its own (a
newsletter to an old list; see accounts and bursts for one that is abused).

Honest mail that looks similar: out-of-office replies, reports and receipts
have the null sender, too. There are a few each day, to many addresses, at all
hours.

What it cannot see: bounces with an ordinary sender.`,
	New: func(p *Pass) Watch { return newBackscatterWatch(p) },
}

// bounceOut is a bounce that we sent, or tried to send, to somebody outside or to an address here that does not exist.
type bounceOut struct {
	Evidence
	host        string
	to          string // folded
	disposition mail.Disposition
	parent      string
}

// bounceIn is a message or refused attempt with the null sender, for an address of ours.
type bounceIn struct {
	Evidence
	host    string
	to      string // folded
	client  mail.Client
	refused bool
	unknown bool
}

// bounced is a message that could not be delivered, and that a bounce was made for.
type bounced struct {
	client  mail.Client
	account string
}

type backscatterWatch struct {
	pass    *Pass
	out     []bounceOut
	in      []bounceIn
	parents *Entities[string, bounced] // by host and queue ID
	wrote   countMin                   // recipients outside, by sender: what was sent in an address's name
	lost    int
}

func newBackscatterWatch(p *Pass) *backscatterWatch {
	most := p.Thresholds.Backscatter.MaxNotices
	return &backscatterWatch{pass: p, parents: NewEntities[string](most, func(*bounced) int { return 0 }, nil)}
}

// Message reads bounces of ours, the messages that they are about, and mail with the null sender.
func (w *backscatterWatch) Message(m *mail.Message) {
	if m.Time == 0 {
		return
	}
	if m.Notice {
		w.notice(m)
		return
	}
	stranger := m.Account == "" && isStranger(&m.Client)
	if stranger && m.Sender == mail.NullSender {
		for i := range m.Recipients {
			r := &m.Recipients[i]
			w.received(bounceIn{Evidence: MessageEvidence(m), host: m.Host, to: mail.Fold(r.Envelope()), client: m.Client,
				unknown: r.Disposition == mail.Bounced && unknownRecipient(r.DSN, r.Reply)})
		}
		return
	}
	failed := false
	outside := 0
	for i := range m.Recipients {
		r := &m.Recipients[i]
		failed = failed || r.Disposition == mail.Bounced || r.Disposition == mail.Expired
		if !r.Local {
			outside++
		}
	}
	if outside > 0 && !stranger {
		w.wrote.addMany(hashText(ofAddress, m.Sender), outside)
	}
	if failed {
		for _, id := range m.QueueIDs {
			w.parent(m, id)
		}
	}
}

// parent remembers a message that may get a notice, in one piece of memory.
func (w *backscatterWatch) parent(m *mail.Message, id string) {
	rest := m.Host + " " + id + m.Client.Name + m.Client.HELO + m.Account
	cut := func(n int) (s string) {
		s, rest = rest[:n], rest[n:]
		return s
	}
	p := w.parents.At(cut(len(m.Host) + len(" ") + len(id)))
	p.client = m.Client
	p.client.Name, p.client.HELO, p.account = cut(len(m.Client.Name)), cut(len(m.Client.HELO)), cut(len(m.Account))
}

// notice keeps a bounce that went outside, or to an address where it could not be delivered.
func (w *backscatterWatch) notice(m *mail.Message) {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Local && r.Disposition == mail.Delivered {
			continue
		}
		if len(w.out) >= w.pass.Thresholds.Backscatter.MaxNotices {
			w.lost++
			return
		}
		w.out = append(w.out, bounceOut{MessageEvidence(m), m.Host, mail.Fold(r.Envelope()), r.Disposition, m.Parent})
	}
}

// Event reads refused attempts with the null sender.
func (w *backscatterWatch) Event(ev *mail.Event) {
	if ev.Kind != mail.Reject || ev.Sender != mail.NullSender || ev.Recipient == "" || !IsRefusal(ev) || !isStranger(&ev.Client) || ev.Time == 0 {
		return
	}
	e := owned(EventEvidence(ev))
	c := mail.Client{IP: ev.Client.IP.Unmap(), Name: strings.Clone(ev.Client.Name), HELO: strings.Clone(ev.Client.HELO)}
	w.received(bounceIn{Evidence: e, host: strings.Clone(ev.Host), to: strings.Clone(mail.Fold(ev.Recipient)), client: c, refused: true,
		unknown: ev.DSN == "5.1.1" || unknownRecipient(ev.DSN, ev.Reply)})
}

func (w *backscatterWatch) received(b bounceIn) {
	if len(w.in) >= w.pass.Thresholds.Backscatter.MaxNotices {
		w.lost++
		return
	}
	w.in = append(w.in, b)
}

func (w *backscatterWatch) Merge(other Watch) {
	o := other.(*backscatterWatch)
	most := w.pass.Thresholds.Backscatter.MaxNotices
	w.out = append(w.out, o.out...)
	w.in = append(w.in, o.in...)
	w.lost += o.lost + max(0, len(w.out)-most) + max(0, len(w.in)-most)
	w.out, w.in = w.out[:min(len(w.out), most)], w.in[:min(len(w.in), most)]
	for k, p := range o.parents.All() {
		*w.parents.At(k) = *p
	}
	w.wrote.merge(&o.wrote)
}

func (w *backscatterWatch) Findings(site *Site) []Finding {
	if w.lost > 0 {
		site.Notes = append(site.Notes, say("backscatter: %d bounces were not counted, to limit the memory used (backscatter.max-notices)", w.lost))
	}
	return append(w.sent(site), w.arrived(site)...)
}

// sent finds storms of notices that we sent.
func (w *backscatterWatch) sent(site *Site) []Finding {
	byHost := make(map[string][]bounceOut)
	for _, b := range w.out {
		if w.isHonest(site, &b) {
			continue
		}
		byHost[b.host] = append(byHost[b.host], b)
	}
	var found []Finding
	for _, host := range slices.Sorted(keysOf(byHost)) {
		list := byHost[host]
		slices.SortFunc(list, func(a, b bounceOut) int {
			return cmp.Or(compareEvidence(a.Evidence, b.Evidence), strings.Compare(a.to, b.to))
		})
		for _, run := range inRuns(list, func(b bounceOut) mail.Instant { return b.Time }, w.pass.Thresholds.Backscatter.Pause) {
			if f, ok := w.judgeSent(site, host, run); ok {
				found = append(found, f)
			}
		}
	}
	return found
}

// inRuns splits a sorted list at long pauses.
func inRuns[T any](list []T, at func(T) mail.Instant, pause time.Duration) (runs [][]T) {
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && at(list[to]).Sub(at(list[to-1])) <= pause {
			to++
		}
		runs = append(runs, list[from:to])
		from = to
	}
	return runs
}

// storm is many bounces that we sent about the same time, and what they have in common.
type storm struct {
	list        []bounceOut // by time
	to, domains Tally       // the addressees, and their domains
	times       []mail.Instant
	dead        int // that were not delivered
	ours        int // to addresses in our domains
}

func newStorm(site *Site, list []bounceOut) *storm {
	s := &storm{list: list}
	for _, b := range list {
		s.to.Add(b.to, 1)
		s.domains.Add(mail.Domain(b.to), 1)
		s.times = append(s.times, b.Time)
		if b.disposition != mail.Delivered {
			s.dead++
		}
		if site.IsOurs(mail.Domain(b.to)) {
			s.ours++
		}
	}
	return s
}

// toOurs reports whether nearly all went to addresses in our domains.
func (s *storm) toOurs() bool { return ratio(s.ours, len(s.list)) >= enough }

// lasted is the time from the first to the last.
func (s *storm) lasted() time.Duration { return s.times[len(s.times)-1].Sub(s.times[0]) }

// judgeSent scores notices that we sent.
func (w *backscatterWatch) judgeSent(site *Site, host string, list []bounceOut) (Finding, bool) {
	s, least := newStorm(site, list), w.pass.Thresholds.Backscatter.MinSent
	n := len(list)
	if n < least || s.to.Distinct() < least { // one correspondent with a broken address makes many
		return Finding{}, false
	}
	f := Finding{Subject: Subject{Host, cmp.Or(host, namelessHost)}, Start: list[0].Time, End: list[n-1].Time}
	w.weighSent(site, host, s, &f)
	if s.toOurs() {
		f.atMost(w.pass.Thresholds.Score.Medium-0.05, "own-domains", "to addresses in our own domains that do not exist: nobody outside is hit")
	} else {
		f.atMost(w.pass.Thresholds.Score.High-0.05, "not-ours", "caused by somebody else's forged senders")
	}
	f.Title = say("%s sent %s to people who never wrote: %d could not be delivered", hostWords(host), plural(n, "bounce", "bounces"), s.dead)
	if 2*s.ours > n {
		f.Title = fmt.Sprintf("%s wrote %s to addresses of ours that do not exist", hostWords(host), plural(n, "bounce", "bounces"))
	}
	s.fill(&f)
	f.Signature = during(f.Start, f.End, append(onHost(host), w.termsOfSent(site, host, &f)...)...)
	return f, true
}

// weighSent weighs the signs of a storm.
func (w *backscatterWatch) weighSent(site *Site, host string, s *storm, f *Finding) {
	n := len(s.list)
	mass := 0.1
	switch {
	case n >= 1000:
		mass = 0.3
	case n >= 100:
		mass = 0.2
	case n >= 20:
		mass = 0.15
	}
	whose := "of strangers"
	if s.toOurs() {
		whose = "in our own domains"
	}
	f.because("notices-to-strangers", mass, "%d bounces to %s %s", n, plural(s.to.Distinct(), "address", "addresses"), whose)
	if ratio(s.dead, n) >= 0.25 {
		f.because("senders-forged", 0.15, "%d of them could not be delivered either: their recipients never sent anything", s.dead)
	}
	if ratio(s.domains.Distinct(), n) >= enough {
		f.because("all-domains-differ", 0.05, "to %d different domains", s.domains.Distinct())
	}
	if surprise := meanSurprise(&s.to); surprise >= w.pass.Thresholds.Relay.Random {
		f.because("random-addressees", 0.1, "the recipients' names look random (%.1f bits a letter; real names have about 4)", surprise)
	}
	if s.lasted().Minutes() < site.Span()/3 {
		f.because("at-once", 0.1, "all in %s", duration(s.lasted()))
	}
	if site.IsSecondary(host) {
		f.because("secondary", 0.1, "%s is a secondary MX that accepts mail for unknown recipients", host)
	}
	w.causes(s.list, f)
}

// namedBounces is how many addressees of honest notices a signature leaves out by name.
const namedBounces = 100

// termsOfSent select the bounces of a storm, but none that reached a mailbox here or went to somebody here who has one.
func (w *backscatterWatch) termsOfSent(site *Site, host string, f *Finding) []string {
	terms := []string{"notice", "len(recipients) > 0", "delivered_here == 0"} // of a notice that was not tried yet nobody knows to whom it goes
	var honest []string
	for _, b := range w.out {
		if b.host == host && b.Time >= f.Start && b.Time <= f.End && w.isHonest(site, &b) {
			honest = append(honest, quoted(strings.ToLower(b.to)))
		}
	}
	slices.Sort(honest)
	if honest = slices.Compact(honest); len(honest) > 0 && len(honest) <= namedBounces {
		terms = append(terms, "none(recipients, lower(#) in ["+strings.Join(honest, ", ")+"])")
	}
	return terms
}

// isHonest reports whether a bounce went to somebody who may have written: to a mailbox here, or to the domain of the mail server that handed
// the mail in (a newsletter learns in this way which readers are gone).
func (w *backscatterWatch) isHonest(site *Site, b *bounceOut) bool {
	if isHonestNotice(site, b) {
		return true
	}
	p := w.parents.Find(b.host + " " + b.parent)
	if b.parent == "" || p == nil || p.account != "" {
		return false
	}
	c := &p.client
	return c.Name != "" && c.Name != "unknown" && ownName(c.Name, b.to) && !genericName(c.Name, c.IP) && !rentedName(c.Name)
}

// isHonestNotice reports whether a notice went to somebody who has a mailbox here, and may have written.
func isHonestNotice(site *Site, b *bounceOut) bool {
	ours := site.IsOurs(mail.Domain(b.to))
	return ours && (site.KnownRecipient(b.to) || b.disposition == mail.Delivered) || !strings.Contains(b.to, "@")
}

// causes says whose mail the bounces are about.
func (w *backscatterWatch) causes(list []bounceOut, f *Finding) {
	clients := make(map[netip.Addr]*ClientCount)
	var accounts Tally
	known := 0
	for _, b := range list {
		p := w.parents.Find(b.host + " " + b.parent)
		if p == nil {
			continue
		}
		known++
		addNamed(&accounts, p.account)
		if ip := p.client.IP.Unmap(); ip.IsValid() && p.account == "" {
			if clients[ip] == nil {
				clients[ip] = &ClientCount{Client: mail.Client{IP: ip}}
			}
			clients[ip].complete(p.client)
			clients[ip].Messages++
		}
	}
	for _, c := range clients {
		f.Clients = append(f.Clients, *c)
	}
	slices.SortFunc(f.Clients, func(a, b ClientCount) int { return cmp.Or(cmp.Compare(b.Messages, a.Messages), a.IP.Compare(b.IP)) })
	f.Counts.Clients = len(f.Clients)
	if len(f.Clients) > 0 {
		top := f.Clients[0]
		f.Facts = append(f.Facts, Fact{"made for mail of", say("%s; %s caused %d", plural(len(f.Clients), "client", "clients"), top.IP, top.Messages)})
		if top.Messages*4 >= known && top.Messages >= 3 {
			f.because("one-client", 0.1, "%d of %d were caused by mail from %s", top.Messages, known, top.IP)
		}
	}
	if account, share := accounts.Most(); share > 0.5 && 2*accounts.Total() > known {
		f.Accounts = []string{account}
		f.Facts = append(f.Facts, Fact{"made for mail of account", account})
	}
}

// fill completes the finding about a storm.
func (s *storm) fill(f *Finding) {
	var evidence Keeper
	var buckets Buckets
	for _, b := range s.list {
		evidence.Add(b.Evidence)
		buckets.Add(b.Time, 1, 0)
		f.Counts.recipient(b.disposition)
		if b.disposition == mail.Bounced {
			evidence.Mark("the first that could not be delivered", b.Evidence)
		}
	}
	f.Counts.Messages = len(s.list)
	f.Counts.RecipientDomains = s.domains.Distinct()
	f.RecipientDomains = s.domains.Top(topMost)
	if host := s.list[0].host; host != "" {
		f.Hosts = []string{host}
	}
	f.Rate = RateOf(s.times)
	f.Timeline = buckets.Timeline()
	f.Evidence = evidence.Lines(f.Rate.PeakAt)
}

// arrived finds storms of bounces for mail that we never sent: for one address, or else for a domain. If somebody made up many addresses in
// a domain, each gets some of the bounces: that is reported once, for the domain.
func (w *backscatterWatch) arrived(site *Site) []Finding {
	byAddress, byDomain := make(map[string][]bounceIn), make(map[string][]bounceIn)
	for _, b := range w.in {
		if domain := mail.Domain(b.to); site.IsOurs(domain) && !site.IsOwn(b.client.IP) {
			byAddress[b.to] = append(byAddress[b.to], b)
		}
	}
	all := make(map[string][]mail.Instant) // of each domain
	for to, list := range byAddress {
		if w.wrote.of(hashText(ofAddress, to)) >= len(list) {
			delete(byAddress, to) // its own
			continue
		}
		for _, b := range list {
			all[mail.Domain(to)] = append(all[mail.Domain(to)], b.Time)
		}
	}
	for _, times := range all {
		slices.Sort(times)
	}
	var found []Finding
	for _, to := range slices.Sorted(keysOf(byAddress)) {
		list, domain := byAddress[to], mail.Domain(to)
		var shared []bounceIn
		told := false
		for _, s := range w.storms(site, list) {
			if w.isOneOfMany(s, all[domain]) {
				shared = append(shared, s...)
				continue
			}
			found = append(found, w.judgeArrived(Subject{Sender, to}, s))
			told = true
		}
		if !told {
			shared = list
		}
		byDomain[domain] = append(byDomain[domain], shared...)
	}
	for _, domain := range slices.Sorted(keysOf(byDomain)) {
		for _, s := range w.storms(site, byDomain[domain]) {
			found = append(found, w.judgeArrived(Subject{SenderDomain, domain}, s))
		}
	}
	return found
}

// isOneOfMany reports whether a storm for one address is a small part of what came for its domain at about the same time.
func (w *backscatterWatch) isOneOfMany(storm []bounceIn, all []mail.Instant) bool {
	const ofDomain = 3 // an address with less than one in so many of its domain's bounces is one of the many
	pause := w.pass.Thresholds.Backscatter.Pause
	from, _ := slices.BinarySearch(all, storm[0].Time.Add(-pause))
	to, _ := slices.BinarySearch(all, storm[len(storm)-1].Time.Add(pause)+1)
	return ofDomain*len(storm) < to-from
}

// storms is the times at which bounces are denser than the past of that address or domain explains.
func (w *backscatterWatch) storms(site *Site, list []bounceIn) [][]bounceIn {
	th := &w.pass.Thresholds.Backscatter
	if len(list) < th.MinReceived {
		return nil
	}
	slices.SortFunc(list, func(a, b bounceIn) int {
		return cmp.Or(compareEvidence(a.Evidence, b.Evidence), strings.Compare(a.to, b.to))
	})
	times := make([]mail.Instant, len(list))
	for i, b := range list {
		times[i] = b.Time
	}
	p := pace{minutes: site.Span(), minMessages: th.MinReceived, span: 2 * time.Hour, pause: th.Pause, logChance: denseChance}
	var found [][]bounceIn
	for _, x := range windows(times, p) {
		found = append(found, list[x.from:x.to])
	}
	return found
}

// termOfArrived selects what came for one address, or for those of a domain that bounces came for; where they are many, for all
// of the domain.
func termOfArrived(subject Subject, addresses *Tally) string {
	if subject.Kind == Sender {
		return fmt.Sprintf("any(recipients, lower(#) == %s)", quoted(strings.ToLower(subject.Value)))
	}
	if addresses.Distinct() > namedBounces {
		return fmt.Sprintf("%s in recipient_domains", quoted(subject.Value))
	}
	var list []string
	for _, a := range addresses.Values() {
		list = append(list, quoted(strings.ToLower(a)))
	}
	slices.Sort(list)
	return "any(recipients, lower(#) in [" + strings.Join(list, ", ") + "])"
}

// judgeArrived scores bounces for mail that we never sent.
func (w *backscatterWatch) judgeArrived(subject Subject, list []bounceIn) Finding {
	n := len(list)
	f := Finding{Subject: subject}
	var d Dossier
	var addresses, accepted Tally
	times := make([]mail.Instant, 0, n)
	unknown := 0
	for _, b := range list {
		times = append(times, b.Time)
		addresses.Add(b.to, 1)
		if b.unknown {
			unknown++
		}
		if b.refused {
			d.Reject(&mail.Event{Origin: b.Origin, Time: b.Time, Client: b.client, Host: b.host, Raw: b.Text})
			d.Evidence.Add(b.Evidence)
			continue
		}
		accepted.Add(b.to, 1)
		d.Add(&mail.Message{Origin: b.Origin, Line: b.Text, Time: b.Time, Client: b.client, Host: b.host, Completed: true,
			Recipients: []mail.Recipient{{Address: b.to, Disposition: mail.Delivered}}})
	}
	wrote := w.wrote.about(hashText(ofAddress, subject.Value))
	mass := 0.25
	switch {
	case n >= 300:
		mass = 0.45
	case n >= 50:
		mass = 0.35
	}
	f.because("bounces-received", mass, "%s in %s; mail from there went to %s outside", plural(n, "bounce", "bounces"), duration(times[n-1].Sub(times[0])),
		plural(wrote, "recipient", "recipients"))
	if senders := len(d.clients); 2*senders >= n && senders >= 5 {
		f.because("from-everywhere", 0.05, "from %d different servers", senders)
	}
	if ratio(unknown, n) >= 0.5 {
		f.because("unknown-addresses", 0.05, "%d of them for addresses that do not exist here", unknown)
	}
	f.atMost(w.pass.Thresholds.Score.Medium-0.05, "not-ours", "somebody forged the sender elsewhere: nobody broke in here")
	f.Rate = RateOf(times)
	d.Fill(&f)
	f.RecipientDomains = []Count{{mail.Domain(list[0].to), n}}
	f.Counts.RecipientDomains = 1
	f.Facts = append(f.Facts, Fact{"addresses", countWords(addresses.Top(10))})
	f.Title = fmt.Sprintf("Somebody forges mail from %s: %s arrived for mail that was never sent from here", subject.Value, plural(n, "bounce", "bounces"))
	f.Clients = nil // servers that did what servers do: nobody to block
	f.Counts.Clients = len(d.clients)
	if accepted.Distinct() > 0 {
		f.Signature = during(f.Start, f.End, termOfArrived(subject, &accepted), `account == ""`, "not notice", `sender == "<>"`)
	}
	return f
}
