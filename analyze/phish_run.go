package analyze

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// run is mail of one origin to many of our users in a short time.
type run struct {
	*batch
	sender  string // folded, where it is one; else ""
	regular bool   // the same origin does so on other days
	before  bool   // the origin was met before or after
	targets map[string]bool
	answers []answer
	perhaps []answer // they may be answers; worth telling only if an account of those who wrote them was abused
	odd     float64  // how odd the run itself is
	Argument
	lead bool // it looks like honest mail and was answered as such: reported only if an account of those who answered was abused
}

func newRun(records []*record, targets map[string]bool) *run {
	r := &run{batch: newBatch(), targets: targets}
	for _, of := range records {
		r.add(of)
	}
	return r
}

// oneOperator reports whether many senders of one network belong together: one message for each recipient, and one sender domain or one
// subject. A partner's mail server sends many people's mail, some of it to several of our users at once.
func (r *run) oneOperator() bool {
	n := r.Counts.Messages
	if n < r.Counts.Recipients*9/10 || n > 3*len(r.targets)/2 || r.share(variableSender) >= 0.5 {
		return false
	}
	if r.share(hasSubject) >= enough {
		_, share := r.Subjects.Most()
		return share >= enough
	}
	return r.SenderDomains.Distinct() == 1 && r.End.Sub(r.Start) <= time.Hour
}

// reached reports whether a run went to the writer, as far as the writer's addresses are known: mail to a list or an alias reaches people
// whose names are not in the log.
func (r *run) reached(in *writer) bool {
	return r.targets[strings.ToLower(in.sender)] || r.targets[strings.ToLower(in.account)]
}

// sameSubject reports whether a subject answers the run's: "Re: …".
func (r *run) sameSubject(subject string) bool {
	of, share := r.Subjects.Most()
	return share >= enough && len(of) >= 8 && len(subject) > len(of) && strings.HasSuffix(strings.ToLower(subject), strings.ToLower(of))
}

// answerers are those who answered, sorted.
func (r *run) answerers() []string {
	seen := make(map[string]bool)
	for _, a := range r.answers {
		seen[a.who()] = true
	}
	return sortedSet(seen)
}

// answered is the address that they most likely answered to, and how likely it is; 0: it is the run's own sender.
func (r *run) answered() (to string, like float64) {
	for _, a := range r.answers {
		if to == "" || a.like > like {
			to, like = a.to, a.like
		}
	}
	return to, like
}

// leads are the run with the answers that it may have got, where it has no others, one for each address that was written to and the
// likeliest first: the first of them that led to something is told instead of the run.
func (r *run) leads() (all []*run) {
	if len(r.answers) > 0 {
		return nil
	}
	to := make(map[string][]answer)
	for _, a := range r.perhaps {
		to[a.to] = append(to[a.to], a)
	}
	for _, address := range slices.Sorted(maps.Keys(to)) {
		lead := *r
		lead.answers, lead.lead, lead.Reasons = to[address], true, slices.Clone(r.Reasons)
		all = append(all, &lead)
	}
	slices.SortStableFunc(all, func(a, b *run) int {
		return cmp.Or(cmp.Compare(b.answers[0].like, a.answers[0].like), cmp.Compare(len(b.answers), len(a.answers)))
	})
	return all
}
