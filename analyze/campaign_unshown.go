package analyze

import (
	"net/netip"
	"slices"

	"mailforensics/mail"
)

// Exim's main log does not say to whom a message was that it refused after DATA (receive.c: "H=… F=<…> rejected after DATA: …"), and who is
// refused at MAIL, for his SPF record, say, has not named a recipient yet. Of a run in which the sender is always the recipient, those that
// the content filter or the sender check caught would be missing. They are taken for a part of it where strangers that nobody named send in
// names of ours, do nothing else, and come while it lasts and hardly ever at another time. A user of ours whose machine does not log in is
// refused at MAIL, too, but in other words: of those refused at MAIL as many clients as make a campaign must be refused in the same.

// unshownShare is what part of all such attempts of the log must come while the run lasts.
const unshownShare = 0.9

// unshownAt is where an attempt was refused whose recipient the log does not show.
type unshownAt uint8

const (
	shown unshownAt = iota
	unshownAtMAIL
	unshownAfterDATA
)

// unshown tells whether a sighting may be one of those, and which.
func (h *hunt) unshown(s *seen) unshownAt {
	switch {
	case !s.is(wasRefused) || len(s.to) > 0 || s.is(alignedHELO) || !h.site.IsOurs(s.domain) || !nameless(s.name, s.sighting):
		return shown
	case s.is(refusedContent):
		return unshownAfterDATA
	}
	return unshownAtMAIL
}

// onlyUnshown reports whether a client did nothing else.
func (h *hunt) onlyUnshown(ip netip.Addr) bool {
	for _, s := range h.byClient[ip] {
		if h.unshown(s) == shown {
			return false
		}
	}
	return h.w.clean.about(hashAddr(ofClient, ip)) == 0
}

// hidden is an attempt whose recipients the log does not show.
type hidden struct {
	*seen
	words string // "MAIL", and in which words it was refused there; "": it was refused after DATA
}

// findHidden are all such attempts.
func (h *hunt) findHidden() (all []hidden) {
	for _, s := range h.all {
		switch h.unshown(s) {
		case unshownAtMAIL:
			all = append(all, hidden{s, "MAIL " + refusalWords(s.reply())})
		case unshownAfterDATA:
			all = append(all, hidden{s, ""})
		}
	}
	return all
}

// addUnshown adds to a run, which lasts from one instant to another, the attempts whose recipients the log does not show.
func (h *hunt) addUnshown(c *cluster, from, to mail.Instant) {
	from, to = from.Add(-joinPause), to.Add(joinPause)
	byWords := make(map[string]*unshownGroup)
	for _, s := range h.hidden {
		group := byWords[s.words]
		if group == nil {
			group = &unshownGroup{}
			if s.words != "" {
				group.minClients = h.limits.MinClients
			}
			byWords[s.words] = group
		}
		group.all++
		if _, member := c.clients[s.ip]; !member && s.time >= from && s.time <= to && h.onlyUnshown(s.ip) {
			group.inside = append(group.inside, s.seen)
		}
	}
	most := len(c.sightings)
	for _, words := range slices.Sorted(keysOf(byWords)) {
		c.takeUnshown(byWords[words], most)
	}
}

// unshownGroup is attempts of one kind whose recipients the log does not show.
type unshownGroup struct {
	all        int     // in the whole log
	inside     []*seen // while the run lasts, of clients that are none of it yet
	minClients int     // that must have made them
}

// takeUnshown makes a group a part of a run of most sightings, if it is one.
func (c *cluster) takeUnshown(g *unshownGroup, most int) {
	n := len(g.inside)
	if n == 0 || ratio(n, g.all) < unshownShare || n > most || distinctClients(g.inside, n) < g.minClients {
		return
	}
	c.unshown += n
	marked := len(c.clients)
	for _, s := range g.inside {
		c.clients[s.ip] = append(c.clients[s.ip], s)
		c.sightings = append(c.sightings, s)
	}
	c.unshownClients += len(c.clients) - marked
}
