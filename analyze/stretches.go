package analyze

import (
	"cmp"
	"slices"

	"mailforensics/mail"
)

// stretch is a part of the time; both ends belong to it.
type stretch struct{ from, to mail.Instant }

// stretches are parts of the time, in its order, none of which touches another.
type stretches []stretch

// stretchesOf are the times of bursts. Those of one subject may be many, and are asked about for all that is remembered of it.
func stretchesOf(bursts []*candidate) stretches {
	var all, joined stretches
	for _, c := range bursts {
		all = append(all, stretch{c.Start, c.End})
	}
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	for _, s := range all {
		if n := len(joined) - 1; n >= 0 && s.from <= joined[n].to {
			joined[n].to = max(joined[n].to, s.to)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// has reports whether a time is in one of them.
func (all stretches) has(t mail.Instant) bool {
	_, found := slices.BinarySearchFunc(all, t, func(s stretch, t mail.Instant) int {
		switch {
		case s.to < t:
			return -1
		case s.from > t:
			return 1
		}
		return 0
	})
	return found
}
