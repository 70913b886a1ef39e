package analyze

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// term is a part of a signature: an expression of the language of --where, and what it selects.
type term struct {
	text string
	is   func(*seen) bool
}

// signatureClients is how many addresses a signature may name where the marks alone do not tell the messages from others.
const signatureClients = 1000

// signature is what selects the messages of the campaign, and as far as is remembered only those: the mark that joins them,
// the other marks that every message has, the time. Where that selects others, too, or not all, the clients are named.
func (c *cluster) signature() Signature {
	var accepted []*seen
	for _, s := range c.sightings {
		if !s.is(wasRefused) {
			accepted = append(accepted, s)
		}
	}
	if len(accepted) == 0 { // there is nothing to select
		return Signature{}
	}
	terms := []term{{`account == ""`, func(*seen) bool { return true }}}
	for _, t := range c.terms() {
		if !slices.ContainsFunc(accepted, func(s *seen) bool { return !t.is(s) }) {
			terms = append(terms, t)
		}
	}
	if len(terms) == 1 || (c.seedIsOurName(terms) || !c.exact(terms, accepted)) && len(c.clients) <= signatureClients {
		terms = append(terms, c.byAddress())
	}
	texts := make([]string, 0, len(terms)+2)
	for _, t := range terms[1:] {
		texts = append(texts, t.text)
	}
	return during(accepted[0].time, accepted[len(accepted)-1].time, append(texts, terms[0].text)...)
}

// seedIsOurName reports whether all that a signature says is the name of a domain of ours: servers of our own write in it, too,
// and are not remembered, because the name is theirs.
func (c *cluster) seedIsOurName(terms []term) bool {
	domain, share := c.domains.Most()
	return len(terms) == 2 && c.kind == seedDomain && share == 1 && c.hunt.site.IsOurs(domain)
}

// terms are the marks that may stand in a signature, the strongest first.
func (c *cluster) terms() []term {
	var terms []term
	add := func(text string, is func(*seen) bool) { terms = append(terms, term{text, is}) }
	if c.kind == seedSelf {
		add("sender in recipients", func(s *seen) bool {
			return slices.ContainsFunc(s.to, func(r recalled) bool { return r.address == s.sender })
		})
	}
	if c.kind == seedNumber {
		add(`helo matches "^[0-9]+$"`, func(s *seen) bool { return kindOfHELO(s.helo) == numberHELO })
	}
	if subject, share := c.subjects.Most(); share == 1 && c.subjects.Total() == c.messages && strings.ToValidUTF8(subject, "") == subject {
		add("subject == "+quoted(subject), func(s *seen) bool { return s.subject == subject })
	}
	if domain, share := c.domains.Most(); share == 1 {
		add("sender_domain == "+quoted(domain), func(s *seen) bool { return s.domain == domain })
	}
	if c.kind == seedHELO {
		add("lower(helo) == "+quoted(c.key), func(s *seen) bool { return strings.ToLower(s.helo) == c.key })
	}
	if family, share := c.families.Most(); share == 1 && c.families.Total() == len(c.clients) {
		if tail := family[strings.LastIndexByte(family, '#')+1:]; strings.Count(tail, ".") >= 2 {
			add("lower(rdns) endsWith "+quoted(tail), func(s *seen) bool { return strings.HasSuffix(strings.ToLower(s.name), tail) })
		}
	}
	if c.kind == seedNet {
		p := netip.MustParsePrefix(c.key)
		add(fmt.Sprintf("within(ip, %s)", quoted(c.key)), func(s *seen) bool { return p.Contains(s.ip) })
	}
	return terms
}

// byAddress names the clients.
func (c *cluster) byAddress() term {
	var list []string
	for _, ip := range slices.SortedFunc(maps.Keys(c.clients), netip.Addr.Compare) {
		list = append(list, quoted(ip.String()))
	}
	return term{"ip in [" + strings.Join(list, ", ") + "]", func(s *seen) bool { return c.clients[s.ip] != nil }}
}

// exact reports whether terms select, of what is remembered of that time, the accepted messages of the campaign and no others.
func (c *cluster) exact(terms []term, accepted []*seen) bool {
	selected := 0
	first, last := accepted[0].time, accepted[len(accepted)-1].time
	for _, s := range c.hunt.all {
		if s.is(wasRefused) || s.time < first || s.time > last {
			continue
		}
		if !slices.ContainsFunc(terms, func(t term) bool { return !t.is(s) }) {
			selected++
		}
	}
	return selected == len(accepted)
}

// finding is the cluster as a finding.
func (c *cluster) finding() Finding {
	var d Dossier
	times := make([]mail.Instant, 0, len(c.sightings))
	var m mail.Message
	for _, s := range c.sightings {
		times = append(times, s.time)
		if s.is(wasRefused) {
			c.refuse(&d, s)
			continue
		}
		s.message(&m)
		d.Add(&m)
	}
	for _, s := range c.knocks {
		times = append(times, s.time)
		c.refuse(&d, s)
	}
	slices.Sort(times)
	f := Finding{
		Subject: Subject{CampaignKind, c.name()}, Argument: c.Argument, Start: c.start, End: c.end,
		Rate: RateOf(times), Title: c.title(), Signature: c.signature(),
	}
	d.Fill(&f)
	c.facts(&f)
	return f
}

// message is a sighting as a message again. m is overwritten, its slices are used again.
func (w *seen) message(m *mail.Message) {
	recipients, ids := m.Recipients[:0], m.QueueIDs[:0]
	for _, r := range w.to {
		recipients = append(recipients, mail.Recipient{Address: r.address, Disposition: r.disposition})
	}
	if w.queueID != "" {
		ids = append(ids, w.queueID)
	}
	*m = mail.Message{
		Origin: w.Origin, Time: w.time, Line: w.line, Client: w.client(), Host: w.host, Sender: w.sender, Subject: w.subject,
		MessageID: w.messageID, Recipients: recipients, QueueIDs: ids, Completed: !w.is(wasIncomplete),
	}
}

func (c *cluster) refuse(d *Dossier, s *seen) {
	d.Reject(&mail.Event{Origin: s.Origin, Time: s.time, Client: s.client(), Host: s.host, Raw: s.line})
	d.sender(s.sender)
	for _, r := range s.to {
		d.Recipients.Add(mail.Fold(r.address), 1)
		addNamed(&d.RecipientDomains, mail.Domain(r.address))
	}
	d.Evidence.Add(s.evidence())
	if s.list != "" {
		d.Evidence.Mark("the first that a blocklist refused", s.evidence())
	}
}

// name is what joins them, in a few words that stay the same.
func (c *cluster) name() string {
	switch c.kind {
	case seedSelf:
		return strings.TrimSpace("sender is recipient " + c.key)
	case seedNumber:
		return "HELO is a number"
	case seedOwnName:
		return "HELO is our name"
	case seedDamaged:
		return "damaged recipients"
	case seedSpray:
		return "each in other names"
	case seedSubject:
		return fmt.Sprintf("subject %q", c.key)
	case seedHELO:
		return "HELO " + c.key
	case seedDomain:
		return "sender " + c.inNames()
	case seedFamily:
		return "name " + c.key
	}
	return "network " + c.key
}

var seedWords = [seedKinds]string{
	seedSelf: "the sender is always the recipient", seedNumber: "HELO is always a number", seedOwnName: "HELO is a name of ours",
	seedDamaged: "they use the same kind of damaged addresses", seedSpray: "every message has another sender",
}

func (c *cluster) title() string {
	words := seedWords[c.kind]
	switch c.kind {
	case seedSelf:
		if c.key == outside {
			words += ", and not one of ours"
		}
	case seedSubject:
		words = fmt.Sprintf("all with the subject %q", c.key)
	case seedHELO:
		words = "all say HELO " + c.key
	case seedDomain:
		words = "all send as " + c.inNames()
	case seedFamily:
		words = "all have a name like " + c.key
	case seedNet:
		words = "all in " + c.key
	}
	var fates []string
	if c.messages > 0 {
		fates = append(fates, plural(c.messages, "message", "messages")+" accepted")
	}
	if n := c.refused + len(c.knocks); n > 0 {
		fates = append(fates, plural(n, "attempt", "attempts")+" refused")
	}
	return say("%d addresses acting as one: %s; %s", len(c.clients)+c.knockers, words, strings.Join(fates, ", "))
}

// facts are what else is known.
func (c *cluster) facts(f *Finding) {
	if c.nets.Distinct() > 0 {
		f.Facts = append(f.Facts, Fact{"networks", plural(c.nets.Distinct(), "network", "networks")})
	}
	if list, _ := c.lists.Most(); list != "" {
		clients := make(map[netip.Addr]bool)
		for _, s := range c.sightings {
			if s.list != "" {
				clients[s.ip] = true
			}
		}
		f.Facts = append(f.Facts, Fact{"refused by blocklist", say("%d of %s, %s", len(clients), plural(len(c.clients), "address", "addresses"), list)})
	}
	if len(c.knocks) > 0 {
		f.Facts = append(f.Facts, Fact{"refused at once", say("%s when they connected or said HELO; %s did nothing else", plural(len(c.knocks), "attempt", "attempts"),
			plural(c.knockers, "address", "addresses"))})
	}
	if c.unshown > 0 {
		f.Facts = append(f.Facts, Fact{"recipient not shown", say("%s from %s in names of ours, while it lasted: refused at MAIL or after DATA, and the log does not say to whom they were",
			plural(c.unshown, "attempt", "attempts"), plural(c.unshownClients, "address", "addresses"))})
	}
	if c.unknown > 0 {
		f.Facts = append(f.Facts, Fact{"unknown recipients", plural(c.unknown, "message or attempt", "messages or attempts")})
	}
	if len(c.site.LocalDomains) > 0 && ratio(c.foreign, c.recipients) >= enough {
		f.Facts = append(f.Facts, Fact{"see", "relays: that this host accepted it is the more serious problem"})
	}
}
