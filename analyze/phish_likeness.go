package analyze

import (
	"slices"
	"time"

	"mailforensics/mail"
)

const (
	likeEnough   = 0.35
	likePerhaps  = 0.25 // two people whom the run reached wrote to it within hours: colleagues may have the same new customer
	providerFrom = 5    // addresses of a domain to which our users write, of which none is an organisation's own
	soonAfter    = 4 * time.Hour
)

// likeness is how much an address looks like the one that a run asked to write to: it is named like a mail administration but is at a
// public provider; several people wrote to it, each once, soon after; the subject is the run's. Two or three colleagues may well write to the
// same new customer, so no sign is enough alone but the subject.
func (q *phishInquiry) likeness(address string, c *contact, writers []writer) float64 {
	if !q.isFresh(address, c) {
		return 0
	}
	like := 0.0
	if keeperName(mail.LocalPart(address)) {
		like += 0.05
		if q.isProvider(mail.Domain(address)) {
			like += 0.3
		}
	}
	wrote := q.countAfterRuns(writers)
	if wrote.after == 0 {
		return 0
	}
	if wrote.sameSubject {
		like += 0.35
	}
	if wrote.after < len(writers) || c.n > 2*len(writers) {
		like -= 0.15
	}
	switch {
	case wrote.after >= 3:
		like += 0.15
	case wrote.after == 2:
		like += 0.1
	}
	if 2*wrote.reached > wrote.after {
		like += 0.1
	}
	if wrote.soon == wrote.after && wrote.after > 1 {
		like += 0.05 * float64(min(wrote.after, 3))
	}
	return like
}

// afterRuns is how many of those who wrote to an address did so after a run.
type afterRuns struct {
	after       int
	soon        int  // of them, soon after it
	reached     int  // of them, people whom it reached
	sameSubject bool // one of them wrote with its subject
}

func (q *phishInquiry) countAfterRuns(writers []writer) (n afterRuns) {
	for i := range writers {
		in := &writers[i]
		r := q.runBefore(in)
		if r == nil {
			continue
		}
		n.after++
		if in.time.Sub(r.End) <= soonAfter {
			n.soon++
		}
		if r.reached(in) {
			n.reached++
		}
		n.sameSubject = n.sameSubject || r.sameSubject(in.subject)
	}
	return n
}

// isFresh reports whether nobody wrote to an address before the first run, and it never wrote to us.
func (q *phishInquiry) isFresh(address string, c *contact) bool {
	if c.first.time <= q.runs[0].Start || q.w.heard.about(hashText(ofAddress, address)) > 0 {
		return false
	}
	return q.w.written.about(hashText(ofAddress, address)) <= c.n
}

// severalWroteTo reports whether several people wrote to an address that is named like a mail administration, at a public provider. A
// single person may know somebody with such an address.
func (q *phishInquiry) severalWroteTo(address string) bool {
	return q.keepsMail(address) && len(q.w.contacts.Find(address).writers()) > 1
}

// keepsMail reports whether an address is named like a mail administration, at a public provider.
func (q *phishInquiry) keepsMail(address string) bool {
	return keeperName(mail.LocalPart(address)) && q.isProvider(mail.Domain(address))
}

// isProvider reports whether many people have addresses in a domain.
func (q *phishInquiry) isProvider(domain string) bool { return q.addresses[domain] >= providerFrom }

// keeperWords are the names that phishing mail gives to the mail administration, in the local part of the address to write to.
var keeperWords = [...]string{
	"helpdesk", "help.desk", "help-desk", "help_desk", "servicedesk", "service.desk", "service-desk", "webteam", "web.team", "web-team",
	"webmail", "mailadmin", "mail.admin", "mail-admin", "webadmin", "sysadmin", "systemadmin", "itsupport", "it.support",
	"it-support", "itservice", "it.service", "it-service", "techsupport", "tech.support", "upgrade", "update", "quota", "mailbox", "postfach",
	"verif", "security", "accountteam", "account.team", "mailteam", "mail.team", "maintenance", "administrat", "supportteam", "support.team",
}

// keeperName reports whether a local part is named like a mail administration.
func keeperName(local string) bool {
	return slices.ContainsFunc(keeperWords[:], func(word string) bool { return containsFold(local, word) })
}
