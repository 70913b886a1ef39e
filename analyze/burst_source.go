package analyze

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// mailSource is where an account or a local user sends from: a client's address and name, or a script.
type mailSource struct {
	ip          netip.Addr // of the client; not valid: a script
	name        string     // of the client, verified, or "" if it has none; of the script or its directory
	n           int        // messages
	first, last mail.Instant
}

// maxSources bounds the sources of one account. For an account with more, no source is usual.
const maxSources = 64

// countSource adds the messages of a source to the series.
func (s *series) countSource(o mailSource) {
	for i := range s.sources {
		known := &s.sources[i]
		if known.ip == o.ip && (o.ip.IsValid() || known.name == o.name) {
			known.n += o.n
			known.first, known.last = min(known.first, o.first), max(known.last, o.last)
			return
		}
	}
	if len(s.sources) < maxSources {
		o.name = strings.Clone(o.name)
		s.sources = append(s.sources, o)
	}
}

// sourceOf returns the source of a record.
func sourceOf(r *record) mailSource {
	if r.local != nil && r.account == "" {
		return mailSource{name: r.origin(), n: 1, first: r.time, last: r.time}
	}
	w := mailSource{ip: r.client.IP, n: 1, first: r.time, last: r.time}
	if named(r) {
		w.name = r.client.Name
	}
	return w
}

// sourceKey returns the source of a record without what changes from message to message, for maps.
func sourceKey(r *record) mailSource {
	o := sourceOf(r)
	if o.ip.IsValid() {
		return mailSource{ip: o.ip}
	}
	return mailSource{name: o.name}
}

// sentFrom returns how many messages came from a source in the whole log.
func (s *series) sentFrom(from mailSource) int {
	for i := range s.sources {
		if s.sources[i].ip == from.ip && (from.ip.IsValid() || s.sources[i].name == from.name) {
			return s.sources[i].n
		}
	}
	return 0
}

// withoutUsual returns the records of a window of an account or a local user without those of sources that send as they do at other
// times, and the number of the latter: a web server's user sends for all its pages, one of which is the offender; an account's
// owner goes on writing at home while somebody else sends with the password.
func (s *series) withoutUsual(records []*record, minutes float64) (own []*record, beside int) {
	inside := make(map[mailSource]int)
	for _, r := range records {
		inside[sourceKey(r)]++
	}
	length := records[len(records)-1].time.Sub(records[0].time).Minutes()
	return without(records, func(r *record) bool {
		from := sourceKey(r)
		outside := s.sentFrom(from) - inside[from]
		usual := float64(outside) / max(1, minutes-length) * length
		return outside > 0 && float64(inside[from]) <= tooDense*max(1, usual)
	})
}

// without splits off the records that are beside the point, and counts them. If they are more than half, it returns all records.
func without(records []*record, isBeside func(*record) bool) (own []*record, beside int) {
	for _, r := range records {
		if isBeside(r) {
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

// withoutBystanders returns the records of a window of a network or a sender domain without those of others who only happen to be
// there, and the number of the latter: the domain's own users, who log in or are local, while strangers send in its name; and mail
// servers with a name whose mail is plainly their own.
func withoutBystanders(records []*record) (own []*record, beside int) {
	servers := make(map[netip.Addr][]*record)
	for _, r := range records {
		if ip := r.client.IP; ip.IsValid() && r.account == "" {
			servers[ip] = append(servers[ip], r)
		}
	}
	return without(records, func(r *record) bool {
		list := servers[r.client.IP]
		return len(list) == 0 || r.account != "" || plainlyHonest(list)
	})
}

// behind changes the subject of a burst that a host of ours handed in without a login to the person who sent it, if the host sends
// for many people, and nearly all of this is in one name: a groupware server logs in for nobody, and tells by the sender who it is.
func (j *judge) behind(c *candidate, pause time.Duration) {
	sender, share := c.Senders.Most()
	if c.subject.Kind != IP || c.records == nil || share < enough || !j.site.IsOurs(mail.Domain(sender)) || c.share(withLogin) > 0 || !j.allOurs(c) {
		return
	}
	var mine []*record
	others := make(map[string]bool)
	n := 0 // at other times, in other names
	for _, r := range c.history.records {
		switch name := mail.Fold(r.sender); {
		case name == sender:
			mine = append(mine, r)
		case r.time < c.Start || r.time > c.End:
			others[name] = true
			n++
		}
	}
	from, to := 0, 0 // of the runs without a long pause that have a part in the window
	for first, i := 0, 0; i < len(mine); i++ {
		if i > 0 && mine[i].time.Sub(mine[i-1].time) > pause {
			first = i
		}
		if last := i+1 == len(mine) || mine[i+1].time.Sub(mine[i].time) > pause; last && mine[i].time >= c.Start && mine[first].time <= c.End {
			if to == 0 {
				from = first
			}
			to = i + 1
		}
	}
	if elsewhere := len(mine) - (to - from); len(others) < manyNames || n < manyTimes*elsewhere {
		return
	}
	told := newBatch()
	for _, r := range mine[from:to] {
		told.add(r)
	}
	c.outside = len(mine) - (to - from)
	c.batch, c.records, c.beside = told, mine[from:to], 0
	c.subject = Subject{Sender, sender}
}

// manyNames is for how many people a host must send before one of them is reported instead of the host.
const manyNames = 5

// familiarity is how well the place is known from which most messages of a window came.
type familiarity uint8

const (
	unknownPlace familiarity = iota // too little is known of other times to tell
	strangePlace                    // the account sends from other places at other times
	knownNetwork                    // the same provider, or a similar address: home lines get a new address every day
	knownAddress
)

// sourcesOf returns the sources of records, one for each message.
func sourcesOf(records []*record) []mailSource {
	all := make([]mailSource, len(records))
	for i, r := range records {
		all[i] = sourceOf(r)
	}
	return all
}

// sources returns where the messages of a batch came from, one for each client.
func (b *batch) sources() []mailSource {
	var all []mailSource
	for ip, c := range b.clients {
		w := mailSource{ip: ip, n: c.Messages}
		if c.Name != "unknown" {
			w.name = c.Name
		}
		all = append(all, w)
	}
	return all
}

// learnHabits tells what of the bursts of an account is as at other times. An attacker comes back, on three days or more: his other runs,
// in strangers' names and to a bad list, are no habit of the owner's.
func (s *series) learnHabits(all []*candidate, site *Site) {
	var stolen, rest []*candidate
	for _, c := range all {
		if 2*c.foreignSenders(site) >= c.Counts.Messages && c.dead(manyRefused) {
			stolen = append(stolen, c)
		} else {
			rest = append(rest, c)
		}
	}
	for _, c := range all {
		others := slices.DeleteFunc(slices.Clone(stolen), func(o *candidate) bool { return o == c })
		if len(others) > 0 {
			c.stolen = stretchesOf(others)
			c.regular = c.regular && c.hasLike(rest)
		}
		c.place = s.familiarWith(c, others)
		c.roams = c.records != nil && s.roams(c.Start, c.End)
	}
}

// familiarWith tells how familiar the sources of a burst are to an account: whether it sent from them at least an hour before or an hour
// after it, too, and not only in others that are somebody else's.
func (s *series) familiarWith(c *candidate, others []*candidate) familiarity {
	const apart = time.Hour
	from, to := c.Start.Add(-apart), c.End.Add(apart)
	window := c.sources()
	if c.records != nil {
		window = sourcesOf(c.records)
	}
	known := make(map[netip.Addr]int)
	for _, o := range append(others, c) {
		for ip, client := range o.clients {
			known[ip] += client.Messages
		}
	}
	addresses, places := make(map[netip.Addr]bool), make(map[string]bool)
	elsewhere := 0
	for _, o := range s.sources {
		if (o.first < from || o.last > to) && o.n > known[o.ip] {
			elsewhere += o.n
			addresses[o.ip] = true
			places[o.provider()] = true
		}
	}
	n, byAddress, byPlace := 0, 0, 0
	for _, w := range window {
		n += w.n
		if addresses[w.ip] {
			byAddress += w.n
		}
		if places[w.provider()] {
			byPlace += w.n
		}
	}
	switch {
	case 2*byAddress > n:
		return knownAddress
	case 2*byPlace > n:
		return knownNetwork
	case elsewhere >= habit:
		return strangePlace
	}
	return unknownPlace
}

// roams reports whether an account comes from yet another address for nearly every message, on other days, too: an application in a cloud.
func (s *series) roams(from, to mail.Instant) bool {
	addresses, n := 0, 0
	for _, o := range s.sources {
		if from.Sub(o.last) >= anotherDay || o.first.Sub(to) >= anotherDay {
			addresses++
			n += o.n
		}
	}
	return addresses >= manySources && 2*addresses > n
}

// manySources is how many addresses nobody has on the way.
const manySources = 10

// provider identifies the provider of a client: the organisation of its name, or, without a name, the first half of its address.
func (o mailSource) provider() string {
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
