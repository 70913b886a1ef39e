package analyze

import (
	"cmp"
	"iter"
	"slices"

	"mailforensics/mail"
)

// stretch is a part of the time; both ends belong to it.
type stretch struct{ from, to mail.Instant }

// stretches are parts of the time, in its order, none of which touches another.
type stretches []stretch

// stretchesOf are the times of bursts.
func stretchesOf(bursts []*candidate) stretches {
	var all []stretch
	for _, c := range bursts {
		all = append(all, stretch{c.Start, c.End})
	}
	return union(all)
}

// union makes one of those that overlap.
func union(list ...[]stretch) (joined stretches) {
	all := slices.Concat(list...)
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

// outside are those of the times, which must be in order, that are in none of them.
func (all stretches) outside(times []mail.Instant) iter.Seq[mail.Instant] {
	return func(yield func(mail.Instant) bool) {
		for _, t := range times {
			for len(all) > 0 && all[0].to < t {
				all = all[1:]
			}
			if (len(all) == 0 || t < all[0].from) && !yield(t) {
				return
			}
		}
	}
}
