package analyze

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/mail"
)

var reputation = Detector{
	Name:    "reputation",
	Command: "reputation",
	Title:   "other servers refuse or slow down our mail, because of us",
	Doc: `When spam is sent through a server, the server pays for it. Hours later, other
servers refuse its mail or accept it slowly, and name a blocklist, its
reputation or a rate limit. Then the honest mail of everybody here suffers,
even after the spam has stopped. The replies are in the log.

This detector reads every reply with which outgoing mail was bounced or
deferred, and decides whether it is about us, and not about the recipient or
the content. It shows when that began and whether it ended, who says so (which
providers and which lists: ask these to remove us once the cause is gone),
what share of the outgoing mail was affected, and who on our side sent most in
the hours before and since: the account, script, client or sender domain. The
severity is that of the damage: the share that was affected.

Not counted: greylisting (every new client is asked to try again), full
mailboxes, recipients that do not exist, mail refused only for its content,
and missing SPF, DKIM or DMARC. One provider that says "too many connections"
now and then is normal for a mailing list; so are single refusals by a strict
site.

What it cannot see: providers that put our mail into the spam folder and say
nothing; blocklists that no recipient uses. Mail that is refused because
somebody here forwards his spam elsewhere looks similar: then the cause is
named as forwarding.`,
	New: func(p *Pass) Watch { return newReputationWatch(p) },
}

// complaint is one reply about us.
type complaint struct {
	time      mail.Instant // when it was said first …
	until     mail.Instant // … and last: mail that is put off is tried again, for days
	kind      mail.Complaint
	became    mail.Disposition // of the recipient, at last
	host      string           // of ours, to which it was said
	passedOn  bool             // another host of ours took the message first
	provider  string           // who said it
	list      string           // the blocklist that it names
	reply     string
	recipient string
	cause     cause
	client    netip.Addr // that handed it in
	message   Evidence   // the line that accepted the message
	id        string     // its first queue ID: of some that line was not seen
}

// messageKey identifies a message.
type messageKey struct {
	mail.Origin
	id string
}

func (c *complaint) key() messageKey { return messageKey{c.message.Origin, c.id} }

// cause is the account, script, client or domain on our side that a message came from.
type cause struct {
	kind  SubjectKind // "" for what was passed on from inside to outside
	value string
}

// causeSent is what a cause sent to the outside, by the hour.
type causeSent struct {
	total int
	hours []hourSent // in order
}

type hourSent struct{ hour, n int32 }

// remote is what a provider accepted from us.
type remote struct {
	taken int
	last  mail.Instant // when it took something last
}

type reputationWatch struct {
	pass       *Pass
	complaints []complaint
	lost       int
	sent       map[string]*Buckets // recipients outside, by host of ours
	remotes    *Entities[string, remote]
	causes     *Entities[cause, causeSent]
}

func newReputationWatch(p *Pass) *reputationWatch {
	most := p.Thresholds.Reputation.MaxEntities
	own := func(c cause) cause { return cause{c.kind, strings.Clone(c.value)} }
	return &reputationWatch{
		pass:    p,
		sent:    make(map[string]*Buckets),
		remotes: NewEntities(most, func(r *remote) int { return r.taken }, strings.Clone),
		causes:  NewEntities(most, func(c *causeSent) int { return c.total }, own),
	}
}

func (w *reputationWatch) Event(*mail.Event) {}

// Message reads what became of the recipients outside.
func (w *reputationWatch) Message(m *mail.Message) {
	outside := 0
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.Remote() {
			outside++
			w.outcome(m, r)
		}
	}
	if outside > 0 && !m.Notice {
		w.causes.At(causeOf(m)).add(m.Time, outside)
	}
}

func (w *reputationWatch) outcome(m *mail.Message, r *mail.Recipient) {
	host := m.Host
	if n := len(m.Hosts); n > 0 {
		host = m.Hosts[n-1]
	}
	b := w.sent[host]
	if b == nil {
		b = new(Buckets)
		if len(w.sent) < maxHosts {
			w.sent[strings.Clone(host)] = b
		}
	}
	b.Add(r.Time, 1, 0)
	last := mail.NoComplaint
	if r.Disposition == mail.Delivered {
		p := w.remotes.At(providerOf(r.Relay))
		p.taken++
		p.last = max(p.last, r.Time)
	} else {
		last, _ = mail.ComplaintOf(r.DSN, r.Reply)
	}
	before, _ := mail.ComplaintOf("", r.Deferral)
	if last != mail.NoComplaint {
		since := r.Time
		if before == last {
			since = min(since, r.DeferralAt)
		}
		w.reply(m, r, host, r.DSN, r.Reply, since, r.Time)
	}
	if before != mail.NoComplaint && before != last {
		w.reply(m, r, host, "", r.Deferral, r.DeferralAt, r.DeferralAt)
	}
}

// reply keeps what a server said about us, with the first and last time that it did.
func (w *reputationWatch) reply(m *mail.Message, r *mail.Recipient, host, dsn, reply string, since, until mail.Instant) {
	kind, list := mail.ComplaintOf(dsn, reply)
	if len(w.complaints) >= w.pass.Thresholds.Reputation.MaxReplies {
		w.lost++
		return
	}
	w.complaints = append(w.complaints, complaint{
		time: since, until: until, kind: kind, became: r.Disposition, host: host, passedOn: host != m.Host,
		provider: strings.Clone(strings.ToLower(providerOf(r.Relay))), list: list, reply: strings.Clone(reply[:min(len(reply), 300)]),
		recipient: mail.Fold(r.Envelope()), cause: causeOf(m), client: m.Client.IP.Unmap(), message: MessageEvidence(m),
		id: firstID(m),
	})
}

func firstID(m *mail.Message) string {
	if len(m.QueueIDs) == 0 {
		return ""
	}
	return strings.Clone(m.QueueIDs[0])
}

// causeOf is where a message came from: an account, a local program, a bounce or forwarding of ours, or else the sender's domain.
func causeOf(m *mail.Message) cause {
	switch {
	case m.Notice:
		return cause{"", "notices of our own"}
	case m.Account != "":
		return cause{Account, m.Account}
	case !m.Client.IP.IsValid() && m.Directory != "":
		return cause{Directory, m.Directory}
	case !m.Client.IP.IsValid() && m.Script != "" && m.MTA != mail.Exim:
		return cause{Script, m.Script}
	case !m.Client.IP.IsValid() && m.Has(mail.HasUID):
		return cause{UID, strconv.Itoa(m.UID)}
	case !m.Client.IP.IsValid():
		return cause{UID, m.User}
	case m.Direction == mail.Inbound || m.Direction == mail.Local:
		return cause{"", "mail that is forwarded to other servers"}
	}
	return cause{SenderDomain, mail.Domain(m.Sender)}
}

func (c cause) String() string {
	switch c.kind {
	case Account:
		return "account " + c.value
	case Directory:
		return "scripts in " + c.value
	case Script:
		return "script " + c.value
	case UID:
		return "local user " + c.value
	case SenderDomain:
		return "clients that send as " + c.value
	}
	return c.value
}

func (s *causeSent) add(t mail.Instant, n int) {
	s.total += n
	s.addHour(hourSent{int32(t.Minute() / 60), int32(n)})
}

func (s *causeSent) addHour(h hourSent) {
	if last := len(s.hours) - 1; last >= 0 && s.hours[last].hour == h.hour {
		s.hours[last].n += h.n
		return
	}
	at, found := slices.BinarySearchFunc(s.hours, h.hour, func(x hourSent, hour int32) int { return int(x.hour - hour) })
	if found {
		s.hours[at].n += h.n
		return
	}
	s.hours = slices.Insert(s.hours, at, h)
}

// between is how much was sent from one hour to another.
func (s *causeSent) between(from, to mail.Instant) (n int) {
	for _, h := range s.hours {
		if int64(h.hour) >= from.Minute()/60 && int64(h.hour) <= to.Minute()/60 {
			n += int(h.n)
		}
	}
	return n
}

func (w *reputationWatch) Merge(other Watch) {
	o := other.(*reputationWatch)
	w.complaints = append(w.complaints, o.complaints...)
	if most := w.pass.Thresholds.Reputation.MaxReplies; len(w.complaints) > most {
		w.lost += len(w.complaints) - most
		w.complaints = w.complaints[:most]
	}
	w.lost += o.lost
	for host, b := range o.sent {
		if w.sent[host] == nil {
			w.sent[host] = new(Buckets)
		}
		w.sent[host].Merge(b)
	}
	for k, r := range o.remotes.All() {
		p := w.remotes.At(k)
		p.taken += r.taken
		p.last = max(p.last, r.last)
	}
	for k, s := range o.causes.All() {
		c := w.causes.At(k)
		c.total += s.total
		for _, h := range s.hours {
			c.addHour(h)
		}
	}
}

func (w *reputationWatch) Findings(site *Site) []Finding {
	byHost := make(map[string][]complaint)
	for _, c := range w.complaints {
		if !inOurDomains(site, c.provider) { // one host of ours to another
			byHost[c.host] = append(byHost[c.host], c)
		}
	}
	if w.lost > 0 {
		site.Notes = append(site.Notes, say("reputation: %d replies were not counted, to limit the memory used (reputation.max-replies)", w.lost))
	}
	var found []Finding
	for _, host := range slices.Sorted(keysOf(byHost)) {
		list := byHost[host]
		slices.SortFunc(list, compareComplaints)
		for from := 0; from < len(list); {
			to, last := from+1, list[from].until
			for ; to < len(list); to++ {
				since := last
				if to-from < w.pass.Thresholds.Reputation.MinReplies { // one message that is retried for days is no trouble
					since = list[to-1].time
				}
				if list[to].time.Sub(since) > w.pass.Thresholds.Reputation.Pause {
					break
				}
				last = max(last, list[to].until)
			}
			if f, ok := w.judge(site, host, list[from:to]); ok {
				found = append(found, f)
			}
			from = to
		}
	}
	return found
}

func compareComplaints(a, b complaint) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.until, b.until), cmp.Compare(a.message.File, b.message.File), cmp.Compare(a.message.Line, b.message.Line),
		strings.Compare(a.recipient, b.recipient), strings.Compare(a.reply, b.reply))
}

// trouble is a time in which other servers complain about a host of ours.
type trouble struct {
	list             []complaint
	providers, lists Tally
	kinds            [mail.Complaints]int
	causes           map[cause]int
	recipients       map[string]mail.Disposition // different ones, and what became of them
	messages         map[messageKey]bool
	domains          Tally
}

func newTrouble(list []complaint) *trouble {
	t := &trouble{list: list, causes: make(map[cause]int), recipients: make(map[string]mail.Disposition), messages: make(map[messageKey]bool)}
	for _, c := range list {
		t.providers.Add(c.provider, 1)
		addNamed(&t.lists, c.list)
		t.kinds[c.kind]++
		t.causes[c.cause]++
		t.messages[c.key()] = true
		key := c.recipient + " " + fmt.Sprint(c.key())
		if _, known := t.recipients[key]; !known {
			t.recipients[key] = c.became
			addNamed(&t.domains, mail.Domain(c.recipient))
		}
	}
	return t
}

// blamed is the causes whose mail a good part of the complaints is about. Of several stolen accounts, none may have sent most of it; and a
// domain of ours says less than the host that handed the mail in without a login.
func (t *trouble) blamed() (all []Subject) {
	const part = 10
	clients := make(map[netip.Addr]int)
	for i := range t.list {
		if c := &t.list[i]; c.cause.kind == SenderDomain && c.client.IsValid() {
			clients[c.client]++
		}
	}
	for ip, n := range clients {
		if n*part >= len(t.list) {
			all = append(all, Subject{IP, ip.String()})
		}
	}
	for c, n := range t.causes {
		if c.kind != "" && n*part >= len(t.list) {
			all = append(all, Subject{c.kind, c.value})
		}
	}
	slices.SortFunc(all, func(a, b Subject) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value)) })
	return all
}

// until is when the last complaint was made.
func (t *trouble) until() (last mail.Instant) {
	for _, c := range t.list {
		last = max(last, c.until)
	}
	return last
}

// handedIn is when the first and the last of the messages with complaints were accepted.
func (t *trouble) handedIn() (first, last mail.Instant) {
	first = t.list[0].message.Time
	for _, c := range t.list {
		first, last = min(first, c.message.Time), max(last, c.message.Time)
	}
	return first, last
}

// onHost selects what a host sent to the outside, even if another host of ours accepted it first.
func (t *trouble) onHost(host string) []string {
	if host != "" && slices.ContainsFunc(t.list, func(c complaint) bool { return c.passedOn }) {
		return []string{"last_host == " + quoted(host)}
	}
	return onHost(host)
}

// judge scores a time of trouble.
func (w *reputationWatch) judge(site *Site, host string, list []complaint) (Finding, bool) {
	th := &w.pass.Thresholds.Reputation
	if len(list) < th.MinReplies {
		return Finding{}, false
	}
	t := newTrouble(list)
	first, last := list[0].time, t.until()
	sent := w.sentBetween(host, first, last)
	share := ratio(len(t.recipients), max(sent, len(t.recipients)))
	f := Finding{Subject: Subject{Host, cmp.Or(host, namelessHost)}, Start: first, End: last}
	f.because("share-hit", shareWeight(share, len(t.recipients)), "%.1f %% of the outgoing mail in that time was refused or deferred because of us: %d of %s",
		100*share, len(t.recipients), plural(sent, "recipient", "recipients"))
	if n := t.providers.Distinct(); n >= 2 {
		f.because("many-providers", min(0.15, 0.05*float64(n-1)), "%d different providers say so", n)
	}
	if n := t.kinds[mail.Listed]; n > 0 {
		names := "lists of their own"
		if t.lists.Distinct() > 0 {
			names = countWords(t.lists.Top(5))
		}
		f.because("blocklisted", min(0.1, 0.03*float64(n)), "%d replies name a blocklist: %s", n, names)
	}
	if n := t.kinds[mail.BadReputation]; n > 0 {
		f.because("bad-reputation", 0.05, "%d replies name our reputation or complaints about us", n)
	}
	w.culprit(site, t, first, last, &f)
	if t.kinds[mail.RateLimited] == len(list) && t.providers.Distinct() <= 2 {
		f.atMost(w.pass.Thresholds.Score.Medium-0.05, "one-strict-provider", "only rate limits, of one or two providers: normal for a mailing list")
	}
	f.blame = t.blamed()
	w.ending(site, t, last, &f)
	w.fill(t, &f)
	from, to := t.handedIn()
	f.Signature = during(from, to, append(t.onHost(host), `any(complaints, # != "")`)...)
	f.Title = fmt.Sprintf("Other servers refused or deferred mail of %s because of us: %s at %s (%s)", hostWords(host),
		plural(len(t.recipients), "recipient", "recipients"), plural(t.providers.Distinct(), "provider", "providers"), w.sayings(t))
	return f, true
}

// shareWeight is the weight of the share that was affected; a share of few recipients says little.
func shareWeight(share float64, n int) float64 {
	weight := 0.05
	switch {
	case share >= 0.5:
		weight = 0.5
	case share >= 0.25:
		weight = 0.4
	case share >= 0.1:
		weight = 0.3
	case share >= 0.05:
		weight = 0.2
	case share >= 0.02:
		weight = 0.1
	}
	switch {
	case n < 10:
		return min(weight, 0.1)
	case n < 30:
		return min(weight, 0.3)
	}
	return weight
}

// sentBetween is how many recipients outside a host tried.
func (w *reputationWatch) sentBetween(host string, from, to mail.Instant) (n int) {
	b := w.sent[host]
	if b == nil {
		return 0
	}
	for _, x := range b.Timeline() {
		if x.Time.Add(b.Width()) >= from && x.Time <= to {
			n += x.Messages
		}
	}
	return n
}

// culprit names who sent most in the hours before it began and since.
func (w *reputationWatch) culprit(site *Site, t *trouble, first, last mail.Instant, f *Finding) {
	from := first.Add(-w.pass.Thresholds.Reputation.Before)
	var best cause
	most, all := 0, 0
	for k, s := range w.causes.All() {
		n := s.between(from, last)
		all += n
		if n > most || n == most && (k.value < best.value || k.value == best.value && k.kind < best.kind) {
			best, most = k, n
		}
	}
	if most == 0 {
		return
	}
	usual := w.causes.Find(best).total - most
	hours := max(1, last.Sub(from).Hours())
	others := max(1, site.Span()/60-hours)
	f.Facts = append(f.Facts, Fact{"who sent most", say("%s: %d of %d recipients outside, from %s before it began to its end; %d of the %d replies are about its mail",
		best, most, all, duration(w.pass.Thresholds.Reputation.Before), t.causes[best], len(t.list))})
	share := ratio(most, all)
	if share < 0.5 || t.causes[best]*2 < len(t.list) {
		return
	}
	f.because("one-cause", 0.1, "%s sent %.0f %% of all outgoing mail before and during this time, %.0f an hour; %.1f an hour at other times",
		best, 100*share, float64(most)/hours, float64(usual)/others)
	switch best.kind {
	case Account:
		f.Accounts = []string{best.value}
	case Script, Directory:
		f.Scripts = []Count{{best.value, most}}
	}
}

// ending says whether it still goes on when the log ends.
func (w *reputationWatch) ending(site *Site, t *trouble, last mail.Instant, f *Finding) {
	again := 0
	var latest mail.Instant
	for _, p := range t.providers.Values() {
		r := w.remotes.Find(p)
		if r == nil || r.last <= lastOf(t.list, p) {
			continue
		}
		again++
		latest = max(latest, r.last)
	}
	text := "no, it went on until the log ended"
	if quiet := site.Last.Sub(last); quiet >= time.Hour {
		text = fmt.Sprintf("no complaint in the last %s of the log", duration(quiet))
	}
	if again > 0 {
		text += say("; %d of %s accepted mail again after their last complaint", again, plural(t.providers.Distinct(), "provider", "providers"))
	} else {
		text += "; none of those that complained has accepted mail since"
	}
	f.Facts = append(f.Facts, Fact{"ended", text})
}

// lastOf is when a provider complained last.
func lastOf(list []complaint, provider string) (last mail.Instant) {
	for _, c := range list {
		if c.provider == provider {
			last = max(last, c.until)
		}
	}
	return last
}

// fill adds numbers, domains, evidence and the replies.
func (w *reputationWatch) fill(t *trouble, f *Finding) {
	var evidence Keeper
	var buckets Buckets
	said := make(map[string]complaint)   // the first reply of each provider
	counted := make(map[messageKey]bool) // a message that several complain about counts once over time, too
	f.Counts.Messages = len(t.messages)
	for _, became := range t.recipients {
		f.Counts.recipient(became)
	}
	for _, c := range t.list {
		if !counted[c.key()] {
			counted[c.key()] = true
			buckets.Add(c.time, 1, 0)
		}
		evidence.Add(c.message)
		if _, ok := said[c.provider]; !ok {
			said[c.provider] = c
		}
	}
	f.Hosts = []string{}
	if host := t.list[0].host; host != "" {
		f.Hosts = []string{host}
	}
	f.RecipientDomains = t.domains.Top(topMost)
	f.Counts.RecipientDomains = t.domains.Distinct()
	f.Timeline = buckets.Timeline()
	f.Rate = bucketRate(&buckets)
	f.Rate.PerMinute = float64(len(counted)) / max(1, f.End.Sub(f.Start).Minutes()) // it goes on with the last complaint about a message, not the first
	f.Evidence = evidence.Lines(f.Rate.PeakAt)
	f.Facts = append(f.Facts, Fact{"who says so", countWords(t.providers.Top(10))})
	if t.lists.Distinct() > 0 {
		f.Facts = append(f.Facts, Fact{"lists to ask for removal", countWords(t.lists.Top(20))})
	}
	for i, p := range t.providers.Top(5) {
		c := said[p.Value]
		f.Facts = append(f.Facts, Fact{fmt.Sprintf("reply %d", i+1), fmt.Sprintf("%s, %s: %s", p.Value, c.kind, c.reply)})
	}
}

// sayings is the kinds of complaint, in a few words.
func (w *reputationWatch) sayings(t *trouble) string {
	var words []string
	for kind := mail.Listed; kind < mail.Complaints; kind++ {
		if t.kinds[kind] > 0 {
			words = append(words, say("%s %d", kind, t.kinds[kind]))
		}
	}
	return strings.Join(words, ", ")
}

// countWords is counts in words: "Spamhaus 45, SpamCop 12".
func countWords(counts []Count) string {
	words := make([]string, len(counts))
	for i, c := range counts {
		words[i] = say("%s %d", c.Value, c.Messages)
	}
	return strings.Join(words, ", ")
}
