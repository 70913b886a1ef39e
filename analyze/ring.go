package analyze

// ring remembers the latest of something, up to a number. It is made in blocks, since a short log needs a few, and nothing in it
// is ever moved: a pointer stays good until its place is taken. The zero value is ready.
type ring[T any] struct {
	blocks [][]T
	next   int  // the place that is taken next
	full   bool // the next place is that of the oldest
}

// ringBlock is how many places are made at a time.
const ringBlock = 512

// take is the place for the next one. taken: as many as most are there already, and it is that of the oldest, which still stands
// in it.
func (r *ring[T]) take(most int) (place *T, taken bool) {
	if r.full {
		place = r.at(r.next)
		if r.next++; r.next == r.len() {
			r.next = 0
		}
		return place, true
	}
	if r.next%ringBlock == 0 {
		r.blocks = append(r.blocks, make([]T, 0, ringBlock))
	}
	last := &r.blocks[len(r.blocks)-1]
	*last = (*last)[:len(*last)+1]
	r.next++
	if r.full = r.next >= most; r.full {
		r.next = 0
	}
	return &(*last)[len(*last)-1], false
}

func (r *ring[T]) at(place int) *T { return &r.blocks[place/ringBlock][place%ringBlock] }

// len is how many are remembered.
func (r *ring[T]) len() int {
	if len(r.blocks) == 0 {
		return 0
	}
	return (len(r.blocks)-1)*ringBlock + len(r.blocks[len(r.blocks)-1])
}

// oldestFirst yields them in the order in which they came.
func (r *ring[T]) oldestFirst(yield func(*T) bool) {
	n, first := r.len(), 0
	if r.full {
		first = r.next
	}
	for i := range n {
		if !yield(r.at((first + i) % n)) {
			return
		}
	}
}

// oldest is the one that came first; nil where there is none.
func (r *ring[T]) oldest() (first *T) {
	for first = range r.oldestFirst {
		break
	}
	return first
}
