package analyze

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// cluster is clients that may act as one, because they share a mark: what is known of them, counted.
type cluster struct {
	*hunt
	kind      seedKind
	key       string
	clients   map[netip.Addr][]*seen // with what each did in the time
	sightings []*seen                // all of it, in order
	seeded    map[*seen]bool         // what has the mark

	knocks                  []*seen // refused before a sender was named
	knockers                int     // clients that did nothing else
	unshown, unshownClients int     // attempts whose recipients the log does not show, and the clients that made them
	start, end              mail.Instant
	domainsOf               []string // of a run that was joined: the domains of its parts, which joined each

	messages, refused, listed, unknown, damaged, verp             int
	strange, ownID, aligned                                       int // Message-IDs of another domain; of the sender's or client's; HELO of the sender's domain
	recipients, foreign                                           int
	senders, domains, subjects, ids, idDomains, idShapes          Tally
	helos, lists, rcptDomains, hosts                              Tally
	nets, families, orgs                                          Tally // of clients
	generic, unnamed, unasked, serverNames, odd, ownNames, forged int   // clients
	single, elsewhere, steady                                     int   // clients that came once; at other times, too; day after day
	again, loyal                                                  int   // clients of which several messages were taken; of these: all for the same recipient
	ofOneSteady                                                   int   // messages that were taken of one client, day after day: the most
	mailboxes                                                     Tally // recipients

	Argument
	marks int // that speak for one operator, beside the seed and the numbers
}

// count measures everything that judge weighs.
func (c *cluster) count() {
	for _, s := range c.sightings {
		c.countSighting(s)
	}
	for ip, list := range c.clients {
		c.countClient(ip, list)
	}
}

func (c *cluster) countSighting(s *seen) {
	addNamed(&c.senders, s.sender)
	addNamed(&c.domains, s.domain)
	addNamed(&c.hosts, s.host)
	addNamed(&c.lists, s.list)
	if s.is(alignedHELO) {
		c.aligned++
	}
	if s.unknown() {
		c.unknown++
	}
	if s.damaged {
		c.damaged++
	}
	for _, r := range s.to {
		domain := mail.Domain(r.address)
		c.recipients++
		c.mailboxes.Add(mail.Fold(r.address), 1)
		addNamed(&c.rcptDomains, domain)
		if !c.site.IsOurs(domain) {
			c.foreign++
		}
	}
	if s.is(wasRefused) {
		c.refused++
		if s.list != "" {
			c.listed++
		}
		return
	}
	c.messages++
	addNamed(&c.subjects, s.subject)
	if variableLocalPart(mail.LocalPart(s.sender)) {
		c.verp++
	}
	if shape := idShape(s.messageID); shape != "" {
		domain := mail.Domain(strings.TrimSuffix(s.messageID, ">"))
		c.ids.Add(s.messageID, 1)
		c.idShapes.Add(shape, 1)
		addNamed(&c.idDomains, organisation(domain))
		if sameOrganisation(domain, s.domain) || sameOrganisation(domain, s.name) {
			c.ownID++
		} else {
			c.strange++
		}
	}
}

// variableLocalPart reports whether a recipient stands in the sender (VERP), or a signature of the message (BATV, SRS).
func variableLocalPart(local string) bool {
	return strings.Contains(local, "=") || strings.HasPrefix(strings.ToLower(local), "srs")
}

func (c *cluster) countClient(ip netip.Addr, list []*seen) {
	c.nets.Add(siteNetwork(ip).String(), 1)
	name, helo, asked := "", "", false
	for _, s := range list {
		name, helo, asked = max(name, s.name), max(helo, s.helo), asked || !s.is(isUnasked)
	}
	switch {
	case !asked:
		c.unasked++
	case name == "":
		c.unnamed++
	case genericName(name, ip):
		c.generic++
		c.families.Add(familyOf(name), 1)
	case !rentedName(name):
		c.serverNames++
	}
	if name != "" {
		c.orgs.Add(organisation(name), 1)
	}
	if helo != "" {
		c.helos.Add(strings.ToLower(helo), 1)
		c.countHELO(name, helo)
	}
	if len(list) == 1 {
		c.single++
	}
	c.countLoyalty(list)
	if list[len(list)-1].time.Sub(list[0].time) >= 20*time.Hour {
		c.steady++
		c.ofOneSteady = max(c.ofOneSteady, taken(list))
	}
	if c.comesElsewhere(c.byClient[ip], list) {
		c.elsewhere++
	}
}

// taken is how many messages of a client were accepted.
func taken(list []*seen) int {
	n := 0
	for _, s := range list {
		if !s.is(wasRefused) {
			n++
		}
	}
	return n
}

// comesElsewhere reports whether a client comes at other times, too. The same letter to others is no other thing: that is the run's next
// wave, while a machine that reports each day writes to those to whom it wrote before.
func (c *cluster) comesElsewhere(all, inRun []*seen) bool {
	if c.kind != seedSubject {
		return c.isElsewhere(all[0]) || c.isElsewhere(all[len(all)-1])
	}
	to := make(map[string]bool)
	for _, s := range inRun {
		for _, r := range s.to {
			to[mail.Fold(r.address)] = true
		}
	}
	return slices.ContainsFunc(all, func(s *seen) bool {
		again := func(r recalled) bool { return to[mail.Fold(r.address)] }
		return c.isElsewhere(s) && (s.subject != c.key || slices.ContainsFunc(s.to, again))
	})
}

// isElsewhere reports whether something was done long before or after.
func (c *cluster) isElsewhere(s *seen) bool {
	const apart = 12 * time.Hour
	return s.time < c.start.Add(-apart) || s.time > c.end.Add(apart)
}

// countLoyalty counts a client that comes again, and whether to the same recipient. Attempts that were refused say nothing: who is
// asked to come again does; and so does what comes twice within minutes.
func (c *cluster) countLoyalty(list []*seen) {
	const apart = 5 * time.Minute
	taken, to, loyal := 0, "", true
	var last mail.Instant
	for _, s := range list {
		if s.is(wasRefused) || taken > 0 && s.time.Sub(last) < apart {
			continue
		}
		taken++
		last = s.time
		for _, r := range s.to {
			address := mail.Fold(r.address)
			loyal = loyal && (to == "" || to == address)
			to = address
		}
	}
	if taken > 1 {
		c.again++
		if loyal {
			c.loyal++
		}
	}
}

func (c *cluster) countHELO(name, helo string) {
	switch kind := kindOfHELO(helo); {
	case kind != namedHELO:
		c.odd++
	case inOurDomains(c.site, helo) || c.site.Roles[mail.FoldDomain(helo)].Value != "":
		c.ownNames++
	case bigProvider[organisation(helo)] && organisation(name) != organisation(helo):
		c.forged++
	}
}

// bigProvider holds names that spam programs like to say HELO with, because filters would not dare to block them.
var bigProvider = map[string]bool{
	"gmail.com": true, "google.com": true, "googlemail.com": true, "yahoo.com": true, "hotmail.com": true, "outlook.com": true,
	"live.com": true, "msn.com": true, "aol.com": true, "icloud.com": true, "gmx.de": true, "gmx.net": true, "web.de": true,
	"t-online.de": true, "mail.ru": true, "yandex.ru": true, "qq.com": true, "163.com": true, "comcast.net": true, "paypal.com": true,
	"amazon.com": true, "microsoft.com": true, "apple.com": true, "facebook.com": true,
}

// mark adds a reason that speaks for one operator by itself.
func (c *cluster) mark(code string, weight float64, text string, args ...any) {
	c.because(code, weight, text, args...)
	c.marks++
}

// judge says why these clients act as one, and why not. Weights are added. No mark is enough by itself, except that the
// sender is the recipient at dozens of addresses, which no honest mail does.
func (c *cluster) judge() {
	c.seed()
	numbers := len(c.Reasons)
	c.mass()
	c.marks = 0
	c.judgeSenders()
	c.judgeClients()
	c.judgeRecipients()
	c.judgeTime()
	if len(c.Reasons) == numbers {
		c.Score = 0
	}
	c.honest()
	c.limit()
	c.Score = min(c.Score, 1)
}

// seed is the weight of the mark that joins them.
func (c *cluster) seed() {
	k := len(c.clients)
	switch c.kind {
	case seedSelf:
		k -= c.unshownClients
		weight := 0.25
		switch {
		case k >= 100:
			weight = 0.6
		case k >= 25:
			weight = 0.5
		case k >= 10:
			weight = 0.4
		}
		c.because("sender-is-recipient", weight, "%d addresses sent without a login and with the recipient as sender, %s", k, plural(c.senders.Distinct(), "different one", "different ones"))
	case seedNumber:
		c.because("helo-number", 0.35, "%d addresses say HELO with a bare number", k)
	case seedOwnName:
		c.because("helo-our-name", 0.3, "%d addresses say HELO with a name of the recipient's own domain", k)
	case seedDamaged:
		c.because("damaged-recipients", 0.3, "%d addresses use damaged forms of known recipients (%d of %d)", k, c.damaged, c.recipients)
	case seedSpray:
		c.because("each-in-other-names", 0.25, "%d addresses without a name of their own use another sender for each message", k)
	case seedSubject:
		c.seedSubject()
	case seedHELO:
		c.seedHELO()
	case seedDomain:
		weight := 0.2
		if c.site.IsOurs(c.key) {
			weight = 0.3
		}
		c.because("one-sender-domain", weight, "%d addresses of %s send as %s, which is not theirs", k, plural(max(1, c.orgs.Distinct()), "organisation", "organisations"), c.inNames())
		if len(c.domainsOf) > 1 {
			c.because("one-run", 0.1, "runs in the name of %d domains within minutes, with HELO names of one pattern, to the same recipients, refused in the same words", len(c.domainsOf))
		}
	case seedFamily:
		c.because("one-name-family", 0.2, "%d addresses with names of one pattern, %s", k, c.key)
	case seedNet:
		c.because("one-network", 0.15, "%d addresses of %s", k, c.key)
	}
}

// damagedShare is what part of unknown recipients must be known ones, damaged: of those that somebody guesses, some look
// damaged by chance, and where addresses are numbers, many do.
const damagedShare = 0.3

// byChance reports whether, of all unknown recipients of that time, no more look damaged than may by chance.
func (c *cluster) byChance() bool {
	unknown := 0
	for _, s := range c.hunt.all {
		if s.time >= c.start && s.time <= c.end && s.unknown() {
			unknown++
		}
	}
	return ratio(c.damaged, unknown) < damagedShare
}

// seedSubject weighs a subject by how rare it is, here and among people: replies share theirs.
func (c *cluster) seedSubject() {
	weight := 0.2
	n := c.subjects.Of(c.key)
	others := max(0, c.w.usual.of(hashText(ofSubject, c.key))-n)
	if others > n/4 {
		weight = 0.05
	}
	if isReply(c.key) {
		weight /= 2
	}
	c.because("one-subject", weight, "%d messages from %d addresses with the subject %q; %s from others had it", n, len(c.clients), c.key, plural(others, "message", "messages"))
}

// isReply reports whether a subject says that it is an answer or passed on.
func isReply(subject string) bool {
	head, _, found := strings.Cut(subject, ":")
	if !found || len(head) > 4 {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(head)) {
	case "re", "aw", "antw", "fwd", "fw", "wg", "sv", "vs", "tr", "rv":
		return true
	}
	return false
}

func (c *cluster) seedHELO() {
	weight := 0.2
	others := max(0, c.w.usual.of(hashText(ofHELO, c.key))-c.messages)
	if kindOfHELO(c.key) == labelHELO {
		weight = 0.15
	}
	if others > c.messages/4 && others > 3 {
		weight = 0.05
	}
	c.because("one-helo", weight, "%d addresses say HELO %s, which is the name of none of them", len(c.clients), c.key)
}

// mass is the weight of the number of clients.
func (c *cluster) mass() {
	k := len(c.clients)
	switch {
	case k >= 100:
		c.because("many-addresses", 0.15, "%d addresses", k)
	case k >= 30:
		c.because("many-addresses", 0.1, "%d addresses", k)
	case k >= 10:
		c.because("many-addresses", 0.05, "%d addresses", k)
	}
	if nets := c.nets.Distinct(); 10*nets >= 8*k {
		c.because("unrelated-networks", 0.05, "in %s", plural(nets, "network", "networks"))
	}
}

// judgeSenders weighs in whose names they send.
func (c *cluster) judgeSenders() {
	n, k := len(c.sightings), len(c.clients)
	switch {
	case c.kind == seedSelf:
	case c.messages >= max(3*k, c.limits.MinSightings) && ratio(c.domains.Distinct(), n) >= enough:
		c.mark("all-senders-differ", 0.25, "%d messages and attempts with %d senders in %d domains: no address keeps to one sender", n, c.senders.Distinct(), c.domains.Distinct())
	case ratio(c.domains.Distinct(), n) >= enough:
		c.because("all-senders-differ", 0.05, "%d messages and attempts with %d senders in %d domains", n, c.senders.Distinct(), c.domains.Distinct())
	}
	c.inventedSenders()
	if ids := c.ids.Total(); ids >= c.limits.MinSightings {
		if ratio(c.strange, ids) >= enough && ratio(c.idDomains.Distinct(), ids) >= enough {
			c.mark("all-message-id-domains-differ", 0.15, "%d Message-IDs of %d domains, none of which is the sender's", ids, c.idDomains.Distinct())
		}
		shape, share := c.idShapes.Most()
		others := c.shapes.Of(shape) - c.idShapes.Of(shape)
		if share >= 0.9 && len(shape) >= 3 && 5*others <= c.shapes.Total()-c.idShapes.Total() {
			c.mark("one-message-id-pattern", 0.1, "%.0f %% of their Message-IDs have one pattern, such as %s; %s of others have it", 100*share, c.exampleID(shape), number(others))
		}
	}
	if subject, share := c.subjects.Most(); c.kind != seedSubject && c.subjects.Total() >= c.limits.MinSightings && share >= enough && ratio(c.subjects.Total(), c.messages) >= enough {
		c.mark("one-subject", 0.15, "one subject: %q", subject)
	}
}

// inventedSenders weighs names that nobody has.
func (c *cluster) inventedSenders() {
	n := c.senders.Distinct()
	if c.kind == seedSelf || n < c.limits.MinSightings {
		return
	}
	if c.kind == seedDomain && len(c.domainsOf) < 2 && c.site.IsOurs(c.key) && 2*n > c.messages && knownSenders(c.site, &c.senders) == 0 {
		c.mark("forged-local-senders", 0.15, "none of the %d senders in our domain %s ever received mail here", n, c.key)
	}
	if surprise := meanSurprise(&c.senders); surprise >= c.w.pass.Thresholds.Relay.Random && c.verp == 0 {
		c.mark("random-senders", 0.15, "the senders' names look random (%.1f bits a letter; real names have about 4)", surprise)
	}
}

// exampleID is the least Message-ID of a shape.
func (c *cluster) exampleID(shape string) string {
	for _, id := range c.ids.Values() {
		if idShape(id) == shape {
			return id
		}
	}
	return ""
}

// judgeClients weighs what the clients are called and call themselves.
func (c *cluster) judgeClients() {
	k := len(c.clients)
	switch {
	case ratio(c.generic, k) >= 0.6:
		c.mark("generic-names", 0.1, "%d of %d have the name of a customer's line", c.generic, k)
	case c.hunt.named && ratio(c.generic+c.unnamed, k-c.unasked) >= 0.6:
		c.mark("no-names", 0.1, "%d of %d have no reverse DNS name that resolves back, or one that was generated from the address",
			c.generic+c.unnamed, k-c.unasked)
	}
	if family, share := c.families.Most(); c.kind != seedFamily && k >= 5 && c.families.Of(family) >= k/2 && share >= enough {
		c.mark("one-name-family", 0.1, "names of one pattern: %s", family)
	}
	if helo, share := c.helos.Most(); c.kind != seedHELO && c.helos.Total() >= 3 && share >= enough {
		c.mark("one-helo", 0.1, "all say HELO %s", helo)
	}
	helos := c.helos.Total()
	switch {
	case helos < 3:
	case c.kind != seedNumber && c.kind != seedHELO && ratio(c.odd, helos) >= 0.5:
		c.mark("helo-odd", 0.1, "%d of %d say HELO with something that is no host name", c.odd, helos)
	case ratio(c.forged, helos) >= 0.5:
		c.mark("helo-forged", 0.2, "%d of %d falsely say HELO with the name of a big provider", c.forged, helos)
	case c.kind != seedOwnName && ratio(c.ownNames, helos) >= 0.5:
		c.mark("helo-our-name", 0.2, "%d of %d say HELO with a name of ours", c.ownNames, helos)
	}
	if ratio(c.listed, len(c.sightings)) >= 0.1 && c.listed >= 3 {
		list, _ := c.lists.Most()
		c.mark("blocklisted", 0.1, "%d attempts were refused because the client is on a blocklist (%s)", c.listed, list)
	}
}

// judgeRecipients weighs to whom they write.
func (c *cluster) judgeRecipients() {
	if c.kind != seedDamaged && c.damaged >= 3 && ratio(c.damaged, c.recipients) >= 0.1 && ratio(c.damaged, c.unknown) >= damagedShare {
		c.mark("damaged-recipients", 0.2, "%d of %d recipients are damaged forms of known addresses", c.damaged, c.recipients)
	}
	if ratio(c.unknown, c.recipients) >= 0.1 && c.unknown >= 3 {
		c.mark("unknown-recipients", 0.1, "%d of %d recipients do not exist", c.unknown, c.recipients)
	}
	if c.site.HasSecondary() && allOf(c.hosts.Values(), c.site.IsSecondary) {
		c.mark("secondary-only", 0.15, "they spoke only to the secondary MX")
	}
	if c.rcptDomains.Distinct() == 1 && len(c.site.LocalDomains) > 1 {
		c.because("one-recipient-domain", 0.05, "all for one of our %d domains", len(c.site.LocalDomains))
	}
}

// judgeTime weighs how they came.
func (c *cluster) judgeTime() {
	k, n := len(c.clients), len(c.sightings)
	log := c.site.Last.Sub(c.site.First)
	switch once := ratio(c.single, k) >= enough && k >= 8 && log >= shortLog; { // or nobody can say what came again
	case once && c.kind <= seedOwnName:
		c.mark("one-visit-each", 0.1, "%d of %d came once and never again", c.single, k)
	case once: // as most who write to somebody here
		c.because("one-visit-each", 0.05, "%d of %d came once and never again", c.single, k)
	}
	if n >= 3*k && c.succession() {
		c.mark("one-after-another", 0.1, "they came one after another, never two at a time")
	}
	if length := c.end.Sub(c.start); log >= max(shortLog, 3*length) && c.elsewhere == 0 {
		c.because("at-once", 0.1, "all in %s, and at no other time", duration(c.end.Sub(c.start)))
	}
}

// succession reports whether each client began when the one before it had ended.
func (c *cluster) succession() bool {
	type stay struct{ from, to mail.Instant }
	var stays []stay
	for _, list := range c.clients {
		stays = append(stays, stay{list[0].time, list[len(list)-1].time})
	}
	slices.SortFunc(stays, func(a, b stay) int { return int(max(-1, min(1, a.from-b.from))) })
	for i := 1; i < len(stays); i++ {
		if stays[i].from < stays[i-1].to {
			return false
		}
	}
	return true
}

// honest weighs what speaks for honest mail.
func (c *cluster) honest() {
	k, n := len(c.clients), len(c.sightings)
	domain, share := c.domains.Most()
	oneDomain := share >= enough && !c.site.IsOurs(domain) // a company's, whose mail one provider sends
	org, _ := c.orgs.Most()
	oneProvider := ratio(c.orgs.Of(org), k) >= enough
	if oneProvider && (oneDomain || ratio(c.serverNames, k) >= 0.5) {
		c.because("one-provider", -0.4, "mail servers of one provider, %s", org)
	} else if ratio(c.serverNames, k) >= 0.5 {
		c.because("named-servers", -0.35, "%d of %d are servers with a name of their own", c.serverNames, k)
	}
	if c.kind != seedSelf && ratio(c.aligned, n) >= 0.5 && !c.borrowedHELO() {
		c.because("helo-of-sender", -0.25, "%d say HELO with a name in the sender's domain", c.aligned)
	}
	if ids := c.ids.Total(); c.kind != seedSelf && ids > 0 && ratio(c.ownID, ids) >= enough && !c.site.IsOurs(c.key) {
		c.because("message-id-of-sender", -0.1, "Message-IDs of the sender's domain")
	}
	if ratio(c.elsewhere, k) >= 0.5 {
		c.because("seen-at-other-times", -0.3, "%d of %d come at other times, too", c.elsewhere, k)
	}
	if ratio(c.steady, k) >= 0.5 {
		c.because("day-after-day", -0.5, "%d of %d come day after day: machines rented for a run do not stay", c.steady, k)
	}
	if c.messages > 0 && ratio(c.verp, c.messages) >= 0.5 {
		c.because("verp", -0.4, "each sender contains the recipient (VERP): somebody wants to know about bounces")
	}
	// A run works off a list.
	const several, crowd = 3, 20
	if c.again >= several && ratio(c.loyal, c.again) >= enough {
		c.because("each-to-its-own", -0.6, "%d of the %d that came again write to the same recipient each time: machines that report to their owners", c.loyal, c.again)
	}
	if few := c.mailboxes.Distinct() <= 2 && organisations(&c.domains) == 1; few && oneProvider {
		c.because("to-few", -0.6, "customers' lines of one provider, %s, in the name of one organisation, to %s: machines that report", org, plural(c.mailboxes.Distinct(), "recipient", "recipients"))
	} else if few && (c.kind != seedSelf && k >= crowd || len(c.site.recipients) >= crowd) {
		c.because("to-few", -0.3, "in the name of one organisation, to %s: machines that report", plural(c.mailboxes.Distinct(), "recipient", "recipients"))
	}
	if isListOfOne(c) {
		c.because("one-sender", -0.2, "all from one sender")
	}
}

// borrowedHELO reports whether one HELO is said everywhere: a company that has as many servers gives each a name.
func (c *cluster) borrowedHELO() bool {
	_, share := c.helos.Most()
	return share >= enough && len(c.clients) >= 5 && ratio(c.nets.Distinct(), len(c.clients)) >= enough
}

// isListOfOne reports whether one sender, not one of ours, is all that they send for: a company that is moved about in its
// provider's pool.
func isListOfOne(c *cluster) bool {
	return c.senders.Distinct() == 1 && c.orgs.Distinct() <= 1 && !c.site.IsOurs(mail.Domain(c.sightings[0].sender))
}

// radiation reports whether it is what every mail server sees, day and night.
func (c *cluster) radiation() bool {
	long := 2*c.end.Sub(c.start).Minutes() >= c.site.Span() || c.end.Sub(c.start) >= 24*time.Hour
	return c.kind != seedSelf && c.kind != seedSubject && c.kind != seedDamaged && long && ratio(c.refused, len(c.sightings)) >= enough
}

// triesNames reports whether it is the same where the server takes every name and bounces what nobody has, as a secondary without a list
// of recipients does: names tried one by one, hours apart.
func (c *cluster) triesNames() bool { return c.trickles() && c.reachesNobody() }

// trickles reports whether it comes one at a time, hours apart, for days.
func (c *cluster) trickles() bool {
	lasted := c.end.Sub(c.start)
	return lasted >= 24*time.Hour && float64(len(c.sightings)) <= lasted.Hours()
}

// reachesNobody reports whether nearly all of it was refused, or for recipients that do not exist.
func (c *cluster) reachesNobody() bool {
	const nearly = 0.9
	n := 0
	for _, s := range c.sightings {
		if s.is(wasRefused) || s.unknown() {
			n++
		}
	}
	return ratio(n, len(c.sightings)) >= nearly
}

// isWeak reports whether what they share says little by itself: whose customers they are, or what program they run.
func (c *cluster) isWeak() bool {
	return c.kind == seedFamily || c.kind == seedNet || c.kind == seedHELO
}

// widespread reports whether a HELO is what a program says that many people run, each for himself: all of it is refused, at all hours
// or for different reasons. A run comes in some hours, and wants one thing.
func (c *cluster) widespread() bool {
	const hours, alike = 6, 0.6
	if c.kind != seedHELO || ratio(c.refused, len(c.sightings)) < enough {
		return false
	}
	var words Tally
	for _, s := range c.sightings {
		if s.is(wasRefused) {
			addNamed(&words, refusalWords(s.reply()))
		}
	}
	_, share := words.Most()
	return c.end.Sub(c.start) >= hours*time.Hour || words.Total() > 0 && share < alike
}

// fewTried is how many attempts of one provider's machines on names that nobody has come together by chance.
const fewTried = 20

const namesTried = "names that nobody has, one at a time, hours apart: programs that try names do that everywhere"

// limit cuts the score where there is little to do about it. The cut is a reason, too: the weights add up to the score.
func (c *cluster) limit() {
	th := &c.w.pass.Thresholds.Score
	switch {
	case c.kind == seedDamaged && c.byChance():
		c.atMost(th.Low-0.01, "by-chance", "few of the unknown recipients of that time look damaged")
	case c.kind != seedSelf && c.marks < 2, c.kind == seedSelf && c.marks < 1:
		c.atMost(th.Low-0.01, "one-mark", "one sign alone is chance")
	case c.radiation():
		c.atMost(th.Low-0.01, "all-the-time", "nearly all of it refused, all the time: programs that scan the whole Internet do that")
	case c.triesNames() && c.isWeak():
		c.atMost(th.Low-0.01, "all-the-time", namesTried)
	case c.triesNames() && c.kind == seedSubject:
		c.atMost(th.Medium-0.05, "all-the-time", namesTried)
	case c.trickles() && c.isWeak():
		c.atMost(th.Low+0.1, "all-the-time", "one at a time, hours apart: of any big provider's customers, and of any such program's, some send spam all the time")
	case c.widespread():
		c.atMost(th.Low-0.01, "widespread-helo", "nearly all of it refused, at all hours or for different reasons: many people run a program with this HELO")
	case ratio(c.refused, len(c.sightings)) >= enough && c.isWeak():
		c.atMost(th.Low+0.1, "mostly-refused", "nearly all of it was refused")
	case c.isWeak() && len(c.sightings) < fewTried && c.reachesNobody():
		c.atMost(th.Low+0.1, "reached-nobody", "few, and nearly all of it refused or for names that nobody has")
	case c.messages == 0:
		c.atMost(th.Medium-0.05, "all-refused", "nothing of it was accepted")
	case c.kind == seedDomain && c.messages == c.ofOneSteady && !c.site.IsOurs(c.key):
		c.atMost(th.Medium-0.05, "one-member", "all that was accepted came from one of them, day after day: others borrow the name of such a sender")
	case len(c.site.LocalDomains) > 0 && ratio(c.foreign, c.recipients) >= enough:
		c.atMost(th.Medium-0.05, "open-relay", "for recipients that are not ours: the open relay is the more serious problem (see relays)")
	}
}
