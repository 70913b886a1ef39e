package report

import (
	"cmp"
	"maps"
	"slices"
)

// replacement is a part of a text, and what stands there instead.
type replacement struct {
	at, end int
	to      string
}

// phrases finds all of many phrases in one pass over a text (Aho and Corasick, CACM 18(6), 1975), however many there are, and
// whatever they have in common: who writes a subject must not decide how long it takes to look for it.
type phrases struct {
	nodes []phraseNode
	root  [256]int32 // children of nodes[0], which every byte that fits nothing is looked up in
	to    []string
	size  []int
}

// phraseNode is where the text stands when its last bytes are the beginning of a phrase.
type phraseNode struct {
	child, sibling int32 // 0: none
	fail           int32 // the longest other beginning of a phrase with which these bytes end
	longest        int32 // from 1: the longest phrase with which they end; 0: none
	byte           byte
}

// newPhrases makes ready what is to be looked for, and what stands in its place. What is shorter than three bytes would be
// found everywhere.
func newPhrases(of map[string]string) *phrases {
	p := &phrases{nodes: make([]phraseNode, 1)}
	for _, phrase := range slices.Sorted(maps.Keys(of)) {
		if len(phrase) > 2 {
			p.add(phrase, of[phrase])
		}
	}
	p.link()
	return p
}

func (p *phrases) add(phrase, to string) {
	at := int32(0)
	for i := range len(phrase) {
		next := p.child(at, phrase[i])
		if next == 0 {
			next = int32(len(p.nodes))
			p.nodes = append(p.nodes, phraseNode{byte: phrase[i]})
			if at == 0 {
				p.root[phrase[i]] = next
			}
			p.nodes[next].sibling, p.nodes[at].child = p.nodes[at].child, next
		}
		at = next
	}
	p.to, p.size = append(p.to, to), append(p.size, len(phrase))
	p.nodes[at].longest = int32(len(p.to))
}

func (p *phrases) child(at int32, c byte) int32 {
	if at == 0 {
		return p.root[c]
	}
	next := p.nodes[at].child
	for next != 0 && p.nodes[next].byte != c {
		next = p.nodes[next].sibling
	}
	return next
}

// link finds where each node goes on when the next byte is of no phrase that begins as it does: the shorter ones first.
func (p *phrases) link() {
	queue := make([]int32, 0, len(p.nodes))
	for n := p.nodes[0].child; n != 0; n = p.nodes[n].sibling {
		queue = append(queue, n)
	}
	for i := 0; i < len(queue); i++ {
		at := &p.nodes[queue[i]]
		if at.longest == 0 {
			at.longest = p.nodes[at.fail].longest
		}
		for n := at.child; n != 0; n = p.nodes[n].sibling {
			p.nodes[n].fail = p.step(at.fail, p.nodes[n].byte)
			queue = append(queue, n)
		}
	}
}

// step is where the text stands after one more byte.
func (p *phrases) step(at int32, c byte) int32 {
	for {
		if next := p.child(at, c); next != 0 || at == 0 {
			return next
		}
		at = p.nodes[at].fail
	}
}

// find adds the places of all phrases in a text but those that end where a longer one ends, which are within it.
func (p *phrases) find(s string, to []replacement) []replacement {
	if p == nil || len(p.to) == 0 {
		return to
	}
	at := int32(0)
	for i := range len(s) {
		at = p.step(at, s[i])
		if n := p.nodes[at].longest; n != 0 {
			to = append(to, replacement{i + 1 - p.size[n-1], i + 1, p.to[n-1]})
		}
	}
	return to
}

// apart puts marks in order, and takes out what is within another. Of two that overlap nothing is left over: the second one
// begins where the first ends.
func apart(all []replacement) []replacement {
	slices.SortStableFunc(all, func(a, b replacement) int { return cmp.Or(a.at-b.at, b.end-a.end) })
	covered, n := 0, 0
	for _, m := range all {
		if m.end <= covered {
			continue
		}
		m.at = max(m.at, covered)
		covered = m.end
		all[n] = m
		n++
	}
	return all[:n]
}
