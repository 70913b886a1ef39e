package analyze

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

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
	plain := q.takePlain()
	q.findAnswers()
	q.amongPlain(plain)
	if w.lost > 0 {
		site.Notes = append(site.Notes, say("phish: %d messages of possible runs were dropped to limit the memory used", w.lost))
	}
	return q.findings()
}

// takePlain takes those runs out in which nothing is odd by itself, and returns the ones that may still have been answered: not bulk mail,
// and not what an origin does all the time.
func (q *phishInquiry) takePlain() (plain []*run) {
	for _, r := range q.runs {
		q.oddities(r)
		if began, ok := q.began[r.sender]; !ok || r.Start < began {
			q.began[r.sender] = r.Start
		}
	}
	q.runs = slices.DeleteFunc(q.runs, func(r *run) bool {
		if r.odd >= oddEnough {
			return false
		}
		if !r.before && !r.regular && r.share(variableSender)+r.share(listedMail) == 0 {
			plain = append(plain, r)
		}
		return true
	})
	return plain
}

// findings are the runs, and the leads of those that may have been answered, as far as they are worth telling.
func (q *phishInquiry) findings() (found []Finding) {
	asked := make(map[string][]int) // findings by the address that was answered
	low := q.w.pass.Thresholds.Score.Low
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
		run:     q.runOfSender,
	})
	group(q, records, used, grouping[netKey]{
		has:     func(*record) bool { return true },
		hash:    func(r *record) uint64 { return hashOfNet(netOf(r.client.IP)) },
		key:     func(r *record) netKey { return netOf(r.client.IP) },
		compare: compareNetworks,
		run:     q.runOfNetwork,
	})
	slices.SortFunc(q.runs, compareRuns)
}

// forUs reports whether a message is for users of ours.
func (q *phishInquiry) forUs(r *record) bool {
	ours := false
	r.recipients(func(c *recalled) { ours = ours || q.site.IsOurs(mail.Domain(c.address)) })
	return ours
}

// grouping is the key by which records are grouped, the order of the groups, and what makes a run of a part of one: the part, its targets,
// and how many records the whole group has. Equal keys have equal hashes. The run is nil if the part is none.
type grouping[K comparable] struct {
	has     func(*record) bool
	hash    func(*record) uint64
	key     func(*record) K
	compare func(a, b K) int
	run     func(part []*record, targets map[string]bool, all int) *run
}

// group makes runs of records with the same key: periods without a long pause. Most keys have too few recipients, so their hashes are
// counted first, and only the rest is grouped.
func group[K comparable](q *phishInquiry, records []*record, used map[*record]bool, by grouping[K]) {
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
			if r := by.run(part, targets, len(all)); r != nil {
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

// runOfSender makes a run of a sender's records; nil: they took too long, or are a known sender's honest mail.
func (q *phishInquiry) runOfSender(records []*record, targets map[string]bool, all int) *run {
	before := q.metBefore(records, all, q.w.heard.about(hashText(ofAddress, records[0].sender)))
	if tookTooLong(records) || before && plainlyHonest(records) {
		return nil
	}
	r := newRun(records, targets)
	r.sender, r.before = strings.ToLower(records[0].sender), before
	return r
}

// runOfNetwork makes a run of records of many senders in one network; nil: they took too long, the network is seen all the time (a
// provider's servers), or the senders do not belong together.
func (q *phishInquiry) runOfNetwork(records []*record, targets map[string]bool, all int) *run {
	if tookTooLong(records) || q.metBefore(records, all, q.w.heard.about(hashOfNet(netOf(records[0].client.IP)))) {
		return nil
	}
	if r := newRun(records, targets); r.oneOperator() {
		return r
	}
	return nil
}

func tookTooLong(records []*record) bool {
	return records[len(records)-1].time.Sub(records[0].time) > longestRun
}

// metBefore reports whether the origin of records was met before or after them, too: all is how many of its records are remembered, heard
// how many recipients of its mail were counted.
func (q *phishInquiry) metBefore(records []*record, all, heard int) bool {
	n, to := len(records), max(len(records), q.recipients(records))
	return heard > to+to/5 || all > n+n/5
}

func compareRuns(a, b *run) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.sender, b.sender))
}
