package analyze

import (
	"math"
	"testing"
)

func TestPoissonTail(t *testing.T) {
	for _, c := range []struct {
		n      int
		lambda float64
		want   float64 // log10
	}{
		{0, 3, 0},
		{1, 1, math.Log10(1 - 1/math.E)},
		{1, 0, math.Inf(-1)},
		{2, 1, math.Log10(1 - 2/math.E)},
		{5, 5, math.Log10(0.559507)}, // Poisson tables
		{10, 5, math.Log10(0.031828)},
		{3, 100, 0},
		{40, 2, -36.72}, // where 1 - CDF is 0 in float64
		{1000, 10, -1570.9},
	} {
		if got := PoissonTail(c.n, c.lambda); math.Abs(got-c.want) > 0.005*max(1, math.Abs(c.want)) && got != c.want {
			t.Errorf("PoissonTail(%d, %g) = %g, want %g", c.n, c.lambda, got, c.want)
		}
	}
}

// The tail is the plain sum of the terms, as far as float64 can hold it.
func TestPoissonTailIsTheSum(t *testing.T) {
	for _, lambda := range []float64{0.01, 0.5, 1, 4, 20} {
		for n := 1; n < 30; n++ {
			sum, term := 0.0, math.Exp(-lambda)
			for k := range n {
				sum += term
				term *= lambda / float64(k+1)
			}
			want := 1 - sum
			if want < 1e-9 {
				break
			}
			if got := math.Pow(10, PoissonTail(n, lambda)); math.Abs(got-want) > 1e-6*want+1e-12 {
				t.Errorf("n %d, lambda %g: got %g, want %g", n, lambda, got, want)
			}
		}
	}
}
