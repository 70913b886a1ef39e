package analyze

import (
	"fmt"
	"hash/maphash"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// Survey learns about the site while the watches count: which domains end here, which host is for what, whose addresses
// are our own. It never decides before the end, because the proof may stand in the last line.
//
// A refusal teaches nothing: "User unknown in local recipient table" names a domain that a config file has, but a probe
// for a domain that was given up years ago gets the same words.
type Survey struct {
	pass        *Pass
	first, last mail.Instant
	hosts       map[string]*hostSeen
	host        *hostSeen           // of the latest event: lines come in runs of one host
	domains     domainCounts        // of recipients delivered on this host
	redirected  domainCounts        // of recipients that a rule here sent on to other domains
	recipients  map[string]struct{} // delivered to on this host, folded
	lately      [latelySlots]uint64 // hashes of some of them, as they were written
	seed        maphash.Seed
	handIns     *Entities[netip.Addr, handIns]
	behind      map[netip.Addr]*nextHop
	population  Population
	servers     []string // of others, different ones, up to directFrom
}

// hostSeen is what a host did.
type hostSeen struct {
	name      string
	strangers int   // messages from strangers that went on or ended here
	ended     int   // of them: ended in a mailbox here
	passed    Tally // of them: passed to that host of the logs
	relays    Tally // of them: handed to that relay
	domains   Tally // recipients handed to a relay, by "domain relay"
	addresses map[netip.Addr]string
}

// handIns is what a client that logs in did.
type handIns struct {
	name     string
	verified bool
	messages int
	accounts []string // different ones, up to the number that makes a webmail host
	first    mail.Instant
	last     mail.Instant
}

// NewSurvey makes a survey that has seen nothing.
func NewSurvey(pass *Pass) *Survey {
	limit := pass.Thresholds.Site.MaxHandIns
	return &Survey{
		pass:       pass,
		hosts:      make(map[string]*hostSeen),
		recipients: make(map[string]struct{}),
		behind:     make(map[netip.Addr]*nextHop),
		seed:       maphash.MakeSeed(),
		domains:    domainCounts{all: make(map[string]*domainCount), most: pass.Thresholds.Site.MaxDomains},
		redirected: domainCounts{all: make(map[string]*domainCount), most: pass.Thresholds.Site.MaxDomains},
		handIns:    NewEntities[netip.Addr](limit, func(h *handIns) int { return len(h.accounts) }, nil),
	}
}

// Message learns from a message whose fate is known.
func (s *Survey) Message(m *mail.Message) {
	s.seen(m.Host, m.Time)
	if m.Notice {
		return
	}
	s.passedOn(m)
	s.population.Messages++
	s.delivered(m)
	switch {
	case m.Account != "":
		s.population.Accounts++
		s.handIn(m)
	case !m.Client.IP.IsValid():
		s.population.Local++
	case !m.Client.IP.IsLoopback():
		s.population.Strangers++
		if m.Has(mail.Verified) && m.Client.Name != "" && m.Client.Name != "unknown" {
			s.population.Named++
		}
		s.stranger(m)
	}
}

// delivered learns local domains and recipients, as the envelope had them and as aliases made them, and the domains whose mail
// aliases send elsewhere.
func (s *Survey) delivered(m *mail.Message) {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		s.passedBehind(m, r)
		if !r.Local && r.Redirected() {
			s.redirected.count(mail.WrittenDomain(r.Original))
		}
		if len(s.servers) < directFrom {
			s.server(r)
		}
		if r.Local && r.Disposition == mail.Delivered {
			s.ended(r.Address)
			if r.Original != "" {
				s.ended(r.Original)
			}
		}
	}
}

// server learns that a server of others answered.
func (s *Survey) server(r *mail.Recipient) {
	if !r.Remote() || r.Relay == "" {
		return
	}
	if name := providerOf(r.Relay); !slices.Contains(s.servers, name) {
		s.servers = append(s.servers, strings.Clone(name))
	}
}

// ended learns from an address whose mail ended here. Exim writes the local part alone where it delivers to a user.
func (s *Survey) ended(address string) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return
	}
	// The mail of a day goes to the same addresses: whether one was met lately costs a comparison. The hash is seeded and has 64
	// bits: that two addresses share one will not happen, and cannot be made to.
	hash := maphash.String(s.seed, address)
	if lately := &s.lately[hash%latelySlots]; *lately != hash {
		s.recipient(address)
		*lately = hash
	}
	s.domains.count(address[at+1:])
}

const latelySlots = 2048

// domainCounts counts the domains of local deliveries as they are written. Most sites have a few; the latest are found by
// comparison.
type domainCounts struct {
	lately [4]*domainCount
	all    map[string]*domainCount
	most   int
}

type domainCount struct {
	domain string
	n      int
}

func (d *domainCounts) count(domain string) {
	for _, c := range d.lately {
		if c != nil && c.domain == domain {
			c.n++
			return
		}
	}
	if c := d.find(domain); c != nil {
		c.n++
		copy(d.lately[1:], d.lately[:])
		d.lately[0] = c
	}
}

// find is the count of a domain, made when it is new; nil when there are too many.
func (d *domainCounts) find(domain string) *domainCount {
	c := d.all[domain]
	if c == nil && len(d.all) < d.most {
		c = &domainCount{domain: strings.Clone(domain)}
		d.all[c.domain] = c
	}
	return c
}

func (d *domainCounts) merge(o *domainCounts) {
	for domain, c := range o.all {
		if mine := d.find(domain); mine != nil {
			mine.n += c.n
		}
	}
}

// folded is the counts by folded domain.
func (d *domainCounts) folded() (t Tally) {
	for domain, c := range d.all {
		t.Add(mail.FoldDomain(domain), c.n)
	}
	return t
}

func (s *Survey) recipient(address string) {
	if _, ok := s.recipients[address]; ok || len(s.recipients) >= s.pass.Thresholds.Site.MaxRecipients {
		return
	}
	s.recipients[strings.Clone(strings.ToLower(address))] = struct{}{}
}

// stranger learns what a host does with what it takes from outside.
func (s *Survey) stranger(m *mail.Message) {
	h := s.host
	switch {
	case len(m.Hosts) > 1 && m.Hosts[1] != m.Host:
		h.strangers++
		h.passed.Add(m.Hosts[1], 1)
		s.handedOn(m, m.Hosts[1])
		return
	case slices.ContainsFunc(m.Recipients, func(r mail.Recipient) bool { return r.Local }):
		h.strangers++
		h.ended++
		return
	case len(m.Recipients) > 0 && m.Recipients[0].Relay != "" && m.Recipients[0].Relay != "none":
		h.strangers++
		h.relays.Add(m.Recipients[0].Relay, 1)
	}
	s.handedOn(m, "")
}

// handedOn learns to which relay the mail for a domain goes; an empty relay stands for each recipient's own.
func (s *Survey) handedOn(m *mail.Message, relay string) {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		to := relay
		if to == "" {
			to = r.Relay
		}
		if to != "" && to != "none" && s.host.domains.Distinct() < s.pass.Thresholds.Site.MaxDomains {
			s.host.domains.Add(mail.Domain(r.Envelope())+" "+to, 1)
		}
	}
}

// handIn learns who hands in with logins.
func (s *Survey) handIn(m *mail.Message) {
	if !m.Client.IP.IsValid() {
		return
	}
	h := s.handIns.At(m.Client.IP)
	h.messages++
	if h.first == 0 || m.Time < h.first {
		h.first = m.Time
	}
	h.last = max(h.last, m.Time)
	h.verified = h.verified || m.Has(mail.Verified)
	if m.Client.Name != h.name && m.Client.Name != "unknown" {
		h.name = max(h.name, m.Client.Name)
	}
	if len(h.accounts) < s.pass.Thresholds.Site.WebmailFrom && !slices.Contains(h.accounts, m.Account) {
		h.accounts = append(h.accounts, m.Account)
	}
}

// Event learns from an event that is of no message.
func (s *Survey) Event(ev *mail.Event) {
	s.seen(ev.Host, ev.Time)
	switch ev.Kind {
	case mail.Reject:
		if IsRefusal(ev) {
			s.population.Rejected++
		}
		s.client(ev)
	case mail.Connect:
		s.client(ev)
	}
}

// client learns the address of a host of ours that is a client of another.
func (s *Survey) client(ev *mail.Event) {
	if len(s.hosts) < 2 || ev.Client.Name == "" || !ev.Client.IP.IsValid() {
		return
	}
	for name, h := range s.hosts {
		if h == s.host || !sameHost(ev.Client.Name, name) {
			continue
		}
		h.hasAddress(ev.Client.IP, s.host.name)
	}
}

// passedOn learns the address of a host from a message that it handed to another: the queue ID that the one was told is the
// other's, so that no name needs to be believed.
func (s *Survey) passedOn(m *mail.Message) {
	if m.PassedFrom.IsValid() && len(m.Hosts) > 1 {
		s.host.hasAddress(m.PassedFrom, m.Hosts[1])
	}
}

// hasAddress notes an address that a host has as client of another.
func (h *hostSeen) hasAddress(ip netip.Addr, at string) {
	if h.addresses == nil {
		h.addresses = make(map[netip.Addr]string)
	}
	if seen, ok := h.addresses[ip]; ok && seen <= at || !ok && len(h.addresses) >= maxOwnAddresses {
		return
	}
	h.addresses[ip] = strings.Clone(at)
}

// maxOwnAddresses bounds the addresses of one host: forged names may claim more.
const maxOwnAddresses = 16

// sameHost reports whether a name from the DNS is that of a host of the log: equal, or the log has its first label.
func sameHost(name, host string) bool {
	return len(name) >= len(host) && strings.EqualFold(name[:len(host)], host) && (len(name) == len(host) || name[len(host)] == '.')
}

func (s *Survey) seen(host string, t mail.Instant) {
	if t != 0 {
		if s.first == 0 || t < s.first {
			s.first = t
		}
		if t > s.last {
			s.last = t
		}
	}
	if s.host == nil || s.host.name != host {
		s.host = s.hostOf(host)
	}
}

// maxHosts bounds the hosts of a log: a relayed syslog may hold some hundred, garbled lines any number.
const maxHosts = 2000

func (s *Survey) hostOf(name string) *hostSeen {
	if h := s.hosts[name]; h != nil {
		return h
	}
	h := &hostSeen{name: strings.Clone(name)}
	if len(s.hosts) < maxHosts {
		s.hosts[h.name] = h
	}
	return h
}

// Merge takes over what other has seen. other must not be used after it.
func (s *Survey) Merge(other *Survey) {
	if other.first != 0 && (s.first == 0 || other.first < s.first) {
		s.first = other.first
	}
	s.last = max(s.last, other.last)
	for name, h := range other.hosts {
		s.hostOf(name).merge(h)
	}
	s.domains.merge(&other.domains)
	s.redirected.merge(&other.redirected)
	for r := range other.recipients {
		s.recipient(r)
	}
	for ip, h := range other.handIns.All() {
		s.handIns.At(ip).merge(h, s.pass.Thresholds.Site.WebmailFrom)
	}
	for ip, h := range other.behind {
		if mine := s.behind[ip]; mine != nil {
			mine.merge(h)
		} else if len(s.behind) < maxNextHops {
			s.behind[ip] = h
		}
	}
	s.population.merge(&other.population)
	for _, name := range other.servers {
		if len(s.servers) < directFrom && !slices.Contains(s.servers, name) {
			s.servers = append(s.servers, name)
		}
	}
}

func (h *hostSeen) merge(o *hostSeen) {
	h.strangers += o.strangers
	h.ended += o.ended
	h.passed.Merge(&o.passed)
	h.relays.Merge(&o.relays)
	h.domains.Merge(&o.domains)
	for ip, at := range o.addresses {
		h.hasAddress(ip, at)
	}
}

func (h *handIns) merge(o *handIns, cap int) {
	h.messages += o.messages
	if h.first == 0 || o.first != 0 && o.first < h.first {
		h.first = o.first
	}
	h.last = max(h.last, o.last)
	h.verified = h.verified || o.verified
	h.name = max(h.name, o.name)
	for _, a := range o.accounts {
		if len(h.accounts) < cap && !slices.Contains(h.accounts, a) {
			h.accounts = append(h.accounts, a)
		}
	}
}

func (p *Population) merge(o *Population) {
	p.Messages += o.Messages
	p.Strangers += o.Strangers
	p.Named += o.Named
	p.Accounts += o.Accounts
	p.Local += o.Local
	p.Rejected += o.Rejected
}

// Site is what was learned.
func (s *Survey) Site() *Site {
	site := &Site{
		First:        s.first,
		Last:         s.last,
		LocalDomains: make(map[string]Known),
		RelayDomains: make(map[string]Known),
		Roles:        make(map[string]RoleOf),
		Own:          make(map[netip.Addr]Known),
		Population:   s.population,
		recipients:   s.recipients,
	}
	site.Population.Servers = len(s.servers)
	s.localDomains(site)
	s.roles(site)
	s.relayDomains(site)
	s.own(site)
	if len(s.recipients) >= s.pass.Thresholds.Site.MaxRecipients {
		site.Notes = append(site.Notes, say("more than %d local recipients: the later ones are not known as such", len(s.recipients)))
	}
	slices.Sort(site.Notes)
	return site
}

func (s *Survey) localDomains(site *Site) {
	domains := s.domains.folded()
	for _, c := range domains.Top(s.pass.Thresholds.Site.MaxDomains) {
		if c.Messages >= s.pass.Thresholds.Site.LocalFrom {
			site.LocalDomains[c.Value] = Known{Value: c.Value, Why: plural(c.Messages, "recipient", "recipients") + " delivered here"}
		}
	}
	for _, d := range s.pass.Local {
		d = mail.FoldDomain(d)
		why := "--local-domain"
		if known, ok := site.LocalDomains[d]; ok {
			why += ", and " + known.Why
		}
		site.LocalDomains[d] = Known{Value: d, Given: true, Why: why}
	}
}

// roles tells what each host is for: as given, else as it behaves. Where the log contradicts what was given, the log is
// believed, because a role that is wrong turns honest clients into offenders.
func (s *Survey) roles(site *Site) {
	for _, name := range slices.Sorted(maps.Keys(s.hosts)) {
		if name == "" {
			continue
		}
		behaves := s.behaves(s.hosts[name])
		given, ok := s.givenRole(name)
		switch {
		case !ok || given == UnknownRole:
		case behaves.Role == UnknownRole || behaves.Role == given:
			behaves = RoleOf{given, Known{Value: name, Given: true, Why: strings.TrimSuffix("--mx; "+behaves.Why, "; ")}}
		default:
			site.Notes = append(site.Notes, fmt.Sprintf("%s was given as %s, but behaves as %s (%s): the log is believed",
				name, given, behaves.Role, behaves.Why))
		}
		site.Roles[name] = behaves
	}
	for name := range s.pass.Roles {
		if !s.hostSeen(name) {
			site.Notes = append(site.Notes, fmt.Sprintf("--mx names %s, of which there is no line", name))
		}
	}
}

// givenRole is what --mx says about a host of the log; either may have the first label only.
func (s *Survey) givenRole(host string) (Role, bool) {
	if r, ok := s.pass.Roles[host]; ok {
		return r, true
	}
	for _, name := range slices.Sorted(maps.Keys(s.pass.Roles)) {
		if sameHost(name, host) || sameHost(host, name) {
			return s.pass.Roles[name], true
		}
	}
	return UnknownRole, false
}

func (s *Survey) hostSeen(given string) bool {
	for name := range s.hosts {
		if name != "" && (sameHost(given, name) || sameHost(name, given)) {
			return true
		}
	}
	return false
}

// behaves is the role that a host shows: a secondary passes nearly all that it takes from strangers to one other host
// whose log is given, too.
func (s *Survey) behaves(h *hostSeen) RoleOf {
	unknown := RoleOf{UnknownRole, Known{Value: h.name, Why: fmt.Sprintf("%s from strangers only", plural(h.strangers, "message", "messages"))}}
	if h.strangers < s.pass.Thresholds.Site.RoleFrom {
		return unknown
	}
	to, n := s.passedTo(h)
	if to != "" && float64(n) >= s.pass.Thresholds.Site.SecondaryShare*float64(h.strangers) {
		why := say("passed %d of %s from strangers to %s", n, plural(h.strangers, "message", "messages"), to)
		return RoleOf{Secondary, Known{Value: h.name, Why: why}}
	}
	if h.ended > 0 {
		why := say("%d of %s from strangers ended in mailboxes here", h.ended, plural(h.strangers, "message", "messages"))
		return RoleOf{Primary, Known{Value: h.name, Why: why}}
	}
	unknown.Why = fmt.Sprintf("%s from strangers, none ended here", plural(h.strangers, "message", "messages"))
	return unknown
}

// passedTo is the other host of the logs to which h passed most, and how much.
func (s *Survey) passedTo(h *hostSeen) (string, int) {
	best, most := "", 0
	for _, name := range slices.Sorted(maps.Keys(s.hosts)) {
		if name == "" || name == h.name {
			continue
		}
		n := h.passed.Of(name)
		for _, c := range h.relays.Top(topMost) {
			if sameHost(c.Value, name) {
				n += c.Messages
			}
		}
		if n > most {
			best, most = name, n
		}
	}
	return best, most
}

// relayDomains are the domains whose mail a host of ours passes to another host of ours or one behind it, or forwards to whoever
// it is for.
func (s *Survey) relayDomains(site *Site) {
	for _, name := range slices.Sorted(maps.Keys(s.hosts)) {
		if !site.IsSecondary(name) {
			continue
		}
		h := s.hosts[name]
		to, _ := s.passedTo(h)
		for _, c := range h.domains.Top(s.pass.Thresholds.Site.MaxDomains) {
			domain, relay, _ := strings.Cut(c.Value, " ")
			if domain != "" && sameHost(relay, to) {
				site.RelayDomains[domain] = Known{Value: domain, Why: fmt.Sprintf("%s passes it to %s", name, to)}
			}
		}
	}
	redirected := s.redirected.folded()
	for domain, n := range redirected.All {
		if !site.IsOurs(domain) {
			site.RelayDomains[domain] = Known{Value: domain, Why: plural(n, "recipient", "recipients") + " forwarded to other domains"}
		}
	}
	s.behindUs(site)
	s.givenElsewhere(site)
}

// givenElsewhere finds domains that were given as local and whose mail is all handed on. They stay ours.
func (s *Survey) givenElsewhere(site *Site) {
	ended := s.domains.folded()
	for _, d := range s.pass.Local {
		d = mail.FoldDomain(d)
		if ended.Of(d) > 0 {
			continue
		}
		var relays Tally
		for _, h := range s.hosts {
			for value, n := range h.domains.All {
				if domain, relay, _ := strings.Cut(value, " "); domain == d {
					relays.Add(relay, n)
				}
			}
		}
		if relay, _ := relays.Most(); relay != "" {
			why := fmt.Sprintf("--local-domain, but all %s went on, most to %s", plural(relays.Total(), "recipient", "recipients"), relay)
			delete(site.LocalDomains, d)
			site.RelayDomains[d] = Known{Value: d, Given: true, Why: why}
			site.Notes = append(site.Notes, fmt.Sprintf("%s was given as local, but all %s went on, most to %s: treated as ours, and passed on",
				d, plural(relays.Total(), "recipient", "recipients"), relay))
		}
	}
}

// own is the addresses that are ours.
func (s *Survey) own(site *Site) {
	for name, h := range s.hosts {
		for ip, at := range h.addresses {
			site.Own[ip.Unmap()] = Known{Value: ip.String(), Why: fmt.Sprintf("%s, as client of %s", name, at)}
		}
	}
	for ip, h := range s.handIns.All() {
		if why := s.handsInForMany(site, h); why != "" {
			site.Own[ip.Unmap()] = Known{Value: ip.String(), Why: why}
		}
	}
}

// handsInForMany says why a client that logs in is a webmail host or a gateway of ours: it hands in for many accounts, and
// its verified name lies in a domain of ours, or it did so for most of the time. One that appears with a handful of stolen
// accounts does neither.
func (s *Survey) handsInForMany(site *Site, h *handIns) string {
	if len(h.accounts) < s.pass.Thresholds.Site.WebmailFrom {
		return ""
	}
	accounts := say("hands in for %d accounts or more", len(h.accounts))
	switch {
	case inOurDomains(site, h.name):
		return accounts + "; " + h.name + " is a name of ours"
	case h.last.Sub(h.first) > s.last.Sub(s.first)/2:
		return accounts + ", over most of the time"
	}
	return ""
}

// inOurDomains reports whether a host name lies in a local domain.
func inOurDomains(site *Site, name string) bool {
	name = mail.FoldDomain(name)
	for name != "" {
		if site.IsOurs(name) {
			return true
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return false
}
