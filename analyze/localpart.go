package analyze

import (
	_ "embed"
	"math"
	"strings"
	"sync"
)

//go:embed localparts.txt
var ordinaryLocalParts string

// Letters of the model: 0 stands before and after the local part, 1 to 26 are a to z, 27 any digit, 28 a separator, 29
// everything else.
const modelLetters = 30

func modelLetter(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 1
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 1
	case c >= '0' && c <= '9':
		return 27
	case c == '.' || c == '-' || c == '_' || c == '+':
		return 28
	}
	return 29
}

// transitions are the surprise, in bits, of each letter after the two before it.
type transitions [modelLetters * modelLetters][modelLetters]float32

// localPartModel is a trigram model with interpolation (Jelinek and Mercer, 1980) over localparts.txt. Trigrams are what
// names share across languages: "sch", "ert", "ina"; ten random letters hardly ever form five known ones in a row.
var localPartModel = sync.OnceValue(func() *transitions {
	var uni [modelLetters]float64
	var bi [modelLetters][modelLetters]float64
	tri := make([][modelLetters]float64, modelLetters*modelLetters)
	for line := range strings.Lines(ordinaryLocalParts) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, word := range strings.Fields(line) {
			a, b := 0, 0
			for i := range len(word) + 1 {
				c := 0
				if i < len(word) {
					c = modelLetter(word[i])
				}
				uni[c]++
				bi[b][c]++
				tri[a*modelLetters+b][c]++
				a, b = b, c
			}
		}
	}
	// A name is often followed by a number, a separator or another name: no such pair may surprise much.
	for b := 1; b <= 27; b++ {
		bi[b][27] += 0.05 * sum(bi[b][:])
		bi[b][28] += 0.05 * sum(bi[b][:])
	}
	for c := range modelLetters {
		bi[28][c] = bi[0][c] + 1
		bi[27][c] += bi[0][c]*0.2 + 1
	}
	bi[27][27], bi[27][0] = sum(bi[27][:]), sum(bi[27][:])

	m := new(transitions)
	total := sum(uni[:]) + modelLetters
	for ab := range tri {
		pair := bi[ab%modelLetters]
		pairs, triples := sum(pair[:]), sum(tri[ab][:])
		for c := range modelLetters {
			p := 0.1 * (uni[c] + 1) / total
			p += 0.4 * pair[c] / max(pairs, 1)
			p += 0.5 * tri[ab][c] / max(triples, 1)
			m[ab][c] = float32(-math.Log2(p))
		}
	}
	return m
})

func sum(xs []float64) (s float64) {
	for _, x := range xs {
		s += x
	}
	return s
}

// Surprise is how little a local part looks like those that people choose, in bits a letter, its end included: about 3 for
// names and words of most languages, 6 and more for letters drawn at random. One address says little: Chinese initials and
// hashes of newsletters (VERP, BATV) surprise, too. Compare the mean over the senders of a suspect.
func Surprise(localPart string) float64 {
	m := localPartModel()
	a, b, bits := 0, 0, 0.0
	for i := range len(localPart) + 1 {
		c := 0
		if i < len(localPart) {
			c = modelLetter(localPart[i])
		}
		bits += float64(m[a*modelLetters+b][c])
		a, b = b, c
	}
	return bits / float64(len(localPart)+1)
}

// ordinaryNames are the names of localparts.txt: what people and roles are called, and what those who guess addresses try first.
var ordinaryNames = sync.OnceValue(func() map[string]bool {
	names := make(map[string]bool)
	for line := range strings.Lines(ordinaryLocalParts) {
		if !strings.HasPrefix(line, "#") {
			for _, name := range strings.Fields(line) {
				names[name] = true
			}
		}
	}
	return names
})
