package analyze

import (
	"cmp"
	"iter"
	"slices"
)

// Entities is a bounded table of whatever a detector watches: clients, accounts, domains. When it is full, the quarter
// that matters least is forgotten: the lowest weight first, among equals the one that was quiet for the longest. Who
// floods the log with a million clients thus pushes out other single visits, not the burst that is being counted.
//
// A look-up that hits allocates nothing.
type Entities[K comparable, V any] struct {
	Forgotten int // how many were dropped: the precision that was lost

	cap    int
	weight func(*V) int // how much it matters; 0: quiet, and below every threshold
	own    func(K) K    // a key that may be kept: strings.Clone for slices of the log; nil: as it is
	table  map[K]*entity[V]
	clock  uint64
}

type entity[V any] struct {
	touched uint64
	value   V
}

// NewEntities makes a table of at most cap entities. own, which may be nil, makes a key that may be kept.
func NewEntities[K comparable, V any](cap int, weight func(*V) int, own func(K) K) *Entities[K, V] {
	return &Entities[K, V]{cap: cap, weight: weight, own: own, table: make(map[K]*entity[V])}
}

// At is the entity with that key, made when it is new. The pointer is good until the next call of At for another key.
func (e *Entities[K, V]) At(key K) *V {
	e.clock++
	if found := e.table[key]; found != nil {
		found.touched = e.clock
		return &found.value
	}
	if len(e.table) >= e.cap {
		e.forget()
	}
	if e.own != nil {
		key = e.own(key)
	}
	made := &entity[V]{touched: e.clock}
	e.table[key] = made
	return &made.value
}

// Find is the entity with that key, or nil. It does not count as a touch.
func (e *Entities[K, V]) Find(key K) *V {
	if found := e.table[key]; found != nil {
		return &found.value
	}
	return nil
}

// Len is how many there are.
func (e *Entities[K, V]) Len() int { return len(e.table) }

// Delete forgets one.
func (e *Entities[K, V]) Delete(key K) { delete(e.table, key) }

// All yields every entity in no particular order: sort what comes out of it.
func (e *Entities[K, V]) All() iter.Seq2[K, *V] {
	return func(yield func(K, *V) bool) {
		for k, v := range e.table {
			if !yield(k, &v.value) {
				return
			}
		}
	}
}

// Sorted is the keys in the given order.
func (e *Entities[K, V]) Sorted(compare func(a, b K) int) []K {
	keys := make([]K, 0, len(e.table))
	for k := range e.table {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	return keys
}

// forget drops the quarter that matters least. A full table is looked through again and again where the log names new ones all
// the time, so it only finds out which quarter that is, and does not sort.
func (e *Entities[K, V]) forget() {
	all := make([]standing, 0, len(e.table))
	for _, v := range e.table {
		all = append(all, standing{e.weight(&v.value), v.touched})
	}
	drop := max(1, len(all)/4)
	most := nthStanding(all, drop-1)
	for k, v := range e.table {
		if compareStandings(standing{e.weight(&v.value), v.touched}, most) <= 0 {
			delete(e.table, k)
		}
	}
	e.Forgotten += drop
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
