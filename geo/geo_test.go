package geo

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// writeDB makes a database file with records by prefix.
func writeDB(t *testing.T, records map[string]mmdbtype.Map) string {
	t.Helper()
	return writeVersion(t, 6, records)
}

// writeVersion makes one for IPv4 only (4) or for both (6).
func writeVersion(t *testing.T, version int, records map[string]mmdbtype.Map) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", RecordSize: 24, IncludeReservedNetworks: true, IPVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	for prefix, rec := range records {
		_, network, err := net.ParseCIDR(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(network, rec); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "test.mmdb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func country(iso string) mmdbtype.Map {
	return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(iso)}}
}

func TestLookup(t *testing.T) {
	asn := writeDB(t, map[string]mmdbtype.Map{
		"84.60.0.0/16": {"autonomous_system_number": mmdbtype.Uint32(3209), "autonomous_system_organization": mmdbtype.String("Vodafone")},
	})
	countries := writeDB(t, map[string]mmdbtype.Map{
		"84.60.0.0/16":  country("DE"),
		"2001:db8::/32": {"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("CO")}},
		"203.0.113.0/24": {"country_code": mmdbtype.String("FR"), "asn": mmdbtype.Uint32(64500),
			"country": mmdbtype.String("France")},
		"198.51.100.0/25": {"country_code": mmdbtype.String("NL"), "asn": mmdbtype.String("AS64501"),
			"country": mmdbtype.String("Netherlands"), "as_name": mmdbtype.String("Example BV")},
		"192.0.2.0/24": {"continent": mmdbtype.String("Europe")},
	})
	later := writeDB(t, map[string]mmdbtype.Map{ // what an earlier file knows stays
		"84.60.0.0/16": {"asn": mmdbtype.String("AS1"), "org": mmdbtype.String("Other"), "country_code": mmdbtype.String("XX")},
		"203.0.113.0/24": {"as_name": mmdbtype.String("Example SA"), "org": mmdbtype.String("AS64502 Example"), "asn": mmdbtype.String("AS64502"),
			"country_code": mmdbtype.String("CH"), "country": mmdbtype.String("XX")},
		"192.0.3.0/24": {"as_name": mmdbtype.String("Example SA"), "org": mmdbtype.String("AS64502 Example"), "asn": mmdbtype.String("AS64502"),
			"country_code": mmdbtype.String("CH"), "country": mmdbtype.String("XX")},
	})
	db, errs := Open([]string{asn, countries, later})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	defer db.Close()
	for _, tt := range []struct {
		ip   string
		want Place
	}{
		{"84.60.208.31", Place{3209, "Vodafone", "DE"}},
		{"::ffff:84.60.208.31", Place{3209, "Vodafone", "DE"}}, // mapped, as some MTAs log it
		{"2001:db8::25", Place{Country: "CO"}},
		{"203.0.113.9", Place{ASN: 64500, Country: "FR"}}, // a flat database
		{"198.51.100.1", Place{ASN: 64501, Org: "Example BV", Country: "NL"}},
		{"192.0.3.1", Place{ASN: 64502, Org: "Example SA", Country: "CH"}}, // the first name of each kind
		{"198.51.100.129", Place{}},
		{"192.0.2.1", Place{}}, // a record of other fields
	} {
		for range 2 { // the second answer comes from the cache
			if got := db.Lookup(netip.MustParseAddr(tt.ip)); got != tt.want {
				t.Errorf("Lookup(%s): got %+v, want %+v", tt.ip, got, tt.want)
			}
		}
	}
	if err := db.Err(); err != nil {
		t.Errorf("got %v of whole databases", err)
	}
	if got := db.Lookup(netip.Addr{}); got != (Place{}) {
		t.Errorf("Lookup of no address: got %+v, want nothing", got)
	}
	empty, _ := Open(nil)
	for _, db := range []*DB{nil, empty} { // without --geo
		if got := db.Lookup(netip.MustParseAddr("84.60.208.31")); got != (Place{}) {
			t.Errorf("Lookup without files: got %+v, want nothing", got)
		}
	}
}

// A database for IPv4 only knows nothing of IPv6 clients, and being asked for one is no damage.
func TestOnlyIPv4(t *testing.T) {
	db, errs := Open([]string{writeVersion(t, 4, map[string]mmdbtype.Map{"84.60.0.0/16": country("DE")})})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for ip, want := range map[string]string{"84.60.208.31": "DE", "2001:db8::25": ""} {
		if got := db.Lookup(netip.MustParseAddr(ip)).Country; got != want {
			t.Errorf("%s: got %q, want %q", ip, got, want)
		}
	}
	if err := db.Err(); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

// A record that points outside of the file is an error when it is looked up, and the error names the file.
func TestDamageIsNamed(t *testing.T) {
	good := writeDB(t, map[string]mmdbtype.Map{"84.60.0.0/16": country("DE")})
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(text, []byte("iso_code"))
	text[at-1] = 0x5f // a string that is longer than the file
	bad := filepath.Join(t.TempDir(), "bad.mmdb")
	if err := os.WriteFile(bad, text, 0o600); err != nil {
		t.Fatal(err)
	}
	copy(text, "\xff\xff\xff\xff\xff\xff") // the first node of the tree, for every address
	worse := filepath.Join(t.TempDir(), "worse.mmdb")
	if err := os.WriteFile(worse, text, 0o600); err != nil {
		t.Fatal(err)
	}
	db, errs := Open([]string{bad, worse, good})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if got := db.Lookup(netip.MustParseAddr("84.60.208.31")).Country; got != "DE" {
		t.Errorf("the good file is still used: got %q, want DE", got)
	}
	if err := db.Err(); err == nil || !strings.Contains(err.Error(), "bad.mmdb") {
		t.Errorf("got error %v, want one that names bad.mmdb", err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	db, errs := Open([]string{writeDB(t, map[string]mmdbtype.Map{"10.0.0.0/8": country("DE")})})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	ip := netip.MustParseAddr("10.0.0.0")
	for range 3 * cacheSize {
		db.Lookup(ip)
		ip = ip.Next()
	}
	if len(db.cache) > cacheSize {
		t.Errorf("got %d remembered answers, want at most %d", len(db.cache), cacheSize)
	}
}

func TestOpenNamesWhatItCannotUse(t *testing.T) {
	good := writeDB(t, map[string]mmdbtype.Map{"84.60.0.0/16": country("DE")})
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.mmdb")
	if err := os.WriteFile(cut, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	db, errs := Open([]string{cut, "no-such.mmdb", good})
	if len(errs) != 2 || !strings.Contains(errs[0].Error(), "cut.mmdb") || !strings.Contains(errs[1].Error(), "no-such.mmdb") {
		t.Fatalf("got errors %v, want one that names cut.mmdb and one that names no-such.mmdb", errs)
	}
	if got := db.Lookup(netip.MustParseAddr("84.60.208.31")).Country; got != "DE" {
		t.Errorf("the good file is still used: got %q, want DE", got)
	}
}
