package analyze

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"mailforensics/mail"
)

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
