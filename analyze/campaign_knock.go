package analyze

import (
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// Who is refused when he connects or says HELO has named no sender and no recipient yet, and most of what joins clients is not known of
// him. He belongs to a run if he is a client of it, or if he says HELO as all of it does, does nothing else, and the log has that nearly
// only while the run lasts. What is only ever refused so is no run by itself: nothing of it can be told from other programs that scan
// the whole Internet.

// knockShare is how many times as many refused attempts of strangers who named a sender are remembered.
const knockShare = 4

// knocked remembers an attempt that was refused before a sender was named.
func (w *campaignWatch) knocked(ev *mail.Event) {
	switch ev.Stage {
	case "CONNECT", "HELO", "EHLO":
		s, _ := w.knocks.take(max(1, w.pass.Thresholds.Campaign.MaxRecords/knockShare))
		s.refusal(ev)
	}
}

// allKnocks are the remembered attempts, in order.
func (w *campaignWatch) allKnocks() []*seen {
	var all []*seen
	for s := range w.knocks.oldestFirst {
		all = append(all, s.words())
	}
	slices.SortFunc(all, compareSeen)
	return all
}

// addKnocks adds to a run what of it was refused before a sender was named, and returns the rest.
func (c *cluster) addKnocks(all []*seen) (rest []*seen) {
	from, to := c.start.Add(-nearby), c.end.Add(nearby)
	soon, late := c.start.Add(-joinPause), c.end.Add(joinPause)
	var alike []*seen // of clients that are none of it yet
	n := 0            // of these in the whole log
	for _, s := range all {
		switch _, member := c.clients[s.ip]; {
		case member && s.time >= from && s.time <= to:
			c.knocks = append(c.knocks, s)
		case !member && c.saysAlike(s) && c.onlyKnocks(s.ip):
			n++
			if s.time >= soon && s.time <= late {
				alike = append(alike, s)
				continue
			}
			rest = append(rest, s)
		default:
			rest = append(rest, s)
		}
	}
	if ratio(len(alike), n) >= unshownShare && distinctClients(alike, c.limits.MinClients) >= c.limits.MinClients {
		c.knocks = append(c.knocks, alike...)
	} else {
		rest = append(rest, alike...)
	}
	slices.SortFunc(c.knocks, compareSeen)
	knockers := make(map[netip.Addr]bool)
	for _, s := range c.knocks {
		c.start, c.end = min(c.start, s.time), max(c.end, s.time)
		if _, member := c.clients[s.ip]; !member {
			knockers[s.ip] = true
		}
	}
	c.knockers = len(knockers)
	return rest
}

// saysAlike reports whether somebody says HELO as nearly all of a run does, which is nobody's own name.
func (c *cluster) saysAlike(s *seen) bool {
	if c.kind == seedNumber {
		return s.heloKind == numberHELO
	}
	helo, share := c.helos.Most()
	return share >= enough && s.helo != "" && strings.EqualFold(s.helo, helo) && !strings.EqualFold(s.helo, s.name)
}

// onlyKnocks reports whether a client never came so far as to name a sender.
func (h *hunt) onlyKnocks(ip netip.Addr) bool {
	return len(h.byClient[ip]) == 0 && h.w.clean.about(hashAddr(ofClient, ip)) == 0 && !h.site.IsOwn(ip)
}
