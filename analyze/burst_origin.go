package analyze

import (
	"net/netip"
	"strings"
	"time"

	"mailforensics/mail"
)

// whence is from where an account or a local user sends: a client's address and name, or a script.
type whence struct {
	ip          netip.Addr
	name        string
	n           int
	first, last mail.Instant
}

// mostOrigins bounds the origins of one account. Who is always elsewhere is nowhere usual.
const mostOrigins = 64

// from counts a message by its origin.
func (s *series) from(o whence) {
	for i := range s.origins {
		known := &s.origins[i]
		if known.ip == o.ip && (o.ip.IsValid() || known.name == o.name) {
			known.n += o.n
			known.first, known.last = min(known.first, o.first), max(known.last, o.last)
			return
		}
	}
	if len(s.origins) < mostOrigins {
		o.name = strings.Clone(o.name)
		s.origins = append(s.origins, o)
	}
}

// whenceOf is the origin of a record.
func whenceOf(r *record) whence {
	if r.local != nil && r.account == "" {
		return whence{name: r.origin(), n: 1, first: r.time, last: r.time}
	}
	w := whence{ip: r.client.IP, n: 1, first: r.time, last: r.time}
	if named(r) {
		w.name = r.client.Name
	}
	return w
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

// withoutUsual is the records of a window of an account or a local user without those of origins that go on as they do at
// other times: a web server's user sends for all its pages, of which one is the offender; an account's owner goes on
// writing at home while somebody else sends with the password.
func (s *series) withoutUsual(records []*record, minutes float64) (own []*record, beside int) {
	inside := make(map[whence]int)
	for _, r := range records {
		inside[sameOrigin(r)]++
	}
	length := records[len(records)-1].time.Sub(records[0].time).Minutes()
	return without(records, func(r *record) bool {
		from := sameOrigin(r)
		outside := s.sentFrom(from) - inside[from]
		usual := float64(outside) / max(1, minutes-length) * length
		return outside > 0 && float64(inside[from]) <= tooDense*max(1, usual)
	})
}

// without is the records that are not beside the point, and how many are. Where those are the most, all are what there is to
// look at.
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

// withoutBystanders is the records of a window of a network or a sender domain without those of others who only happen to
// be there: the domain's own users, who log in or are local, while strangers send in its name; and mail servers of a name
// whose mail is plainly their own.
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

// behind makes a burst that a host of ours handed in without a login the burst of whom it was for, where the host does so for many
// people and nearly all of this is in one name: a groupware server tells no login, and says by the sender who it is.
func (j *judge) behind(c *candidate, pause time.Duration) {
	sender, share := c.Senders.Most()
	if c.subject.Kind != IP || c.records == nil || share < enough || !j.site.IsOurs(mail.Domain(sender)) || c.share(withLogin) > 0 || !j.allOurs(c) {
		return
	}
	var mine []*record
	others := make(map[string]bool)
	n := 0 // at other times, in other names
	for _, r := range c.around {
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

// manyNames is for how many people a host must hand in before one of them is told, and not the host.
const manyNames = 5

// acquaintance is how well the place is known from which most messages of a window came.
type familiarity uint8

const (
	unknownPlace familiarity = iota // nothing is known of it at other times
	strangePlace
	knownNetwork // the same provider, or a like address: lines at home change their address every day
	knownAddress
)

// whenceAll is from where records came, one for each message.
func whenceAll(records []*record) []whence {
	all := make([]whence, len(records))
	for i, r := range records {
		all[i] = whenceOf(r)
	}
	return all
}

// whence is from where the messages of a batch came, one for each client.
func (b *batch) whence() []whence {
	var all []whence
	for ip, c := range b.clients {
		w := whence{ip: ip, n: c.Messages}
		if c.Name != "unknown" {
			w.name = c.Name
		}
		all = append(all, w)
	}
	return all
}

// acquainted tells how well an account knows the clients of a window: from which it sent an hour before it or earlier, or an
// hour after it or later, too.
func (s *series) acquainted(window []whence, from, to mail.Instant) familiarity {
	const apart = time.Hour
	from, to = from.Add(-apart), to.Add(apart)
	addresses, places := make(map[netip.Addr]bool), make(map[string]bool)
	others := 0
	for _, o := range s.origins {
		if o.first < from || o.last > to {
			others += o.n
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
	case others >= habit:
		return strangePlace
	}
	return unknownPlace
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
