package analyze

import (
	"testing"
	"time"

	"mailforensics/mail"
)

// The night is what no day has, without the late evening and the early morning, and only if so many times cannot have left it free by chance.
func TestNightOf(t *testing.T) {
	day := func(hours ...int) (times []mail.Instant) {
		for d := range 5 {
			for _, h := range hours {
				times = append(times, mail.Instant(time.Duration(24*(20_000+d)+h)*time.Hour))
			}
		}
		return times
	}
	for _, tt := range []struct {
		name  string
		times []mail.Instant
		want  night
	}{
		{"an office", day(8, 10, 12, 14, 16), night{22 * time.Hour, 6 * time.Hour}},
		{"an office at the other end of the world", day(20, 22, 0, 2, 4), night{10 * time.Hour, 6 * time.Hour}},
		{"a nightly report, too", day(2, 8, 10, 12, 14, 16), night{19*time.Hour + 45*time.Minute, 3*time.Hour + 45*time.Minute}},
		{"all day", day(0, 3, 6, 9, 12, 15, 18, 21), night{}},
		{"few", day(8, 10, 12, 14, 16)[:5], night{}},
		{"one mailing", []mail.Instant{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}, night{}},
		{"none", nil, night{}},
	} {
		if got := nightOf(tt.times); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	office := nightOf(day(8, 10, 12, 14, 16))
	for hour := range 24 {
		want := hour >= 22 || hour < 4
		if got := office.has(mail.Instant(time.Duration(hour)*time.Hour + 1)); got != want {
			t.Errorf("%d o'clock: got %v", hour, got)
		}
	}
}
