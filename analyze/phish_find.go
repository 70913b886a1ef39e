package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
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

// answer is a message of one of ours to an address that a run may have named.
type answer struct {
	writer
	to     string
	domain string  // that of a run's sender, where the address is another one there
	like   float64 // how much the address looks like one that the run named; 0: it is the run's own sender
}

// phishName is the detector's name in the IDs by which runs link to each other.
const phishName = "phish"

// phishInquiry looks for runs and answers at the end.
type phishInquiry struct {
	w         *phishWatch
	t         *PhishThresholds
	site      *Site
	runs      []*run
	addresses map[string]int          // domains: to how many different addresses of them our users wrote
	began     map[string]mail.Instant // senders of runs: when the first run of each began
}

func (w *phishWatch) Findings(site *Site) []Finding {
	q := &phishInquiry{w: w, t: &w.pass.Thresholds.Phish, site: site, addresses: make(map[string]int), began: make(map[string]mail.Instant)}
	for address := range w.contacts.All() {
		q.addresses[mail.Domain(address)]++
	}
	q.findRuns()
	for _, r := range q.runs {
		q.oddities(r)
		if began, ok := q.began[r.sender]; !ok || r.Start < began {
			q.began[r.sender] = r.Start
		}
	}
	var plain []*run
	q.runs = slices.DeleteFunc(q.runs, func(r *run) bool {
		if r.odd >= oddEnough {
			return false
		}
		if !r.before && !r.regular && r.share(variableSender)+r.share(listedMail) == 0 {
			plain = append(plain, r)
		}
		return true
	})
	q.findAnswers()
	q.amongPlain(plain)
	var found []Finding
	asked := make(map[string][]int) // findings by the address that was answered
	low := w.pass.Thresholds.Score.Low
	for _, r := range q.runs {
		leads := r.leads()
		if q.judge(r); r.Score >= low {
			f := q.finding(r)
			if to, _ := r.answered(); to != "" {
				asked[to] = append(asked[to], len(found))
			}
			found = append(found, f)
		}
		for _, lead := range leads {
			if q.judge(lead); lead.Score >= low {
				found = append(found, q.finding(lead))
			}
		}
	}
	for _, story := range asked {
		relateAll(found, story)
	}
	if w.lost > 0 {
		site.Notes = append(site.Notes, say("phish: %d messages of possible runs were dropped to limit the memory used", w.lost))
	}
	return found
}

// relateAll links findings of one story: runs that asked to write to the same address.
func relateAll(found []Finding, story []int) {
	for _, i := range story {
		for _, j := range story {
			if i != j {
				found[i].Related = append(found[i].Related, NewID(&found[j]))
			}
		}
	}
}

// findRuns groups the messages that are remembered by sender, and the rest by network.
func (q *phishInquiry) findRuns() {
	var records []*record
	for r := range q.w.ring.oldestFirst {
		records = append(records, r)
	}
	kept := make([]record, len(q.w.kept))
	for i := range kept {
		q.w.kept[i].unpack(&kept[i])
		records = append(records, &kept[i])
	}
	q.w.kept = nil
	records = slices.DeleteFunc(records, func(r *record) bool { return q.site.IsOwn(r.client.IP) || !q.forUs(r) })
	sortRecords(records)
	used := make(map[*record]bool)
	group(q, records, used, grouping[string]{
		has:     func(r *record) bool { return r.sender != mail.NullSender && r.sender != "" },
		hash:    func(r *record) uint64 { return hashText(ofAddress, r.sender) },
		key:     func(r *record) string { return strings.ToLower(r.sender) },
		compare: strings.Compare,
	}, true)
	group(q, records, used, grouping[netKey]{
		has:     func(*record) bool { return true },
		hash:    func(r *record) uint64 { return hashOfNet(netOf(r.client.IP)) },
		key:     func(r *record) netKey { return netOf(r.client.IP) },
		compare: compareNetworks,
	}, false)
	slices.SortFunc(q.runs, compareRuns)
}

// forUs reports whether a message is for users of ours.
func (q *phishInquiry) forUs(r *record) bool {
	ours := false
	r.recipients(func(c *recalled) { ours = ours || q.site.IsOurs(mail.Domain(c.address)) })
	return ours
}

// grouping is the key by which records are grouped, and the order of the groups. Equal keys have equal hashes.
type grouping[K comparable] struct {
	has     func(*record) bool
	hash    func(*record) uint64
	key     func(*record) K
	compare func(a, b K) int
}

// group makes runs of records with the same key: periods without a long pause. Most keys have too few recipients, so their hashes are
// counted first, and only the rest is grouped.
func group[K comparable](q *phishInquiry, records []*record, used map[*record]bool, by grouping[K], bySender bool) {
	recipients := make(map[uint64]int)
	for _, r := range records {
		if by.has(r) && !used[r] {
			recipients[by.hash(r)] += 1 + len(r.more)
		}
	}
	groups := make(map[K][]*record)
	for _, r := range records {
		if by.has(r) && !used[r] && recipients[by.hash(r)] >= q.t.MinUsers {
			k := by.key(r)
			groups[k] = append(groups[k], r)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(groups), by.compare) {
		all := groups[k]
		if q.recipients(all) < q.t.MinUsers {
			continue
		}
		days := make(map[mail.Instant]bool)
		var made []*run
		for _, part := range apart(all) {
			targets := q.targetsOf(part)
			if len(targets) < q.t.MinUsers {
				continue
			}
			days[part[0].time/mail.Instant(24*time.Hour)] = true
			if r := q.newRun(part, targets, len(all), bySender); r != nil {
				made = append(made, r)
				for _, of := range part {
					used[of] = true
				}
			}
		}
		for _, r := range made {
			r.regular = len(days) > 2
		}
		q.runs = append(q.runs, made...)
	}
}

// compareNetworks is their order by name.
func compareNetworks(a, b netKey) int { return strings.Compare(networkName(a), networkName(b)) }

// recipients is how many there are; one that occurs twice counts twice.
func (q *phishInquiry) recipients(all []*record) (n int) {
	for _, r := range all {
		n += 1 + len(r.more)
	}
	return n
}

// apart splits sorted records at long pauses.
func apart(all []*record) [][]*record {
	var parts [][]*record
	from := 0
	for i := 1; i <= len(all); i++ {
		if i == len(all) || all[i].time.Sub(all[i-1].time) > newcomerPause {
			parts = append(parts, all[from:i])
			from = i
		}
	}
	return parts
}

func (q *phishInquiry) targetsOf(records []*record) map[string]bool {
	targets := make(map[string]bool)
	for _, r := range records {
		r.recipients(func(c *recalled) {
			if q.site.IsOurs(mail.Domain(c.address)) && !c.unknown {
				targets[strings.ToLower(c.address)] = true
			}
		})
	}
	return targets
}

// longestRun: what takes longer is a day's mail.
const longestRun = 8 * time.Hour

// newRun makes a run of records; nil: they are none, because of too few users, too long a time, or many senders of a network that is seen
// all the time (a provider's servers).
func (q *phishInquiry) newRun(records []*record, targets map[string]bool, all int, bySender bool) *run {
	if records[len(records)-1].time.Sub(records[0].time) > longestRun {
		return nil
	}
	n, to := len(records), max(len(records), q.recipients(records))
	met := q.w.heard.about(hashOfNet(netOf(records[0].client.IP)))
	if bySender {
		met = q.w.heard.about(hashText(ofAddress, records[0].sender))
	}
	before := met > to+to/5 || all > n+n/5
	if before && (!bySender || plainlyHonest(records)) {
		return nil
	}
	r := &run{batch: newBatch(), targets: targets, before: before}
	for _, of := range records {
		r.add(of)
	}
	if bySender {
		r.sender = strings.ToLower(records[0].sender)
	} else if !r.oneOperator() {
		return nil
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

// keepsMail reports whether an address is named like a mail administration, at a public provider.
func (q *phishInquiry) keepsMail(address string) bool {
	return keeperName(mail.LocalPart(address)) && q.isProvider(mail.Domain(address))
}

// severalWroteTo reports whether several people wrote to an address that is named like a mail administration, at a public provider. A
// single person may know somebody with such an address.
func (q *phishInquiry) severalWroteTo(address string) bool {
	return q.keepsMail(address) && len(q.w.contacts.Find(address).writers()) > 1
}

func compareRuns(a, b *run) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.sender, b.sender))
}

func compareWriters(a, b writer) int {
	return cmp.Or(mail.CompareLines(a.time, a.Origin, b.time, b.Origin), strings.Compare(a.account, b.account))
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

// reached reports whether a run went to the writer, as far as the writer's addresses are known: mail to a list or an alias reaches people
// whose names are not in the log.
func (r *run) reached(in *writer) bool {
	return r.targets[strings.ToLower(in.sender)] || r.targets[strings.ToLower(in.account)]
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

// isFresh reports whether nobody wrote to an address before the first run, and it never wrote to us.
func (q *phishInquiry) isFresh(address string, c *contact) bool {
	if c.first.time <= q.runs[0].Start || q.w.heard.about(hashText(ofAddress, address)) > 0 {
		return false
	}
	return q.w.written.about(hashText(ofAddress, address)) <= c.n
}

const (
	likeEnough   = 0.35
	likePerhaps  = 0.25 // two people whom the run reached wrote to it within hours: colleagues may have the same new customer
	providerFrom = 5    // addresses of a domain to which our users write, of which none is an organisation's own
	soonAfter    = 4 * time.Hour
	oddEnough    = 0.2
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
	after, soon, reached, same := 0, 0, 0, false
	for i := range writers {
		in := &writers[i]
		r := q.runBefore(in)
		if r == nil {
			continue
		}
		after++
		if in.time.Sub(r.End) <= soonAfter {
			soon++
		}
		if r.reached(in) {
			reached++
		}
		same = same || r.sameSubject(in.subject)
	}
	if after == 0 {
		return 0
	}
	if same {
		like += 0.35
	}
	if after < len(writers) || c.n > 2*len(writers) {
		like -= 0.15
	}
	switch {
	case after >= 3:
		like += 0.15
	case after == 2:
		like += 0.1
	}
	if 2*reached > after {
		like += 0.1
	}
	if soon == after && after > 1 {
		like += 0.05 * float64(min(after, 3))
	}
	return like
}

// isProvider reports whether many people have addresses in a domain.
func (q *phishInquiry) isProvider(domain string) bool { return q.addresses[domain] >= providerFrom }

// sameSubject reports whether a subject answers the run's: "Re: …".
func (r *run) sameSubject(subject string) bool {
	of, share := r.Subjects.Most()
	return share >= enough && len(of) >= 8 && len(subject) > len(of) && strings.HasSuffix(strings.ToLower(subject), strings.ToLower(of))
}

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

// oddities weighs the signs of the run itself.
func (q *phishInquiry) oddities(r *run) {
	r.because("run", 0.1, "%s to %d of our users in %s", plural(r.Counts.Messages, "message", "messages"), len(r.targets), duration(r.End.Sub(r.Start)))
	q.marks(r)
	r.odd = r.Score
}

func (q *phishInquiry) marks(r *run) {
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
	if domain, share := r.SenderDomains.Most(); share >= enough && q.site.IsOurs(domain) {
		r.because("forged-own-domain", 0.2, "strangers send as %s, a domain of ours", domain)
	}
	if subject, share := r.Subjects.Most(); share >= enough && baited(subject) {
		r.because("bait", 0.2, "a subject that asks for passwords or mailboxes: %q", subject)
	}
	if r.Senders.Distinct() == 1 && r.Counts.Messages >= len(r.targets)*9/10 && r.share(variableSender) == 0 {
		r.because("one-to-many", 0.05, "one sender to %d people, one by one", len(r.targets))
	}
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

// answerers are those who answered, sorted.
func (r *run) answerers() []string {
	seen := make(map[string]bool)
	for _, a := range r.answers {
		seen[a.who()] = true
	}
	return sortedSet(seen)
}

// who is the account that wrote, or the sender where there was no login.
func (a *answer) who() string { return cmp.Or(a.account, a.sender) }

// answered is the address that they most likely answered to, and how likely it is; 0: it is the run's own sender.
func (r *run) answered() (to string, like float64) {
	for _, a := range r.answers {
		if to == "" || a.like > like {
			to, like = a.to, a.like
		}
	}
	return to, like
}

func someNames(names []string) string {
	if len(names) <= 3 {
		return strings.Join(names, ", ")
	}
	return say("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
}

// finding is what a report says of a run.
func (q *phishInquiry) finding(r *run) Finding {
	slices.Sort(r.times)
	slices.SortFunc(r.answers, func(a, b answer) int { return cmp.Or(compareWriters(a.writer, b.writer), strings.Compare(a.to, b.to)) })
	people := r.answerers()
	f := Finding{Detector: phishName, Subject: r.subject(), Argument: r.Argument, Start: r.Start, End: r.End, Rate: RateOf(r.times)}
	slices.SortStableFunc(f.Reasons, func(x, y Reason) int { return cmp.Compare(y.Weight, x.Weight) })
	f.Title = say("%s wrote to %d of our users in %s", cmp.Or(r.sender, f.Subject.Value), len(r.targets), duration(r.End.Sub(r.Start)))
	switch len(people) {
	case 0:
		f.Title += "; nobody answered, as far as the log shows"
	case 1:
		f.Title += "; " + people[0] + " answered"
	default:
		f.Title += say("; %d answered", len(people))
	}
	for i, a := range r.answers {
		if i < 2 {
			r.Evidence.Mark(fmt.Sprintf("an answer: %s to %s", a.who(), a.to), Evidence{Origin: a.Origin, Time: a.time, Text: a.line})
		}
	}
	f.Facts = r.facts()
	r.Fill(&f)
	f.Accounts, f.lead = people, r.lead
	return f
}

// subject is the client, where it is one; else the network or the sender.
func (r *run) subject() Subject {
	nets := make(map[netip.Prefix]bool)
	for ip := range r.clients {
		nets[NetworkOf(ip)] = true
	}
	for ip := range r.clients {
		if len(r.clients) == 1 {
			return Subject{IP, ip.String()}
		}
		if len(nets) == 1 {
			return Subject{Network, NetworkOf(ip).String()}
		}
	}
	return Subject{Sender, r.sender}
}

// facts are who answered, to whom, and when.
func (r *run) facts() []Fact {
	var facts []Fact
	for i, a := range r.answers {
		if i == 20 {
			facts = append(facts, Fact{"answered", say("%d more", len(r.answers)-i)})
			break
		}
		how := "the run's sender"
		switch {
		case a.domain != "" && a.domain == mail.Domain(r.sender):
			how = "another address of the run's sender's domain"
		case a.domain != "":
			how = say("an address of %s, from which a run came before this one", a.domain)
		case a.like > 0:
			how = "an address that the run may have named (Reply-To is not logged): nobody wrote to it before"
		}
		facts = append(facts, Fact{"answered", fmt.Sprintf("%s to %s, %s after the run began: %s", a.who(), a.to, duration(a.time.Sub(r.Start)), how)})
	}
	return facts
}
