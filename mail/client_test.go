package mail

import (
	"net/netip"
	"testing"
)

func TestCutClient(t *testing.T) {
	tests := []struct {
		in, name, ip string
		port         uint16
		rest         string
		ok           bool
	}{
		{"mail.example.net[192.0.2.10]: x", "mail.example.net", "192.0.2.10", 0, ": x", true},
		{"mail.example.net[2001:db8::25]:50122", "mail.example.net", "2001:db8::25", 50122, "", true},
		{"[192.0.2.66]:50623: 550", "", "192.0.2.66", 50623, ": 550", true},
		{"unknown[unknown]", "unknown", "invalid IP", 0, "", true},
		{"x[::ffff:192.0.2.1]:x", "x", "192.0.2.1", 0, ":x", true},
		{"x[IPv6:2001:db8::1]:70000", "x", "2001:db8::1", 0, ":70000", true},
		{"x[192.0.2.1]:36893488147419103257", "x", "192.0.2.1", 0, ":36893488147419103257", true}, // 25 after two overflows
		{"x[192.0.2.1]:", "x", "192.0.2.1", 0, ":", true},
		{"evil x[192.0.2.1]", "", "invalid IP", 0, "evil x[192.0.2.1]", false},
		{"x[192.0.2.999]", "", "invalid IP", 0, "x[192.0.2.999]", false},
		{"x[fe80::1%eth0]", "", "invalid IP", 0, "x[fe80::1%eth0]", false},
		{"x[192.0.2.1", "", "invalid IP", 0, "x[192.0.2.1", false},
		{"", "", "invalid IP", 0, "", false},
	}
	for _, tt := range tests {
		c, rest, ok := CutClient(tt.in)
		if c.Name != tt.name || c.IP.String() != tt.ip || c.Port != tt.port || rest != tt.rest || ok != tt.ok {
			t.Errorf("%s: got %+v %q %v", tt.in, c, rest, ok)
		}
	}
}

func TestIsInside(t *testing.T) {
	for in, want := range map[string]bool{
		"127.0.0.1": true, "10.1.2.3": true, "172.16.0.1": true, "192.168.1.1": true, "169.254.1.1": true, "::ffff:192.168.1.1": true,
		"::1": true, "fe80::1": true, "fd00::1": true, "192.0.2.1": false, "172.32.0.1": false, "2001:db8::1": false,
	} {
		if got := IsInside(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: got %v, want %v", in, got, want)
		}
	}
	if IsInside(netip.Addr{}) {
		t.Error("no address: got true")
	}
	for network := range 1 << 16 {
		ip := netip.AddrFrom4([4]byte{byte(network >> 8), byte(network), 0, 1})
		if got, want := IsInside(ip), ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast(); got != want {
			t.Errorf("%s: got %v, want %v", ip, got, want)
		}
	}
}

func TestParseIP(t *testing.T) {
	for _, in := range []string{"0.0.0.0", "192.0.2.10", "255.255.255.255", "10.0.0.1", "2001:db8::1", "::1"} {
		if ip := ParseIP(in); ip.String() != in {
			t.Errorf("%s: got %v", in, ip)
		}
	}
	for _, in := range []string{"", ".", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1..2.3", "1.2.3.4 ", "1.2.3.x", "abc", "private/x", "1.2.3.4/8"} {
		if ip := ParseIP(in); ip.IsValid() {
			t.Errorf("%s: got %v want nothing", in, ip)
		}
	}
}

// CutIPv4 agrees with netip, whatever follows the address.
func TestCutIPv4(t *testing.T) {
	numbers := []string{"0", "7", "9", "10", "42", "99", "100", "199", "255", "", "00", "01", "001", "256", "999", "1000", "1a", "/", ":", "-1", "\xb1", "2\xff"}
	for i := range len(numbers) * len(numbers) * len(numbers) {
		// The fourth number follows from the others, so that each stands in each place beside many others.
		a, b, c := i%len(numbers), i/len(numbers)%len(numbers), i/len(numbers)/len(numbers)
		address := numbers[a] + "." + numbers[b] + "." + numbers[c] + "." + numbers[(a+b+c)%len(numbers)]
		want, err := netip.ParseAddr(address)
		for _, behind := range []string{"", "]", "]: Connection timed out", ".", "/24"} {
			ip, n := CutIPv4(address + behind)
			if err == nil && (ip != want || n != len(address)) || err != nil && n == len(address) {
				t.Errorf("CutIPv4(%q) = %v, %d", address+behind, ip, n)
			}
		}
	}
}
