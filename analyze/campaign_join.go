package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/mail"
)

// A run that is refused before the subject can be seen, and works off a list of forged domains, falls into a hand for each of
// them. Where all else is alike, the domains are what differs and not what joins: it is told as one run. What no two strangers
// share by chance is all of this together: the minutes, a pattern of HELO that is nobody's name, the words of the refusal, and
// to whom they write. Each alone is common, the words of a blocklist's refusal most of all.

// joinPause is how long after the end of one part of a run the next one begins.
const joinPause = 10 * time.Minute

// joinedNames is how many of the joined domains are named.
const joinedNames = 2

// joinRefused makes one hand of those that are parts of one run.
func (h *hunt) joinRefused(all []*hand) []*hand {
	parts := make([]*refusedPart, len(all))
	for i, c := range all {
		parts[i] = refusedPartOf(c)
	}
	sets := newSets(len(all))
	for i := range all {
		for j := range i {
			if parts[i] != nil && parts[j] != nil && parts[i].goesWith(parts[j]) {
				sets.join(i, j)
			}
		}
	}
	of := make(map[int][]*hand)
	for i, c := range all {
		root := sets.find(i)
		of[root] = append(of[root], c)
	}
	var joined []*hand
	for i, c := range all {
		switch group := of[i]; {
		case len(group) == 1:
			joined = append(joined, c)
		case len(group) > 1:
			joined = append(joined, h.join(group))
		}
	}
	return joined
}

// refusedPart is what a hand of which all was refused shares with others of its run.
type refusedPart struct {
	*hand
	helo, words string
	to          map[string]bool
}

// refusedPartOf is nil where a hand is told by more than the sender's domain, or does not show what it would have to share.
func refusedPartOf(c *hand) *refusedPart {
	if c.kind != seedDomain || c.messages > 0 {
		return nil
	}
	var helos, words Tally
	p := &refusedPart{hand: c, to: make(map[string]bool)}
	for _, s := range c.sightings {
		addNamed(&helos, heloPattern(s.helo))
		addNamed(&words, refusalWords(s.reply()))
		for _, r := range s.to {
			p.to[mail.Fold(r.address)] = true
		}
	}
	n := len(c.sightings)
	p.helo, _ = helos.Most()
	p.words, _ = words.Most()
	if p.helo == "" || p.words == "" || ratio(helos.Of(p.helo), n) < enough || ratio(words.Of(p.words), n) < enough || len(p.to) < c.limits.MinClients {
		return nil
	}
	return p
}

// heloPattern is what programs that make up a HELO have in common; "" of a name, which is somebody's.
func heloPattern(helo string) string {
	switch kindOfHELO(helo) {
	case numberHELO:
		return "number"
	case literalHELO, addressHELO:
		return "address"
	case labelHELO:
		kind := "letters"
		if strings.ContainsAny(helo, "0123456789") {
			kind = "letters and digits"
		}
		return strconv.Itoa(len(helo)) + " " + kind
	}
	return ""
}

// refusalWords is what a refusal says to everybody: without addresses, and with its numbers masked.
func refusalWords(reply string) string {
	words := strings.Fields(reply)
	for i, word := range words {
		if strings.ContainsAny(word, "@<") {
			word = "@"
		}
		words[i] = familyOf(word)
	}
	return strings.Join(words, " ")
}

// goesWith reports whether two parts are of one run.
func (p *refusedPart) goesWith(o *refusedPart) bool {
	if p.start > o.end.Add(joinPause) || o.start > p.end.Add(joinPause) || p.helo != o.helo || p.words != o.words {
		return false
	}
	common := 0
	for to := range p.to {
		if o.to[to] {
			common++
		}
	}
	return 2*common >= min(len(p.to), len(o.to))
}

// join makes one hand of the parts of a run, by their beginnings.
func (h *hunt) join(parts []*hand) *hand {
	slices.SortStableFunc(parts, func(a, b *hand) int {
		if a.start != b.start {
			return int(max(-1, min(1, a.start-b.start)))
		}
		return strings.Compare(a.key, b.key)
	})
	c := &hand{hunt: h, kind: seedDomain, clients: make(map[netip.Addr][]*seen), seeded: make(map[*seen]bool)}
	taken := make(map[*seen]bool)
	for _, p := range parts {
		if !slices.Contains(c.domainsOf, p.key) {
			c.domainsOf = append(c.domainsOf, p.key)
		}
		for s := range p.seeded {
			c.seeded[s] = true
		}
		for _, s := range p.sightings {
			if !taken[s] {
				taken[s] = true
				c.sightings = append(c.sightings, s)
			}
		}
	}
	c.key = c.domainsOf[0]
	slices.SortFunc(c.sightings, compareSeen)
	for _, s := range c.sightings {
		c.clients[s.ip] = append(c.clients[s.ip], s)
	}
	c.start, c.end = c.sightings[0].time, c.sightings[len(c.sightings)-1].time
	c.count()
	c.judge()
	return c
}

// inNames is the domain in which all send, or those of a run that was joined.
func (c *hand) inNames() string {
	if len(c.domainsOf) < 2 {
		return c.key
	}
	some := c.domainsOf[:min(joinedNames, len(c.domainsOf))]
	if more := len(c.domainsOf) - len(some); more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(some, ", "), more)
	}
	return strings.Join(some, " and ")
}
