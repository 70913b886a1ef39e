package analyze

import (
	"slices"
	"strings"
)

// oddEnough: a run that is less odd by itself counts only if it was answered.
const oddEnough = 0.2

// oddities weighs the signs of the run itself.
func (q *phishInquiry) oddities(r *run) {
	r.because("run", 0.1, "%s to %d of our users in %s", plural(r.Counts.Messages, "message", "messages"), len(r.targets), duration(r.End.Sub(r.Start)))
	q.judgeOrigin(r)
	q.judgeMail(r)
	r.judgeHabits()
	r.odd = r.Score
}

// judgeOrigin weighs where a run came from.
func (q *phishInquiry) judgeOrigin(r *run) {
	if !r.before {
		r.because("never-seen", 0.05, "the origin was never seen before or after")
	}
	switch {
	case r.share(unnamedClient) >= enough && q.site.Population.LooksUpNames():
		r.because("no-reverse-name", 0.1, "no reverse DNS name that resolves back to the address")
	case r.share(genericClient) >= enough:
		r.because("generic-name", 0.15, "the client has the name of a customer's line")
	case r.share(rentedClient) >= enough:
		r.because("rented-machine", 0.15, "the client has the name of a rented machine")
	}
	if r.share(oddHELO)+r.share(numericHELO) >= enough {
		r.because("helo-odd", 0.1, "says HELO with something that is no host name")
	}
}

// judgeMail weighs what a run says: its sender and its subject.
func (q *phishInquiry) judgeMail(r *run) {
	if domain, share := r.SenderDomains.Most(); share >= enough && q.site.IsOurs(domain) {
		r.because("forged-own-domain", 0.2, "strangers send as %s, a domain of ours", domain)
	}
	if subject, share := r.Subjects.Most(); share >= enough && baited(subject) {
		r.because("bait", 0.2, "a subject that asks for passwords or mailboxes: %q", subject)
	}
	if r.Senders.Distinct() == 1 && r.Counts.Messages >= len(r.targets)*9/10 && r.share(variableSender) == 0 {
		r.because("one-to-many", 0.05, "one sender to %d people, one by one", len(r.targets))
	}
}

// judgeHabits weighs what bulk mail does that people asked for, and whether a person or a machine is said to write.
func (r *run) judgeHabits() {
	if r.regular {
		r.because("regular", -0.3, "does the same on other days")
	}
	if r.share(listedMail) >= 0.5 {
		r.because("says-bulk", -0.2, "declares itself bulk")
	}
	switch {
	case r.share(machineSender) >= enough:
		sender, _ := r.Senders.Most()
		r.because("machine-sender", 0.1, "sends as %s, the address of a machine and not of a person", sender)
	case r.share(ownNameSender) >= enough && r.share(rentedClient)+r.share(genericClient) == 0:
		r.because("own-name", -0.2, "a mail server that sends for its own domain")
	}
}

// baitWords are what the subjects of phishing mail are about.
var baitWords = [...]string{
	"password", "passwort", "kennwort", "mailbox", "postfach", "quota", "speicher", "verify", "verif", "bestätig", "upgrade", "webmail", "suspend",
	"gesperrt", "expire", "läuft ab", "deactivat", "deaktiv", "unusual", "security alert", "sicherheit", "helpdesk", "is full", "ist voll",
}

func baited(subject string) bool {
	subject = strings.ToLower(subject)
	return slices.ContainsFunc(baitWords[:], func(word string) bool { return strings.Contains(subject, word) })
}

// judge weighs the answers to a run. Without an answer it is low at most, and an answer makes it severe only if the run itself is odd,
// because honest invitations are answered, too.
func (q *phishInquiry) judge(r *run) {
	people := r.answerers()
	to, like := r.answered()
	switch {
	case len(people) == 0:
		if r.odd < 0.3 || r.odd < 0.4 && len(r.targets) < 2*q.t.MinUsers {
			r.Score = 0
		}
		r.cut("nobody-answered", "nobody answered, as far as the log shows: spam filters see many such runs")
		return
	case like > 0:
		weight := 0.3
		if like >= 0.5 {
			weight = 0.4
		}
		r.because("answered", weight, "%s wrote afterwards to %s, an address that nobody here wrote to before and that never wrote to us", someNames(people), to)
		if q.keepsMail(to) {
			r.because("keeper-name", 0.15, "that address is named like a mail administration, at a public provider")
		}
	default:
		r.because("answered", 0.3, "%s wrote back to %s", someNames(people), to)
	}
	if len(people) > 1 {
		r.because("many-answered", 0.1, "%d people", len(people))
	}
	if r.odd < 0.3 && !q.severalWroteTo(to) {
		r.cut("ordinary-run", "the run itself is not odd, and honest invitations are answered, too")
	}
}

// cut keeps a run below medium.
func (r *run) cut(code, text string) {
	const belowMedium = 0.45
	r.atMost(belowMedium, code, text)
}
