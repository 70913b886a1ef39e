package analyze

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/mail"
)

// A run that is refused before the subject can be seen, and works off a list of forged domains, falls into a cluster for each of
// them. Where all else is alike, the domains are the difference and not what they share: it is reported as one run. What no two strangers
// share by chance is all of this together: the minutes, a pattern of HELO that is nobody's name, the words of the refusal, and
// to whom they write. Each alone is common, the words of a blocklist's refusal most of all.

// joinPause is how long after the end of one part of a run the next one begins.
const joinPause = 10 * time.Minute

// joinedNames is how many of the joined domains are named.
const joinedNames = 2

// joinRefused makes one cluster of those that are parts of one run.
func (h *hunt) joinRefused(all []*cluster) []*cluster {
	parts := make([]*refusedPart, len(all))
	for i, c := range all {
		parts[i] = refusedPartOf(c)
	}
	numberRecipients(parts)
	sets := runsOf(parts)
	of := make(map[int][]*cluster)
	for i, c := range all {
		root := sets.find(i)
		of[root] = append(of[root], c)
	}
	var joined []*cluster
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

// runsOf are the parts of each run. Only those that are alike in all but the recipients are compared, in the order of time, and
// none of two that are known to belong together: a thousand forged domains are a million pairs.
func runsOf(parts []*refusedPart) sets {
	all := newSets(len(parts))
	alike := make(map[[2]string][]int)
	for i, p := range parts {
		if p != nil {
			alike[[2]string{p.helo, p.words}] = append(alike[[2]string{p.helo, p.words}], i)
		}
	}
	for _, some := range alike {
		slices.SortFunc(some, func(i, j int) int { return cmp.Compare(parts[i].start, parts[j].start) })
		for n, i := range some {
			until := parts[i].end.Add(joinPause)
			for _, j := range some[n+1:] {
				if parts[j].start > until {
					break
				}
				if all.find(i) != all.find(j) && parts[i].goesWith(parts[j]) {
					all.join(i, j)
				}
			}
		}
	}
	return all
}

// refusedPart is what a cluster that was refused as a whole shares with others of its run.
type refusedPart struct {
	*cluster
	helo, words string
	to          map[string]bool
	numbers     []int32 // of the recipients, in order: they are quicker to compare
}

// numberRecipients gives each recipient a number.
func numberRecipients(parts []*refusedPart) {
	numbers := make(map[string]int32)
	for _, p := range parts {
		if p == nil {
			continue
		}
		for to := range p.to {
			n, known := numbers[to]
			if !known {
				n = int32(len(numbers))
				numbers[to] = n
			}
			p.numbers = append(p.numbers, n)
		}
		slices.Sort(p.numbers)
	}
}

// refusedPartOf is nil where a cluster is recognised by more than the sender's domain, or does not show what it would have to share.
func refusedPartOf(c *cluster) *refusedPart {
	if c.kind != seedDomain || c.messages > 0 {
		return nil
	}
	var helos, words Tally
	p := &refusedPart{cluster: c, to: make(map[string]bool)}
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
		if _, err := netip.ParseAddr(strings.Trim(word, "[](),;.")); err == nil {
			word = "#"
		}
		words[i] = familyOf(word)
	}
	return strings.Join(words, " ")
}

// goesWith reports whether two parts that are alike, and near to each other in time, write to the same people.
func (p *refusedPart) goesWith(o *refusedPart) bool {
	a, b, common := p.numbers, o.numbers, 0
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			common++
			a, b = a[1:], b[1:]
		}
	}
	return 2*common >= min(len(p.numbers), len(o.numbers))
}

// join makes one cluster of the parts of a run, by their beginnings.
func (h *hunt) join(parts []*cluster) *cluster {
	slices.SortStableFunc(parts, func(a, b *cluster) int {
		if a.start != b.start {
			return int(max(-1, min(1, a.start-b.start)))
		}
		return strings.Compare(a.key, b.key)
	})
	c := &cluster{hunt: h, kind: seedDomain, clients: make(map[netip.Addr][]*seen), seeded: make(map[*seen]bool)}
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
func (c *cluster) inNames() string {
	if len(c.domainsOf) < 2 {
		return c.key
	}
	some := c.domainsOf[:min(joinedNames, len(c.domainsOf))]
	if more := len(c.domainsOf) - len(some); more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(some, ", "), more)
	}
	return strings.Join(some, " and ")
}
