package analyze

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"mailforensics/mail"
)

func day() pace {
	limits := DefaultThresholds().Burst
	return pace{minutes: 24 * 60, minMessages: limits.MinMessages, span: limits.Span, pause: limits.Pause, logChance: limits.LogChance}
}

// every returns moments from start on, at equal intervals.
func every(start string, gap time.Duration, n int) []mail.Instant {
	var times []mail.Instant
	for i := range n {
		times = append(times, at(start).Add(time.Duration(i)*gap))
	}
	return times
}

func joined(lists ...[]mail.Instant) []mail.Instant {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return all
}

func TestWindows(t *testing.T) {
	stranger := day()
	stranger.stranger = true
	for _, c := range []struct {
		name  string
		times []mail.Instant
		pace  pace
		want  []string // first and last instant of each
	}{
		{"nothing", nil, day(), nil},
		{"six are too few", every("10:00:00", 10*time.Second, 6), day(), nil},
		{"seven in three minutes", every("10:00:00", 30*time.Second, 7), day(), []string{"10:00:00", "10:03:00"}},
		{"seven in an hour", every("10:00:00", 10*time.Minute, 7), day(), nil},
		// No grid: half of it lies before ten, half after it.
		{"across the hour", every("09:57:30", 30*time.Second, 10), day(), []string{"09:57:30", "10:02:00"}},
		{"one a quarter of an hour, all day, and no more", every("00:00:00", 15*time.Minute, 96), day(), nil},
		// The mails of an ordinary day before and after are no part of it, even two minutes before.
		{"a run amid the ordinary",
			joined(every("00:00:00", 15*time.Minute, 96), every("10:02:00", 6*time.Second, 600)), day(), []string{"10:02:00", "11:01:54"}},
		// Five a minute is what it does; so is six.
		{"a busy server", joined(every("00:00:00", 12*time.Second, 7200), every("10:00:01", time.Minute, 60)), day(), nil},
		{"a busy server that is misused", joined(every("00:00:00", 12*time.Second, 7200), every("10:00:01", 500*time.Millisecond, 1200)), day(),
			[]string{"10:00:00", "10:10:00"}},
		// Batches with pauses of twenty minutes are one run, of two hours are two.
		{"a pause", joined(every("10:00:00", 10*time.Second, 20), every("10:23:00", 10*time.Second, 20)), day(), []string{"10:00:00", "10:26:10"}},
		{"two runs", joined(every("10:00:00", 10*time.Second, 20), every("14:00:00", 10*time.Second, 20)), day(),
			[]string{"10:00:00", "10:03:10", "14:00:00", "14:03:10"}},
		// A stranger with no past: what it did between its batches is part of it.
		{"a newcomer", joined(every("10:00:00", 10*time.Second, 20), every("11:00:00", 10*time.Second, 20)), stranger, []string{"10:00:00", "11:03:10"}},
		// Three hours at one in four minutes, and once eight in ten: the eight show it, the fifty are what it did.
		{"a newcomer that takes its time", joined(every("10:00:00", 4*time.Minute, 45), every("11:01:00", 2*time.Minute, 5)), stranger,
			[]string{"10:00:00", "12:56:00"}},
		{"a newcomer that stays for eight hours of three days", joined(every("10:00:00", 4*time.Minute, 120), every("11:01:00", 2*time.Minute, 5)),
			func() pace { p := stranger; p.minutes *= 3; return p }(), []string{"10:00:00", "17:56:00"}},
		// Two days and more without a pause, now and then dense by chance, and never before or after: one burst, not its peaks.
		{"a newcomer that stays for days of a week", joined(every("10:00:00", 4*time.Minute, 700), every("21:01:00", 30*time.Second, 15), every("22:01:00", 30*time.Second, 15)),
			func() pace { p := stranger; p.minutes *= 7; return p }(), []string{"10:00:00", "08:36:00"}},
		{"somebody who is there for most of the log", joined(every("10:00:00", 4*time.Minute, 700), every("21:01:00", 30*time.Second, 15)),
			func() pace { p := stranger; p.minutes *= 3; return p }(), []string{"21:00:00", "21:08:00"}},
		{"what is not remembered is past, too", every("10:00:00", 30*time.Second, 7), func() pace { p := day(); p.past = 5000; return p }(), nil},
		// A log of half an hour says nothing of the past; what is missing counts as silent.
		{"a short log", every("10:00:00", 20*time.Second, 30), func() pace { p := day(); p.minutes = 30; return p }(), []string{"10:00:00", "10:09:40"}},
	} {
		var got []string
		for _, w := range windows(c.times, c.pace) {
			got = append(got, c.times[w.from].In(time.UTC).Format(time.TimeOnly), c.times[w.to-1].In(time.UTC).Format(time.TimeOnly))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// Nothing is found in messages at random, at any rate, over many days.
func TestWindowsFindNothingInNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	found := 0
	for range 200 {
		n := 1 << rng.IntN(13)
		times := make([]mail.Instant, n)
		for i := range times {
			times[i] = at("00:00:00").Add(time.Duration(rng.Int64N(int64(24 * time.Hour))))
		}
		slices.Sort(times)
		found += len(windows(times, day()))
	}
	if found > 0 {
		t.Errorf("%d bursts in noise", found)
	}
}

// A run that is planted into noise is found with its first and last message, plus or minus a neighbouring message of the noise.
func TestWindowsFindWhatWasPlanted(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for round := range 200 {
		noise := rng.IntN(100)
		var times []mail.Instant
		for range noise {
			times = append(times, at("00:00:00").Add(time.Duration(rng.Int64N(int64(24*time.Hour)))))
		}
		start := at("02:00:00").Add(time.Duration(rng.Int64N(int64(18 * time.Hour))))
		n, gap := 20+rng.IntN(300), time.Duration(2+rng.IntN(15))*time.Second
		end := start
		for i := range n {
			end = start.Add(time.Duration(i) * gap)
			times = append(times, end)
		}
		slices.Sort(times)
		got := windows(times, day())
		if len(got) != 1 {
			t.Fatalf("round %d: %d windows", round, len(got))
		}
		first, last := times[got[0].from], times[got[0].to-1]
		if start.Sub(first).Abs() > 3*time.Minute || last.Sub(end).Abs() > 3*time.Minute {
			t.Errorf("round %d: planted %v to %v, found %v to %v", round, start.In(time.UTC), end.In(time.UTC), first.In(time.UTC), last.In(time.UTC))
		}
	}
}
