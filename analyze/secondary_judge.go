package analyze

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"mailforensics/mail"
)

func (w *secondaryWatch) Findings(site *Site) []Finding {
	if !site.HasSecondary() {
		return nil
	}
	elsewhere := make(map[netip.Prefix]bool) // clients that were seen at another host
	through, all := 0, 0
	for k, v := range w.visitors.All() {
		if site.IsOwn(k.client) {
			continue
		}
		all += v.messages
		if site.IsSecondary(k.host) {
			through += v.messages
		} else {
			elsewhere[hostNetwork(k.client)] = true
		}
	}
	var guests []*guest // in the order of their addresses, those of an IPv6 host as one
	of := make(map[visitorHost]*guest)
	for _, k := range w.visitors.Sorted(compareVisitors) {
		if !site.IsSecondary(k.host) || elsewhere[hostNetwork(k.client)] || site.IsOwn(k.client) {
			continue
		}
		key := visitorHost{hostNetwork(k.client), k.host}
		if of[key] == nil {
			of[key] = &guest{visitorHost: key}
			guests = append(guests, of[key])
		}
		of[key].add(k.client, w.visitors.Find(k))
	}
	var found []Finding
	for _, g := range guests {
		// The client's own messages must not make its choice look common.
		share := float64(through-g.messages+1) / float64(all-g.messages+2)
		if f, ok := w.judge(site, g, share); ok {
			found = append(found, f)
		}
	}
	return found
}

// visitorHost is what one machine has (hostNetwork), at a host of ours.
type visitorHost struct {
	net  netip.Prefix
	host string
}

// guest is what a machine did at a secondary, from one address or, with IPv6, from several.
type guest struct {
	visitorHost
	visits
	clients []ClientCount
}

func (g *guest) add(client netip.Addr, v *visits) {
	c := ClientCount{Messages: v.messages, Rejected: v.rejected}
	if v.passage != nil {
		c.Client = v.peer
	}
	c.IP = client
	g.clients = append(g.clients, c)
	g.join(v)
}

// subject is the address, or the network of several.
func (g *guest) subject() Subject {
	if len(g.clients) == 1 {
		return Subject{IP, g.clients[0].IP.String()}
	}
	return Subject{Network, g.net.String()}
}

// judge scores a client that came only to the secondary, through which share of the others' mail goes.
func (w *secondaryWatch) judge(site *Site, g *guest, share float64) (Finding, bool) {
	th, v := &w.pass.Thresholds.Secondary, &g.visits
	v.through()
	chance := float64(v.messages) * math.Log10(share)
	if v.messages < th.MinMessages || chance > th.LogChance || !w.primaryUp(site, g.host, v) {
		return Finding{}, false
	}
	f := Finding{Subject: g.subject()}
	f.because("secondary-only", 0.3, "%s through %s, a secondary, none through the primary, which was up",
		plural(v.messages, "message", "messages"), g.host)
	f.because("rare-choice", min(0.15, -chance/100), "%.0f %% of the others' mail came that way: a chance of 1 in 10^%.0f", 100*share, -chance)
	// A provider's server has many customers, and a newsletter a sender for each reader: of one company all of them.
	if n, companies := v.sentAs(), min(v.sentAs(), v.companies.distinct()); n >= th.MinMessages && float64(n) >= differ(n)*float64(v.messages) && 2*companies > n {
		f.because("all-senders-differ", 0.2, "%d different senders in %s, of %d companies", n, plural(v.messages, "message", "messages"), companies)
	}
	if share := ratio(v.counts.Bounced+v.counts.Expired, v.counts.Recipients); share >= 0.2 {
		f.because("bounced", 0.1, "%.0f %% of its recipients bounced", 100*share)
	}
	if float64(v.own) >= enough*float64(v.messages) && v.companies.distinct() == 1 { // newsletters take any MX, and their lists are old
		f.because("own-name", -0.2, "a mail server that sends for its own domain")
	}
	f.Title = fmt.Sprintf("%s spoke only to the secondary %s: %s", f.Subject.Value, g.host, plural(v.messages, "message", "messages"))
	g.fill(&f)
	return f, true
}

// sentAs is how many different senders there were: beyond sketchSize an estimate, which must not be more than there were messages.
func (v *visits) sentAs() int { return min(v.senders.distinct(), v.messages) }

// differ is the share of the messages from which on so many senders count as all different; an estimate may be too low.
func differ(senders int) float64 {
	if senders < sketchSize {
		return 0.9
	}
	return 0.65 // two standard errors less, of 1 in the root of sketchSize each
}

func (g *guest) fill(f *Finding) {
	v := &g.visits
	f.Start, f.End = v.first.Time, v.last.Time
	f.Counts = v.counts
	f.Counts.Messages, f.Counts.Rejected, f.Counts.Clients = v.messages, v.rejected, len(g.clients)
	f.Counts.Senders, f.Counts.RecipientDomains = v.sentAs(), min(v.domains.distinct(), v.counts.Recipients)
	f.Clients = g.clients
	slices.SortStableFunc(f.Clients, func(a, b ClientCount) int { return cmp.Compare(b.Messages, a.Messages) })
	f.Hosts = []string{g.host}
	f.Senders, f.RecipientDomains = v.senders.top(), v.domains.top()
	f.Evidence = []Evidence{v.first, v.last}
	f.Evidence[0].Role, f.Evidence[1].Role = "first", "last"
	if v.subjects.distinct() == 1 && v.titled == v.messages && v.messages > 1 {
		f.Facts = append(f.Facts, Fact{"subject", "one subject in all of them"})
	}
	if !v.took.busy && !v.refused.busy {
		var all Buckets
		for _, b := range slices.Concat(v.took.buckets, v.refused.buckets) {
			all.Add(b.Time, b.Messages, b.Rejected)
		}
		f.Timeline = all.Timeline()
	}
}

// primaryUp reports whether a host that is no secondary showed life near most of the visits to one that is. Where most of a visitor's own
// mail had to wait there, another host answered, of another domain that the secondary is for.
func (w *secondaryWatch) primaryUp(site *Site, secondary string, v *visits) bool {
	within := mail.Instant(w.pass.Thresholds.Secondary.UpWithin)
	answered := 2*v.waited < v.messages
	lived := func(at mail.Instant) bool {
		if answered && w.handed[secondary].any(at-within, at+within) {
			return true
		}
		for host, alive := range w.alive {
			if !site.IsSecondary(host) && alive.any(at-within, at+within) {
				return true
			}
		}
		return false
	}
	up := 0
	for _, b := range v.took.buckets {
		if lived(b.Time) {
			up++
		}
	}
	return 2*up > len(v.took.buckets)
}
