package geo

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// writeDB makes a database file with the given records by prefix.
func writeDB(t *testing.T, records map[string]mmdbtype.Map) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", RecordSize: 24, IncludeReservedNetworks: true})
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

func TestLook(t *testing.T) {
	asn := writeDB(t, map[string]mmdbtype.Map{
		"84.60.0.0/16": {"autonomous_system_number": mmdbtype.Uint32(3209), "autonomous_system_organization": mmdbtype.String("Vodafone")},
	})
	countries := writeDB(t, map[string]mmdbtype.Map{
		"84.60.0.0/16":  country("DE"),
		"2001:db8::/32": {"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("CO")}},
		"203.0.113.0/24": {"country_code": mmdbtype.String("FR"), "asn": mmdbtype.Uint32(64500),
			"country": mmdbtype.String("France")},
	})
	db, errs := Open([]string{asn, countries})
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
		{"198.51.100.1", Place{}},
	} {
		for range 2 { // the second answer comes from the cache
			if got := db.Look(netip.MustParseAddr(tt.ip)); got != tt.want {
				t.Errorf("Look(%s): got %+v, want %+v", tt.ip, got, tt.want)
			}
		}
	}
	if got := db.Look(netip.Addr{}); got != (Place{}) {
		t.Errorf("Look of no address: got %+v, want nothing", got)
	}
}

func TestCacheIsBounded(t *testing.T) {
	db, errs := Open([]string{writeDB(t, map[string]mmdbtype.Map{"10.0.0.0/8": country("DE")})})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	ip := netip.MustParseAddr("10.0.0.0")
	for range 3 * cacheSize {
		db.Look(ip)
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
	if got := db.Look(netip.MustParseAddr("84.60.208.31")).Country; got != "DE" {
		t.Errorf("the good file is still used: got %q, want DE", got)
	}
}
