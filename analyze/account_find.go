package analyze

import (
	"cmp"
	"math/bits"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// accountInquiry examines all accounts once, at the end, when it is known what is usual here.
type accountInquiry struct {
	w              *accountWatch
	site           *Site
	thresholds     *Thresholds
	sent           int                  // messages of all accounts …
	days           int                  // … and the days on which they sent, over all
	messagesPerDay float64              // of an account on a day on which it sends at all
	accountsAtHome map[netip.Prefix]int // how many accounts are used regularly from a wide network
	failedAccounts map[netip.Prefix]int // on how many accounts somebody in a network failed to log in
	mostNetworks   int                  // the number of wide networks that nineteen of twenty accounts do not exceed
	organisations  map[string]string    // registered domains by domain, as far as they were looked up
}

// Findings examines every account.
func (w *accountWatch) Findings(site *Site) []Finding {
	q := w.inquiry(site)
	var found []Finding
	for _, key := range w.accounts.Sorted(strings.Compare) {
		h := w.accounts.Find(key)
		compromises := q.compromises(h)
		var starts []mail.Instant
		for _, c := range compromises {
			starts = append(starts, c.Start)
		}
		for _, c := range compromises {
			found = append(found, q.finding(c, firstAfter(starts, c.End)))
		}
	}
	refusedLost := 0
	for _, h := range w.accounts.All() {
		refusedLost += h.refusedLost
	}
	if refusedLost > 0 {
		site.Notes = append(site.Notes, say("accounts: %d refused attempts were dropped to limit the memory used: the findings are without these", refusedLost))
	}
	if w.lost+w.accounts.Forgotten > 0 {
		site.Notes = append(site.Notes, say("accounts: %d accounts, and %d messages or addresses of accounts, were dropped to limit the memory used",
			w.accounts.Forgotten, w.lost))
	}
	return found
}

// inquiry learns from all accounts what is usual here.
func (w *accountWatch) inquiry(site *Site) *accountInquiry {
	w.joinSpellings(site)
	q := &accountInquiry{
		w: w, site: site, thresholds: &w.pass.Thresholds,
		accountsAtHome: make(map[netip.Prefix]int), failedAccounts: make(map[netip.Prefix]int), organisations: make(map[string]string),
	}
	for _, h := range w.accounts.All() {
		q.sent += h.sent
		q.days += bits.OnesCount64(h.days)
		for net := range h.steadyNetworks(q.thresholds.Burst.AloneFrom) {
			q.accountsAtHome[net]++
		}
		for net := range h.failuresByNetwork() {
			q.failedAccounts[net]++
		}
	}
	q.homesInShortLog()
	q.mostNetworks = w.mostNetworks()
	q.messagesPerDay = float64(q.sent) / float64(max(1, q.days))
	return q
}

// joinSpellings makes one account of "susan" and "susan@site.example": a user may log in with either, and the mailbox server and the
// SMTP server may log different ones. It is certain only where we have a single domain.
func (w *accountWatch) joinSpellings(site *Site) {
	if len(site.LocalDomains) != 1 {
		return
	}
	for domain := range site.LocalDomains {
		for _, key := range w.accounts.Sorted(strings.Compare) {
			name, found := strings.CutSuffix(key, "@"+domain)
			short := w.accounts.Find(name)
			if !found || short == nil {
				continue
			}
			long := w.accounts.Find(key)
			if short.sent > long.sent {
				long.spelling, long.spelledAt = "", 0
			} else if long.sent > 0 {
				short.spelling = ""
			}
			w.mergeAccount(long, short)
			w.accounts.Delete(name)
		}
	}
}

// compromises is what an account is suspected of, mostly nothing. Four signs are looked for: senders and networks that are not the
// owner's, far more mail than usual, and, where neither shows enough, networks everywhere, and mail that is abuse as long as the log goes.
func (q *accountInquiry) compromises(h *accountHistory) []*compromise {
	sortRecords(h.records)
	if h.sent < q.thresholds.Burst.MinMessages {
		return q.loginsWithoutMail(h)
	}
	b := q.newBaseline(h, windows(instants(h.records), q.w.pace(h)))
	all := b.byOrigin()
	for _, win := range b.windows {
		if !b.mostlySuspicious(win) {
			all = append(all, b.byVolume(win))
		}
	}
	for _, c := range all {
		c.relatedLogins = c.findRelatedLogins()
		q.judge(c)
	}
	told := q.joinCompromises(all)
	if !slices.ContainsFunc(told, func(c *compromise) bool { return c.Score >= q.thresholds.Score.Medium }) {
		if c := q.newBaseline(h, b.windows).everywhere(); c != nil {
			if q.judge(c); c.Score >= q.thresholds.Score.Medium {
				return []*compromise{c}
			}
		}
	}
	if len(told) > 0 {
		return told
	}
	if c := b.throughout(); c != nil {
		q.judge(c)
		return q.joinCompromises([]*compromise{c})
	}
	return q.loginsWithoutMail(h)
}

// joinCompromises drops the weak ones and makes one of those that belong together.
func (q *accountInquiry) joinCompromises(all []*compromise) []*compromise {
	slices.SortFunc(all, func(a, b *compromise) int { return cmp.Compare(a.Start, b.Start) })
	var told []*compromise
	for _, c := range all {
		if c.Score < q.thresholds.Score.Low {
			continue
		}
		if n := len(told) - 1; n >= 0 && min(c.Score, told[n].Score) >= q.thresholds.Score.Medium && c.Start.Sub(told[n].End) <= near {
			told[n].absorb(c)
			told[n].relatedLogins = told[n].findRelatedLogins()
			q.judge(told[n])
			continue
		}
		told = append(told, c)
	}
	return told
}

// organisation is the registered domain of a domain, looked up once.
func (q *accountInquiry) organisation(domain string) string {
	org, ok := q.organisations[domain]
	if !ok {
		org = organisation(domain)
		q.organisations[domain] = org
	}
	return org
}
