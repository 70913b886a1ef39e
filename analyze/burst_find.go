package analyze

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"time"

	"mailforensics/mail"
)

// Findings looks for bursts in what is remembered.
func (w *burstWatch) Findings(site *Site) []Finding {
	w.population()
	j := &judge{site: site, limits: &w.pass.Thresholds.Burst, usual: w.usual()}
	var all []*candidate
	for s, records := range w.remembered() {
		all = append(all, w.candidates(s, records)...)
	}
	refusals := w.refusalsOf(all, site)
	for _, c := range all {
		c.refuse(refusals)
		j.decide(c)
	}
	slices.SortFunc(all, compareCandidates)
	var findings []Finding
	for _, c := range j.tell(all, w.pass.Thresholds.Score.Low) {
		findings = append(findings, w.finding(c))
	}
	if w.lost > 0 || w.forgotten() > 0 {
		site.Notes = append(site.Notes, fmt.Sprintf("bursts: %d clients, accounts or domains were forgotten, and %d messages of long bursts, for want of room",
			w.forgotten(), w.lost))
	}
	return findings
}

func (w *burstWatch) forgotten() int {
	n := w.nets.Forgotten + w.systems.Forgotten
	for _, d := range []dimension{byAccount, byUser, byDomain} {
		n += w.names[d].Forgotten
	}
	return n
}

// population counts the messages of all series of a kind, and the days on which they sent at all.
func (w *burstWatch) population() {
	w.all(func(s *series) bool {
		w.totals[s.dim] += s.total
		w.days[s.dim] += bits.OnesCount64(s.days)
		return true
	})
}

// usual is the mean number of messages on a day on which a series sends at all.
func (w *burstWatch) usual() (means [dimensions]float64) {
	for d := range means {
		means[d] = float64(w.totals[d]) / float64(max(1, w.days[d]))
	}
	return means
}

// likes is the mean number of messages on a day of all others of the kind of s, at least one.
func (w *burstWatch) likes(s *series) float64 {
	days, n := w.days[s.dim]-bits.OnesCount64(s.days), w.totals[s.dim]-s.total
	if days <= 0 {
		return 1
	}
	return max(1, float64(n)/float64(days))
}

// remembered is every series with enough to look at, and its records.
func (w *burstWatch) remembered() map[*series][]*record {
	f := make(map[*series][]*record)
	w.all(func(s *series) bool {
		if len(s.kept) > 0 || len(s.stories) > 0 {
			f[s] = append(f[s], s.kept...)
		}
		return true
	})
	for r := range w.oldestFirst {
		for _, s := range r.in {
			if s == nil {
				continue
			}
			if s = w.current(s); s.total >= w.pass.Thresholds.Burst.MinMessages {
				f[s] = append(f[s], r)
			}
		}
	}
	return f
}

// pace is what the instants of a series are measured against; past is how many of its messages are not remembered.
func (w *burstWatch) pace(past int) pace {
	t := &w.pass.Thresholds.Burst
	return pace{
		minutes:     max(1, w.last.Sub(w.first).Minutes()),
		past:        past,
		minMessages: t.MinMessages,
		span:        t.Span,
		pause:       t.Pause,
		logChance:   t.LogChance,
	}
}

// candidates are the windows of a series that its own past does not explain.
func (w *burstWatch) candidates(s *series, records []*record) []*candidate {
	sortRecords(records)
	past := max(0, s.total-len(records)-s.told())
	switch s.dim {
	case byNetwork:
		return append(w.byAddress(s, records, past), w.inSeries(s, Subject{Network, networkName(s.net)}, records, past)...)
	case byASN:
		return w.inSeries(s, Subject{ASN, fmt.Sprint(s.asn)}, records, past)
	case byAccount:
		return w.inSeries(s, Subject{Account, accountName(records, s.name)}, records, past)
	case byUser:
		return w.inSeries(s, Subject{UID, s.name}, records, past)
	}
	return w.inSeries(s, Subject{SenderDomain, s.name}, records, past)
}

// told is how many messages are in stories.
func (s *series) told() (n int) {
	for _, story := range s.stories {
		n += story.Counts.Messages
	}
	return n
}

// byAddress looks at each address of a network. What of the network is not remembered is shared among them as the rest is.
func (w *burstWatch) byAddress(s *series, records []*record, past int) []*candidate {
	byIP := make(map[netip.Addr][]*record)
	for _, r := range records {
		ip := r.client.IP.Unmap()
		byIP[ip] = append(byIP[ip], r)
	}
	var all []*candidate
	for ip, own := range byIP {
		if len(own) >= w.pass.Thresholds.Burst.MinMessages {
			share := past * len(own) / len(records)
			all = append(all, w.inRecords(s, Subject{IP, ip.String()}, own, share)...)
		}
	}
	return all
}

// inSeries finds the bursts of a whole series, stories included.
func (w *burstWatch) inSeries(s *series, subject Subject, records []*record, past int) []*candidate {
	all := w.inRecords(s, subject, records, past)
	for _, story := range s.stories {
		all = append(all, &candidate{batch: story, dim: s.dim, subject: subject, outside: s.total - story.Counts.Messages})
	}
	all = joinStories(all, w.pass.Thresholds.Burst.Pause)
	for _, c := range all {
		c.regular = c.regular || len(all) > 2
	}
	return all
}

// joinStories makes one of a story and what of the same burst was still remembered one by one.
func joinStories(all []*candidate, pause time.Duration) []*candidate {
	slices.SortFunc(all, func(a, b *candidate) int { return cmp.Compare(a.Start, b.Start) })
	var joined []*candidate
	for _, c := range all {
		if n := len(joined) - 1; n >= 0 && c.Start.Sub(joined[n].End) <= pause {
			joined[n].merge(c.batch)
			joined[n].outside = max(0, joined[n].outside-c.Counts.Messages)
			continue
		}
		joined = append(joined, c)
	}
	return joined
}

// inRecords finds the bursts among records, which must be sorted.
func (w *burstWatch) inRecords(s *series, subject Subject, records []*record, past int) []*candidate {
	p := w.pace(past)
	p.stranger = s.dim == byNetwork || s.dim == byASN
	if s.dim == byAccount || s.dim == byUser {
		p.like = w.likes(s)
	}
	wins := windows(instants(records), p)
	var all []*candidate
	for _, win := range wins {
		own, beside := records[win.from:win.to], 0
		if s.dim == byAccount || s.dim == byUser {
			own, beside = s.withoutUsual(own, p.minutes)
		}
		if w.needless(subject, own) {
			continue
		}
		c := &candidate{batch: newBatch(), dim: s.dim, subject: subject, records: own, beside: beside}
		for _, r := range own {
			c.add(r)
		}
		c.outside = len(records) + past - len(own) - beside
		c.regular = regular(wins, records, win)
		if s.dim == byAccount {
			c.place = s.acquainted(own)
		}
		all = append(all, c)
	}
	return all
}

// withoutUsual is the records of a window of an account or a local user without those of origins that go on as they do at
// other times: a web server's user sends for all its pages, of which one is the offender; an account's owner goes on
// writing at home while somebody else sends with the password.
func (s *series) withoutUsual(records []*record, minutes float64) (own []*record, beside int) {
	inside := make(map[whence]int)
	for _, r := range records {
		inside[sameOrigin(r)]++
	}
	length := records[len(records)-1].time.Sub(records[0].time).Minutes()
	for _, r := range records {
		from := sameOrigin(r)
		outside := s.sentFrom(from) - inside[from]
		usual := float64(outside) / max(1, minutes-length) * length
		if outside > 0 && float64(inside[from]) <= tooDense*max(1, usual) {
			beside++
			continue
		}
		own = append(own, r)
	}
	if 2*len(own) < len(records) {
		return records, 0
	}
	return own, beside
}

// sameOrigin is the origin of a record without what changes from message to message.
func sameOrigin(r *record) whence {
	o := whenceOf(r)
	if o.ip.IsValid() {
		return whence{ip: o.ip}
	}
	return whence{name: o.name}
}

// sentFrom is how many messages came from an origin in the whole log.
func (s *series) sentFrom(from whence) int {
	for i := range s.origins {
		if s.origins[i].ip == from.ip && (from.ip.IsValid() || s.origins[i].name == from.name) {
			return s.origins[i].n
		}
	}
	return 0
}

// regular reports whether there are bursts on two other days, with like senders.
func regular(all []window, records []*record, w window) bool {
	const day = 20 * time.Hour
	others := 0
	for _, o := range all {
		if o == w {
			continue
		}
		apart := records[o.from].time.Sub(records[w.from].time)
		if (apart > day || apart < -day) && 3*(o.to-o.from) >= w.to-w.from {
			others++
		}
	}
	return others >= 2
}

// needless reports whether a window needs no closer look: of few messages, when all are from a mail server for its own
// organisation; of a network, when one address sent most of it and is looked at by itself.
func (w *burstWatch) needless(subject Subject, records []*record) bool {
	switch subject.Kind {
	case Network:
		return oneAddress(records)
	case IP, SenderDomain:
		return len(records) < w.pass.Thresholds.Burst.AloneFrom && plainlyHonest(records)
	}
	return false
}

func oneAddress(records []*record) bool {
	counts := make(map[netip.Addr]int)
	most := 0
	for _, r := range records {
		counts[r.client.IP]++
		most = max(most, counts[r.client.IP])
	}
	return ratio(most, len(records)) >= enough
}

// plainlyHonest reports whether every message is of a named mail server, for its own organisation, and met no unknown recipient.
func plainlyHonest(records []*record) bool {
	var last *record
	for _, r := range records {
		unknown := false
		r.recipients(func(c *recalled) { unknown = unknown || c.unknown })
		if unknown || r.account != "" || !named(r) || kindOfHELO(r.client.HELO) > namedHELO {
			return false
		}
		if last != nil && r.client.Name == last.client.Name && mail.Domain(r.sender) == mail.Domain(last.sender) {
			continue
		}
		if genericName(r.client.Name, r.client.IP) || rentedName(r.client.Name) || !ownName(r.client.Name, r.sender) {
			return false
		}
		last = r
	}
	return true
}

// acquaintance is how well the place is known from which most messages of a window came.
type acquaintance uint8

const (
	strangePlace acquaintance = iota
	knownNetwork              // the same provider, or a like address: lines at home change their address every day
	knownAddress
)

// acquainted tells how well an account knows the clients of a window: from which it sent an hour before it or earlier, or an
// hour after it or later, too.
func (s *series) acquainted(records []*record) acquaintance {
	const apart = time.Hour
	from, to := records[0].time.Add(-apart), records[len(records)-1].time.Add(apart)
	addresses, places := make(map[netip.Addr]bool), make(map[string]bool)
	for _, o := range s.origins {
		if o.first < from || o.last > to {
			addresses[o.ip] = true
			places[o.provider()] = true
		}
	}
	byAddress, byPlace := 0, 0
	for _, r := range records {
		if addresses[r.client.IP] {
			byAddress++
		}
		if places[whenceOf(r).provider()] {
			byPlace++
		}
	}
	switch n := len(records); {
	case 2*byAddress > n:
		return knownAddress
	case 2*byPlace > n:
		return knownNetwork
	}
	return strangePlace
}

// provider is where a client is: the organisation of its name; where it has none, the first half of its address.
func (o whence) provider() string {
	if o.name != "" {
		return organisation(o.name)
	}
	ip := o.ip.Unmap()
	if !ip.IsValid() {
		return ""
	}
	half, _ := ip.Prefix(min(ip.BitLen()/2, 32))
	return half.String()
}

// accountName is an account as it was written first.
func accountName(records []*record, folded string) string {
	if len(records) > 0 {
		return records[0].account
	}
	return folded
}

func networkName(n netKey) string {
	if n.wide {
		var sixteen [16]byte
		binary.BigEndian.PutUint64(sixteen[:8], n.bits)
		return NetworkOf(netip.AddrFrom16(sixteen)).String()
	}
	return NetworkOf(netip.AddrFrom4([4]byte{byte(n.bits >> 16), byte(n.bits >> 8), byte(n.bits), 0})).String()
}

// refusalsOf is the refused attempts of all clients of the candidates.
func (w *burstWatch) refusalsOf(all []*candidate, site *Site) map[netip.Addr][]refusal {
	wanted := make(map[netip.Addr][]refusal)
	for _, c := range all {
		for ip := range c.clients {
			if !site.IsOwn(ip) {
				wanted[ip] = nil
			}
		}
	}
	take := func(r refusal) {
		if list, ok := wanted[r.ip]; ok {
			wanted[r.ip] = append(list, r)
		}
	}
	for _, r := range w.refusals {
		take(r)
	}
	for _, list := range w.keptRefs {
		for _, r := range list {
			take(r)
		}
	}
	return wanted
}

// refuse counts the refused attempts of a candidate's clients in its window.
func (c *candidate) refuse(refusals map[netip.Addr][]refusal) {
	for ip, client := range c.clients {
		for _, r := range refusals[ip] {
			if r.time < c.Start || r.time > c.End {
				continue
			}
			client.Rejected++
			c.Counts.Rejected++
			c.Buckets.Add(r.time, 0, 1)
			c.refused++
			if r.unknown {
				c.refusedU++
			}
		}
	}
}

// finding is a candidate as it is told.
func (w *burstWatch) finding(c *candidate) Finding {
	slices.Sort(c.times)
	f := Finding{
		Subject: c.subject,
		Score:   c.score,
		Title:   c.title(),
		Start:   c.Start,
		End:     c.End,
		Rate:    RateOf(c.times),
		Reasons: c.reasons,
	}
	f.Mangled = c.mangled
	c.markPeak(f.Rate)
	slices.SortStableFunc(f.Reasons, func(a, b Reason) int { return cmp.Compare(b.Weight, a.Weight) })
	c.Fill(&f)
	if c.beside > 0 {
		f.Facts = append(f.Facts, Fact{"beside it", plural(c.beside, "other message", "other messages") + " of the same " + besides[c.subject.Kind] + ", as at other times: not counted here"})
	}
	return f
}

// markPeak makes the message with which the busiest minute begins evidence.
func (c *candidate) markPeak(rate *Rate) {
	for _, r := range c.records {
		if r.time == rate.PeakAt {
			c.Evidence.Mark("peak", Evidence{Origin: r.Origin, Time: r.time, Text: r.line})
			return
		}
	}
}

var besides = map[SubjectKind]string{Account: "account from its usual address", UID: "user by other scripts"}

// title is what a person would say.
func (c *candidate) title() string {
	who := c.subject.Value
	switch c.subject.Kind {
	case Account:
		who = "account " + who
	case UID:
		who = "local user " + who
		if script, share := c.Scripts.Most(); share >= enough {
			who += " (" + script + ")"
		}
	case SenderDomain:
		who = "senders of " + who
	case ASN:
		who = "AS" + who
	}
	text := fmt.Sprintf("%s sent %s in %s", who, plural(c.Counts.Messages, "message", "messages"), duration(c.End.Sub(c.Start)))
	if n := len(c.clients); n > 1 {
		text += fmt.Sprintf(" from %d addresses", n)
	}
	return text
}

func compareCandidates(a, b *candidate) int {
	return cmp.Or(
		cmp.Compare(rank(a.subject.Kind), rank(b.subject.Kind)),
		cmp.Compare(a.Start, b.Start),
		cmp.Compare(a.subject.Value, b.subject.Value),
	)
}
