package analyze

import (
	"math/bits"

	"mailforensics/mail"
)

// correspondents are the strangers who wrote to us, as a Bloom filter (B. H. Bloom, "Space/time trade-offs in hash coding with
// allowable errors", CACM 13, 1970): one may seem to be among them by chance, but nobody who wrote is missed. The zero value is
// ready.
type correspondents struct{ set []uint64 }

const (
	// correspondentBits makes one in twenty seem to have written by chance when 500,000 did.
	correspondentBits = 1 << 22
	// lineBits is how many bits stand in a line of the processor's cache: both of an address do, because one line more must be waited
	// for (F. Putze, P. Sanders, J. Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", WEA 2007).
	lineBits = 512
)

func (c *correspondents) add(sender string) {
	if c.set == nil {
		c.set = make([]uint64, correspondentBits/64)
	}
	a, b := correspondentPlaces(sender)
	c.set[a/64] |= 1 << (a % 64)
	c.set[b/64] |= 1 << (b % 64)
}

func (c *correspondents) has(address string) bool {
	if c.set == nil {
		return false
	}
	a, b := correspondentPlaces(address)
	return c.set[a/64]&(1<<(a%64)) != 0 && c.set[b/64]&(1<<(b%64)) != 0
}

// correspondentPlaces are the two bits of an address, whatever the case of its letters. Every message is looked at, so this takes
// eight bytes at a time, and does not mind that it takes some other characters for each other, too.
func correspondentPlaces(address string) (a, b uint64) {
	const lower, odd = 0x2020202020202020, 0x9e3779b97f4a7c15
	hash := uint64(len(address))
	for ; len(address) >= 8; address = address[8:] {
		hash = (hash ^ (word(address) | lower)) * odd
		hash ^= hash >> 29
	}
	rest := uint64(0)
	for i := range len(address) {
		rest = rest<<8 | uint64(address[i]|0x20)
	}
	hash = spread(hash ^ rest)
	a = hash % correspondentBits
	return a, a - a%lineBits + hash>>32%lineBits
}

// word is the first eight bytes of s, which has them.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// merge takes over what o has, which must not be used after it.
func (c *correspondents) merge(o *correspondents) {
	if c.set == nil {
		c.set = o.set
		return
	}
	for i, word := range o.set {
		c.set[i] |= word
	}
}

// full reports whether so many wrote that chance decides too often who did.
func (c *correspondents) full() bool {
	n := 0
	for _, word := range c.set {
		n += bits.OnesCount64(word)
	}
	return n > correspondentBits/4
}

// areAnswers reports whether most mail has the null sender, as nulls of so many messages have, and goes to those who wrote to us:
// automatic answers, such as out-of-office replies. Spam goes to a list of people hardly any of whom ever wrote.
func (s *Site) areAnswers(nulls, messages int, recipients *Tally) bool {
	if 2*nulls <= messages || s.wrote.full() {
		return false
	}
	wrote, known := 0, 0
	for address, n := range recipients.All {
		known += n
		if s.wrote.has(address) {
			wrote += n
		}
	}
	return 2*wrote > known
}

// correspondent notes who wrote to us.
func (s *Survey) correspondent(m *mail.Message) {
	if m.Sender != "" && m.Sender != mail.NullSender {
		s.wrote.add(m.Sender)
	}
}
