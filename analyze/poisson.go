package analyze

import "math"

// PoissonTail is log10 of the chance of n or more events where lambda are expected, if they come independently of each
// other: P(N >= n), N ~ Poisson(lambda). It stays in log space, because a strong burst's chance is far below the smallest
// float, and bursts must be ranked by it.
//
// The sum of the tail is the first term times a fast falling series (Johnson, Kemp, Kotz: Univariate Discrete
// Distributions, section 4.4):
//
//	P(N >= n) = e^-λ λ^n / n! · (1 + λ/(n+1) + λ²/((n+1)(n+2)) + …)
func PoissonTail(n int, lambda float64) float64 {
	if n <= 0 {
		return 0
	}
	if lambda <= 0 {
		return math.Inf(-1)
	}
	if float64(n) <= lambda {
		return math.Log10(1 - lowerTail(n, lambda))
	}
	sum, term := 1.0, 1.0
	for k := float64(n) + 1; term > sum*1e-15; k++ {
		term *= lambda / k
		sum += term
	}
	return (firstTerm(n, lambda) + math.Log(sum)) / math.Ln10
}

// lowerTail is P(N < n) for n <= lambda: the same series, downwards.
func lowerTail(n int, lambda float64) float64 {
	sum, term := 0.0, 1.0
	for k := float64(n - 1); k >= 0 && term > sum*1e-15; k-- {
		sum += term
		term *= k / lambda
	}
	return min(1, math.Exp(firstTerm(n-1, lambda))*sum)
}

// firstTerm is ln P(N = n).
func firstTerm(n int, lambda float64) float64 {
	logFactorial, _ := math.Lgamma(float64(n) + 1)
	return float64(n)*math.Log(lambda) - lambda - logFactorial
}
