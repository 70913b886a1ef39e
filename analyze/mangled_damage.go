package analyze

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"mailforensics/mail"
)

// damage is a failed recipient that is a known one, damaged.
type damage struct {
	address        string
	original, kind string
	tries          []failedRecipient // of the host's addresses, in order
}

// damageIndex finds the known recipient of which an address is a damaged form.
type damageIndex struct {
	known map[string]bool   // local parts with domain, in lower case
	bare  map[uint64]string // by hash of an address without its separators: the least of those with it
	heads map[uint64]int32  // by hash of what is left of an address: the latest of beheaded with it
	cuts  []beheaded
	found []string // what the latest search found
}

// beheaded is a known address whose head is cut off. Those whose rest has the same hash are linked.
type beheaded struct {
	original string
	cut      uint8
	next     int32 // in damageIndex.cuts, and one more; 0: none
}

// A head of up to so many characters may be missing or replaced; the rest must be long enough to mean that address.
const (
	cutMost     = 3
	replaceMost = 2
	tailLeast   = 3 // of the local part, when the head is missing
	replaceTail = 4 // … and when it was replaced: more is needed, since more would fit
	provenTail  = 2 // … either way, when other damage shows that the original is on the list
)

func newDamageIndex(site *Site) *damageIndex {
	n := len(site.recipients)
	x := &damageIndex{known: make(map[string]bool, n), bare: make(map[uint64]string), heads: make(map[uint64]int32, cutMost*n), cuts: make([]beheaded, 0, cutMost*n)}
	for address := range site.KnownRecipients {
		x.add(address)
	}
	return x
}

// add takes a known recipient, in lower case.
func (x *damageIndex) add(address string) {
	if x.known[address] {
		return
	}
	x.known[address] = true
	local := mail.LocalPart(address)
	letters := hashText(ofAddress, lettersOf(address))
	if old := x.bare[letters]; old == "" || address < old {
		x.bare[letters] = address
	}
	for cut := 1; cut <= cutMost && len(local)-cut >= provenTail; cut++ {
		tail := hashText(ofAddress, address[cut:])
		x.cuts = append(x.cuts, beheaded{address, uint8(cut), x.heads[tail]})
		x.heads[tail] = int32(len(x.cuts))
	}
}

// lettersOf is an address without the separators of its local part.
func lettersOf(address string) string {
	local := mail.LocalPart(address)
	if !strings.ContainsAny(local, "._-") {
		return address
	}
	return strings.NewReplacer(".", "", "_", "", "-", "").Replace(local) + address[len(local):]
}

// respelled is the known recipient that has other separators and is the same otherwise, "" where there is none.
func (x *damageIndex) respelled(address string) string {
	letters := lettersOf(strings.ToLower(address))
	if o := x.bare[hashText(ofAddress, letters)]; o != "" && lettersOf(o) == letters {
		return o
	}
	return ""
}

// beheadedTo are the known recipients, but for that one which is excluded, that are a tail with a head before it: first
// those of which least is missing, so that what is found does not depend on the order of what was added. They are valid
// until the next call.
func (x *damageIndex) beheadedTo(tail, excluded string) []string {
	x.found = x.found[:0]
	for i := x.heads[hashText(ofAddress, tail)]; i > 0; i = x.cuts[i-1].next {
		c := &x.cuts[i-1]
		if c.original[c.cut:] == tail && c.original != excluded {
			x.found = append(x.found, c.original)
		}
	}
	slices.SortFunc(x.found, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	return x.found
}

// find says which known recipient was damaged and how; the kind is "" where none fits. Of several the one with which the
// address shares most wins.
func (x *damageIndex) find(address string) (original, kind string) {
	originals, kind := x.originals(address, tailLeast, replaceTail)
	if kind == "" {
		return "", ""
	}
	return originals[0], kind
}

// findAll finds the originals of what is damaged of a list. One that has several (of petersen: b.petersen, t.petersen) is
// of that which other damage on the list is of, too; and where so little is left that it could be of anybody, or the address
// may as well be the name of somebody else, such other damage is asked for.
func (x *damageIndex) findAll(list []string) map[string]damage {
	var found map[string]damage
	var proven map[string]int
	for _, address := range list {
		originals, kind := x.originals(address, tailLeast, replaceTail)
		if kind == "" {
			continue
		}
		if found == nil {
			found, proven = make(map[string]damage), make(map[string]int)
		}
		found[address] = damage{original: originals[0], kind: kind}
		if len(originals) == 1 {
			proven[originals[0]]++
		}
	}
	for _, address := range list {
		if len(proven) == 0 {
			break
		}
		originals, kind := x.originals(address, provenTail, provenTail)
		best := ""
		for _, o := range originals {
			if proven[o] > proven[best] {
				best = o
			}
		}
		if best != "" && (found[address].kind == "" || found[address].kind == kind) {
			found[address] = damage{original: best, kind: kind}
		}
	}
	x.findOtherLetter(list, found)
	x.findRespelled(list, found)
	dropPersons(found)
	return found
}

// findOtherLetter adds what has another first letter and is the same otherwise, of a list that is plainly damaged: a program that
// cuts in the wrong place does so with each of its addresses, and not every one comes up twice.
func (x *damageIndex) findOtherLetter(list []string, found map[string]damage) {
	const plain = 3 // damaged forms that are nobody's name
	sure := 0
	for address, d := range found {
		if !d.ofPerson(address) {
			sure++
		}
	}
	if sure < plain {
		return
	}
	for _, address := range list {
		if found[address].kind != "" {
			continue
		}
		if originals, kind := x.originals(address, tailLeast, provenTail); kind == "substituted" && len(originals) == 1 && len(mail.LocalPart(address)) > replaceTail {
			found[address] = damage{original: originals[0], kind: kind}
		}
	}
}

// findRespelled adds what is damaged in its separators alone to what was found.
func (x *damageIndex) findRespelled(list []string, found map[string]damage) {
	for _, address := range list {
		if kind := found[address].kind; len(found) > 0 && (kind == "" || kind == "substituted") {
			if o := x.respelled(address); o != "" {
				kind := "other"
				if strings.EqualFold(strings.TrimLeft(address, "._-"), o) {
					kind = "prefix" // _harms
				}
				found[address] = damage{original: o, kind: kind}
			}
		}
	}
}

// dropPersons takes out what may be a person's address in another form, or another person's, unless enough of the rest is plainly
// damaged: where petersen@ became b.petersen@, all who knew the old address write to what looks torn off, and where
// first_last@ became last@, to what looks prefixed.
func dropPersons(found map[string]damage) {
	const sure = 2 // as many of these at most are believed for each that is plain
	persons := 0
	for address, d := range found {
		if d.ofPerson(address) {
			persons++
		}
	}
	if persons > sure*(len(found)-persons) {
		maps.DeleteFunc(found, func(address string, d damage) bool { return d.ofPerson(address) })
	}
}

// ofPerson reports whether the damage ends where a part of a name does, or leaves what anybody else, or a role, may be called: whoever
// guesses sales@ does not mean morales@.
func (d *damage) ofPerson(address string) bool {
	const separators = "._-"
	address = strings.ToLower(address)
	local, original := mail.LocalPart(address), mail.LocalPart(d.original)
	if ordinaryNames()[local] {
		return true
	}
	same := 0 // behind
	for same < min(len(local), len(original)) && local[len(local)-1-same] == original[len(original)-1-same] {
		same++
	}
	head, lost := local[:len(local)-same], original[:len(original)-same]
	switch d.kind {
	case "other":
		return true
	case "prefix":
		return strings.TrimRight(head, separators) != head
	case "truncated":
		return strings.TrimRight(lost, separators) != lost
	case "substituted":
		return strings.ContainsAny(head, separators) || strings.ContainsAny(original[len(original)-same:][:min(1, same)], separators)
	}
	return false
}

// originals are the known recipients of which an address may be a damaged form, the likeliest first, and the kind of the
// damage, which is the same for all. They are valid until the next call.
//
// An address that has another first letter and is the same otherwise is no damage by itself: a.harms and t.harms, Hanna and
// Nanna are two people, of whom one has left.
func (x *damageIndex) originals(address string, tailLeast, replaceTail int) (originals []string, kind string) {
	address = strings.ToLower(address)
	local := mail.LocalPart(address)
	for cut := 1; len(local)-cut >= tailLeast; cut++ {
		// A dot alone is no prefix: it is what is left of an initial (.harms, of l.harms).
		tail := address[cut:]
		if x.known[tail] && strings.Trim(address[:cut], "._-") != "" {
			x.found = append(x.found[:0], tail)
			return x.found, "prefix"
		}
		if cut == 1 {
			if originals = x.beheadedTo(address, ""); len(originals) > 0 {
				return originals, "truncated"
			}
		}
		if cut <= replaceMost && len(local)-cut >= replaceTail {
			originals = x.beheadedTo(tail, address)
			if replaceTail > provenTail {
				originals = slices.DeleteFunc(originals, func(o string) bool { return o[1:] == address[1:] })
			}
			if len(originals) > 0 {
				return originals, "substituted"
			}
		}
	}
	if len(local) >= tailLeast { // short ones, which the loop never entered
		if originals = x.beheadedTo(address, ""); len(originals) > 0 {
			return originals, "truncated"
		}
	}
	return nil, ""
}
