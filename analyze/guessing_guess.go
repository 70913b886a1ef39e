package analyze

import (
	"slices"
	"time"

	"mailforensics/mail"
)

// guess is clients that guess passwords together, and whether one succeeded.
type guess struct {
	subject  Subject
	clients  []*guesser
	accounts Tally
	n        int
	unknown  int
	broken   []winner // logins that succeeded after it
	unsure   bool     // and may be the owner's …
	stopped  bool     // … but did what no device does
	device   bool     // one has an old password, beside another that has the new one
	usual    bool     // all came from one provider that users here have
	first    mail.Instant
	last     mail.Instant
	times    []mail.Instant // all of them; nil where not all are known
	cap      float64        // the most that it is worth without a success; 0: unbroken
	Argument
}

// most is the highest score that a guess without a success may have.
func (b *guess) most() float64 {
	if b.cap > 0 {
		return b.cap
	}
	return unbroken
}

func newGuess(subject Subject, clients []*guesser) *guess {
	b := &guess{subject: subject, clients: clients}
	complete := true
	for _, g := range clients {
		f := g.failures()
		b.n += f.n
		b.unknown += g.unknown
		b.accounts.Merge(&g.accounts)
		if b.first == 0 || f.first < b.first {
			b.first = f.first
		}
		b.last = max(b.last, f.last)
		complete = complete && len(f.times) == f.n
		b.times = append(b.times, f.times...)
	}
	slices.Sort(b.times)
	if !complete {
		b.times = nil
	}
	return b
}

// tried is how many names were tried, in words: many versions of Postfix do not log them.
func (b *guess) tried() string {
	const rest = "that its lines do not name"
	switch n := b.accounts.Distinct(); {
	case n == 0:
		return "accounts " + rest
	case 2*b.accounts.Total() < b.n:
		return plural(n, "account", "accounts") + " and others " + rest
	default:
		return plural(n, "account", "accounts")
	}
}

// minutes is how long it went on.
func (b *guess) minutes() float64 { return max(1, b.last.Sub(b.first).Minutes()) }

// slow reports whether they are too slow for a limit to notice.
func (b *guess) slow() bool {
	return b.last.Sub(b.first) >= 12*time.Hour && float64(b.n)/b.minutes() <= 0.2 && b.n >= manyTries
}
