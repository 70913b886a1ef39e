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
