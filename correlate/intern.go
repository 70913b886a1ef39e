package correlate

import "strings"

// intern keeps one copy of strings that come again and again (hosts, relays, protocols, replies, local addresses). It has a fixed
// number of slots, and forgets what does not fit, so that nothing can make it grow; the idea is that of encoding/json/v2.
type intern struct {
	slots [4096]string
}

// get returns a copy of s that does not keep the text of the log in memory.
func (in *intern) get(s string) string {
	if s == "" {
		return ""
	}
	return in.copy(s)
}

// copy is get for what is not empty. It stands apart so that get is inlined.
func (in *intern) copy(s string) string {
	slot := &in.slots[hashShort(s)%uint64(len(in.slots))]
	if *slot != s {
		*slot = strings.Clone(s)
	}
	return *slot
}

// hashShort hashes the length and the ends of s, which must not be empty. That is enough for names and addresses, and takes a few
// instructions.
func hashShort(s string) uint64 {
	var first, last uint64
	n := len(s)
	switch {
	case n >= 8:
		first, last = word(s), word(s[n-8:])
	case n >= 4:
		first, last = half(s), half(s[n-4:])
	default:
		first, last = uint64(s[0]), uint64(s[n-1])
	}
	return fold(first^0xa0761d6478bd642f, last^uint64(n)<<56^0x9e3779b97f4a7c15)
}

// word returns the first eight bytes of s.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// half returns the first four bytes of s.
func half(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}
