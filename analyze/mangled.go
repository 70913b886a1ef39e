package analyze

import (
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// mangledName is the detector's name in the IDs by which clients with a damaged list link to each other.
const mangledName = "mangled"

var mangled = Detector{
	Name:    mangledName,
	Command: "mangled",
	Title:   "recipients that are damaged forms of known addresses",
	Doc:     mangledDoc,
	New:     func(p *Pass) Watch { return newMangledWatch(p) },
}

// failedRecipient is a recipient that one client tried in vain.
type failedRecipient struct {
	client  netip.Addr
	address string // folded
}

// attempts is what one client tried with one failed recipient. There are as many as there is room for in most logs, and most
// are of one line: its words are pieces of it.
type attempts struct {
	messages, rejected  int32
	expired, waiting    int32 // of the messages: those whose attempts expired, and those still deferred; the others bounced
	asn                 uint32
	name, helo, country string // of the client
	senders             string // different ones, folded, in order, at most failedSenders, a line each
	host                string
	last                mail.Instant
	evidence            Evidence // the first
}

// failedTogether is a message that several recipients did not get: it is one, however many of them are damaged.
type failedTogether struct {
	client    netip.Addr
	addresses []uint64 // hashes
}

// failedSenders bounds the senders that are remembered for one client and one failed recipient.
const failedSenders = 8

type mangledWatch struct {
	pass     *Pass
	failed   *Entities[failedRecipient, attempts]
	together []failedTogether // at most as many as there are failed recipients
	passed   Tally            // recipients of strangers that another host took
	passedTo Tally            // their domains
	right    countMin         // by host (hostNetwork): recipients that it was right about
}

func newMangledWatch(p *Pass) *mangledWatch {
	own := func(k failedRecipient) failedRecipient { return failedRecipient{k.client, strings.Clone(k.address)} }
	weigh := func(a *attempts) int { return int(a.messages + a.rejected) }
	return &mangledWatch{pass: p, failed: NewEntities(p.Thresholds.Mangled.MaxFailed, weigh, own)}
}

func (w *mangledWatch) Message(m *mail.Message) {
	if m.Notice || !m.Client.IP.IsValid() || m.Account != "" {
		return
	}
	var failed []uint64
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Disposition == mail.Delivered {
			w.right.add(hashAddr(ofClient, hostNetwork(m.Client.IP).Addr()))
		}
		switch {
		case r.Disposition == mail.Delivered && !r.Local:
			address := mail.Fold(r.Envelope())
			w.passed.Add(address, 1)
			addNamed(&w.passedTo, mail.Domain(address))
			continue
		case r.Disposition != mail.Bounced && r.Disposition != mail.Expired && r.Disposition != mail.Deferred:
			continue
		}
		address := mail.Fold(r.Envelope())
		a := w.failed.At(failedRecipient{m.Client.IP.Unmap(), address})
		a.messages++
		switch r.Disposition {
		case mail.Expired:
			a.expired++
		case mail.Deferred:
			a.waiting++
		}
		a.seen(m.Client, m.Sender, m.Host, MessageEvidence(m))
		if len(m.Recipients) > 1 {
			failed = append(failed, hashText(ofAddress, address))
		}
	}
	if len(failed) > 1 {
		w.failedTogether(failedTogether{m.Client.IP.Unmap(), failed})
	}
}

// failedTogether remembers a message, as long as there is room.
func (w *mangledWatch) failedTogether(m failedTogether) {
	if len(w.together) < w.pass.Thresholds.Mangled.MaxFailed {
		w.together = append(w.together, m)
	}
}

func (w *mangledWatch) Event(ev *mail.Event) {
	if !IsRefusal(ev) || ev.Recipient == "" || !ev.Client.IP.IsValid() || ev.Account != "" {
		return
	}
	a := w.failed.At(failedRecipient{ev.Client.IP.Unmap(), mail.Fold(ev.Recipient)})
	a.rejected++
	a.seen(ev.Client, ev.Sender, ev.Host, EventEvidence(ev))
}

func (a *attempts) seen(client mail.Client, sender, host string, e Evidence) {
	if a.evidence.Time == 0 || before(e, a.evidence) {
		a.evidence = owned(e)
	}
	a.last = max(a.last, e.Time)
	if client.Name != "unknown" {
		a.name = a.greater(a.name, client.Name)
	}
	a.helo = a.greater(a.helo, client.HELO)
	a.country = a.greater(a.country, client.Country)
	a.asn = max(a.asn, client.ASN)
	a.host = a.greater(a.host, host)
	a.from(mail.Fold(sender))
}

// greater is the greater of two words, so that the order of lines means nothing.
func (a *attempts) greater(kept, s string) string {
	if s <= kept {
		return kept
	}
	return pieceOf(a.evidence.Text, s)
}

// from keeps the least of the senders, so that the order of lines means nothing.
func (a *attempts) from(sender string) {
	if a.senders == "" {
		a.senders = pieceOf(a.evidence.Text, sender)
		return
	}
	all := make([]string, 0, failedSenders+1)
	for s := range a.allSenders {
		all = append(all, s)
	}
	at, found := slices.BinarySearch(all, sender)
	if sender == "" || found || at == failedSenders {
		return
	}
	all = slices.Insert(all, at, sender)
	a.senders = strings.Join(all[:min(len(all), failedSenders)], "\n")
}

// allSenders yields the senders in order.
func (a *attempts) allSenders(yield func(string) bool) {
	for rest := a.senders; rest != ""; {
		var s string
		if s, rest, _ = strings.Cut(rest, "\n"); !yield(s) {
			return
		}
	}
}

func (w *mangledWatch) Merge(other Watch) {
	for _, m := range other.(*mangledWatch).together {
		w.failedTogether(m)
	}
	w.right.merge(&other.(*mangledWatch).right)
	w.passed.Merge(&other.(*mangledWatch).passed)
	w.passedTo.Merge(&other.(*mangledWatch).passedTo)
	for k, o := range other.(*mangledWatch).failed.All() {
		a := w.failed.At(k)
		a.messages += o.messages
		a.rejected += o.rejected
		a.expired += o.expired
		a.waiting += o.waiting
		last := max(a.last, o.last)
		a.seen(mail.Client{Name: o.name, HELO: o.helo, Country: o.country, ASN: o.asn}, "", o.host, o.evidence)
		a.last = last
		for s := range o.allSenders {
			a.from(s)
		}
	}
}
