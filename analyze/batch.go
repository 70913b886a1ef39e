package analyze

import (
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// batch is the messages of a window, counted: what a finding says of them, and the marks that distinguish abuse from bulk mail.
type batch struct {
	Dossier
	times   []mail.Instant
	unknown Tally // folded recipients that bounced, because there is no such
	users   Tally // local users
	marks   [markCount]int
	latest  names
	scratch mail.Message // for Dossier.Add
}

// mark is something that a message has or has not.
type mark uint8

const (
	hasMessageID mark = iota
	hasSubject
	hasHELO
	unnamedClient // no name that resolves back
	genericClient // a name that a provider made from the address
	numericHELO
	oddHELO // one label, or an address
	rentedClient
	ownNameSender    // the sender's domain is that of the client's verified name
	machineSender    // the sender is a role at the client's own name: webmaster@vps-2231.servdisc.net
	listedMail       // declares itself bulk
	blockedOnce      // a remote reply about us or the content
	bouncedOnce      // any recipient bounced
	overLimitOnce    // given up by ourselves because of a limit
	foreignSender    // with a login: the sender's domain is not the account's, which may have none; see foreignSenders
	otherSender      // with a login: the sender is not the account
	variableSender   // the sender contains the recipient: VERP
	strangeMessageID // the Message-ID's domain is not of the sender's organisation
	nullSender
	withLogin
	markCount
)

func newBatch() *batch { return &batch{} }

// add counts a record.
func (b *batch) add(r *record) {
	r.message(&b.scratch)
	b.Dossier.Add(&b.scratch)
	b.times = append(b.times, r.time)
	b.user(r)
	b.markClient(r)
	b.markSender(r)
	b.markOutcome(r)
	b.markIf(hasMessageID, r.messageID != "")
	b.markIf(strangeMessageID, r.messageID != "" && !ownName(mail.Domain(r.messageID), r.sender))
	b.markIf(hasSubject, r.subject != "")
	b.markIf(listedMail, r.listed)
}

func (b *batch) user(r *record) {
	if user := r.user(); user != "" {
		b.users.Add(user, 1)
	}
}

func (b *batch) markIf(m mark, has bool) {
	if has {
		b.marks[m]++
	}
}

func (b *batch) markClient(r *record) {
	if !r.client.IP.IsValid() {
		return
	}
	b.markIf(unnamedClient, !named(r))
	if named(r) {
		b.name(r)
		b.markIf(genericClient, b.latest.generic)
		b.markIf(rentedClient, b.latest.rented)
		b.markIf(ownNameSender, b.latest.own)
		b.markIf(machineSender, b.latest.own && isMachine(r.sender, r.client.Name))
	}
	kind := kindOfHELO(r.client.HELO)
	b.markIf(hasHELO, kind != unknownHELO)
	b.markIf(numericHELO, kind == numberHELO)
	b.markIf(oddHELO, kind == labelHELO || kind == addressHELO || kind == literalHELO)
}

// named reports whether a client has a name that resolves back to its address.
func named(r *record) bool {
	return r.Has(mail.Verified) && r.client.Name != "" && r.client.Name != "unknown"
}

// names is what was found out about the latest client and sender: the next message is mostly of the same.
type names struct {
	client, domain       string
	generic, rented, own bool
}

func (b *batch) name(r *record) {
	domain := mail.Domain(r.sender)
	if b.latest.client == r.client.Name && b.latest.domain == domain {
		return
	}
	b.latest = names{
		client:  r.client.Name,
		domain:  domain,
		generic: genericName(r.client.Name, r.client.IP),
		rented:  rentedName(r.client.Name),
		own:     ownName(r.client.Name, r.sender),
	}
}

// isMachine reports whether a sender is nobody's address but that of a machine: what programs on a rented or broken one send
// as. A small company's only server may have the name of its domain; that is no machine's.
func isMachine(sender, host string) bool {
	if host = mail.FoldDomain(host); mail.Domain(sender) != host || organisation(host) == host {
		return false
	}
	switch strings.ToLower(mail.LocalPart(sender)) {
	case "root", "admin", "administrator", "webmaster", "postmaster", "hostmaster", "www-data", "www", "wwwrun", "apache", "nginx", "httpd",
		"nobody", "web", "cpanel":
		return true
	}
	return false
}

// ownName reports whether a host sends for its own organisation.
func ownName(host, sender string) bool {
	domain := mail.Domain(sender)
	return domain != "" && organisation(host) == organisation(domain)
}

func (b *batch) markSender(r *record) {
	b.markIf(nullSender, r.sender == mail.NullSender)
	b.markIf(variableSender, isVERP(r.sender, r.first.address))
	if r.account == "" {
		return
	}
	b.markIf(withLogin, true)
	if r.sender == "" || r.sender == mail.NullSender {
		return
	}
	account := loginKey(r.account)
	b.markIf(otherSender, strings.Contains(account, "@") && account != strings.ToLower(r.sender))
	domain := mail.Domain(account)
	b.markIf(foreignSender, domain == "" || organisation(domain) != organisation(mail.Domain(r.sender)))
}

// foreignSenders is how many messages with a login name a sender of a foreign domain. A login without a domain, or one of a realm that
// receives no mail (anna@ad.firm.example), does not tell what its own domain is: there a sender is foreign if he is none of ours.
func (b *batch) foreignSenders(site *Site) int {
	account, _ := b.Accounts.Most()
	domain := mail.Domain(loginKey(account))
	switch {
	case site.IsOurs(domain) || len(site.LocalDomains) == 0 && domain != "":
		return b.marks[foreignSender]
	case len(site.LocalDomains) == 0:
		return 0
	}
	others := b.Counts.Messages
	for domain, n := range b.SenderDomains.All {
		if site.IsOurs(domain) {
			others -= n
		}
	}
	return min(b.marks[foreignSender], others)
}

// isVERP reports whether the recipient is written into the sender, so that a bounce tells whose it is: "bounce-7-susan=b.example@a.example"
// (D. J. Bernstein, "Variable Envelope Return Paths").
func isVERP(sender, recipient string) bool {
	local, to := mail.LocalPart(sender), mail.LocalPart(recipient)
	if to == "" || len(local) <= len(to) {
		return false
	}
	return strings.Contains(local, "=") && containsFold(local, strings.ToLower(to)+"=")
}

func (b *batch) markOutcome(r *record) {
	bounced, blocked, limited := false, false, false
	r.recipients(func(c *recalled) {
		bounced = bounced || c.disposition == mail.Bounced && !c.limited
		blocked = blocked || c.blocked
		limited = limited || c.limited
		if c.unknown {
			b.unknown.Add(mail.Fold(c.address), 1)
		}
	})
	b.markIf(bouncedOnce, bounced)
	b.markIf(blockedOnce, blocked)
	b.markIf(overLimitOnce, limited && !bounced)
}

// merge takes over what other, of the same series, has counted.
func (b *batch) merge(o *batch) {
	b.Dossier.Merge(&o.Dossier)
	b.times = append(b.times, o.times...)
	slices.Sort(b.times)
	b.unknown.Merge(&o.unknown)
	b.users.Merge(&o.users)
	for i, n := range o.marks {
		b.marks[i] += n
	}
}

// values is how many different values it holds: most of its memory.
func (b *batch) values() int {
	n := len(b.clients)
	for _, t := range []*Tally{
		&b.Senders, &b.SenderDomains, &b.Recipients, &b.RecipientDomains, &b.Subjects, &b.MessageDomains, &b.HELOs, &b.Accounts,
		&b.Hosts, &b.Scripts, &b.Replies, &b.unknown, &b.users,
	} {
		n += t.held()
	}
	return n
}

// share is how many of the messages have a mark, 0 to 1.
func (b *batch) share(m mark) float64 { return ratio(b.marks[m], b.Counts.Messages) }

func ratio(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// storyTimes bounds the instants of one story: 8 MB.
const storyTimes = 1 << 20

// addStory adds what was counted of a window of s that was too large to keep message by message.
func (s *series) addStory(story *batch, pause time.Duration) {
	for _, old := range s.stories {
		if story.Start.Sub(old.End) <= pause && old.Start.Sub(story.End) <= pause {
			old.merge(story)
			old.times = old.times[:min(len(old.times), storyTimes)]
			return
		}
	}
	s.stories = append(s.stories, story)
}
