package analyze

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// answer is a message of one of ours to an address that a run may have named.
type answer struct {
	writer
	to     string
	domain string  // that of a run's sender, where the address is another one there
	like   float64 // how much the address looks like one that the run named; 0: it is the run's own sender
}

// who is the account that wrote, or the sender where there was no login.
func (a *answer) who() string { return cmp.Or(a.account, a.sender) }

// answerWithin is how long after a run a message still counts as an answer.
const answerWithin = 72 * time.Hour

// findAnswers gives each run the messages that may answer it: to its sender, with its subject, or to an address that nobody wrote to before
// and that never wrote to us, if there is another sign, too.
func (q *phishInquiry) findAnswers() {
	if len(q.runs) == 0 {
		return
	}
	for _, address := range q.w.contacts.Sorted(strings.Compare) {
		c := q.w.contacts.Find(address)
		if q.site.IsOurs(mail.Domain(address)) {
			continue
		}
		writers := c.writers()
		slices.SortFunc(writers, compareWriters)
		like := q.likeness(address, c, writers)
		if like < likeEnough {
			q.direct(address, writers)
			if like < likePerhaps {
				continue
			}
		}
		for _, in := range writers {
			r := q.runBefore(&in)
			if r == nil {
				continue
			}
			if a := (answer{writer: in, to: address, like: like}); like < likeEnough {
				r.perhaps = append(r.perhaps, a)
			} else {
				r.answers = append(r.answers, a)
			}
		}
	}
}

// amongPlain looks for answered runs among those in which nothing is odd by itself. If no odd run was answered, an address counts that is
// named like a mail administration, at a public provider, and to which several people wrote. An answer to the run's own sender proves
// nothing, because people answer invitations, too: it is a lead, reported only if an account of those who answered was abused.
func (q *phishInquiry) amongPlain(plain []*run) {
	odd := q.runs
	answered := slices.ContainsFunc(odd, func(r *run) bool { return len(r.answers) > 0 })
	q.runs = plain
	q.findAnswers()
	for _, r := range plain {
		var named, direct []answer
		for _, a := range r.answers {
			switch {
			case !answered && q.severalWroteTo(a.to):
				named = append(named, a)
			case a.like == 0:
				direct = append(direct, a)
			}
		}
		if r.answers = named; len(named) == 0 {
			r.answers, r.lead = direct, true
		}
		if len(r.answers) > 0 {
			odd = append(odd, r)
		}
	}
	q.runs = odd
	slices.SortFunc(q.runs, compareRuns)
}

// direct finds answers to the sender of a run, or to another address of the sender's domain, unless that is a provider's. To whom somebody
// wrote before its first run is known here; to whom somebody wrote after its first run was answered then, and may be again. An address
// that was no sender may have been named by a later run of the same people, in other names: of two runs that may have been answered, the
// latest that reached the writer is the more likely.
func (q *phishInquiry) direct(address string, writers []writer) {
	for i, r := range q.runs {
		if r.sender == "" || writers[0].time <= q.began[r.sender] {
			continue
		}
		domain := mail.Domain(r.sender)
		if address != r.sender && (mail.Domain(address) != domain || q.addresses[domain] >= providerFrom) {
			continue
		}
		for _, in := range writers {
			if in.time <= r.Start || in.time.Sub(r.End) > answerWithin || againBefore(q.runs[i+1:], r.sender, &in) {
				continue
			}
			a := answer{writer: in, to: address}
			if address == r.sender {
				r.answers = append(r.answers, a)
				continue
			}
			a.domain = domain
			asked := r
			if later := q.runBefore(&in); later != nil && later.Start > r.Start && later.reached(&in) && !later.before && later.odd >= oddEnough {
				asked = later
			}
			asked.answers = append(asked.answers, a)
		}
	}
}

// againBefore reports whether a sender has one more run, among later ones, that began before a message: it answers that one.
func againBefore(later []*run, sender string, in *writer) bool {
	return slices.ContainsFunc(later, func(r *run) bool { return r.sender == sender && r.Start < in.time })
}

// runBefore is the latest run before a message, preferably one that reached its writer.
func (q *phishInquiry) runBefore(in *writer) *run {
	var latest, reached *run
	for _, r := range q.runs {
		if r.Start >= in.time || in.time.Sub(r.End) > answerWithin {
			continue
		}
		if latest = r; r.reached(in) {
			reached = r
		}
	}
	if reached != nil && latest.Start.Sub(reached.Start) < answerWithin/3 {
		return reached
	}
	return latest
}

func compareWriters(a, b writer) int {
	return cmp.Or(mail.CompareLines(a.time, a.Origin, b.time, b.Origin), strings.Compare(a.account, b.account))
}
