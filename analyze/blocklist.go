package analyze

import (
	"cmp"
	"net/netip"
	"slices"

	"mailforensics/mail"
)

const (
	// maxNeighbours bounds the clients that are remembered for block lists: 300,000 addresses take about 20 MB.
	maxNeighbours = 300_000
	// mergeFrom is how many listed addresses of a network make it worth one entry.
	mergeFrom = 3
)

// Neighbours remembers who lives where: which clients handed in mail, logged in or were asked to come again, and which servers
// took mail from us. So a block list takes a whole network only where nobody honest lives. The zero value is ready.
type Neighbours struct {
	seen map[netip.Addr]bool // whether somebody logged in from there
	full bool                // there were more: nothing is merged then
}

// Message notes the client of a message, and the servers that took it.
func (n *Neighbours) Message(m *mail.Message) {
	if m.Notice { // who takes our bounces may be the spammer
		return
	}
	n.add(m.Client.IP, m.Account != "")
	for i := range m.Recipients {
		if r := &m.Recipients[i]; r.Disposition == mail.Delivered {
			n.add(r.RelayIP, false)
		}
	}
}

// Event notes who logged in, and who was refused for a while only: an honest server that is new here (greylisting).
func (n *Neighbours) Event(ev *mail.Event) {
	switch {
	case ev.Kind == mail.Auth:
		n.add(ev.Client.IP, true)
	case ev.Kind == mail.Reject && ev.Code/100 == 4:
		n.add(ev.Client.IP, false)
	}
}

func (n *Neighbours) add(ip netip.Addr, login bool) {
	if !ip.IsValid() {
		return
	}
	ip = ip.Unmap().WithZone("")
	old, ok := n.seen[ip]
	if !ok && n.full || ok && (old || !login) {
		return
	}
	if n.seen == nil {
		n.seen = make(map[netip.Addr]bool)
	}
	n.seen[ip] = login
	n.full = len(n.seen) >= maxNeighbours
}

// Block is an entry of a block list.
type Block struct {
	Prefix   netip.Prefix
	Clients  int       // listed addresses in it
	Messages int       // messages and refused attempts of theirs in the findings
	Findings []Subject // what asks for it, without repeats
	IDs      []string  // the findings' IDs
}

// Blocks makes a block list of findings that are at least that severe: their clients, and whole networks (/24, /64) where
// several clients of one were found and the log shows nobody else. Clients of accounts are left out: they are where the
// account's owner is, too; disable the login instead. So are those of effects: a single letter of a customer's that bounced
// makes him part of the backscatter, and who caused it has a finding of his own. So are clients from which somebody logged
// in, unless a finding is about that very address, our own hosts, by address or by name, and those that may never be reported.
func Blocks(findings []Finding, least Severity, n *Neighbours, site *Site, pass *Pass) []Block {
	byClient := make(map[netip.Addr]*Block)
	for i := range findings {
		f := &findings[i]
		if f.Severity < least || f.Subject.Kind == Account || f.Subject.Kind == UID || f.IsEffect() {
			continue
		}
		for _, c := range f.Clients {
			if !n.seen[c.IP.Unmap()] || f.Subject.Kind == IP {
				addClient(byClient, f, c, site, pass.Allowed)
			}
		}
	}
	blocks := merge(byClient, n, func(network netip.Prefix) bool { return spared(network, site, pass) })
	slices.SortFunc(blocks, func(a, b Block) int {
		return cmp.Or(a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
	return blocks
}

func addClient(byClient map[netip.Addr]*Block, f *Finding, c ClientCount, site *Site, allowed func(SubjectKind, string) bool) {
	ip, did := c.IP.Unmap().WithZone(""), c.Messages+c.Rejected+c.FailedLogins
	if !isHost(ip) || did == 0 {
		return
	}
	if site.IsOwnClient(&c.Client) || allowed != nil && allowed(IP, ip.String()) {
		return
	}
	b := byClient[ip]
	if b == nil {
		b = &Block{Prefix: netip.PrefixFrom(ip, ip.BitLen()), Clients: 1}
		byClient[ip] = b
	}
	b.Messages = max(b.Messages, did) // findings of one story count the same messages
	if !slices.Contains(b.IDs, f.ID) {
		b.IDs = append(b.IDs, f.ID)
		b.Findings = append(b.Findings, f.Subject)
	}
}

// isHost reports whether an address can be a host's: 0.0.0.0 and :: stand for all of them in many a configuration, and no
// TCP connection comes from 0.0.0.0/8, a multicast or a reserved address (RFC 1122, section 3.2.1.3; RFC 1112, section 4).
// Where a log has them, it was damaged or forged.
func isHost(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() { // nor one of this machine or link
		return false
	}
	first := ip.AsSlice()[0]
	return !ip.Is4() || first != 0 && first < 240
}

// spared reports whether a network must not be listed whole: an address in it is ours, or one that may never be reported.
func spared(network netip.Prefix, site *Site, pass *Pass) bool {
	for _, allowed := range pass.AllowedIPs {
		if allowed.Overlaps(network) {
			return true
		}
	}
	for ip := range site.Own {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

// merge joins the clients of a network where that hits nobody else.
func merge(byClient map[netip.Addr]*Block, n *Neighbours, spared func(netip.Prefix) bool) []Block {
	members := make(map[netip.Prefix][]*Block)
	for ip, b := range byClient {
		network := NetworkOf(ip)
		members[network] = append(members[network], b)
	}
	if n.full {
		members = nil
	}
	for ip := range n.seen {
		if byClient[ip] == nil {
			delete(members, NetworkOf(ip)) // somebody else lives there
		}
	}
	var blocks []Block
	merged := make(map[netip.Addr]bool)
	for network, list := range members {
		if len(list) < mergeFrom || spared(network) {
			continue
		}
		slices.SortFunc(list, func(a, b *Block) int { return a.Prefix.Addr().Compare(b.Prefix.Addr()) })
		whole := Block{Prefix: network}
		for _, b := range list {
			whole.take(b)
			merged[b.Prefix.Addr()] = true
		}
		blocks = append(blocks, whole)
	}
	for ip, b := range byClient {
		if !merged[ip] {
			blocks = append(blocks, *b)
		}
	}
	return blocks
}

func (b *Block) take(o *Block) {
	b.Clients += o.Clients
	b.Messages += o.Messages
	for i, id := range o.IDs {
		if !slices.Contains(b.IDs, id) {
			b.IDs = append(b.IDs, id)
			b.Findings = append(b.Findings, o.Findings[i])
		}
	}
}
