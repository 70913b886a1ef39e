package analyze

import (
	"slices"

	"mailforensics/mail"
)

var campaign = Detector{
	Name:    "campaign",
	Command: "campaigns",
	Title:   "many client addresses that act as one",
	Doc:     campaignDoc,
	New:     func(p *Pass) Watch { return newCampaignWatch(p) },
}

// seedKind is a mark that may join clients.
type seedKind uint8

const (
	seedSelf    seedKind = iota // the sender is the recipient
	seedNumber                  // HELO is a number
	seedOwnName                 // HELO is a name of the recipient's domain
	seedDamaged                 // recipients are known ones, damaged
	seedSpray                   // a client without a name whose senders all differ
	seedSubject                 // the same subject
	seedHELO                    // the same HELO
	seedDomain                  // the same domain of the sender, which is not the client's
	seedFamily                  // names by reverse look-up that are cut from one pattern
	seedNet                     // one /24 or /48
	seedKinds
)

// campaignWatch remembers the latest messages and refused attempts of strangers who send in others' names, one by one, in a
// ring. What shares a mark with other clients is kept when its place in the ring is taken; the rest is forgotten. A log with
// fewer of them than the ring has places thus loses nothing.
//
// Mail whose sender's domain is that of the client's own name is never remembered: newsletters, mailing lists and the
// providers' own users are most of what honest strangers send. It is counted, so that a mark that is common among
// honest mail is known to be.
type campaignWatch struct {
	pass    *Pass
	ring    ring[sighting]
	kept    []sighting     // of marks that were shared, when the ring had no more room for them
	knocks  ring[sighting] // attempts that were refused before a sender was named
	crowds  [crowdSlots]crowdOf
	usual   countMin // subjects and HELOs of all messages
	clean   countMin // clients of messages in their own name
	all     int      // messages of strangers …
	unnamed int      // … from addresses without a name
	first   mail.Instant
	last    mail.Instant
	siftAt  int // how many are kept when it is looked through next, if more than half of the room
	pauses  int // of the sieve
	lost    int
}

// crowdOf is by how many clients a mark was shared lately, as far as a hash tells.
type crowdOf struct {
	check   uint32 // of the mark
	last    uint32 // client that had it last
	minute  int32  // of the latest
	clients uint16 // changes from one client to another
}

const (
	crowdSlots  = 1 << 15
	crowdMemory = 24 * 60 // minutes
)

func newCampaignWatch(p *Pass) *campaignWatch { return &campaignWatch{pass: p} }

// Message counts a message.
func (w *campaignWatch) Message(m *mail.Message) {
	if m.Notice || m.Time == 0 {
		return
	}
	if m.Subject != "" {
		w.usual.add(hashText(ofSubject, m.Subject))
	}
	if m.Client.HELO != "" {
		w.usual.add(hashText(ofHELO, m.Client.HELO))
	}
	if m.Account != "" || m.Has(mail.HasUID) || !isStranger(&m.Client) || m.Sender == "" || m.Sender == mail.NullSender {
		return
	}
	w.seen(m.Time)
	w.all++
	if m.Client.Name == "" || m.Client.Name == "unknown" {
		w.unnamed++
	}
	own, byHELO := inOwnName(m.Sender, &m.Client)
	if own && !(byHELO && writesHome(m)) {
		w.clean.add(hashAddr(ofClient, m.Client.IP.Unmap()))
		return
	}
	s := w.place()
	s.message(m)
	w.enter(s, &m.Client, m.Sender, m.Subject, byHELO)
}

// Event remembers refused attempts.
func (w *campaignWatch) Event(ev *mail.Event) {
	if ev.Kind != mail.Reject || !IsRefusal(ev) || ev.Time == 0 || ev.Account != "" || !isStranger(&ev.Client) || ev.Sender == mail.NullSender {
		return
	}
	if ev.Sender == "" {
		w.knocked(ev)
		return
	}
	w.seen(ev.Time)
	own, byHELO := inOwnName(ev.Sender, &ev.Client)
	if own && !(byHELO && mail.Domain(ev.Sender) == mail.Domain(ev.Recipient)) {
		return
	}
	s := w.place()
	s.refusal(ev)
	w.enter(s, &ev.Client, ev.Sender, ev.Subject, byHELO)
}

// isStranger reports whether a client may be one: whose the other addresses are is known only at the end.
func isStranger(c *mail.Client) bool {
	return c.IP.IsValid() && !mail.IsInside(c.IP)
}

// inOwnName reports whether a client sends in its own name: the sender's domain and the client's name belong to one
// organisation. A HELO says the same, but is only what the client says; together with a name that somebody gave to that server
// it is believed.
func inOwnName(sender string, c *mail.Client) (own, byHELO bool) {
	domain := mail.Domain(sender)
	named := c.Name != "" && c.Name != "unknown"
	if named && sameOrganisation(domain, c.Name) {
		return true, false
	}
	if c.HELO == "" || !sameOrganisation(domain, c.HELO) {
		return false, false
	}
	return named && !genericName(c.Name, c.IP) && !rentedName(c.Name), true
}

// writesHome reports whether a recipient is in the sender's own domain: whoever comes from outside with such mail must prove more
// than his HELO.
func writesHome(m *mail.Message) bool {
	domain := mail.Domain(m.Sender)
	for i := range m.Recipients {
		if mail.Domain(m.Recipients[i].Envelope()) == domain {
			return true
		}
	}
	return false
}

func (w *campaignWatch) seen(t mail.Instant) {
	if w.first == 0 || t < w.first {
		w.first = t
	}
	w.last = max(w.last, t)
}

// place is room for a sighting: a new one, or that of the oldest when there are enough.
func (w *campaignWatch) place() *sighting {
	s, taken := w.ring.take(w.pass.Thresholds.Campaign.MaxRecords)
	if taken {
		w.retire(s)
	}
	return s
}

// enter notes which marks a new sighting may share with others.
func (w *campaignWatch) enter(s *sighting, c *mail.Client, sender, subject string, byHELO bool) {
	if byHELO {
		s.marks |= alignedHELO
	}
	s.setTokens(c, subject, hashText(ofDomain, mail.WrittenDomain(sender)))
	who, minute := uint32(hashAddr(ofClient, s.ip)), int32(s.time.Minute())
	for kind, token := range s.tokens {
		switch {
		case token == 0:
		case seedKind(kind) == seedSpray:
			w.meet(token, s.tokens[seedDomain], minute)
		default:
			w.meet(token, who, minute)
		}
	}
}

// setTokens hashes what a sighting may share with others.
func (s *sighting) setTokens(c *mail.Client, subject string, domain uint64) {
	set := func(kind seedKind, hash uint64) { s.tokens[kind] = uint32(hash) }
	if s.marks&toItself != 0 {
		set(seedSelf, hashText(ofSelf, ""))
	}
	if s.marks&recipientsHELO != 0 {
		set(seedOwnName, hashText(ofOwnName, ""))
	}
	switch kindOfHELO(c.HELO) {
	case numberHELO:
		set(seedNumber, hashText(ofNumber, ""))
	case labelHELO, namedHELO:
		if c.HELO != c.Name {
			set(seedHELO, hashText(ofHELO, c.HELO))
		}
	}
	if subject != "" {
		set(seedSubject, hashText(ofSubject, subject))
	}
	if s.marks&alignedHELO == 0 {
		set(seedDomain, domain)
		set(seedSpray, hashAddr(ofSpray, s.ip))
	}
	if c.Name != "" && c.Name != "unknown" {
		set(seedFamily, hashFamily(ofFamily, c.Name))
	}
	set(seedNet, hashNet(ofNetwork, s.ip))
}

// meet counts a client that has a mark.
func (w *campaignWatch) meet(token, who uint32, minute int32) {
	c := &w.crowds[token%crowdSlots]
	switch {
	case c.check == token && minute-c.minute < crowdMemory:
		if c.last != who {
			c.last = who
			c.clients += min(1, ^c.clients)
		}
		c.minute = max(c.minute, minute)
	case c.check == token || minute-c.minute > crowdMemory || int(c.clients) < w.pass.Thresholds.Campaign.MinClients:
		*c = crowdOf{check: token, last: who, minute: minute, clients: 1}
	}
}

// shared reports whether a sighting has a mark that several clients had lately. Marks that honest mail servers share, too,
// count only where nobody named the client.
func (w *campaignWatch) shared(s *sighting) bool {
	weak := false
	for kind, token := range s.tokens {
		c := &w.crowds[token%crowdSlots]
		if token == 0 || c.check != token || int(c.clients) < w.pass.Thresholds.Campaign.MinClients {
			continue
		}
		switch seedKind(kind) {
		case seedSpray, seedFamily, seedDomain, seedNet:
			weak = true
		default:
			return true
		}
	}
	return weak && nameless(s.name(), s)
}

// nameless reports whether nobody named that client: no name by reverse look-up, or one that was made from the address.
func nameless(name string, s *sighting) bool {
	return name == "" || name == "unknown" || genericName(name, s.ip)
}

// retire keeps what may belong to a campaign before its place is taken.
func (w *campaignWatch) retire(s *sighting) {
	if !w.shared(s) {
		return
	}
	if len(w.kept) >= max(w.room()/2, w.siftAt) {
		w.makeRoom()
	}
	if n, most := len(w.kept), w.room(); n == cap(w.kept) && 2*n >= most {
		w.kept = slices.Grow(w.kept, most-n) // append would make room for more than ever come
	}
	w.kept = append(w.kept, s.copyOf())
}

// room is how many are kept at most: three times as many as in the ring.
func (w *campaignWatch) room() int { return 3 * w.pass.Thresholds.Campaign.MaxRecords }

// makeRoom forgets what was kept and belongs to no campaign, already when half of the room is taken, since the texts of what is
// kept are most of its memory. Where all room is taken and that frees too little, the oldest half goes, and it pauses: looking
// at one large run again and again would cost more than all the rest.
func (w *campaignWatch) makeRoom() {
	full, pausing := len(w.kept) >= w.room(), w.pauses > 0
	if pausing {
		w.pauses--
	} else {
		w.sift()
	}
	w.siftAt = min(w.room(), 2*len(w.kept))
	if drop := len(w.kept) - w.room()/2; full && drop > 0 {
		if !pausing {
			w.pauses = siftPauses
		}
		w.lost += drop
		kept := append(w.kept[:0], w.kept[drop:]...)
		clear(w.kept[len(kept):])
		w.kept = kept
		w.siftAt = w.room()
	}
}

const siftPauses = 8

// sift forgets what was kept and belongs to no campaign, as far as can be told before the end.
func (w *campaignWatch) sift() {
	words := make([]*seen, 0, len(w.kept))
	for i := range w.kept {
		words = append(words, w.kept[i].words())
	}
	belongs := make(map[*sighting]bool)
	for _, c := range newHunt(w, &Site{First: w.first, Last: w.last}, words).campaigns() {
		for _, s := range c.sightings {
			belongs[s.sighting] = true
		}
	}
	stay := w.kept[:0]
	for i := range w.kept {
		if belongs[&w.kept[i]] {
			stay = append(stay, w.kept[i])
		}
	}
	clear(w.kept[len(stay):])
	w.kept = stay
}

// Merge takes over what other has counted.
func (w *campaignWatch) Merge(other Watch) {
	o := other.(*campaignWatch)
	for i := range o.crowds {
		if c := &w.crowds[i]; c.clients < o.crowds[i].clients {
			*c = o.crowds[i]
		}
	}
	for i := range o.kept {
		*w.place() = o.kept[i]
	}
	for old := range o.ring.oldestFirst {
		*w.place() = *old
	}
	for old := range o.knocks.oldestFirst {
		s, _ := w.knocks.take(max(1, w.pass.Thresholds.Campaign.MaxRecords/knockShare))
		*s = *old
	}
	w.usual.merge(&o.usual)
	w.clean.merge(&o.clean)
	w.all += o.all
	w.unnamed += o.unnamed
	w.lost += o.lost
	if o.first != 0 {
		w.seen(o.first)
		w.seen(o.last)
	}
}

// Findings says which strangers act as one.
func (w *campaignWatch) Findings(site *Site) []Finding {
	var words []*seen
	for i := range w.kept {
		words = append(words, w.kept[i].words())
	}
	for s := range w.ring.oldestFirst {
		words = append(words, s.words())
	}
	if w.lost > 0 {
		site.Notes = append(site.Notes, "campaigns: "+plural(w.lost, "message or refused attempt was", "messages or refused attempts were")+
			" dropped to limit the memory used (campaign.max-records)")
	}
	var found []Finding
	knocks := w.allKnocks()
	for _, c := range newHunt(w, site, words).campaigns() {
		knocks = c.addKnocks(knocks)
		found = append(found, c.finding())
	}
	return found
}
