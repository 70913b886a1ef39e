package main

import (
	"testing"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// The timeline shows the time around findings above low; low ones widen it only if there are no others.
func TestAround(t *testing.T) {
	const hour, minute = mail.Instant(time.Hour), mail.Instant(time.Minute)
	found := func(s analyze.Severity, start, end mail.Instant) analyze.Finding {
		return analyze.Finding{Severity: s, Start: start, End: end}
	}
	for name, tt := range map[string]struct {
		findings []analyze.Finding
		from, to mail.Instant
		n        int
	}{
		"nothing":                 {},
		"one":                     {[]analyze.Finding{found(analyze.High, 30*hour, 50*hour)}, 28 * hour, 52 * hour, 1},
		"short":                   {[]analyze.Finding{found(analyze.High, 30*hour, 30*hour+minute)}, 30*hour - 10*minute, 30*hour + 11*minute, 1},
		"two":                     {[]analyze.Finding{found(analyze.High, 40*hour, 50*hour), found(analyze.Medium, 30*hour, 35*hour)}, 28 * hour, 52 * hour, 2},
		"grave and low":           {[]analyze.Finding{found(analyze.Medium, 30*hour, 50*hour), found(analyze.Low, 10*hour, 90*hour)}, 28 * hour, 52 * hour, 1},
		"low alone":               {[]analyze.Finding{found(analyze.Low, 30*hour, 50*hour), found(analyze.Low, 31*hour, 32*hour)}, 28 * hour, 52 * hour, 2},
		"up to the log's edges":   {[]analyze.Finding{found(analyze.High, 2*hour, 99*hour)}, hour, 100 * hour, 1},
		"when, nobody could tell": {[]analyze.Finding{found(analyze.High, 0, 0)}, 0, 0, 0},
	} {
		from, to, n := around(tt.findings, hour, 100*hour)
		if n != tt.n || n > 0 && (from != tt.from || to != tt.to) {
			t.Errorf("%s: got %v to %v for %d, want %v to %v for %d", name, time.Duration(from), time.Duration(to), n, time.Duration(tt.from), time.Duration(tt.to), tt.n)
		}
	}
}

func TestRowStep(t *testing.T) {
	for _, tt := range []struct{ span, least, want time.Duration }{
		{0, time.Minute, time.Minute},
		{time.Hour, time.Minute, time.Minute},
		{time.Hour + time.Second, time.Minute, 2 * time.Minute},
		{time.Hour, 4 * time.Minute, 5 * time.Minute}, // no finer than what was counted
		{24 * time.Hour, time.Minute, 30 * time.Minute},
		{365 * 24 * time.Hour, time.Minute, 7 * 24 * time.Hour},
		{10 * 365 * 24 * time.Hour, time.Minute, 30 * 24 * time.Hour},
	} {
		if got := rowStep(tt.span, tt.least, 60); got != tt.want {
			t.Errorf("%v in 60 rows of at least %v: got %v, want %v", tt.span, tt.least, got, tt.want)
		}
	}
}

func TestAtWork(t *testing.T) {
	var all []analyze.Finding
	for i, who := range []string{"a", "b", "b", "c", "d", "e"} {
		all = append(all, analyze.Finding{Subject: analyze.Subject{Kind: analyze.Account, Value: who}, Start: mail.Instant(10 * i), End: mail.Instant(10*i + 10)})
	}
	for _, tt := range []struct {
		from, to mail.Instant
		want     string
	}{{0, 5, "a"}, {0, 10, "a"}, {10, 15, "a, b"}, {11, 20, "b"}, {20, 31, "b, c"}, {0, 100, "a, b, c and 2 more"}, {70, 80, ""}} {
		if got := atWork(all, tt.from, tt.to); got != tt.want {
			t.Errorf("%d to %d: got %q, want %q", tt.from, tt.to, got, tt.want)
		}
	}
}
