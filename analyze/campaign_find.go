package analyze

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// hunt looks for clients that act as one among what is remembered of strangers, in four steps:
//
//  1. Sightings that share a mark (a seed) are a group; groups fall into runs without a long pause.
//  2. Of a run only those clients stay that had the mark in most of what they did: a forwarder or a provider that carried
//     some of it is not the cluster's.
//  3. What else these clients did in that time is added: attempts that were refused before a subject could be seen.
//  4. Each run is judged (campaign_judge.go); of runs that are about the same messages, the most convincing one stays.
type hunt struct {
	w        *campaignWatch
	site     *Site
	limits   *CampaignThresholds
	all      []*seen
	byClient map[netip.Addr][]*seen
	named    bool  // names are looked up here at all
	shapes   Tally // of Message-IDs, of all messages
	families memo[string]
	networks memo[netip.Prefix]
	hidden   []hidden
	keyed    []keyed // of groups, used again
}

// keyed is a sighting and what it may share with others by some mark.
type keyed struct {
	key string
	*seen
}

// memo remembers texts that are made again and again of the same few things.
type memo[K comparable] map[K]string

func (m memo[K]) of(key K, text func(K) string) string {
	t, ok := m[key]
	if !ok {
		t = text(key)
		m[key] = t
	}
	return t
}

func newHunt(w *campaignWatch, site *Site, all []*seen) *hunt {
	h := &hunt{
		w: w, site: site, limits: &w.pass.Thresholds.Campaign, byClient: make(map[netip.Addr][]*seen),
		families: make(memo[string]), networks: make(memo[netip.Prefix]), named: 2*w.unnamed <= w.all || w.all == 0,
	}
	h.all = slices.DeleteFunc(all, func(s *seen) bool {
		return site.IsOwn(s.ip) || s.name != "" && inOurDomains(site, s.name)
	})
	slices.SortFunc(h.all, compareSeen)
	var damage *damageIndex // made when it is needed
	for _, s := range h.all {
		h.byClient[s.ip] = append(h.byClient[s.ip], s)
		if shape := idShape(s.messageID); shape != "" {
			h.shapes.Add(shape, 1)
		}
		if s.unknown() {
			if damage == nil {
				damage = newDamageIndex(site)
			}
			s.damaged = slices.ContainsFunc(s.to, func(r recalled) bool {
				_, kind := damage.find(mail.Fold(r.address))
				return kind != "" && !site.KnownRecipient(r.address)
			})
		}
	}
	users := h.usersOfNames()
	for _, list := range h.byClient {
		sprays, isDevice := sprays(list), isDevice(list)
		ownName := site.IsOurs(list[0].domain) && users[list[0].sender] == 1 && keepsName(list)
		for _, s := range list {
			s.sprayed, s.byDevice, s.inOwnName = sprays, isDevice, ownName
		}
	}
	h.hidden = h.findHidden()
	return h
}

// isDevice reports whether a client writes to the same few people in their own names, at all hours, and nobody minds: a
// printer that mails scans, a camera, a backup that reports. A run that works off a list comes to each once; in the midst of
// one such a client is a bystander.
func isDevice(list []*seen) bool {
	const times, hours = 3, 6
	owners := make(map[string]bool)
	for _, s := range list {
		if s.is(wasRefused) || !s.is(toItself) {
			return false
		}
		owners[mail.Fold(s.sender)] = true
	}
	return len(list) >= times*len(owners) && list[len(list)-1].time.Sub(list[0].time) >= hours*time.Hour
}

// usersOfNames is how many clients send in each name.
func (h *hunt) usersOfNames() map[string]int {
	users := make(map[string]int)
	for _, list := range h.byClient {
		names := make(map[string]bool)
		for _, s := range list {
			if !names[s.sender] {
				names[s.sender] = true
				users[s.sender]++
			}
		}
	}
	return users
}

// keepsName reports whether a client sends in one name for hours, and nobody minds. If the name is one of ours, and nobody else uses it, it is
// that of the machine: strangers who forge names of the same domain are not of its kind.
func keepsName(list []*seen) bool {
	const least, hours = 5, 6
	other := func(s *seen) bool { return s.is(wasRefused) || s.sender != list[0].sender }
	return len(list) >= least && list[len(list)-1].time.Sub(list[0].time) >= hours*time.Hour && !slices.ContainsFunc(list, other)
}

// sprayLeast is how many messages a client must have sent, each with a sender of another domain, to be one that sprays.
const sprayLeast = 3

// sprays reports whether a client that nobody named had each message accepted in another name. Refused attempts do not
// count: programs that scan the whole Internet make up a name for each, and never get any further.
func sprays(list []*seen) bool {
	if !nameless(list[0].name, list[0].sighting) {
		return false
	}
	domains, accepted := make(map[string]bool), 0
	for _, s := range list {
		if s.is(alignedHELO) {
			return false
		}
		if !s.is(wasRefused) {
			domains[s.domain] = true
			accepted++
		}
	}
	return accepted >= sprayLeast && 10*len(domains) >= 8*accepted
}

// campaigns are the clusters, the most convincing first.
func (h *hunt) campaigns() []*cluster {
	var all []*cluster
	for kind := range seedKinds {
		groups := h.groups(kind)
		for _, key := range slices.Sorted(keysOf(groups)) {
			all = append(all, h.runs(kind, key, groups[key])...)
		}
	}
	slices.SortStableFunc(all, func(a, b *cluster) int {
		return cmp.Or(cmp.Compare(h.severity(b), h.severity(a)), cmp.Compare(b.rank(), a.rank()), cmp.Compare(len(b.clients), len(a.clients)),
			cmp.Compare(len(b.sightings), len(a.sightings)), cmp.Compare(plainness[b.kind], plainness[a.kind]), cmp.Compare(a.start, b.start))
	})
	told := make(map[*seen]bool)
	var best []*cluster
	for _, c := range all {
		old := 0
		for _, s := range c.sightings {
			if told[s] {
				old++
			}
		}
		if c.Score < h.w.pass.Thresholds.Score.Low || 3*old > len(c.sightings) {
			continue
		}
		c = h.whole(c, all)
		for _, s := range c.sightings {
			told[s] = true
		}
		best = append(best, c)
	}
	return h.joinRefused(best)
}

// whole is the cluster by a plainer mark that has all of c and a little more: who sends but two messages of the run does not send each in
// another name, yet has its subject.
func (h *hunt) whole(c *cluster, all []*cluster) *cluster {
	best := c
	for _, o := range all {
		more := cmp.Or(cmp.Compare(len(o.sightings), len(best.sightings)), cmp.Compare(plainness[o.kind], plainness[best.kind]))
		if plainness[o.kind] > plainness[c.kind] && len(o.sightings) > len(c.sightings) && 4*len(o.sightings) <= 5*len(c.sightings) && more > 0 &&
			h.severity(o) >= h.severity(c) && o.has(c) {
			best = o
		}
	}
	return best
}

// has reports whether all of another cluster belongs to this one, too.
func (c *cluster) has(o *cluster) bool {
	if o.start < c.start || o.end > c.end {
		return false
	}
	mine := make(map[*seen]bool, len(c.sightings))
	for _, s := range c.sightings {
		mine[s] = true
	}
	return !slices.ContainsFunc(o.sightings, func(s *seen) bool { return !mine[s] })
}

func (h *hunt) severity(c *cluster) Severity { return h.w.pass.Thresholds.Score.Severity(c.Score) }

// rank puts the cluster first that says more: of two that are equally grave, one with twice as many addresses may be a little
// less sure.
func (c *cluster) rank() float64 {
	return math.Round(100*(c.Score+0.1*math.Log2(float64(len(c.clients))))) / 100
}

// plainness is how well a mark says to people what joins the clients.
var plainness = [seedKinds]int{seedSelf: 3, seedSubject: 3, seedNumber: 2, seedOwnName: 2, seedDomain: 2, seedHELO: 1, seedFamily: 1, seedNet: 1}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// groups are the sightings that share a mark of one kind, by what they share, in the order of time. Groups of fewer clients
// than a campaign has are left out.
func (h *hunt) groups(kind seedKind) map[string][]*seen {
	all := h.keyed[:0]
	counts := make(map[string]int) // most keys are of one sighting or two: no list is made for them
	for _, s := range h.all {
		if key, ok := h.key(kind, s); ok {
			all = append(all, keyed{key, s})
			counts[key]++
		}
	}
	h.keyed = all
	groups := make(map[string][]*seen)
	for _, s := range all {
		if counts[s.key] >= h.limits.MinSightings {
			groups[s.key] = append(groups[s.key], s.seen)
		}
	}
	for key, list := range groups {
		if distinctClients(list, h.limits.MinClients) < h.limits.MinClients {
			delete(groups, key)
		}
	}
	return groups
}

// outside is the key of what was for none of our recipients.
const outside = "outside"

// key is what a sighting may share with others by a mark of that kind.
func (h *hunt) key(kind seedKind, s *seen) (string, bool) {
	if s.byDevice {
		return "", false
	}
	switch kind {
	case seedSelf:
		if s.is(triedRelay) { // who looks for an open relay likes to write to himself
			return outside, s.is(toItself)
		}
		return "", s.is(toItself)
	case seedNumber:
		return "", s.heloKind == numberHELO
	case seedOwnName:
		return "", s.is(recipientsHELO)
	case seedDamaged:
		return "", s.damaged
	case seedSpray:
		return "", s.sprayed
	case seedSubject:
		return s.subject, len(s.subject) >= 4
	case seedHELO:
		return strings.ToLower(s.helo), (s.heloKind == labelHELO || s.heloKind == namedHELO) && !strings.EqualFold(s.helo, s.name)
	case seedDomain:
		return s.domain, s.domain != "" && !s.is(alignedHELO) && !s.inOwnName
	case seedFamily:
		if s.name == "" || !genericName(s.name, s.ip) {
			return "", false
		}
		return h.families.of(s.name, familyOf), true
	case seedNet:
		return h.networks.of(siteNetwork(s.ip), netip.Prefix.String), true
	}
	return "", false
}

// familyOf is a name with its numbers masked: "#-static.reverse.softlayer.com". Labels that are hexadecimal numbers are
// masked, too, and numbers with nothing but dots and hyphens between them are one.
func familyOf(name string) string {
	labels := strings.Split(mail.FoldDomain(name), ".")
	for i, label := range labels[:max(0, len(labels)-2)] {
		if strings.Trim(label, "0123456789abcdef") == "" && strings.ContainsAny(label, "0123456789") {
			labels[i] = "#"
		}
	}
	var b strings.Builder
	number := false
	joined := strings.Join(labels, ".")
	for i := range len(joined) {
		c := joined[i]
		isNumber := c >= '0' && c <= '9' || c == '#'
		between := number && (c == '.' || c == '-') && i+1 < len(joined) && (joined[i+1] >= '0' && joined[i+1] <= '9' || joined[i+1] == '#')
		if !number && isNumber {
			b.WriteByte('#')
		}
		if number = isNumber || between; !number {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// distinctClients is how many clients a list has, counted up to enough.
func distinctClients(list []*seen, enough int) int {
	clients := make(map[netip.Addr]bool)
	for _, s := range list {
		clients[s.ip] = true
		if len(clients) >= enough {
			break
		}
	}
	return len(clients)
}

// runs are the clusters of one group.
func (h *hunt) runs(kind seedKind, key string, list []*seen) []*cluster {
	var runs [][]*seen
	pause := h.pause(list)
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && list[to].time.Sub(list[to-1].time) <= pause {
			to++
		}
		if run := list[from:to]; to-from >= h.limits.MinSightings && distinctClients(run, h.limits.MinClients) >= h.limits.MinClients {
			if last := len(runs) - 1; last >= 0 && run[0].time.Sub(runs[last][len(runs[last])-1].time) <= h.limits.LongPause {
				runs[last] = append(slices.Clip(runs[last]), run...)
			} else {
				runs = append(runs, run)
			}
		}
		from = to
	}
	if len(runs) == 0 {
		return nil
	}
	mostly := h.mostly(kind, list)
	var found []*cluster
	for _, run := range runs {
		for _, part := range h.dense(kind, run) {
			if c := h.cluster(kind, key, mostly, part); c != nil {
				found = append(found, c)
			}
		}
	}
	return found
}

// dense is where a run is dense, if most of it lies in a small part of its time: what shares the mark at all hours is there
// everywhere, every day, and must not stretch the run that is looked for. What a program says in HELO is heard at all hours of
// those who use it and are refused: there it is what was accepted that tells.
func (h *hunt) dense(kind seedKind, run []*seen) [][]*seen {
	times := make([]mail.Instant, len(run))
	for i, s := range run {
		times[i] = s.time
	}
	p := pace{minutes: h.site.Span(), minMessages: h.limits.MinSightings, span: time.Hour, pause: h.limits.Pause, logChance: denseChance}
	found := windows(times, p)
	length := time.Duration(0)
	for _, w := range found {
		length += times[w.to-1].Sub(times[w.from])
	}
	inside, all := size(found), len(run)
	if kind == seedHELO && 4*inside < 3*all {
		inside, all = 0, accepted(run)
		for _, w := range found {
			inside += accepted(run[w.from:w.to])
		}
	}
	if 4*inside < 3*all || all < h.limits.MinSightings || 3*length > times[len(times)-1].Sub(times[0]) {
		return [][]*seen{run}
	}
	var parts [][]*seen
	for _, w := range found {
		parts = append(parts, run[w.from:w.to])
	}
	return parts
}

// accepted is how many of a list were.
func accepted(list []*seen) (n int) {
	for _, s := range list {
		if !s.is(wasRefused) {
			n++
		}
	}
	return n
}

// denseChance is log10 of the chance at which an hour holds too many.
const denseChance = -6

// pause is how long a run may rest: many times what lies between its sightings on the average, within bounds.
func (h *hunt) pause(list []*seen) time.Duration {
	gaps := make([]time.Duration, 0, len(list))
	for i := 1; i < len(list); i++ {
		gaps = append(gaps, list[i].time.Sub(list[i-1].time))
	}
	slices.Sort(gaps)
	return min(max(20*gaps[len(gaps)/2], h.limits.Pause), h.limits.LongPause)
}

// mostlyOf is in what part of what a client did it must have the mark. A run that writes to damaged addresses writes to good
// ones, too.
var mostlyOf = [seedKinds]float64{
	seedSelf: 0.5, seedNumber: 0.5, seedOwnName: 0.5, seedDamaged: 0.2, seedSpray: 0.5, seedSubject: 0.5, seedHELO: 0.5, seedDomain: 0.5,
	seedFamily: 0.5, seedNet: 0.5,
}

// nearby is how long before and after a run attempts that were refused still belong to it: greylisting lets a client wait.
const nearby = time.Hour

// mostly tells of each client of a group whether it had the mark in most of what it did.
func (h *hunt) mostly(kind seedKind, group []*seen) map[netip.Addr]bool {
	with := make(map[netip.Addr]int)
	for _, s := range group {
		with[s.ip]++
	}
	mostly := make(map[netip.Addr]bool, len(with))
	for ip, n := range with {
		mostly[ip] = float64(n) >= mostlyOf[kind]*float64(h.deeds(kind, ip))
	}
	return mostly
}

// cluster makes one of a run: its clients that had the mark in most of what they did, and what else they did in that time.
func (h *hunt) cluster(kind seedKind, key string, mostly map[netip.Addr]bool, run []*seen) *cluster {
	c := &cluster{hunt: h, kind: kind, key: key, clients: make(map[netip.Addr][]*seen), seeded: make(map[*seen]bool)}
	var stay []*seen
	for _, s := range run {
		if mostly[s.ip] {
			stay = append(stay, s)
			c.clients[s.ip] = nil
			c.seeded[s] = true
		}
	}
	if len(stay) < h.limits.MinSightings || len(c.clients) < h.limits.MinClients || kind == seedSelf && len(c.clients) < h.limits.MinSelf {
		return nil
	}
	from, to := stay[0].time, stay[len(stay)-1].time
	for ip := range c.clients {
		for _, s := range inTime(h.byClient[ip], from.Add(-nearby), to.Add(nearby)) {
			if s.is(wasRefused) || s.time >= from && s.time <= to {
				c.clients[ip] = append(c.clients[ip], s)
				c.sightings = append(c.sightings, s)
			}
		}
	}
	if kind == seedSelf && key != outside {
		h.addUnshown(c, from, to)
	}
	slices.SortFunc(c.sightings, compareSeen)
	c.start, c.end = c.sightings[0].time, c.sightings[len(c.sightings)-1].time
	c.count()
	c.judge()
	return c
}

// inTime are the sightings of a list, which must be in order, from one moment to another.
func inTime(list []*seen, from, to mail.Instant) []*seen {
	before := func(s *seen, t mail.Instant) int { return cmp.Compare(s.time, t) }
	first, _ := slices.BinarySearchFunc(list, from, before)
	end, _ := slices.BinarySearchFunc(list[first:], to+1, before)
	return list[first : first+end]
}

// deeds is how much a client did in which a mark of that kind could be seen.
func (h *hunt) deeds(kind seedKind, ip netip.Addr) int {
	n := h.w.clean.about(hashAddr(ofClient, ip))
	for _, s := range h.byClient[ip] {
		switch kind {
		case seedSubject:
			if s.is(wasRefused) && s.subject == "" {
				continue
			}
		case seedHELO, seedNumber, seedOwnName:
			if s.helo == "" {
				continue
			}
		}
		n++
	}
	return n
}

// idShape is the pattern of a Message-ID's left part: numbers and hexadecimal numbers masked, words by their kind.
// "d56f86983cee$4c2b6ea7$3fb15f53@x" has the shape "x12$x8$x8".
func idShape(id string) string {
	id = strings.TrimPrefix(id, "<")
	at := strings.LastIndexByte(id, '@')
	if at <= 0 {
		return ""
	}
	var b strings.Builder
	left := id[:min(at, 200)]
	for i := 0; i < len(left); {
		j := i
		for j < len(left) && isAlnum(left[j]) {
			j++
		}
		if j == i {
			b.WriteByte(left[i])
			i++
			continue
		}
		b.WriteString(wordShape(left[i:j]))
		i = j
	}
	return b.String()
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// wordShape is the kind of a word of letters and digits, with its length where that is part of the pattern.
func wordShape(word string) string {
	digits, lower, upper, hex := 0, 0, 0, 0
	for i := range len(word) {
		switch c := word[i]; {
		case c >= '0' && c <= '9':
			digits++
			hex++
		case c >= 'a' && c <= 'z':
			lower++
			if c <= 'f' {
				hex++
			}
		default:
			upper++
			if c <= 'F' {
				hex++
			}
		}
	}
	length := string(rune('0' + min(len(word), 64)))
	switch {
	case digits == len(word):
		return "9"
	case hex == len(word) && len(word) >= 4 && lower*upper == 0:
		return "x" + length
	case upper == len(word):
		return "A" + length
	case lower == len(word):
		return "a"
	}
	return "w"
}
