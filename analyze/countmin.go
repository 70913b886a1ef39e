package analyze

// countMin counts how often values occur, in a fixed size whatever their number: an answer may be too high by chance, never too
// low (G. Cormode, S. Muthukrishnan, "An improved data stream summary: the count-min sketch", J. Algorithms 55, 2005). What it
// says to be rare is rare.
type countMin struct {
	rows    [3][countMinWidth]uint32
	total   int
	waiting [countMinWaiting]counted // to be counted; see settle
	waits   int
}

// counted is a value that occurred so often.
type counted struct {
	hash uint64
	n    uint32
}

// countMinWaiting is how many values are counted together.
const countMinWaiting = 64

// countMinWidth makes an answer too high by less than a sixteen-thousandth of all that was counted, on the average.
const countMinWidth = 1 << 14

func (c *countMin) add(hash uint64) { c.addMany(hash, 1) }

func (c *countMin) addMany(hash uint64, n int) {
	c.total += n
	c.waiting[c.waits] = counted{hash, uint32(n)}
	if c.waits++; c.waits == countMinWaiting {
		c.settle()
	}
}

// settle counts what waits. For one value alone, three places far apart in memory must be waited for; of many, the processor
// fetches the places of the next ones meanwhile.
func (c *countMin) settle() {
	for _, x := range c.waiting[:c.waits] {
		c.rows[0][x.hash%countMinWidth] += x.n
		c.rows[1][x.hash>>20%countMinWidth] += x.n
		c.rows[2][x.hash>>40%countMinWidth] += x.n
	}
	c.waits = 0
}

func (c *countMin) of(hash uint64) int {
	c.settle()
	return int(min(c.rows[0][hash%countMinWidth], c.rows[1][hash>>20%countMinWidth], c.rows[2][hash>>40%countMinWidth]))
}

// about is what is left of an answer when what chance adds is taken off: 0 for most values that never occurred.
func (c *countMin) about(hash uint64) int { return max(0, c.of(hash)-2*c.total/countMinWidth) }

func (c *countMin) merge(o *countMin) {
	c.settle()
	o.settle()
	c.total += o.total
	for r := range c.rows {
		for i, n := range o.rows[r] {
			c.rows[r][i] += n
		}
	}
}

// hashKind is what a hashed value is. Equal values of different meaning get different hashes, because one table may hold several
// meanings: a subject that reads like a HELO name must not count as one. Its bits are arbitrary, but must differ.
type hashKind byte

const (
	ofAddress hashKind = '@' // a mail address
	ofSubject hashKind = 's'
	ofHELO    hashKind = 'h'
	ofDomain  hashKind = 'd' // a sender's
	ofFamily  hashKind = 'f' // a client name without its numbers
	ofNetwork hashKind = 't'
	ofClient  hashKind = 'c' // a client's IP address, as somebody who was seen …
	ofSpray   hashKind = 'y' // … and as what many sender domains have in common

	// What is one thing, and has no text.
	ofSelf    hashKind = '=' // sender and recipient are equal
	ofOwnName hashKind = 'o' // HELO is a name in the recipient's domain
	ofNumber  hashKind = 'n' // HELO with a bare number
)

// hashText is a hash of a text without regard to the case of ASCII.
func hashText(kind hashKind, s string) uint64 {
	h := uint64(14695981039346656037) ^ uint64(kind) // FNV-1a
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		h = (h ^ uint64(c)) * 1099511628211
	}
	return spread(h)
}

// spread makes every bit of a hash depend on every other (the finaliser of SplitMix64; Steele, Lea, Flood, OOPSLA 2014).
func spread(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
