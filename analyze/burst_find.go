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
	for s, records := range w.remembered {
		all = append(all, w.candidates(s, records, site)...)
	}
	for _, c := range all {
		j.behind(c, w.pass.Thresholds.Burst.Pause)
	}
	refusals := w.refusalsOf(all, site)
	for _, c := range all {
		c.refuse(refusals)
		j.decide(c)
	}
	slices.SortFunc(all, compareCandidates)
	var findings []Finding
	told := j.tell(all, w.pass.Thresholds.Score.Low)
	starts := make(map[Subject][]mail.Instant)
	for _, c := range told {
		starts[c.subject] = append(starts[c.subject], c.Start)
	}
	for _, c := range told {
		c.knocking(refusals, firstAfter(starts[c.subject], c.End), w.refusalsSince())
		findings = append(findings, w.finding(c))
	}
	if n := w.forgotten(); n > 0 {
		site.Notes = append(site.Notes, say("bursts: %d clients, accounts or domains with the least mail were dropped to limit the memory used", n))
	}
	if w.lost > 0 {
		site.Notes = append(site.Notes, say("bursts: %d messages or refusals of long bursts were dropped to limit the memory used: their findings are without these", w.lost))
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

// remembered gathers what is kept and what is in the ring for every series, and yields those with enough to look at. It may be called
// once: from then on, what is in the ring counts as kept.
func (w *burstWatch) remembered(yield func(*series, []*record) bool) {
	const mostly = 64 // of a larger series, room for more is made as it is needed
	enough := w.pass.Thresholds.Burst.MinMessages
	forgot := w.forgotten() > 0 // a series may be one that was forgotten, or have forgotten messages
	var gathered []*series
	gather := func(s *series) {
		if !s.gathered {
			s.gathered = true
			gathered = append(gathered, s)
		}
	}
	w.all(func(s *series) bool {
		if len(s.kept) > 0 || len(s.stories) > 0 {
			gather(s)
		}
		return true
	})
	for r := range w.ring.oldestFirst {
		for _, s := range r.in {
			switch {
			case s == nil:
				continue
			case forgot:
				s = w.current(s)
			case s.total < enough: // which has no stories
				continue
			}
			gather(s)
			if s.kept == nil {
				s.kept = make([]*record, 0, min(s.total, mostly))
			}
			s.kept = append(s.kept, r)
		}
	}
	for _, s := range gathered {
		if (len(s.kept) >= enough || len(s.stories) > 0) && !yield(s, s.kept) {
			return
		}
	}
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
func (w *burstWatch) candidates(s *series, records []*record, site *Site) []*candidate {
	sortRecords(records)
	past := max(0, s.total-len(records)-s.told())
	subject := s.subject(records)
	var all []*candidate
	if s.dim != byNetwork || !fromOne(records) { // which is told of the address
		all = w.inRecords(s, subject, records, past)
	}
	if s.dim == byNetwork {
		all = append(all, w.byAddress(s, records, past)...)
	}
	for _, story := range s.stories {
		c := &candidate{batch: story, dim: s.dim, subject: subject, outside: s.total - story.Counts.Messages}
		if ip, share := story.mostFrequentClient(); s.dim == byNetwork && share >= enough {
			c.subject = Subject{IP, ip.String()}
			c.network = c.outside
		}
		all = append(all, c)
	}
	for _, c := range all {
		c.regular = c.regular || c.records == nil && c.hasLike(all)
	}
	for _, c := range all {
		c.others = all
	}
	if s.dim == byAccount {
		s.learnHabits(all, site)
	}
	return joinStories(all, w.pass.Thresholds.Burst.Pause)
}

// subject is whom a series is about.
func (s *series) subject(records []*record) Subject {
	switch s.dim {
	case byNetwork:
		return Subject{Network, networkName(s.net())}
	case byASN:
		return Subject{ASN, fmt.Sprint(s.number)}
	case byAccount:
		return Subject{Account, accountName(records, s.name)}
	case byUser:
		return Subject{UID, s.name}
	}
	return Subject{SenderDomain, s.name}
}

// mostFrequentClient is the client that sent most of a batch, and its share.
func (b *batch) mostFrequentClient() (ip netip.Addr, share float64) {
	if clients := b.Clients(); len(clients) > 0 {
		return clients[0].IP, ratio(clients[0].Messages, b.Counts.Messages)
	}
	return ip, 0
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

// fromOne reports whether all records are of one address.
func fromOne(records []*record) bool {
	for _, r := range records {
		if r.client.IP != records[0].client.IP {
			return false
		}
	}
	return len(records) > 0
}

// byAddress looks at each address of a network. What of the network is not remembered is shared among them as the rest is.
func (w *burstWatch) byAddress(s *series, records []*record, past int) []*candidate {
	byIP := make(map[netip.Addr][]*record)
	if fromOne(records) {
		byIP[records[0].client.IP.Unmap()] = records
	} else {
		for _, r := range records {
			ip := r.client.IP.Unmap()
			byIP[ip] = append(byIP[ip], r)
		}
	}
	var all []*candidate
	for ip, own := range byIP {
		if len(own) >= w.pass.Thresholds.Burst.MinMessages {
			share := past * len(own) / len(records)
			found := w.inRecords(s, Subject{IP, ip.String()}, own, share)
			for _, c := range found {
				if past > 0 {
					c.network = s.total - c.Counts.Messages
				}
			}
			all = append(all, found...)
		}
	}
	return all
}

// joinStories makes one of a story and what of the same burst was still remembered one by one.
func joinStories(all []*candidate, pause time.Duration) []*candidate {
	slices.SortFunc(all, compareCandidates)
	var joined []*candidate
	for _, c := range all {
		if n := len(joined) - 1; n >= 0 && c.subject == joined[n].subject && c.Start.Sub(joined[n].End) <= pause {
			joined[n].merge(c.batch)
			joined[n].outside = max(0, joined[n].outside-c.Counts.Messages)
			joined[n].network = max(0, joined[n].network-c.Counts.Messages)
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
	known := &history{records: records}
	for _, win := range wins {
		known.runs = append(known.runs, stretch{records[win.from].time, records[win.to-1].time})
	}
	for _, win := range wins {
		own, beside := records[win.from:win.to], 0
		if s.dim == byAccount || s.dim == byUser {
			own, beside = s.withoutUsual(own, p.minutes)
		} else if subject.Kind != IP {
			own, beside = withoutBystanders(own)
		}
		if len(own) < p.minMessages || w.needless(subject, own) {
			continue
		}
		c := &candidate{batch: newBatch(), dim: s.dim, subject: subject, records: own, beside: beside, history: known}
		for _, r := range own {
			c.add(r)
		}
		c.outside = len(records) + past - len(own) - beside
		c.regular = regular(wins, records, win)
		if script, _ := c.Scripts.Most(); s.dim == byUser && script != "" {
			c.usualScript = 2*(s.sentFrom(mailSource{name: script})-c.Scripts.Of(script)) > c.outside
		}
		all = append(all, c)
	}
	return all
}

// regular reports whether there are bursts on two other days, with like senders.
func regular(all []window, records []*record, w window) bool {
	others := 0
	for _, o := range all {
		if o == w {
			continue
		}
		apart := records[o.from].time.Sub(records[w.from].time).Abs()
		if apart > anotherDay && 3*(o.to-o.from) >= w.to-w.from {
			others++
		}
	}
	return others >= 2
}

// hasLike reports whether the like of a story, of which no record is left, is found on two other days.
func (c *candidate) hasLike(all []*candidate) bool {
	others := 0
	for _, o := range all {
		if o.subject == c.subject && o.Start.Sub(c.Start).Abs() > anotherDay && 3*o.Counts.Messages >= c.Counts.Messages {
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

func compareCandidates(a, b *candidate) int {
	return cmp.Or(
		cmp.Compare(rank(a.subject.Kind), rank(b.subject.Kind)),
		cmp.Compare(a.subject.Value, b.subject.Value),
		cmp.Compare(a.Start, b.Start),
	)
}
