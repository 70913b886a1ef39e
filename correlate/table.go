package correlate

import "math/bits"

// table finds hops by the hash of their key: open addressing with linear probing. A deleted entry is filled by moving others
// back, because entries are deleted all the time, and tombstones would fill the table.
type table struct {
	slots []*hop
	used  int
}

func (t *table) find(hash uint64, q *queue, id string) *hop {
	slots := t.slots
	if len(slots) == 0 {
		return nil
	}
	mask := uint64(len(slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		h := slots[i]
		if h == nil || h.hash == hash && h.queue == q && h.id == id {
			return h
		}
	}
}

// put makes h the newest life of its key.
func (t *table) put(h *hop) {
	if 2*(t.used+1) > len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	i := h.hash & mask
	for ; t.slots[i] != nil; i = (i + 1) & mask {
		if o := t.slots[i]; o.hash == h.hash && o.queue == h.queue && o.id == h.id {
			t.slots[i] = h
			return
		}
	}
	t.slots[i] = h
	t.used++
}

// remove removes h, which was put; an earlier life of the same key that still lingers takes its place.
func (t *table) remove(h *hop) {
	mask := uint64(len(t.slots) - 1)
	for i := h.hash & mask; t.slots[i] != nil; i = (i + 1) & mask {
		o := t.slots[i]
		if o == h {
			if h.previous != nil {
				t.slots[i] = h.previous
			} else {
				t.vacate(i)
			}
			h.previous = nil
			return
		}
		if o.hash == h.hash && o.queue == h.queue && o.id == h.id {
			for ; o.previous != nil; o = o.previous {
				if o.previous == h {
					o.previous, h.previous = h.previous, nil
					return
				}
			}
			return
		}
	}
}

// vacate empties slot i, and moves back the entries behind it that belong further in front.
func (t *table) vacate(i uint64) {
	mask := uint64(len(t.slots) - 1)
	t.used--
	for j := (i + 1) & mask; t.slots[j] != nil; j = (j + 1) & mask {
		home := t.slots[j].hash & mask
		if (j-home)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = nil
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]*hop, max(1024, 2*len(old)))
	mask := uint64(len(t.slots) - 1)
	for _, h := range old {
		if h == nil {
			continue
		}
		i := h.hash & mask
		for t.slots[i] != nil {
			i = (i + 1) & mask
		}
		t.slots[i] = h
	}
}

// mix hashes s so that nobody who does not know the seed can predict it. It is made for queue IDs, of ten to twenty-three
// characters: one or two multiplications (the scheme of wyhash).
func mix(seed uint64, s string) uint64 {
	n := len(s)
	h, secret := seed^uint64(n), bits.RotateLeft64(seed, 32)
	if n < 8 {
		var tail uint64
		for i := range n {
			tail |= uint64(s[i]) << (8 * i)
		}
		return fold(h^tail, secret|1)
	}
	i := 0
	for ; i+16 < n; i += 8 {
		h = fold(h^word(s[i:]), 0xa0761d6478bd642f)
	}
	return fold(h^word(s[i:]), secret^word(s[n-8:])) // the last eight bytes, perhaps some of them again
}

// fold multiplies two numbers, and joins the halves of the product, so that every bit of both may change every bit of the result.
func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

const offsetFNV = 14695981039346656037

func fnv(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
