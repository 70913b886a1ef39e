package analyze

import "math"

// weighing is the argument for a finding while it is made: the reasons, and the score, which is the sum of their weights.
type weighing struct {
	score   float64
	reasons []Reason
}

// because adds a reason, and its weight, of two decimals, to the score.
func (w *weighing) because(code string, weight float64, text string, args ...any) {
	weight = math.Round(weight*100) / 100
	w.reasons = append(w.reasons, Reason{code, say(text, args...), weight})
	w.score += weight
}

// atMost cuts the score to most. The cut is a reason, too.
func (w *weighing) atMost(most float64, code, text string) {
	if w.score > most {
		w.because(code, most-w.score, "%s", text)
		w.score = most
	}
}
