package analyze

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"mailforensics/mail"
)

func line(n int, clock, text string) Evidence {
	return Evidence{Origin: mail.Origin{Line: int64(n)}, Time: at(clock), Text: text}
}

func TestKeeper(t *testing.T) {
	var k Keeper
	k.Add(line(3, "10:03:00", "third"))
	k.Add(line(1, "10:01:00", "first"))
	k.Add(Evidence{})
	k.Mark("guess", line(2, "10:02:00", "second"))
	var got []string
	for _, e := range k.Lines(0) {
		got = append(got, e.Role+":"+e.Text)
	}
	if want := []string{"first:first", "guess:second", "last:third"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Three typical lines are shown if there are that many besides the first and the last; for a peak, the first line after its
// beginning.
func TestKeeperShowsTypicalLines(t *testing.T) {
	for most := range 9 {
		var k Keeper
		for i := range most {
			k.Add(Evidence{Origin: mail.Origin{Line: int64(i)}, Time: at("10:00:00").Add(time.Duration(i) * 10 * time.Second), Text: fmt.Sprint("line ", i)})
		}
		roles := make(map[string]int)
		for _, e := range k.Lines(at("10:00:15")) {
			if roles[e.Role]++; e.Role == "peak" && e.Text != "line 2" {
				t.Errorf("of %d lines: got %q as the peak", most, e.Text)
			}
		}
		others := most - 2
		if most > 3 { // of three, the last is nearest to the peak
			others--
		}
		if want := max(0, min(others, 3)); roles["typical"] != want {
			t.Errorf("of %d lines: got %v, want %d typical ones", most, roles, want)
		}
	}
}

// If the peak is known, its line is shown once, even if it is the first line, or the sample has another one near it.
func TestKeeperKnowsThePeak(t *testing.T) {
	var k Keeper
	k.Add(line(1, "10:00:00", "first"))
	k.Mark("peak", line(1, "10:00:00", "first"))
	k.Add(line(2, "10:00:30", "second"))
	k.Mark("peak", line(2, "10:00:30", "second"))
	k.Add(line(3, "10:09:00", "last"))
	k.samples = slices.DeleteFunc(k.samples, func(s sample) bool { return s.Text == "first" })
	for _, e := range k.Lines(at("10:00:00")) {
		if e.Role == "peak" {
			t.Errorf("got %q as the peak, which is the first line", e.Text)
		}
	}
}

// At most ten lines are kept, the same ones in whatever order they come.
func TestKeeperChoosesTheSame(t *testing.T) {
	var lines []Evidence
	for i := range 500 {
		lines = append(lines, Evidence{Origin: mail.Origin{Line: int64(i)}, Time: at("10:00:00").Add(time.Duration(i) * time.Second), Text: fmt.Sprint(i)})
	}
	var want []Evidence
	for round := range 5 {
		rand.New(rand.NewPCG(uint64(round), 1)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		var parts [2]Keeper
		for i, e := range lines {
			parts[i%2].Add(e)
		}
		parts[0].Merge(&parts[1])
		got := parts[0].Lines(at("10:05:00"))
		if len(got) > 10 || got[0].Text != "0" || got[len(got)-1].Text != "499" {
			t.Fatalf("got %v", got)
		}
		if round > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, then %v", want, got)
		}
		want = got
	}
}
