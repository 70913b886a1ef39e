package analyze

import (
	"hash/maphash"
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
	wrote       correspondents
	servers     []string // of others, different ones, up to directFrom
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
		s.correspondent(m)
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
			s.redirected.count(r.Original)
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
	if strings.IndexByte(address, '@') < 0 {
		return
	}
	// The mail of a day goes to the same addresses: whether one was met lately costs a comparison. The hash is seeded and has 64
	// bits: that two addresses share one will not happen, and cannot be made to.
	hash := maphash.String(s.seed, address)
	if lately := &s.lately[hash%latelySlots]; *lately != hash {
		s.recipient(address)
		*lately = hash
	}
	s.domains.count(address)
}

const latelySlots = 2048

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
	case endsHere(m):
		h.strangers++
		h.ended++
		return
	case len(m.Recipients) > 0 && m.Recipients[0].Relay != "" && m.Recipients[0].Relay != "none":
		h.strangers++
		h.relays.Add(m.Recipients[0].Relay, 1)
		if h.failed.Distinct() < s.pass.Thresholds.Site.MaxDomains && !slices.ContainsFunc(m.Recipients, delivered) {
			h.failed.Add(mail.Domain(m.Recipients[0].Envelope())+" "+m.Recipients[0].Relay, 1)
		}
	}
	s.handedOn(m, "")
}

func delivered(r mail.Recipient) bool { return r.Disposition == mail.Delivered }

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
		claim := ev.Client.Name
		if len(claim) == len(name) && strings.Contains(name, ".") {
			claim = ""
		}
		h.hasAddress(ev.Client.IP, address{s.host.name, claim})
	}
}

// passedOn learns the address of a host from a message that it handed to another: the queue ID that the one was told is the
// other's, so that no name needs to be believed.
func (s *Survey) passedOn(m *mail.Message) {
	if m.PassedFrom.IsValid() && len(m.Hosts) > 1 {
		s.host.hasAddress(m.PassedFrom, address{at: m.Hosts[1]})
	}
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
	s.wrote.merge(&other.wrote)
	for _, name := range other.servers {
		if len(s.servers) < directFrom && !slices.Contains(s.servers, name) {
			s.servers = append(s.servers, name)
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
