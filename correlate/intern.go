package correlate

import "strings"

// intern keeps one copy of strings that come again and again (hosts, relays, protocols, replies). It has a fixed number of
// slots and no memory of what it loses, so that nothing can make it grow; the idea is that of encoding/json/v2.
type intern struct {
	slots [4096]string
}

// get is a copy of s that does not keep the log's text in memory.
func (in *intern) get(s string) string {
	if s == "" {
		return ""
	}
	slot := &in.slots[hashShort(s)%uint64(len(in.slots))]
	if *slot != s {
		*slot = strings.Clone(s)
	}
	return *slot
}

// hashShort mixes the length and the ends of s: enough to spread names, in a few instructions.
func hashShort(s string) uint64 {
	n := len(s)
	h := uint64(n) * 0x9e3779b97f4a7c15
	for i := range min(n, 8) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	for i := max(8, n-8); i < n; i++ {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return h ^ h>>29
}
