package analyze

import "testing"

func TestSay(t *testing.T) {
	for want, got := range map[string]string{
		"0 of 7 %":                  say("%d of %d %%", 0, 7),
		"999 and 1,000":             say("%d and %s", 999, "1,000"),
		"2,339 of 1,234,567, 0.5":   say("%d of %v, %.1f", 2339, 1234567, 0.5),
		"-12,345":                   say("%d", -12345),
		"1 message":                 plural(1, "message", "messages"),
		"4,012 messages":            plural(4012, "message", "messages"),
		"100000 is no whole number": say("%d is no whole number", int64(100000)),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
