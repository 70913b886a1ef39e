package analyze

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
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

func TestTally(t *testing.T) {
	var tally Tally
	for i, v := range []string{"b", "a", "b", "c", "c", "c"} {
		if tally.Total() != i {
			t.Fatalf("total %d after %d", tally.Total(), i)
		}
		tally.Add(v, 1)
	}
	if got, want := tally.Top(2), []Count{{"c", 3}, {"b", 2}}; !slices.Equal(got, want) {
		t.Errorf("Top: got %v, want %v", got, want)
	}
	if v, share := tally.Most(); v != "c" || share != 0.5 {
		t.Errorf("Most: got %q %g", v, share)
	}
	if got := tally.Values(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("Values: got %v", got)
	}
	if tally.Of("b") != 2 || tally.Of("x") != 0 || tally.Distinct() != 3 || !tally.Exact() {
		t.Errorf("got %d, %d, %d, %v", tally.Of("b"), tally.Of("x"), tally.Distinct(), tally.Exact())
	}
}

// Merging parts in any order gives the same as counting the whole; beyond the cap, numbers are close and memory is bounded.
func TestTallyMerge(t *testing.T) {
	for _, distinct := range []int{3, 20, 500, 50_000} {
		rng := rand.New(rand.NewPCG(uint64(distinct), 0))
		var whole Tally
		parts := make([]Tally, 3)
		for range 3 * distinct {
			v := fmt.Sprint(rng.IntN(distinct))
			whole.Add(v, 1)
			parts[rng.IntN(3)].Add(v, 1)
		}
		for range 300 {
			whole.Add("often", 1)
			parts[rng.IntN(3)].Add("often", 1)
		}
		var joined Tally
		for _, i := range rng.Perm(3) {
			joined.Merge(&parts[i])
		}
		if joined.Total() != whole.Total() {
			t.Errorf("%d distinct: total %d, want %d", distinct, joined.Total(), whole.Total())
		}
		if off := math.Abs(float64(joined.Distinct()-whole.Distinct())) / float64(whole.Distinct()); off > 0.03 {
			t.Errorf("%d distinct: got %d, counted at once %d", distinct, joined.Distinct(), whole.Distinct())
		}
		if whole.Exact() && !slices.Equal(joined.Top(50), whole.Top(50)) {
			t.Errorf("%d distinct: got %v, want %v", distinct, joined.Top(5), whole.Top(5))
		}
		if joined.Top(1)[0].Value != "often" {
			t.Errorf("%d distinct: most frequent is %v", distinct, joined.Top(1))
		}
		if n := len(joined.counts); n > 2*tallyCap {
			t.Errorf("%d distinct: %d values kept", distinct, n)
		}
	}
}

// A value that is kept is a copy: it does not keep the text that it was cut from in memory.
func TestTallyOwnsItsValues(t *testing.T) {
	text := strings.Repeat("x", 100)
	var tally Tally
	tally.Add(text[:3], 1)
	if got := tally.Values()[0]; &[]byte(got)[0] == &[]byte(text)[0] {
		t.Error("the value is a slice of the text")
	}
}

func at(clock string) mail.Instant {
	t, err := time.Parse("2006-01-02 15:04:05", "2026-01-04 "+clock)
	if err != nil {
		panic(err)
	}
	return mail.InstantOf(t)
}

func TestBuckets(t *testing.T) {
	var b Buckets
	for _, clock := range []string{"14:44:59", "14:44:03", "14:45:00", "14:51:47"} {
		b.Add(at(clock), 1, 0)
	}
	b.Add(at("14:45:30"), 0, 2)
	want := []Bucket{{at("14:44:00"), 2, 0}, {at("14:45:00"), 1, 2}, {at("14:51:00"), 1, 0}}
	if got := b.Timeline(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if first, last := b.Bounds(); first != at("14:44:03") || last != at("14:51:47") {
		t.Errorf("bounds %v %v", first, last)
	}
	if r := bucketRate(&b); r.PeakPerMinute != 2 || r.PeakAt != at("14:44:03") || !r.WholeMinutes {
		t.Errorf("got a peak of %d from %v, of whole minutes: %t; want 2 of one that begins with the first", r.PeakPerMinute, r.PeakAt.In(time.UTC), r.WholeMinutes)
	}
	for i := range bucketCap {
		b.Add(at("15:00:00").Add(time.Duration(i)*time.Minute), 1, 0)
	}
	if r := bucketRate(&b); r.PeakPerMinute != 0 || r.PeakAt != 0 {
		t.Errorf("got a peak of %d in a minute, of buckets of %v", r.PeakPerMinute, b.Width())
	}
}

// Minutes in any order and any parts give the same buckets, and not too many.
func TestBucketsAreBoundedWhateverTheOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	start := at("00:00:00")
	var whole Buckets
	parts := make([]Buckets, 2)
	for range 3 * bucketCap {
		when := start.Add(time.Duration(rng.IntN(4*bucketCap)) * time.Minute)
		whole.Add(when, 1, 0)
		parts[rng.IntN(2)].Add(when, 1, 0)
	}
	parts[1].Merge(&parts[0])
	if len(whole.cells) > bucketCap || whole.Width() == time.Minute {
		t.Errorf("%d buckets of %v", len(whole.cells), whole.Width())
	}
	if !slices.Equal(whole.Timeline(), parts[1].Timeline()) {
		t.Error("merged parts are not the whole")
	}
}

func TestPeak(t *testing.T) {
	times := []mail.Instant{at("10:00:00"), at("10:00:30"), at("10:01:00"), at("10:01:20"), at("10:01:29"), at("11:00:00")}
	// 10:00:30 to 10:01:30 holds four; a grid of minutes would say three.
	if n, when := Peak(times, time.Minute); n != 4 || when != at("10:00:30") {
		t.Errorf("got %d from %v", n, when.In(time.UTC))
	}
	if n, _ := Peak(nil, time.Minute); n != 0 {
		t.Errorf("of nothing: %d", n)
	}
	if r := RateOf(times[:2]); r.PerMinute != 2 {
		t.Errorf("half a minute counts as one: got %g", r.PerMinute)
	}
}

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

func TestEntitiesForgetTheLeastImportant(t *testing.T) {
	e := NewEntities(8, func(n *int) int { return *n }, strings.Clone)
	for i := range 8 {
		*e.At(fmt.Sprint("old", i)) = i
	}
	*e.At("new") = 1
	if e.Find("old0") != nil || e.Find("old1") != nil {
		t.Error("the least important were kept")
	}
	if e.Find("old7") == nil || *e.Find("old7") != 7 || e.Find("new") == nil {
		t.Error("an important or a new one was forgotten")
	}
	if e.Forgotten != 2 || e.Len() != 7 {
		t.Errorf("forgotten %d, %d are left", e.Forgotten, e.Len())
	}
}

func TestEntitiesHitsAllocateNothing(t *testing.T) {
	e := NewEntities(8, func(n *int) int { return *n }, strings.Clone)
	e.At("known")
	if n := testing.AllocsPerRun(100, func() { *e.At("known")++ }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func TestThresholds(t *testing.T) {
	limits := DefaultThresholds()
	good := func(name string, value any) {
		t.Helper()
		if err := limits.Set(name, value); err != nil {
			t.Error(err)
		}
	}
	bad := func(name string, value any) {
		t.Helper()
		if limits.Set(name, value) == nil {
			t.Errorf("%s = %v was accepted", name, value)
		}
	}
	good("burst.min-messages", int64(5))
	good("burst.span", "5m")
	good("score.low", 0.3)
	good("score.high", int64(1))
	bad("burst.min-messages", "many")
	bad("burst.min-messages", int64(-1))
	bad("burst.span", int64(5))
	bad("burst.span", "-5m")
	bad("score.low", "low")
	bad("score.low", math.NaN()) // TOML has it, and nothing is more than it
	bad("relay.random", math.Inf(1))
	bad("burst.spam", int64(5)) // no such
	if limits.Burst.MinMessages != 5 || limits.Burst.Span != 5*time.Minute || limits.Score.Low != 0.3 || limits.Score.High != 1 {
		t.Errorf("got %+v", limits)
	}
}

// A field without a key could not be set, and two keys for one field would be a mistake.
func TestThresholdKeys(t *testing.T) {
	var limits Thresholds
	fields := 0
	for _, group := range reflect.ValueOf(limits).Fields() {
		fields += group.NumField()
	}
	names, values := make(map[string]bool), make(map[any]bool)
	for _, key := range limits.Keys() {
		names[key.Name], values[key.Value] = true, true
	}
	if len(names) != fields || len(values) != fields {
		t.Errorf("%d names and %d values of %d fields", len(names), len(values), fields)
	}
}
