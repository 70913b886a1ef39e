package analyze

import (
	"net/netip"
	"testing"
)

func TestGenericName(t *testing.T) {
	good := func(name, ip string) { // made from the address
		t.Helper()
		if !genericName(name, netip.MustParseAddr(ip)) {
			t.Errorf("%s of %s: not recognised", name, ip)
		}
	}
	bad := func(name, ip string) { // somebody's name for a server
		t.Helper()
		if genericName(name, netip.MustParseAddr(ip)) {
			t.Errorf("%s of %s: taken for generic", name, ip)
		}
	}
	good("dslb-084-060-208-031.pools.arcor-ip.net", "84.60.208.31")
	good("static-ip-cr200118009171.cable.net.co", "200.118.9.171")
	good("dsl-148-221-134-77-dyn.prod-infinitum.com.mx", "148.221.134.77")
	good("c-73-12-9-200.hsd1.ca.comcast.net", "73.12.9.200")
	good("31.208.60.84.in-addr.example.net", "84.60.208.31")
	good("x54a4d01f.host.example.org", "84.164.208.31")
	good("dynamic.example.com", "192.0.2.1")
	good("adsl-pool.example.com", "2001:db8::1")
	good("2001-0db8-0041-1230-c52b-93aa-0017-beef.host.example.net", "2001:db8:41:1230:c52b:93aa:17:beef")
	good("p20010db800411230c52b93aa0017beef.dip0.example.net", "2001:db8:41:1230:c52b:93aa:17:beef")
	good("2001-db8-41-1230--17.host.example.net", "2001:db8:41:1230::17")
	good("cpe-2001-db8-41-1230.example.net", "2001:db8:41:1230:c52b:93aa:17:beef")
	good("f.e.e.b.7.1.0.0.a.a.3.9.b.2.5.c.0.3.2.1.1.4.0.0.8.b.d.0.1.0.0.2.ip6.example.net", "2001:db8:41:1230:c52b:93aa:17:beef")
	bad("mail-a13.freepost-online.com", "91.188.233.32")
	bad("mta25.mailing-sonnen.com", "141.10.30.33")
	bad("mx1.example.org", "192.0.2.1")
	bad("mx1.example.org", "2001:db8::1")
	bad("cafe.bad.example.org", "2001:db8:cafe:bad::1")
	bad("mail-2001-db8.example.org", "2001:db8::25")
	bad("a25.smtp-out.example.com", "2001:db8:a25::25")
	bad("dynamic.com", "192.0.2.1") // the organisation's own name
	bad("", "192.0.2.1")
	bad("unknown", "192.0.2.1")
}

func TestKindOfHELO(t *testing.T) {
	for helo, want := range map[string]heloKind{
		"": unknownHELO, "mx1.example.org": namedHELO, "User": labelHELO, "ylmf-pc": labelHELO, "144899528": numberHELO,
		"[192.0.2.1]": literalHELO, "192.0.2.1": addressHELO, "2001:db8::1": addressHELO,
	} {
		if got := kindOfHELO(helo); got != want {
			t.Errorf("%q: got %d, want %d", helo, got, want)
		}
	}
}

func TestOrganisation(t *testing.T) {
	for name, want := range map[string]string{
		"mx1.mail.example.co.uk": "example.co.uk", "Example.COM.": "example.com", "localhost": "localhost", "192.0.2.1": "192.0.2.1", "": "",
	} {
		if got := organisation(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestVERP(t *testing.T) {
	if !isVERP("bounce-10000-claasen=hafen.example@mailing.example", "claasen@hafen.example") {
		t.Error("not recognised")
	}
	for _, sender := range []string{"", "<>", "claasen@mailing.example", "news@mailing.example", "bounce-claasen@mailing.example"} {
		if isVERP(sender, "claasen@hafen.example") {
			t.Errorf("%s: taken for VERP", sender)
		}
	}
}
