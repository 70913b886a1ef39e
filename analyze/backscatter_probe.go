package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// Whoever collects addresses that exist asks for names (RCPT) with the null sender, since no server may refuse that one (RFC 5321, section
// 4.5.5). It looks like bounces to made-up senders of a forger, but these come from many mail servers, and each of these has a name.

// probes takes what one nameless host asked for out of what arrived, and returns it by host, and the rest.
func (w *backscatterWatch) probes(all []bounceIn) (probes [][]bounceIn, rest []bounceIn) {
	byHost := make(map[netip.Prefix][]bounceIn)
	for _, b := range all {
		host := hostNetwork(b.client.IP)
		byHost[host] = append(byHost[host], b)
	}
	for _, host := range slices.SortedFunc(maps.Keys(byHost), netip.Prefix.Compare) {
		if list := byHost[host]; w.isProbe(list) {
			slices.SortFunc(list, func(a, b bounceIn) int {
				return cmp.Or(compareEvidence(a.Evidence, b.Evidence), strings.Compare(a.to, b.to))
			})
			probes = append(probes, inRuns(list, func(b bounceIn) mail.Instant { return b.Time }, w.pass.Thresholds.Backscatter.Pause)...)
			continue
		}
		rest = append(rest, byHost[host]...)
	}
	return slices.DeleteFunc(probes, func(run []bounceIn) bool { return len(run) < w.pass.Thresholds.Backscatter.MinReceived }), rest
}

// isProbe reports whether a host that nobody named asked for one name after another, hardly any of which exists.
func (w *backscatterWatch) isProbe(list []bounceIn) bool {
	const nearly = 0.9
	n, unknown := len(list), 0
	if n < w.pass.Thresholds.Backscatter.MinReceived {
		return false
	}
	names := make(map[string]bool)
	for _, b := range list {
		if b.client.Name != "" && b.client.Name != "unknown" && !genericName(b.client.Name, b.client.IP) {
			return false
		}
		names[b.to] = true
		if b.unknown {
			unknown++
		}
	}
	return ratio(unknown, n) >= nearly && ratio(len(names), n) >= nearly
}

// judgeProbe scores names that one host asked for. They are sorted.
func (w *backscatterWatch) judgeProbe(list []bounceIn) Finding {
	n := len(list)
	var d Dossier
	var addresses, domains, exist Tally
	var times []mail.Instant
	for _, b := range list {
		times = append(times, b.Time)
		addresses.Add(b.to, 1)
		domains.Add(mail.Domain(b.to), 1)
		if !b.unknown {
			exist.Add(b.to, 1)
		}
		if b.refused {
			d.Reject(&mail.Event{Origin: b.Origin, Time: b.Time, Client: b.client, Host: b.host, Raw: b.Text})
			d.Evidence.Add(b.Evidence)
			continue
		}
		d.Add(&mail.Message{Origin: b.Origin, Line: b.Text, Time: b.Time, Client: b.client, Host: b.host, Completed: true,
			Recipients: []mail.Recipient{{Address: b.to, Disposition: mail.Bounced}}})
	}
	f := Finding{Subject: Subject{IP, list[0].client.IP.Unmap().String()}, Rate: RateOf(times)}
	if len(d.clients) > 1 {
		f.Subject = Subject{Network, hostNetwork(list[0].client.IP).String()}
	}
	weight := 0.25
	if n >= 300 {
		weight = 0.4
	}
	f.because("names-tried", weight, "%s in %s with the null sender, one after another; %s of them exist", plural(addresses.Distinct(), "name", "names"),
		duration(times[n-1].Sub(times[0])), number(exist.Distinct()))
	d.Fill(&f)
	f.RecipientDomains, f.Counts.RecipientDomains = domains.Top(topMost), domains.Distinct()
	if exist.Distinct() > 0 {
		f.Facts = append(f.Facts, Fact{"exist", countWords(exist.Top(10))})
	}
	f.Title = fmt.Sprintf("%s looks for addresses that exist: it tried %s of %s", f.Subject.Value, plural(addresses.Distinct(), "name", "names"), strings.Join(domains.Values(), ", "))
	return f
}
