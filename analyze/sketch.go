package analyze

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"
)

// sketch counts distinct values by the least of their hashes (bottom-k): exactly up to sketchSize, an estimate beyond.
type sketch []uint64

const sketchSize = 64

func (s *sketch) add(value string) {
	if value == "" {
		return
	}
	h := fnv.New64a()
	h.Write([]byte(value))
	s.insert(spread(h.Sum64()))
}

func (s *sketch) insert(h uint64) {
	at, found := slices.BinarySearch(*s, h)
	if found || at == sketchSize {
		return
	}
	*s = slices.Insert(*s, at, h)
	*s = (*s)[:min(len(*s), sketchSize)]
}

func (s *sketch) merge(o sketch) {
	for _, h := range o {
		s.insert(h)
	}
}

// distinct is how many values there were (Bar-Yossef et al., "Counting distinct elements in a data stream", 2002).
func (s sketch) distinct() int {
	if len(s) < sketchSize {
		return len(s)
	}
	return int((sketchSize - 1) / (float64(s[sketchSize-1]) / (1 << 64)))
}

// variety counts how many different values there are, and how often some of them came: the least by name, which are the same in
// whatever order they come.
type variety struct {
	hashes sketch
	some   []Count // at most visitNames, by name
}

func (n *variety) add(value string, times int) {
	if value == "" {
		return
	}
	n.hashes.add(value)
	at, found := slices.BinarySearchFunc(n.some, value, func(c Count, value string) int { return strings.Compare(c.Value, value) })
	if found {
		n.some[at].Messages += times
		return
	}
	if at < visitNames {
		n.some = slices.Insert(n.some, at, Count{strings.Clone(value), times})
		n.some = n.some[:min(len(n.some), visitNames)]
	}
}

func (n *variety) merge(o *variety) {
	n.hashes.merge(o.hashes)
	for _, c := range o.some {
		n.add(c.Value, c.Messages)
	}
}

func (n *variety) distinct() int { return n.hashes.distinct() }

// top is those that are kept, the most frequent first.
func (n *variety) top() []Count {
	top := slices.Clone(n.some)
	slices.SortStableFunc(top, func(a, b Count) int { return cmp.Compare(b.Messages, a.Messages) })
	return top
}
