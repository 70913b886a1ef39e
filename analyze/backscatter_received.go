package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
)

// arrived finds storms of bounces for mail that we never sent: for one address, or else for a domain. If somebody made up many addresses in
// a domain, each gets some of the bounces: that is reported once, for the domain.
func (w *backscatterWatch) arrived(site *Site) []Finding {
	var ours []bounceIn
	for _, b := range w.in {
		if domain := mail.Domain(b.to); site.IsOurs(domain) && !site.IsOwn(b.client.IP) {
			ours = append(ours, b)
		}
	}
	probes, ours := w.probes(ours)
	byAddress, byDomain := make(map[string][]bounceIn), make(map[string][]bounceIn)
	for _, b := range ours {
		byAddress[b.to] = append(byAddress[b.to], b)
	}
	all := make(map[string][]mail.Instant) // of each domain
	for to, list := range byAddress {
		if w.wrote.of(hashText(ofAddress, to)) >= len(list) {
			delete(byAddress, to) // its own
			continue
		}
		for _, b := range list {
			all[mail.Domain(to)] = append(all[mail.Domain(to)], b.Time)
		}
	}
	for _, times := range all {
		slices.Sort(times)
	}
	var found []Finding
	for _, probe := range probes {
		found = append(found, w.judgeProbe(probe))
	}
	for _, to := range slices.Sorted(keysOf(byAddress)) {
		list, domain := byAddress[to], mail.Domain(to)
		var shared []bounceIn
		told := false
		for _, s := range w.storms(site, list) {
			if w.isOneOfMany(s, all[domain]) {
				shared = append(shared, s...)
				continue
			}
			found = append(found, w.judgeArrived(Subject{Sender, to}, s))
			told = true
		}
		if !told {
			shared = list
		}
		byDomain[domain] = append(byDomain[domain], shared...)
	}
	for _, domain := range slices.Sorted(keysOf(byDomain)) {
		for _, s := range w.storms(site, byDomain[domain]) {
			found = append(found, w.judgeArrived(Subject{SenderDomain, domain}, s))
		}
	}
	return found
}

// isOneOfMany reports whether a storm for one address is a small part of what came for its domain at about the same time.
func (w *backscatterWatch) isOneOfMany(storm []bounceIn, all []mail.Instant) bool {
	const ofDomain = 3 // an address with less than one in so many of its domain's bounces is one of the many
	pause := w.pass.Thresholds.Backscatter.Pause
	from, _ := slices.BinarySearch(all, storm[0].Time.Add(-pause))
	to, _ := slices.BinarySearch(all, storm[len(storm)-1].Time.Add(pause)+1)
	return ofDomain*len(storm) < to-from
}

// storms is the times at which bounces are denser than the past of that address or domain explains.
func (w *backscatterWatch) storms(site *Site, list []bounceIn) [][]bounceIn {
	th := &w.pass.Thresholds.Backscatter
	if len(list) < th.MinReceived {
		return nil
	}
	slices.SortFunc(list, func(a, b bounceIn) int {
		return cmp.Or(compareEvidence(a.Evidence, b.Evidence), strings.Compare(a.to, b.to))
	})
	times := make([]mail.Instant, len(list))
	for i, b := range list {
		times[i] = b.Time
	}
	p := pace{minutes: site.Span(), minMessages: th.MinReceived, span: 2 * time.Hour, pause: th.Pause, logChance: denseChance}
	var found [][]bounceIn
	for _, x := range windows(times, p) {
		found = append(found, list[x.from:x.to])
	}
	return found
}

// namedBounces is how many addresses that bounces came for a signature names.
const namedBounces = 100

// termOfArrived selects what came for one address, or for those of a domain that bounces came for; where they are many, for all
// of the domain.
func termOfArrived(subject Subject, addresses *Tally) string {
	if subject.Kind == Sender {
		return fmt.Sprintf("any(recipients, lower(#) == %s)", quoted(strings.ToLower(subject.Value)))
	}
	if addresses.Distinct() > namedBounces {
		return fmt.Sprintf("%s in recipient_domains", quoted(subject.Value))
	}
	var list []string
	for _, a := range addresses.Values() {
		list = append(list, quoted(strings.ToLower(a)))
	}
	slices.Sort(list)
	return "any(recipients, lower(#) in [" + strings.Join(list, ", ") + "])"
}

// judgeArrived scores bounces for mail that we never sent.
func (w *backscatterWatch) judgeArrived(subject Subject, list []bounceIn) Finding {
	n := len(list)
	f := Finding{Subject: subject}
	var d Dossier
	var addresses, accepted Tally
	times := make([]mail.Instant, 0, n)
	unknown := 0
	for _, b := range list {
		times = append(times, b.Time)
		addresses.Add(b.to, 1)
		if b.unknown {
			unknown++
		}
		if b.refused {
			d.Reject(&mail.Event{Origin: b.Origin, Time: b.Time, Client: b.client, Host: b.host, Raw: b.Text})
			d.Evidence.Add(b.Evidence)
			continue
		}
		accepted.Add(b.to, 1)
		d.Add(&mail.Message{Origin: b.Origin, Line: b.Text, Time: b.Time, Client: b.client, Host: b.host, Completed: true,
			Recipients: []mail.Recipient{{Address: b.to, Disposition: mail.Delivered}}})
	}
	wrote := w.wrote.about(hashText(ofAddress, subject.Value))
	mass := 0.25
	switch {
	case n >= 300:
		mass = 0.45
	case n >= 50:
		mass = 0.35
	}
	f.because("bounces-received", mass, "%s in %s; mail from there went to %s outside", plural(n, "bounce", "bounces"), duration(times[n-1].Sub(times[0])),
		plural(wrote, "recipient", "recipients"))
	if senders := len(d.clients); 2*senders >= n && senders >= 5 {
		f.because("from-everywhere", 0.05, "from %d different servers", senders)
	}
	if ratio(unknown, n) >= 0.5 {
		f.because("unknown-addresses", 0.05, "%d of them for addresses that do not exist here", unknown)
	}
	f.atMost(w.pass.Thresholds.Score.Medium-0.05, "not-ours", "somebody forged the sender elsewhere: nobody broke in here")
	f.Rate = RateOf(times)
	d.Fill(&f)
	f.RecipientDomains = []Count{{mail.Domain(list[0].to), n}}
	f.Counts.RecipientDomains = 1
	f.Facts = append(f.Facts, Fact{"addresses", countWords(addresses.Top(10))})
	f.Title = fmt.Sprintf("Somebody forges mail from %s: %s arrived for mail that was never sent from here", subject.Value, plural(n, "bounce", "bounces"))
	f.Clients = nil // servers that did what servers do: nobody to block
	f.Counts.Clients = len(d.clients)
	if accepted.Distinct() > 0 {
		f.Signature = during(f.Start, f.End, termOfArrived(subject, &accepted), `account == ""`, "not notice", `sender == "<>"`)
	}
	return f
}
