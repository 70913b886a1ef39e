package analyze

import (
	"cmp"
	"hash/maphash"
	"iter"
	"slices"
)

// Entities is a bounded table of whatever a detector watches: clients, accounts, domains. When it is full, the quarter
// that matters least is forgotten: the lowest weight first, among equals the one that was quiet for the longest. Who
// floods the log with a million clients thus pushes out other single visits, not the burst that is being counted.
//
// A look-up that hits allocates nothing, and touches little memory: what a log of millions of lines is about does not fit the
// processor's cache, and each line of it that must be fetched costs as much as all the rest of a look-up. So this is no map
// of Go but the plainest table there is: hashes beside pointers, the next free slot where two meet (D. E. Knuth, "The Art of
// Computer Programming" 3, section 6.4, algorithm L). Nor are the keys compared, whose text stands elsewhere: the hash is seeded
// and has 64 bits, so that two keys share one will not happen, and cannot be made to.
type Entities[K comparable, V any] struct {
	Forgotten int // how many were dropped: the precision that was lost

	cap    int
	weight func(*V) int // how much it matters; 0: quiet, and below every threshold
	own    func(K) K    // a key that may be kept: strings.Clone for slices of the log; nil: as it is
	seed   maphash.Seed // nobody who writes into a log can know what meets in a slot
	slots  []slot[K, V] // a power of two, at most three quarters of them taken
	len    int
	clock  uint64

	standings []standing   // of forget, which a flood calls again and again
	stay      []slot[K, V] // likewise
}

type slot[K comparable, V any] struct {
	hash   uint64
	entity *entity[K, V] // nil: free
}

// entity begins with what a look-up touches.
type entity[K comparable, V any] struct {
	touched uint64
	value   V
	key     K
}

// NewEntities makes a table of at most cap entities. own, which may be nil, makes a key that may be kept.
func NewEntities[K comparable, V any](cap int, weight func(*V) int, own func(K) K) *Entities[K, V] {
	return &Entities[K, V]{cap: cap, weight: weight, own: own, seed: maphash.MakeSeed(), slots: make([]slot[K, V], 8)}
}

// At is the entity with that key, made when it is new. The pointer is good until the next call of At for another key.
func (e *Entities[K, V]) At(key K) *V {
	e.clock++
	hash := maphash.Comparable(e.seed, key)
	if found := e.slots[e.find(hash)].entity; found != nil {
		found.touched = e.clock
		return &found.value
	}
	if e.len >= e.cap {
		e.forget()
	}
	if 4*(e.len+1) > 3*len(e.slots) {
		e.resize(2 * len(e.slots))
	}
	if e.own != nil {
		key = e.own(key)
	}
	made := &entity[K, V]{touched: e.clock, key: key}
	e.settle(slot[K, V]{hash, made})
	e.len++
	return &made.value
}

// find is the slot of a key by its hash, or the free one where it belongs.
func (e *Entities[K, V]) find(hash uint64) int {
	mask := len(e.slots) - 1
	i := int(hash) & mask
	for e.slots[i].entity != nil && e.slots[i].hash != hash {
		i = (i + 1) & mask
	}
	return i
}

// resize moves all entities into so many new slots.
func (e *Entities[K, V]) resize(slots int) {
	old := e.slots
	e.slots = make([]slot[K, V], slots)
	for _, s := range old {
		if s.entity != nil {
			e.settle(s)
		}
	}
}

// settle gives an entity that is not in the table a slot.
func (e *Entities[K, V]) settle(s slot[K, V]) { e.slots[e.find(s.hash)] = s }

// Find is the entity with that key, or nil. It does not count as a touch.
func (e *Entities[K, V]) Find(key K) *V {
	if found := e.slots[e.find(maphash.Comparable(e.seed, key))].entity; found != nil {
		return &found.value
	}
	return nil
}

// Len is how many there are.
func (e *Entities[K, V]) Len() int { return e.len }

// Delete forgets one. Those behind it that may have been put off by it find their slots anew.
func (e *Entities[K, V]) Delete(key K) {
	i := e.find(maphash.Comparable(e.seed, key))
	if e.slots[i].entity == nil {
		return
	}
	e.len--
	e.slots[i] = slot[K, V]{}
	mask := len(e.slots) - 1
	for {
		i = (i + 1) & mask
		s := e.slots[i]
		if s.entity == nil {
			return
		}
		e.slots[i] = slot[K, V]{}
		e.settle(s)
	}
}

// All yields every entity in no particular order: sort what comes out of it.
func (e *Entities[K, V]) All() iter.Seq2[K, *V] {
	return func(yield func(K, *V) bool) {
		for _, s := range e.slots {
			if s.entity != nil && !yield(s.entity.key, &s.entity.value) {
				return
			}
		}
	}
}

// Sorted is the keys in the given order.
func (e *Entities[K, V]) Sorted(compare func(a, b K) int) []K {
	keys := make([]K, 0, e.len)
	for k := range e.All() {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	return keys
}

// forget drops the quarter that matters least. A full table is looked through again and again where the log names new ones all
// the time, so it only finds out which quarter that is, and does not sort.
func (e *Entities[K, V]) forget() {
	all := e.standings[:0]
	for _, s := range e.slots {
		if s.entity != nil {
			all = append(all, e.standing(s.entity))
		}
	}
	e.standings = all
	drop := max(1, len(all)/4)
	most := nthStanding(all, drop-1)
	stay := e.stay[:0]
	for _, s := range e.slots {
		if s.entity != nil && compareStandings(e.standing(s.entity), most) > 0 {
			stay = append(stay, s)
		}
	}
	e.len -= drop
	e.Forgotten += drop
	clear(e.slots) // all find their slots anew: one that became free may stand between a hash and its entity
	for _, s := range stay {
		e.settle(s)
	}
	clear(stay)
	e.stay = stay
}

func (e *Entities[K, V]) standing(x *entity[K, V]) standing {
	return standing{e.weight(&x.value), x.touched}
}

// standing is how much an entity matters, and when it was touched last: no two are equal.
type standing struct {
	weight  int
	touched uint64
}

func compareStandings(a, b standing) int {
	if a.weight != b.weight {
		return cmp.Compare(a.weight, b.weight)
	}
	return cmp.Compare(a.touched, b.touched)
}

// nthStanding is the one that would stand at n if they were sorted; it changes their order (C. A. R. Hoare, "Algorithm 65: Find",
// CACM 4, 1961). The pivot is the middle of three, so that what is sorted already is not slow.
func nthStanding(all []standing, n int) standing {
	for len(all) > 1 {
		last := len(all) - 1
		three := [...]standing{all[0], all[last/2], all[last]}
		slices.SortFunc(three[:], compareStandings)
		pivot, i, j := three[1], 0, last
		for i <= j {
			for compareStandings(all[i], pivot) < 0 {
				i++
			}
			for compareStandings(all[j], pivot) > 0 {
				j--
			}
			if i <= j {
				all[i], all[j] = all[j], all[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n <= j:
			all = all[:j+1]
		case n >= i:
			all, n = all[i:], n-i
		default:
			return all[n]
		}
	}
	return all[0]
}
