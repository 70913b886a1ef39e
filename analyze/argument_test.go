package analyze

import "testing"

// A cut of the score is given as a reason only if it changes something: 0.1, 0.2 and 0.15 add up to slightly more than 0.45 in
// floating point.
func TestArgumentAtMost(t *testing.T) {
	for _, tt := range []struct {
		weights []float64
		reasons int
	}{{[]float64{0.1, 0.2, 0.15}, 3}, {[]float64{0.1, 0.2}, 2}, {[]float64{0.3, 0.2}, 3}} {
		var a Argument
		for _, weight := range tt.weights {
			a.because("mark", weight, "it is odd")
		}
		if a.atMost(0.45, "excuse", "it may be honest"); len(a.Reasons) != tt.reasons || a.Score > 0.45 {
			t.Errorf("%v: got %.17g for %v", tt.weights, a.Score, a.Reasons)
		}
	}
}
