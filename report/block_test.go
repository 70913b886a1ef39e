package report

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"mailforensics/analyze"
)

func blocks(prefixes ...string) []analyze.Block {
	var bs []analyze.Block
	for i, p := range prefixes {
		bs = append(bs, analyze.Block{Prefix: netip.MustParsePrefix(p), Clients: 1 + i, Messages: 36, IDs: []string{"burst/ip/84.60.208.31/2006-01-04T14:44:03Z"}})
	}
	return bs
}

func form(t *testing.T, name string) BlockForm {
	t.Helper()
	for _, f := range BlockForms() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no form %s", name)
	return BlockForm{}
}

func TestBlockList(t *testing.T) {
	all := blocks("84.60.208.31/32", "192.0.2.0/24", "2001:db8:0:a::/64", "2001:db8::1/128")
	all[0].IDs = []string{"campaign/helo/evil\nroot: pipe\x1b[2J"} // a spammer chose that
	for _, tt := range []struct{ form, want string }{
		{"postfix-cidr", `# check_client_access cidr: table made by mailforensics 1.0
# 36 messages or attempts, findings: campaign/helo/evil\x0aroot: pipe\x1b[2J
84.60.208.31	REJECT abuse from your address; ask the postmaster
# 2 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
192.0.2.0/24	REJECT abuse from your address; ask the postmaster
# 3 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
2001:db8:0:a::/64	REJECT abuse from your address; ask the postmaster
# 4 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
2001:db8::1	REJECT abuse from your address; ask the postmaster
`},
		{"postfix-hash", `# check_client_access hash: table made by mailforensics 1.0; run postmap on it
# 36 messages or attempts, findings: campaign/helo/evil\x0aroot: pipe\x1b[2J
84.60.208.31	REJECT abuse from your address; ask the postmaster
# 2 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
192.0.2	REJECT abuse from your address; ask the postmaster
# 3 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
2001:db8:0:a	REJECT abuse from your address; ask the postmaster
# 4 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
2001:db8::1	REJECT abuse from your address; ask the postmaster
`},
		{"exim", `# host list made by mailforensics 1.0; deny hosts = net-iplsearch;FILE
# 36 messages or attempts, findings: campaign/helo/evil\x0aroot: pipe\x1b[2J
84.60.208.31: abuse
# 2 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
192.0.2.0/24: abuse
# 3 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
"2001:db8:0:a::/64": abuse
# 4 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
"2001:db8::1": abuse
`},
		{"nftables", `# made by mailforensics 1.0; load with: nft -f FILE
table inet mailforensics
delete table inet mailforensics
table inet mailforensics {
	set block4 {
		type ipv4_addr
		flags interval
		auto-merge
		elements = {
			84.60.208.31, # 36 messages or attempts, findings: campaign/helo/evil\x0aroot: pipe\x1b[2J
			192.0.2.0/24, # 2 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
		}
	}
	set block6 {
		type ipv6_addr
		flags interval
		auto-merge
		elements = {
			2001:db8:0:a::/64, # 3 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
			2001:db8::1, # 4 addresses, 36 messages or attempts, findings: burst/ip/84.60.208.31/2006-01-04T14:44:03Z
		}
	}
	chain input {
		type filter hook input priority filter - 10; policy accept;
		ip saddr @block4 tcp dport { 25, 465, 587 } drop
		ip6 saddr @block6 tcp dport { 25, 465, 587 } drop
	}
}
`},
		{"cidr", "84.60.208.31/32\n192.0.2.0/24\n2001:db8:0:a::/64\n2001:db8::1/128\n"},
	} {
		var got strings.Builder
		if err := BlockList(&got, form(t, tt.form), "1.0", all); err != nil {
			t.Fatal(err)
		}
		if got.String() != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.form, got.String(), tt.want)
		}
	}
}

// The keys were tried on Postfix 3.7, with clients of 2001:db8:1::5, 2001:db8:1:0:a:b:c:d and the like.
func TestAccessKeys(t *testing.T) {
	for network, want := range map[string]string{
		"192.0.2.0/24":         "192.0.2",
		"2001:db8:0:a::/64":    "2001:db8:0:a",
		"2001:db8:1::/64":      "2001:db8:1:0 2001:db8:1:", // 2001:db8:1:0:a:b:c:d and 2001:db8:1::5
		"2001:db8::/64":        "2001:db8:0:0 2001:db8:",
		"2001:db8:bad::/48":    "2001:db8:bad",
		"2a00::/64":            "2a00:0:0:0", // 2a00::9:a:b:c:d is of another
		"2001:db8:bad::17/128": "2001:db8:bad::17",
	} {
		if got := strings.Join(accessKeys(netip.MustParsePrefix(network)), " "); got != want {
			t.Errorf("%s: got %s, want %s", network, got, want)
		}
	}
}

// TestNftablesReadsIt lets nft check what was written, where nft is installed and may run.
func TestNftablesReadsIt(t *testing.T) {
	lists := map[string][]analyze.Block{
		"both":    blocks("84.60.208.31/32", "192.0.2.0/24", "2001:db8:0:a::/64"),
		"ipv4":    blocks("84.60.208.31/32"),
		"nothing": nil,
	}
	for name, list := range lists {
		var got strings.Builder
		if err := BlockList(&got, form(t, "nftables"), "1.0", list); err != nil {
			t.Fatal(err)
		}
		text := got.String()
		if strings.Contains(text, "elements = {\n\t\t}") {
			t.Errorf("%s: got an empty list of elements, which nft refuses:\n%s", name, text)
		}
		if name == "both" && !strings.Contains(text, "\t\t\t192.0.2.0/24, # 2 addresses, 36 messages or attempts, findings: burst/") {
			t.Errorf("%s: got no entry with its finding as a comment:\n%s", name, text)
		}
		if once := "\ndelete table inet mailforensics\n"; strings.Count(text, once) != 1 {
			t.Errorf("%s: loaded again, it would not take the place of the one before:\n%s", name, text)
		}
		path := filepath.Join(t.TempDir(), "block.nft")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("nft", "--check", "--file", path).CombinedOutput()
		if err != nil && strings.Contains(string(out), "rror: syntax") {
			t.Errorf("%s: nft says %s of\n%s", name, out, text)
		}
	}
}
