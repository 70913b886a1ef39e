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
		if inOurDomains(site, mail.Domain(b.to)) { // user@mail.site.example of our own programs, too
			s.ours++
		}
	}
	return s
}

// toOurs reports whether nearly all went to addresses in our domains.
func (s *storm) toOurs() bool { return ratio(s.ours, len(s.list)) >= enough }

// isForged reports whether so many of the bounces could not be delivered that their recipients must have been forged senders.
func (s *storm) isForged() bool { return ratio(s.dead, len(s.list)) >= 0.25 }

// lasted is the time from the first to the last.
func (s *storm) lasted() time.Duration { return s.times[len(s.times)-1].Sub(s.times[0]) }

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
	whom := "strangers" // a customer whose mail we relay does write
	if s.isForged() {
		whom = "people who never wrote"
	}
	f.Title = say("%s sent %s to %s: %d could not be delivered", hostWords(host), plural(n, "bounce", "bounces"), whom, s.dead)
	if 2*s.ours > n {
		f.Title = fmt.Sprintf("%s wrote %s to addresses of ours that do not exist", hostWords(host), plural(n, "bounce", "bounces"))
	}
	s.fill(&f)
	if waiting := w.waitingOf(list); len(waiting) > 0 {
		f.nameNotices(waiting)
		f.Facts = append(f.Facts, Fact{"still queued", say("%s that nobody waits for", plural(len(waiting), "bounce", "bounces"))})
	}
	if terms := w.termsOfSent(site, host, &f); terms != nil {
		f.Signature = during(f.Start, f.End, append(onHost(host), terms...)...)
	}
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
	switch {
	case s.toOurs():
		whose = "in our own domains"
	case 2*s.ours > n:
		whose = say("of strangers and, most of them, in our own domains")
	}
	f.because("notices-to-strangers", mass, "%d bounces to %s %s", n, plural(s.to.Distinct(), "address", "addresses"), whose)
	if s.isForged() {
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

// waitingOf are the queue IDs, each with its host, of a storm's bounces that are still in the queue: those that nobody waits for. They
// were caused by a client or an account that caused several, most of which could not be delivered. Some of an honest client's may wait
// for a server that is down for an hour.
func (w *backscatterWatch) waitingOf(list []bounceOut) []string {
	const several = 3
	type fault struct {
		all, dead int
		waits     []string
	}
	faults := make(map[string]*fault) // by account or client
	for _, b := range list {
		p := w.parents.Find(b.host + " " + b.parent)
		if p == nil {
			continue
		}
		whose := cmp.Or(p.account, p.client.IP.Unmap().String())
		f := faults[whose]
		if f == nil {
			f = new(fault)
			faults[whose] = f
		}
		f.all++
		if b.disposition != mail.Delivered {
			f.dead++
		}
		if b.waits != "" {
			f.waits = append(f.waits, b.waits)
		}
	}
	var ids []string
	for _, f := range faults {
		if f.all >= several && 2*f.dead >= f.all {
			ids = append(ids, f.waits...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// termsOfSent select the bounces of a storm, but none that reached a mailbox here or went to somebody here who has one. nil: these are too
// many to be left out by name, and whoever deletes what is selected must not delete theirs.
func (w *backscatterWatch) termsOfSent(site *Site, host string, f *Finding) []string {
	terms := []string{"notice", "len(recipients) > 0", "delivered_here == 0"} // of a notice that was not tried yet nobody knows to whom it goes
	var honest []string
	for _, b := range w.out {
		if b.host == host && b.Time >= f.Start && b.Time <= f.End && w.isHonest(site, &b) {
			honest = append(honest, quoted(strings.ToLower(b.to)))
		}
	}
	slices.Sort(honest)
	if honest = slices.Compact(honest); len(honest) > signatureClients {
		return nil
	}
	if len(honest) > 0 {
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
