package analyze

import "math"

// Argument is why we say so: the reasons, and the score, which is the sum of their weights.
type Argument struct {
	Score   float64 // 0 to 1 in a finding: how sure
	Reasons []Reason
}

// Reason is one argument for a finding, or against it, with its share in the score.
type Reason struct {
	Code   string  // stable, kebab-case: "all-senders-differ"
	Text   string  // "36 messages from 36 different senders"
	Weight float64 // two decimals; negative: it speaks for honest mail
}

// because adds a reason, and its weight to the score. The weight is rounded, so that those shown add up to the score shown.
func (a *Argument) because(code string, weight float64, text string, args ...any) {
	weight = math.Round(weight*100) / 100
	a.Reasons = append(a.Reasons, Reason{code, say(text, args...), weight})
	a.Score += weight
}

// atMost lowers the score to most. That is a reason, too.
func (a *Argument) atMost(most float64, code, text string) {
	if math.Round(100*(a.Score-most)) > 0 { // a sum of weights may be a hair more than what they add up to
		a.because(code, most-a.Score, "%s", text)
	}
	a.Score = min(a.Score, most)
}
