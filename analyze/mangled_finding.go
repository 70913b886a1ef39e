package analyze

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// finding tells of the damaged recipients of one host.
func (w *mangledWatch) finding(site *Site, list []damage, together []failedTogether, shared int, share float64) Finding {
	f := Finding{Detector: mangledName}
	sum := damageSum{clients: make(map[netip.Addr]*ClientCount)}
	again := triedAgain(list, together)
	for _, d := range list {
		all, hash := 0, hashText(ofAddress, d.address)
		for _, k := range d.tries {
			a := w.failed.Find(k)
			all += int(a.messages + a.rejected)
			try := failedTry{k.client, hash}
			sum.add(k.client, a, int(a.messages)-again[try])
			delete(again, try) // the same address in another case has the same hash
		}
		f.Mangled = append(f.Mangled, Mangled{d.address, d.original, d.kind, all})
		sum.domains.Add(mail.Domain(d.address), all)
		sum.kinds.Add(d.kind, 1)
	}
	sum.fill(&f)
	w.weigh(&f, list, &sum.kinds, shared, share)
	w.excuse(site, &f, list)
	f.Title = fmt.Sprintf("%s wrote to %s of known addresses, such as %s for %s",
		f.Subject.Value, plural(len(list), "damaged form", "damaged forms"), list[0].address, list[0].original)
	return f
}

// damageSum is what is known of all attempts to reach damaged recipients.
type damageSum struct {
	counts                         Counts
	first, last                    mail.Instant
	evidence                       Keeper
	buckets                        Buckets
	senders, domains, kinds, hosts Tally
	clients                        map[netip.Addr]*ClientCount
}

// add counts what one client tried with one recipient; messages are those that were not counted with another one.
func (s *damageSum) add(client netip.Addr, a *attempts, messages int) {
	s.counts.Messages += messages
	s.counts.Rejected += int(a.rejected)
	s.counts.Recipients += int(a.messages)
	s.counts.Bounced += int(a.messages - a.expired - a.waiting)
	s.counts.Expired += int(a.expired)
	s.counts.Deferred += int(a.waiting)
	if s.first == 0 || a.evidence.Time < s.first {
		s.first = a.evidence.Time
	}
	s.last = max(s.last, a.last)
	s.evidence.Add(a.evidence)
	s.buckets.Add(a.evidence.Time, messages, int(a.rejected))
	for sender := range a.allSenders {
		s.senders.Add(sender, 1)
	}
	addNamed(&s.hosts, a.host)
	c := s.clients[client]
	if c == nil {
		c = &ClientCount{Client: mail.Client{IP: client}}
		s.clients[client] = c
	}
	c.complete(mail.Client{Name: a.name, HELO: a.helo, Country: a.country, ASN: a.asn})
	c.Messages += messages
	c.Rejected += int(a.rejected)
}

// fill completes a finding, all but its reasons. Its subject is the client, or the network of an IPv6 host's addresses.
func (s *damageSum) fill(f *Finding) {
	ips := slices.SortedFunc(maps.Keys(s.clients), netip.Addr.Compare)
	for _, ip := range ips {
		f.Clients = append(f.Clients, *s.clients[ip])
	}
	f.Subject = Subject{IP, ips[0].String()}
	if len(ips) > 1 {
		f.Subject = Subject{Network, hostNetwork(ips[0]).String()}
	}
	f.Start, f.End, f.Counts = s.first, s.last, s.counts
	f.Counts.Clients, f.Counts.Senders, f.Counts.RecipientDomains = len(ips), s.senders.Distinct(), s.domains.Distinct()
	f.Senders, f.RecipientDomains = s.senders.Top(topMost), s.domains.Top(topMost)
	f.Hosts = s.hosts.Values()
	f.Timeline = s.buckets.Timeline()
	f.Evidence = s.evidence.Lines(0)
}

// excuse lowers the score of a host of ours, and of those of which most recipients were right: of a provider's servers, and of a customer's
// who has a wrong address in his book, most of what comes is.
func (w *mangledWatch) excuse(site *Site, f *Finding, list []damage) {
	ours := "" // its name, if that is ours
	for i := range f.Clients {
		if name := f.Clients[i].Name; name != "" && inOurDomains(site, name) {
			ours = name
		}
	}
	if ours != "" {
		f.because("our-own-name", -0.4, "%s is a host of ours: it may only have passed on what strangers sent, and its own log shows who", ours)
	}
	right, wrong := w.right.about(hashAddr(ofClient, hostNetwork(f.Clients[0].IP).Addr())), f.Counts.Recipients+f.Counts.Rejected
	switch {
	case right >= mostlyRight*wrong:
		f.because("mostly-right", -0.5, "%d of its recipients were correct: people mistype", right)
	case w.ownMailing(list) && (right >= oftenRight*wrong || w.variableSenders(list)):
		f.because("own-mailing", -0.3, "it sends for its own organisation, and %d of its recipients were correct: a list server whose list a program damaged looks like that", right)
	}
}

// triedAgain is how many messages with one damaged recipient of a list are counted already with another one.
func triedAgain(list []damage, together []failedTogether) map[failedTry]int {
	damaged := make(map[uint64]bool, len(list))
	for _, d := range list {
		damaged[hashText(ofAddress, d.address)] = true
	}
	again := make(map[failedTry]int)
	for _, m := range together {
		first := true
		for _, address := range m.addresses {
			if damaged[address] && !first {
				again[failedTry{m.client, address}]++
			}
			first = first && !damaged[address]
		}
	}
	return again
}

// failedTry is a failedRecipient by the hash of its address.
type failedTry struct {
	client  netip.Addr
	address uint64
}

// mostlyRight is how many times as many recipients as are damaged a client must have been right about, to have no damaged list.
const mostlyRight = 10

// oftenRight is how many times as many recipients as are damaged a list server must have been right about. A spammer who has a damaged
// list is right about some times as many.
const oftenRight = 5

// ownMailing reports whether a mail server with a name of its own sent all of it for its own organisation, as a list server does.
func (w *mangledWatch) ownMailing(list []damage) bool {
	for _, d := range list {
		for _, k := range d.tries {
			a := w.failed.Find(k)
			if a.name == "" || genericName(a.name, k.client) || rentedName(a.name) {
				return false
			}
			for s := range a.allSenders {
				if !ownName(a.name, s) {
					return false
				}
			}
		}
	}
	return true
}

// variableSenders reports whether each sender contains the recipient (VERP): somebody wants to know about bounces.
func (w *mangledWatch) variableSenders(list []damage) bool {
	for _, d := range list {
		for _, k := range d.tries {
			for s := range w.failed.Find(k).allSenders {
				if !isVERP(s, d.address) {
					return false
				}
			}
		}
	}
	return true
}

// weigh weighs what is damaged, and how.
func (w *mangledWatch) weigh(f *Finding, list []damage, kinds *Tally, shared int, share float64) {
	n := len(list)
	f.because("damaged-recipients", min(0.5, 0.12*float64(n)), "%s of known recipients", plural(n, "damaged form", "damaged forms"))
	if kinds.Distinct() > 1 {
		f.because("several-kinds", 0.1, "damaged in different ways: %s", strings.Join(kinds.Values(), ", "))
	}
	if share >= enough && n >= w.pass.Thresholds.Mangled.MinAddresses {
		f.because("nothing-else", 0.1, "%.0f %% of its failed recipients are damaged forms", 100*share)
	}
	if shared > 0 {
		f.because("shared-list", 0.2, "clients in other networks used %d of them, too", shared)
	}
}
