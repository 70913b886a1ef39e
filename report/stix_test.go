package report

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// bundle is what STIX 2.1 wants of a bundle and of the indicators in it.
type bundle struct {
	Type, ID string
	Objects  []map[string]any
}

func stixOf(t *testing.T, r *Report) (bundle, []byte) {
	t.Helper()
	var out bytes.Buffer
	if err := STIX(&out, r); err != nil {
		t.Fatal(err)
	}
	var b bundle
	if err := json.Unmarshal(out.Bytes(), &b); err != nil {
		t.Fatalf("%v:\n%s", err, out.Bytes())
	}
	return b, out.Bytes()
}

// The patterns of the published schemas: common/identifier.json and common/timestamp.json of cti-stix2-json-schemas.
var (
	stixID    = regexp.MustCompile(`^[a-z][a-z0-9-]+[a-z0-9]--[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$`)
	stixStamp = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$`)
)

func TestSTIXHasWhatTheStandardDemands(t *testing.T) {
	r := stixSample()
	b, text := stixOf(t, r)
	if b.Type != "bundle" || !stixID.MatchString(b.ID) || !strings.HasPrefix(b.ID, "bundle--") {
		t.Errorf("got a bundle of type %q with ID %q", b.Type, b.ID)
	}
	ids := []string{b.ID[len("bundle--"):]}
	for _, o := range b.Objects {
		for _, name := range []string{"type", "spec_version", "id", "created", "modified", "pattern", "pattern_type", "valid_from"} {
			if s, _ := o[name].(string); s == "" {
				t.Errorf("%v has no %s", o["id"], name)
			}
		}
		id, _ := o["id"].(string)
		if !stixID.MatchString(id) || !strings.HasPrefix(id, "indicator--") || o["type"] != "indicator" || o["spec_version"] != "2.1" {
			t.Errorf("got type %v, version %v, ID %q", o["type"], o["spec_version"], id)
		}
		if uuid := strings.TrimPrefix(id, "indicator--"); slices.Contains(ids, uuid) {
			t.Errorf("UUID %s is used twice, which section 2.9 forbids", uuid)
		} else {
			ids = append(ids, uuid)
		}
		for _, name := range []string{"created", "modified", "valid_from"} {
			if s := o[name].(string); !stixStamp.MatchString(s) {
				t.Errorf("%s: got %s %q", id, name, s)
			}
		}
		if o["modified"].(string) < o["created"].(string) {
			t.Errorf("%s: modified before it was created", id)
		}
		if c, ok := o["confidence"].(float64); !ok || c < 0 || c > 100 || c != float64(int(c)) {
			t.Errorf("%s: got confidence %v, want a whole number from 0 to 100", id, o["confidence"])
		}
		for name, v := range o {
			if list, ok := v.([]any); ok && len(list) == 0 {
				t.Errorf("%s: %s is an empty list, which section 2.10 forbids", id, name)
			}
		}
	}
	if _, again := stixOf(t, r); !bytes.Equal(text, again) {
		t.Errorf("got\n%s\nthe second time, and\n%s\nthe first", again, text)
	}
}

// stixSample has a client in two findings, one of IPv6, one of ours, and findings that are no indicators.
func stixSample() *Report {
	r := sample()
	client := func(ips ...string) (cs []analyze.ClientCount) {
		for _, ip := range ips {
			cs = append(cs, analyze.ClientCount{Client: mail.Client{IP: netip.MustParseAddr(ip)}, Messages: 1})
		}
		return cs
	}
	second := burst()
	second.Detector, second.ID, second.Severity, second.Score = "mangled", "mangled/ip/84.60.208.31/2024-01-24T13:40:00Z", analyze.Medium, 0.6
	second.Title, second.Start, second.End = "it damaged addresses", at("14:40:00"), at("14:50:00")
	second.Clients = client("84.60.208.31", "2001:db8::25", "127.0.0.1", "10.1.2.3", "::ffff:198.51.100.7")
	account := burst()
	account.ID, account.Subject, account.Clients = "account/account/maria/x", analyze.Subject{Kind: analyze.Account, Value: "maria"}, client("203.0.113.9")
	low := burst()
	low.ID, low.Severity, low.Clients = "burst/ip/203.0.113.10/x", analyze.Low, client("203.0.113.10")
	r.Findings = append(r.Findings, second, account, low)
	return r
}

func TestSTIXNamesEachAddressOnce(t *testing.T) {
	b, _ := stixOf(t, stixSample())
	var got []string
	for _, o := range b.Objects {
		got = append(got, o["pattern"].(string))
	}
	want := []string{"[ipv4-addr:value = '84.60.208.31']", "[ipv4-addr:value = '198.51.100.7']", "[ipv6-addr:value = '2001:db8::25']"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	o := b.Objects[0]
	if o["valid_from"] != "2024-01-24T13:40:00.000Z" || o["modified"] != "2024-01-24T13:51:55.000Z" {
		t.Errorf("got a span from %v to %v, want that of both findings", o["valid_from"], o["modified"])
	}
	if got := o["description"].(string); !strings.Contains(got, "sent 36 messages") || !strings.Contains(got, "damaged addresses") {
		t.Errorf("got the description %q, want both titles", got)
	}
	if got := o["labels"].([]any); len(got) != 3 || got[0] != "burst" || got[1] != "mangled" || got[2] != "high" {
		t.Errorf("got labels %v, want burst, mangled, high", got)
	}
}

// Empty lists are left out: the standard forbids them.
func TestSTIXOfNothing(t *testing.T) {
	_, text := stixOf(t, nothing())
	if bytes.Contains(text, []byte("objects")) {
		t.Errorf("got %s, want no objects", text)
	}
}

func TestStixString(t *testing.T) {
	if got, want := stixString(`a'b\c`), `a\'b\\c`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
