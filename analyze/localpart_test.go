package analyze

import (
	"math/rand/v2"
	"testing"
)

// between is the mean above which a set of local parts is random letters, with room on both sides.
const between = 5.5

func TestSurprise(t *testing.T) {
	ordinary := []string{
		"susan.nobody", "rickmers", "birgit.nissen", "j.kramer", "office", "claims", "hans-peter.mueller", "anna1987", "noreply",
		"WebMaster", "jdoe", "mustermann", "t.wiese", "info", "elke.behrens", "stadtgruppe-bounces", "ulferts", "petra", "kontakt2024",
		"maria.gonzalez", "xavier.dupuis", "oleksandr", "katarzyna.wojcik", "nguyenvan", "takahashi", "o.brien",
	}
	for _, s := range ordinary {
		if got := Surprise(s); got >= between {
			t.Errorf("Surprise(%q): got %.2f bits a letter, want less than %.1f", s, got, between)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	mean, n := 0.0, 500
	for range n {
		b := make([]byte, 10)
		for i := range b {
			b[i] = 'A' + byte(r.IntN(26))
		}
		mean += Surprise(string(b)) / float64(n)
	}
	if mean < between+0.5 {
		t.Errorf("ten random letters: got a mean of %.2f bits, want at least %.1f", mean, between+0.5)
	}
	real := []string{"QJYJDDLVRZ", "EKUIDSTEYC", "QHDBPCZOLP", "ACOABSJSYR", "EMLVJPRIZS", "OLDWILIGRM"} // of a relayed run on Exim
	mean = 0
	for _, s := range real {
		mean += Surprise(s) / float64(len(real))
	}
	if mean < between {
		t.Errorf("senders of a real run: got a mean of %.2f bits, want at least %.1f", mean, between)
	}
}

func TestSurpriseOfAnyBytes(t *testing.T) {
	for _, s := range []string{"", "\x00\xff", "ж", `"a b"`, "=cmd"} {
		if got := Surprise(s); got <= 0 || got > 30 {
			t.Errorf("Surprise(%q): got %v, want a positive number of bits", s, got)
		}
	}
}
