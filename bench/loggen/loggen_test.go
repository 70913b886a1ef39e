package loggen

import (
	"bytes"
	"io"
	"regexp"
	"testing"
	"time"
)

// The truth is that of the text: counted again from the lines alone, with regular expressions.
func TestTruth(t *testing.T) {
	t.Run("postfix", func(t *testing.T) {
		for _, o := range []Options{{Size: 8e5, Runs: 2}, {Size: 8e5, RFC3339: true, LongIDs: true}, {Size: 8e5, Fresh: 1, Seed: 7}} {
			text, truth := written(t, Postfix, o)
			check(t, text, "messages", truth.Messages, `: client=|: uid=33`)
			check(t, text, "notices", truth.Notices, `sender non-delivery notification`)
			check(t, text, "rejected", truth.Rejected, `NOQUEUE: reject`)
			check(t, text, "logins", truth.Logins, `imap-login: Login`)
			check(t, text, "failed logins", truth.FailedLogins, `SASL LOGIN authentication failed`)
			check(t, text, "delivered", truth.Delivered+truth.Notices, `status=sent`)
			check(t, text, "bounced", truth.Bounced, `status=bounced`)
			check(t, text, "queue IDs", truth.QueueIDCount, `: message-id=<`)
		}
	})
	t.Run("exim", func(t *testing.T) {
		for _, o := range []Options{{Size: 8e5, Runs: 2}, {Size: 8e5, LongIDs: true}} {
			text, truth := written(t, Exim, o)
			check(t, text, "messages", truth.Messages, ` P=esmtps| P=local S=\d+ id=`)
			check(t, text, "notices", truth.Notices, ` <= <> R=`)
			check(t, text, "rejected", truth.Rejected, ` rejected RCPT `)
			check(t, text, "failed logins", truth.FailedLogins, `authenticator failed`)
			check(t, text, "delivered", truth.Delivered+truth.Notices, ` (=>|->) `)
			check(t, text, "bounced", truth.Bounced, ` \*\* `)
			check(t, text, "queue IDs", truth.QueueIDCount, ` <= `)
		}
	})
}

func written(t *testing.T, write func(io.Writer, Options) (Truth, error), o Options) ([]byte, Truth) {
	t.Helper()
	var text bytes.Buffer
	truth, err := write(&text, o)
	if err != nil {
		t.Fatal(err)
	}
	if lines := int64(bytes.Count(text.Bytes(), []byte("\n"))); lines != truth.Lines || int64(text.Len()) != truth.Bytes {
		t.Errorf("got %d lines, %d bytes, want %d, %d", lines, text.Len(), truth.Lines, truth.Bytes)
	}
	if got := truth.Delivered + truth.Bounced + truth.Deferred; got != truth.Recipients {
		t.Errorf("got %d dispositions, want %d", got, truth.Recipients)
	}
	if len(truth.Runs) != o.Runs {
		t.Errorf("got %d runs, want %d", len(truth.Runs), o.Runs)
	}
	for _, r := range truth.Runs {
		if r.Messages < 10 || r.End.Sub(r.Start) > time.Hour {
			t.Errorf("a run of %d messages in %v", r.Messages, r.End.Sub(r.Start))
		}
	}
	return text.Bytes(), truth
}

func check(t *testing.T, text []byte, what string, want int64, pattern string) {
	t.Helper()
	if got := int64(len(regexp.MustCompile(pattern).FindAll(text, -1))); got != want || got == 0 {
		t.Errorf("%s: got %d in the text, want %d", what, got, want)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	a, _ := written(t, Postfix, Options{Size: 1e6, Seed: 3})
	b, _ := written(t, Postfix, Options{Size: 1e6, Seed: 3})
	c, _ := written(t, Postfix, Options{Size: 1e6, Seed: 4})
	if !bytes.Equal(a, b) {
		t.Error("the same seed gave other bytes")
	}
	if bytes.Equal(a, c) {
		t.Error("another seed gave the same bytes")
	}
}

func TestLinesAreInOrderOfTime(t *testing.T) {
	text, _ := written(t, Postfix, Options{Size: 1e6, RFC3339: true})
	last := ""
	for line := range bytes.Lines(text) {
		if stamp := string(line[:26]); stamp < last {
			t.Fatalf("%s after %s", stamp, last)
		} else {
			last = stamp
		}
	}
}

// How fast is a log written? Benchmarks of the program should not wait for it, which takes 100 MB/s.
func BenchmarkPostfix(b *testing.B) { benchmark(b, Postfix) }
func BenchmarkExim(b *testing.B)    { benchmark(b, Exim) }

func benchmark(b *testing.B, write func(io.Writer, Options) (Truth, error)) {
	const size = 50e6
	b.SetBytes(size)
	for b.Loop() {
		if _, err := write(io.Discard, Options{Size: size, Runs: 3}); err != nil {
			b.Fatal(err)
		}
	}
}
