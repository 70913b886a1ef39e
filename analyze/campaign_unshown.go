package analyze

import (
	"net/netip"

	"mailforensics/mail"
)

// Exim's main log does not say to whom a message was that it refused after DATA (receive.c: "H=… F=<…> rejected after DATA: …"). Of a run in
// which the sender is always the recipient, those that the content filter caught would be missing. They are taken for a part of it where
// strangers that nobody named send in names of ours, do nothing else, and come while it lasts and hardly ever at another time.

// unshownShare is what part of all such attempts of the log must come while the run lasts.
const unshownShare = 0.9

// isUnshown reports whether a sighting may be one of those.
func (h *hunt) isUnshown(s *seen) bool {
	return s.is(refusedContent) && len(s.to) == 0 && !s.is(alignedHELO) && h.site.IsOurs(s.domain) && nameless(s.name, s.sighting)
}

// onlyUnshown reports whether a client did nothing else.
func (h *hunt) onlyUnshown(ip netip.Addr) bool {
	for _, s := range h.byClient[ip] {
		if !h.isUnshown(s) {
			return false
		}
	}
	return h.w.clean.about(hashAddr(ofClient, ip)) == 0
}

// addUnshown adds to a run, which lasts from one instant to another, the attempts whose recipients the log does not show.
func (h *hunt) addUnshown(c *cluster, from, to mail.Instant) {
	from, to = from.Add(-joinPause), to.Add(joinPause)
	var inside []*seen
	all := 0
	for _, s := range h.all {
		if !h.isUnshown(s) {
			continue
		}
		all++
		if _, member := c.clients[s.ip]; !member && s.time >= from && s.time <= to && h.onlyUnshown(s.ip) {
			inside = append(inside, s)
		}
	}
	if len(inside) == 0 || ratio(len(inside), all) < unshownShare || len(inside) > len(c.sightings) {
		return
	}
	c.unshown = len(inside)
	marked := len(c.clients)
	for _, s := range inside {
		c.clients[s.ip] = append(c.clients[s.ip], s)
		c.sightings = append(c.sightings, s)
	}
	c.unshownClients = len(c.clients) - marked
}
