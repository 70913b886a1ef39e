package report

import (
	"testing"
	"time"

	"mailforensics/analyze"
)

// What is known of the busiest minute is said as it was counted: over any 60 seconds, or over a minute of the clock.
func TestHowFast(t *testing.T) {
	for want, rate := range map[string]*analyze.Rate{
		"4.7 a minute, at most 9 in 60 s (from 13:46:02)":            {PerMinute: 4.7, PeakPerMinute: 9, PeakAt: at("14:46:02")},
		"4.7 a minute, 8 in the busiest minute of the clock (13:46)": {PerMinute: 4.7, PeakPerMinute: 8, PeakAt: at("14:46:00"), WholeMinutes: true},
		"3.0 an hour": {PerMinute: 0.05, WholeMinutes: true},
	} {
		if got := howFast(&analyze.Finding{Rate: rate}, time.UTC); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
