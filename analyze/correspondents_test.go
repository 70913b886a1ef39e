package analyze

import (
	"fmt"
	"testing"

	"mailforensics/mail"
)

// Whoever wrote is among them, hardly anybody else is, and of too many nothing is said.
func TestCorrespondents(t *testing.T) {
	var all, half correspondents
	const n = 100_000
	for i := range n {
		if address := fmt.Sprintf("Friend%d@p%d.example", i, i%7); i%2 == 0 {
			all.add(address)
		} else {
			half.add(address)
		}
	}
	all.merge(&half)
	chance := 0
	for i := range n {
		if !all.has(fmt.Sprintf("friend%d@P%d.example", i, i%7)) {
			t.Fatalf("number %d is missing", i)
		}
		if all.has(fmt.Sprintf("stranger%d@p%d.example", i, i%7)) {
			chance++
		}
	}
	if chance > n/200 || all.full() {
		t.Errorf("%d of %d seem to have written, full: %v", chance, n, all.full())
	}
	for i := range 7 * n {
		all.add(fmt.Sprintf("%d@more.example", i))
	}
	if !all.full() {
		t.Error("it is not full")
	}
	var none correspondents
	if none.has("friend0@p0.example") {
		t.Error("nobody wrote")
	}
	site := Site{wrote: all}
	var to Tally
	to.Add("friend1@p1.example", 1)
	if site.areAnswers(1, 1, &to) {
		t.Error("nothing is known of so many")
	}
}

// Answers have the null sender, and go to those who wrote.
func TestAreAnswers(t *testing.T) {
	s := NewSurvey(&Pass{Thresholds: DefaultThresholds()})
	for i := range 10 {
		m := mail.Message{Host: "mx1", Client: client("198.51.100.7", "", ""), Sender: fmt.Sprintf("friend%d@p.example", i)}
		s.Message(&m)
	}
	site := s.Site()
	for _, tt := range []struct {
		name            string
		nulls, messages int
		friends, others int
		want            bool
	}{
		{"answers", 10, 10, 10, 0, true},
		{"mostly answers", 6, 10, 6, 4, true},
		{"half of them have a sender", 5, 10, 10, 0, false},
		{"half of them to others", 10, 10, 5, 5, false},
		{"none", 0, 0, 0, 0, false},
	} {
		var to Tally
		for i := range tt.friends {
			to.Add(fmt.Sprintf("friend%d@p.example", i), 1)
		}
		for i := range tt.others {
			to.Add(fmt.Sprintf("victim%d@p.example", i), 1)
		}
		if got := site.areAnswers(tt.nulls, tt.messages, &to); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
