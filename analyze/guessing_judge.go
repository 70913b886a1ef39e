package analyze

import (
	"slices"
	"strings"
	"time"
)

// weigh gives a guess its reasons and its score.
func (q *guessInquiry) weigh(b *guess) {
	tried, real := b.accounts.Distinct(), q.real(&b.accounts)
	b.because("failed-logins", failedLogins, "%s on %s from %s", plural(b.n, "failed login", "failed logins"), b.tried(), plural(len(b.clients), "address", "addresses"))
	q.weighMass(b, tried)
	if real >= 3 && 2*real >= tried || real > 0 && b.subject.Kind == Account {
		b.because("real-accounts", 0.1, "%d of them are real accounts here: whoever tries them knows their names", real)
	}
	b.weighPace()
	if len(b.broken) > 0 {
		q.weighBroken(b)
		return
	}
	q.harmless(b, tried, real)
}

// weighMass weighs how many tries there were, on how many names and from how many addresses.
func (q *guessInquiry) weighMass(b *guess, tried int) {
	switch {
	case b.n >= 1000:
		b.because("many", 0.2, "a thousand tries or more")
	case b.n >= 100:
		b.because("many", 0.1, "a hundred tries or more")
	}
	switch {
	case tried >= 20:
		b.because("many-accounts", 0.2, "%d names were tried", tried)
	case tried >= q.t.MinAccounts:
		b.because("many-accounts", 0.1, "%d names were tried", tried)
	}
	if len(b.clients) >= 30 {
		b.because("many-clients", 0.1, "%d addresses, %.1f tries each", len(b.clients), float64(b.n)/float64(len(b.clients)))
	}
}

// weighPace weighs whether the tries came faster than a person makes any, or too slowly for a limit to notice.
func (b *guess) weighPace() {
	minutes := b.minutes()
	switch rate := float64(b.n) / minutes; {
	case rate >= 10:
		b.because("fast", 0.1, "%.0f a minute", rate)
	case b.slow():
		b.because("slow", 0.1, "too slow for a limit to notice: one in %s", duration(time.Duration(minutes/float64(b.n)*float64(time.Minute))))
	}
}

// collects is the longest interval at which a device checks mail. An attacker who is as slow, and tries one account only, gets nowhere.
const collects = 5 * time.Minute

func (q *guessInquiry) weighBroken(b *guess) {
	var names []string
	for _, o := range b.broken {
		if name := o.v.name(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if b.device {
		b.because("succeeded-perhaps", 0.15, "then a login to %s succeeded", strings.Join(names, ", "))
		b.atMost(noise, "old-password", "even tries went on beside logins from there, or logins took their place at the same pace: a device with an old password, beside another or until it was corrected")
		return
	}
	if b.usual {
		b.because("succeeded-perhaps", 0.15, "then a login to %s succeeded, from a network that the account does not use otherwise", strings.Join(names, ", "))
		b.atMost(noise, "old-password", changingDevice)
		return
	}
	if b.unsure {
		weight := 0.35
		gap := b.clients[0].failures().gap()
		if len(b.clients) > 1 {
			gap = (&tries{times: b.times}).gap()
		}
		if gap >= collects && !b.stopped {
			weight = 0.15
		}
		b.because("succeeded-perhaps", weight, "then a login to %s succeeded, from a network that the account does not use otherwise; the tries came at even intervals, as from a device with an old password",
			strings.Join(names, ", "))
		if b.stopped {
			b.because("stopped", 0.05, "it came when the next try was due, and none came after it: a device would go on checking mail")
		}
		return
	}
	b.because("succeeded", 0.7, "then a login succeeded: %s", strings.Join(names, ", "))
}

// harmless lowers the score of daily noise (names that nobody has, a device with an old password) and of tries that never succeeded. That is
// a reason, too: the weights add up to the score.
func (q *guessInquiry) harmless(b *guess, tried, real int) {
	switch {
	case len(b.clients) == 1 && tried == 1 && b.clients[0].failures().regular():
		b.excuse(0.3, 0.25, "old-password", "one account, at even intervals: a device with an old password")
	case tried > 0 && real == 0:
		b.excuse(0.1, noise, "nobody-there", "none of the names is an account in use here")
	case b.subject.Kind == Network && tried == 1 && b.slow() && q.livesThere(b.clients[0]):
		b.excuse(0.1, noise, "old-password", "one account, a try now and then, from a provider that users here have: a device with an old password whose address changes")
	case b.usual && b.subject.Kind == Network:
		b.excuse(0.1, noise, "old-password", "most of its addresses tried an account or two that are used from this provider: devices with old passwords, whose addresses change")
	case b.usual:
		b.excuse(0.1, noise, "old-password", changingDevice)
	case tried > 0 && tried <= 2 && b.n < 100:
		b.atMost(noise, "few-tries", "few tries on few names: every server sees as many")
	case len(b.clients) > 1 && b.subject.Kind != Network && q.always(b):
		b.excuse(0.1, noise, "always", "goes on all the time, as on every server")
	}
	if b.cap > 0 {
		b.atMost(b.cap, "like-the-others", "others try as often: it does not stand out")
	}
	b.atMost(unbroken, "not-in", "none of the tries succeeded, as far as the log shows")
}

const changingDevice = "one account, and all from one provider that users here have: a device with an old password, whose address changes"

// excuse lowers the score by so much, and to at most so much, but not below that of any failed logins.
func (b *guess) excuse(by, most float64, code, text string) {
	b.because(code, max(failedLogins, min(b.Score-by, most))-b.Score, "%s", text)
}

// The score of any failed logins, the highest of tries without a success, and the highest of noise.
const (
	failedLogins = 0.2
	unbroken     = 0.7
	noise        = 0.45
)

// always reports whether the tries are spread over most of a long log, so that no beginning and no end can be given.
func (q *guessInquiry) always(b *guess) bool {
	log := q.site.Last.Sub(q.site.First)
	return log >= 24*time.Hour && b.last.Sub(b.first) >= log*6/10
}
