package analyze

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// sighting is what is remembered of one message or refused attempt of a stranger. Its texts stand in one buffer, which the next
// sighting at the same place uses again: remembering allocates nothing in the long run, and gives the garbage collector one
// pointer to follow. First comes the line, of which most other texts are a part; the rest is behind it. The texts of one that is
// kept are a string of its own, of which the words are pieces.
type sighting struct {
	mail.Origin
	time       mail.Instant
	ip         netip.Addr
	asn        uint32
	marks      sightingMarks
	recipients uint32 // of a message: all of them, those in the buffer or not
	text       []byte
	kept       string // the texts, instead, when it is kept
	texts      [sightingTexts]span
	tokens     [seedKinds]uint32 // hashes of what it may share with others, 0: nothing
}

// span is where a text stands in the buffer.
type span struct{ at, n uint16 }

// sightingMarks are facts about a sighting.
type sightingMarks uint16

const (
	wasRefused     sightingMarks = 1 << iota
	wasUnknown                   // refused, because there is no such recipient
	toItself                     // the sender is a recipient
	isVerified                   // Client.Name resolves back
	alignedHELO                  // HELO and sender are of one organisation; nobody checks a HELO
	wasIncomplete                // the message was not removed from the queue
	recipientsHELO               // HELO is a name of a recipient's domain
	triedRelay                   // refused, because neither sender nor recipient is ours
	refusedContent               // refused after DATA
	isUnasked                    // nobody looked up the client's name: postscreen does not
)

// The texts of a sighting.
const (
	nameText = iota
	heloText
	senderText
	subjectText
	messageIDText
	hostText
	replyText // with which it was refused
	queueIDText
	recipientsText // each with its disposition behind it
	lineText
	sightingTexts
)

const (
	maxSightingText       = 1000 // of a field: a subject may fill a header of 998 (RFC 5322, section 2.1.1)
	maxSightingLine       = 4096 // a longer line is no evidence that anybody wants to read
	maxSightingReply      = 300
	maxSightingRecipients = 64
	maxSightingBuffer     = 1 << 15 // of all texts, about: a span must reach them
	recipientTail         = 4       // what stands behind a recipient
)

// begin empties s for another sighting.
func (s *sighting) begin() {
	text := s.text[:0]
	if cap(text) > 4*maxSightingLine {
		text = nil
	}
	*s = sighting{text: text}
}

// put remembers a text, where it stands in the line or else behind what is there.
func (s *sighting) put(field int, text string, most int, line string) {
	text = text[:min(len(text), most)]
	if text == "" {
		return
	}
	at := strings.Index(line, text)
	if at < 0 {
		at = len(s.text)
		s.text = append(s.text, text...)
	}
	s.texts[field] = span{uint16(at), uint16(len(text))}
}

// all is all texts of s.
func (s *sighting) all() string {
	if s.kept != "" {
		return s.kept
	}
	return string(s.text)
}

// of is where a text stands in all.
func (p span) of(all string) string { return all[p.at : int(p.at)+int(p.n)] }

// name is how the client is called by reverse look-up.
func (s *sighting) name() string {
	p := s.texts[nameText]
	if s.kept != "" {
		return p.of(s.kept)
	}
	return string(s.text[p.at : int(p.at)+int(p.n)])
}

// message fills s from a message.
func (s *sighting) message(m *mail.Message) {
	s.begin()
	s.Origin, s.time, s.asn = m.Origin, m.Time, m.Client.ASN
	s.ip = m.Client.IP.Unmap().WithZone("")
	if m.Has(mail.Verified) {
		s.marks |= isVerified
	}
	if !m.Completed {
		s.marks |= wasIncomplete
	}
	room := 0
	for i := range m.Recipients[:min(len(m.Recipients), maxSightingRecipients)] {
		room += len(m.Recipients[i].Envelope()) + recipientTail
	}
	line := s.line(m.Line, room)
	s.who(&m.Client, m.Sender, m.Subject, m.Host, line)
	s.put(messageIDText, m.MessageID, maxSightingText, line)
	if id := whereQueued(m); id != "" {
		s.put(queueIDText, id, maxSightingText, line)
	}
	start := len(s.text)
	for i := range m.Recipients {
		s.recipient(&m.Recipients[i], m)
	}
	s.recipientsFrom(start)
}

// who remembers what messages and refused attempts have in common.
func (s *sighting) who(c *mail.Client, sender, subject, host, line string) {
	s.put(nameText, c.Name, maxSightingText, line)
	s.put(heloText, c.HELO, maxSightingText, line)
	s.put(senderText, sender, maxSightingText, line)
	s.put(subjectText, subject, maxSightingText, line)
	s.put(hostText, host, maxSightingText, line)
}

// recipient appends an address, its disposition, and whether it is unknown.
func (s *sighting) recipient(r *mail.Recipient, m *mail.Message) {
	if r.Disposition == mail.Probed {
		return
	}
	s.recipients++
	if s.recipients > maxSightingRecipients || len(s.text) > maxSightingBuffer {
		return
	}
	to := r.Envelope()
	s.relate(m.Sender, to, m.Client.HELO)
	unknown := byte(0)
	if r.Disposition == mail.Bounced && unknownRecipient(r.DSN, r.Reply) {
		unknown = 1
	}
	s.text = append(s.text, to[:min(len(to), maxSightingText)]...)
	s.text = append(s.text, 0, 'A'+byte(r.Disposition), '0'+unknown, 0)
}

// recipientsFrom says that the recipients stand at the end of the buffer, from start.
func (s *sighting) recipientsFrom(start int) {
	s.texts[recipientsText] = span{uint16(start), uint16(len(s.text) - start)}
}

// relate notes what a recipient says of sender and HELO.
func (s *sighting) relate(sender, to, helo string) {
	if sameAddress(sender, to) {
		s.marks |= toItself
	}
	if domain := mail.Domain(to); domain != "" && helo != "" && endsInDomain(helo, domain) {
		s.marks |= recipientsHELO
	}
}

// refusal fills s from a refused attempt.
func (s *sighting) refusal(ev *mail.Event) {
	s.begin()
	s.Origin, s.time, s.asn = ev.Origin, ev.Time, ev.Client.ASN
	s.ip = ev.Client.IP.Unmap().WithZone("")
	s.marks = wasRefused
	if ev.Has(mail.Verified) {
		s.marks |= isVerified
	}
	if ev.DSN == "5.1.1" || ev.DSN == "" && unknownRecipient("", ev.Reply) {
		s.marks |= wasUnknown
	}
	if mail.RefusesRelay(ev.Reply) {
		s.marks |= triedRelay
	}
	if ev.Stage == "END-OF-MESSAGE" {
		s.marks |= refusedContent
	}
	if ev.Client.Name == "" && ev.Daemon == "postscreen" {
		s.marks |= isUnasked
	}
	line := s.line(ev.Raw, len(ev.Recipient)+recipientTail)
	s.who(&ev.Client, ev.Sender, ev.Subject, ev.Host, line)
	s.put(replyText, ev.Reply, maxSightingReply, line)
	start := len(s.text)
	if ev.Recipient != "" {
		s.relate(ev.Sender, ev.Recipient, ev.Client.HELO)
		s.text = append(s.text, ev.Recipient[:min(len(ev.Recipient), maxSightingText)]...)
		s.text = append(s.text, 0, 'A', '0', 0)
	}
	s.recipientsFrom(start)
}

// line begins the buffer, with what it is given or, where that is too long, with nothing; room is for what follows.
func (s *sighting) line(line string, room int) string {
	if len(line) > maxSightingLine {
		return ""
	}
	if room += len(line); cap(s.text) < room {
		s.text = make([]byte, 0, room) // append would make much more of it
	}
	s.text = append(s.text, line...)
	s.texts[lineText].n = uint16(len(line))
	return line
}

// copyOf is s, to be kept when its place is taken.
func (s *sighting) copyOf() sighting {
	c := *s
	c.text, c.kept = nil, s.all()
	return c
}

// seen is a sighting in words, made when it is known that it may matter.
type seen struct {
	*sighting
	line, name, helo, sender, domain, subject, messageID, host, list, queueID string
	to                                                                        []recalled
	heloKind                                                                  heloKind
	damaged                                                                   bool // a recipient is a known one, damaged
	sprayed                                                                   bool // by a client that sprays
	byDevice                                                                  bool
	inOwnName                                                                 bool // by a client that has a name of ours to itself
}

// words reads a sighting. Its texts are pieces of one copy.
func (s *sighting) words() *seen {
	all := s.all()
	field := func(i int) string { return s.texts[i].of(all) }
	w := &seen{
		sighting: s, line: field(lineText), name: field(nameText), helo: field(heloText), sender: mail.Fold(field(senderText)),
		subject: field(subjectText), messageID: field(messageIDText), host: field(hostText),
		list: mail.BlocklistIn(field(replyText)), queueID: field(queueIDText),
	}
	if w.name == "unknown" {
		w.name = ""
	}
	w.domain, w.heloKind = mail.Domain(w.sender), kindOfHELO(w.helo)
	rest := field(recipientsText)
	for len(rest) > 0 {
		at := strings.IndexByte(rest, 0)
		if at < 0 || at+recipientTail > len(rest) {
			break
		}
		r := recalled{address: rest[:at], disposition: mail.Disposition(rest[at+1] - 'A'), unknown: rest[at+2] == '1'}
		w.to = append(w.to, r)
		rest = rest[at+recipientTail:]
	}
	return w
}

// reply is with what it was refused.
func (w *seen) reply() string { return w.texts[replyText].of(w.all()) }

func (w *seen) is(mark sightingMarks) bool { return w.marks&mark != 0 }

// evidence is its line.
func (w *seen) evidence() Evidence { return Evidence{Origin: w.Origin, Time: w.time, Text: w.line} }

// client is it as a client.
func (w *seen) client() mail.Client {
	return mail.Client{IP: w.ip, Name: w.name, HELO: w.helo, ASN: w.asn}
}

// unknown reports whether a recipient does not exist.
func (w *seen) unknown() bool {
	return w.is(wasUnknown) || slices.ContainsFunc(w.to, func(r recalled) bool { return r.unknown })
}

// compareSeen is their order in time.
func compareSeen(a, b *seen) int {
	return mail.CompareLines(a.time, a.Origin, b.time, b.Origin)
}

// sameAddress reports whether two addresses are equal; the case of both parts is ignored, since programs that forge do.
func sameAddress(a, b string) bool {
	return len(a) == len(b) && a != "" && a != mail.NullSender && strings.EqualFold(a, b)
}

// endsInDomain reports whether a host name is a domain or lies in it; domain is folded.
func endsInDomain(name, domain string) bool {
	name = strings.TrimSuffix(name, ".")
	if len(name) < len(domain) || !strings.EqualFold(name[len(name)-len(domain):], domain) {
		return false
	}
	return len(name) == len(domain) || name[len(name)-len(domain)-1] == '.'
}

// sameOrganisation reports whether two names belong to one registered domain, as far as their last labels tell; the list of
// public suffixes is asked where these may be one ("co.uk"). It allocates nothing in the common case.
func sameOrganisation(a, b string) bool {
	ta, tb := lastLabels(a), lastLabels(b)
	if ta == "" || len(ta) != len(tb) || ta != tb && !strings.EqualFold(ta, tb) {
		return false
	}
	return !maySuffix(ta) || organisation(a) == organisation(b)
}

// maySuffix reports whether two labels may be a public suffix, below which everybody can register: "co.uk". The list of public
// suffixes knows, but asking it for every message costs as much as all the rest.
func maySuffix(labels string) bool {
	second, _, _ := strings.Cut(labels, ".")
	if len(second) > 3 {
		return false
	}
	switch strings.ToLower(second) {
	case "co", "com", "net", "org", "ac", "gov", "edu", "or", "ne", "go", "gob", "gub", "nom", "mil", "sch", "ltd", "plc", "me", "nhs", "asn",
		"id", "ad", "gr", "lg", "ed", "in", "art", "biz", "pro", "tv", "k12", "gen", "res", "ind", "nic":
		return true
	}
	return false
}

// lastLabels is the last two labels of a name; "" where it has none or is an address.
func lastLabels(name string) string {
	name = strings.TrimSuffix(name, ".")
	last := strings.LastIndexByte(name, '.')
	if last <= 0 || last+1 == len(name) || name[last+1] >= '0' && name[last+1] <= '9' || name[0] == '[' {
		return ""
	}
	return name[strings.LastIndexByte(name[:last], '.')+1:]
}

// hashAddr is a hash of an IP address.
func hashAddr(kind hashKind, ip netip.Addr) uint64 {
	b := ip.As16()
	return spread(spread(binary.BigEndian.Uint64(b[:8])^uint64(kind)<<56) ^ binary.BigEndian.Uint64(b[8:]))
}

// hashNet is a hash of the network that a customer of a provider may have.
func hashNet(kind hashKind, ip netip.Addr) uint64 {
	return hashAddr(kind, siteNetwork(ip).Addr())
}

// hashFamily is a hash of a name without its numbers: equal for names that are cut from one pattern, 0 where there is none.
func hashFamily(kind hashKind, name string) uint64 {
	h, numbers := uint64(14695981039346656037)^uint64(kind), false
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= '0' && c <= '9':
			numbers = true
			continue
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		}
		h = (h ^ uint64(c)) * 1099511628211
	}
	if !numbers {
		return 0
	}
	return spread(h)
}
