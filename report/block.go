package report

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"mailforensics/analyze"
)

// BlockForm is a form of block list.
type BlockForm struct {
	Name string
	Doc  string
	head string                                      // before the entries; %s is the version of the tool
	item func(out *bufio.Writer, b *analyze.Block)   // one entry
	tail string                                      // after them
	pick func(all []analyze.Block) [][]analyze.Block // groups that stand between head and tail of their own; nil: one
}

// BlockForms are the forms that there are, for help, completion and flags.
func BlockForms() []BlockForm {
	return []BlockForm{
		{Name: "postfix-cidr", Doc: "Postfix access map, check_client_access cidr:FILE, first in smtpd_client_restrictions",
			head: "# check_client_access cidr: table made by mailforensics %s\n", item: postfixCIDR},
		{Name: "postfix-hash", Doc: "Postfix access map for postmap, check_client_access hash:FILE, first in smtpd_client_restrictions",
			head: "# check_client_access hash: table made by mailforensics %s; run postmap on it\n", item: postfixHash},
		{Name: "exim", Doc: "Exim host list, deny hosts = net-iplsearch;FILE",
			head: "# host list made by mailforensics %s; deny hosts = net-iplsearch;FILE\n", item: eximHosts},
		{Name: "nftables", Doc: "nftables sets block4 and block6, nft -f FILE",
			head: nftHead, item: nftElement, tail: nftTail, pick: byFamily},
		{Name: "cidr", Doc: "one address or network a line, nothing else",
			item: func(out *bufio.Writer, b *analyze.Block) { fmt.Fprintln(out, b.Prefix) }},
	}
}

// BlockList writes a block list in the given form.
func BlockList(w io.Writer, form BlockForm, version string, blocks []analyze.Block) error {
	out := bufio.NewWriter(w)
	if strings.Contains(form.head, "%s") {
		fmt.Fprintf(out, form.head, Visible(version))
	}
	if form.pick == nil {
		for i := range blocks {
			form.item(out, &blocks[i])
		}
		return out.Flush()
	}
	for i, group := range form.pick(blocks) {
		nftOpen(out, i)
		if len(group) > 0 { // an empty list of elements is a syntax error
			out.WriteString("\t\telements = {\n")
			for j := range group {
				form.item(out, &group[j])
			}
			out.WriteString("\t\t}\n")
		}
		out.WriteString("\t}\n")
	}
	out.WriteString(form.tail)
	return out.Flush()
}

// because is the comment of an entry: how much, and the findings that ask for it, on one line.
func because(b *analyze.Block) string {
	text := fmt.Sprintf("%s, findings: %s", Counted(b.Messages, "message or attempt", "messages or attempts"), strings.Join(b.IDs, ", "))
	if b.Clients > 1 {
		text = fmt.Sprintf("%d addresses, %s", b.Clients, text)
	}
	return Visible(text)
}

// bare is an address without its length, or a network with it.
func bare(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

const postfixAction = "REJECT abuse from your address; ask the postmaster"

// postfixCIDR is an entry of cidr_table(5): comments must stand on lines of their own.
func postfixCIDR(out *bufio.Writer, b *analyze.Block) {
	fmt.Fprintf(out, "# %s\n%s\t%s\n", because(b), bare(b.Prefix), postfixAction)
}

// postfixHash is an entry of access(5), "host name/address patterns": networks end at a whole octet, or at a whole group
// of four hexadecimal digits.
func postfixHash(out *bufio.Writer, b *analyze.Block) {
	fmt.Fprintf(out, "# %s\n", because(b))
	for _, key := range accessKeys(b.Prefix) {
		fmt.Fprintf(out, "%s\t%s\n", key, postfixAction)
	}
}

// accessKeys are what smtpd looks up for the addresses of p. It takes group after group from the end of the text of an IPv6
// address, in which the longest run of zeros is "::" (inet_ntop): that of 2001:db8:1:0::/64 is 2001:db8:1:0:a:b:c:d or
// 2001:db8:1::5, and what is left of these is "2001:db8:1:0" or "2001:db8:1:". With more than two zero groups the latter would
// be of other networks, too.
func accessKeys(p netip.Prefix) []string {
	if p.IsSingleIP() {
		return []string{p.Addr().String()}
	}
	if p.Addr().Is4() {
		return []string{strings.Join(strings.Split(p.Addr().String(), ".")[:p.Bits()/8], ".")}
	}
	bytes := p.Addr().As16()
	groups := make([]string, p.Bits()/16)
	for i := range groups {
		groups[i] = fmt.Sprintf("%x", uint16(bytes[2*i])<<8|uint16(bytes[2*i+1]))
	}
	keys := []string{strings.Join(groups, ":")}
	n := len(groups)
	for n > 0 && groups[n-1] == "0" {
		n--
	}
	if zeros := len(groups) - n; zeros == 1 || zeros == 2 {
		keys = append(keys, strings.Join(groups[:n], ":")+":")
	}
	return keys
}

// eximHosts is an entry of an iplsearch file (Exim specification, chapter 9.3): IPv6 keys are quoted because of their
// colons.
func eximHosts(out *bufio.Writer, b *analyze.Block) {
	key := bare(b.Prefix)
	if b.Prefix.Addr().Is6() {
		key = `"` + key + `"`
	}
	fmt.Fprintf(out, "# %s\n%s: abuse\n", because(b), key)
}

// A list that is loaded takes the place of the one before: without the second line its rules would stand there twice, and what
// was dropped from it would stay. The first line is for the first time, when there is nothing to delete.
const nftHead = `# made by mailforensics %s; load with: nft -f FILE
table inet mailforensics
delete table inet mailforensics
table inet mailforensics {
`

const nftTail = `	chain input {
		type filter hook input priority filter - 10; policy accept;
		ip saddr @block4 tcp dport { 25, 465, 587 } drop
		ip6 saddr @block6 tcp dport { 25, 465, 587 } drop
	}
}
`

func nftOpen(out *bufio.Writer, family int) {
	kind := [...]string{"ipv4_addr", "ipv6_addr"}[family]
	name := [...]string{"block4", "block6"}[family]
	fmt.Fprintf(out, "\tset %s {\n\t\ttype %s\n\t\tflags interval\n\t\tauto-merge\n", name, kind)
}

func nftElement(out *bufio.Writer, b *analyze.Block) {
	fmt.Fprintf(out, "\t\t\t%s, # %s\n", bare(b.Prefix), because(b))
}

// byFamily parts IPv4 from IPv6: an nftables set holds one of them.
func byFamily(all []analyze.Block) [][]analyze.Block {
	groups := make([][]analyze.Block, 2)
	for _, b := range all {
		family := 0
		if b.Prefix.Addr().Is6() {
			family = 1
		}
		groups[family] = append(groups[family], b)
	}
	return groups
}
