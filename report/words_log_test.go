package report

import (
	"slices"
	"testing"
)

// Thirty files of a month prove one year, and it is said once.
func TestYearsAreAdded(t *testing.T) {
	got := added([]string{"2024, proven by 10 Message-IDs of Postfix's own", "zone proven by 10 Message-IDs of Postfix's own",
		"2024, proven by 1034 Message-IDs of Postfix's own", "2023, proven by 5 queue IDs", "2024, as --year says"})
	want := []string{"2024, proven by 1044 Message-IDs of Postfix's own", "zone proven by 10 Message-IDs of Postfix's own", "2023, proven by 5 queue IDs", "2024, as --year says"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
