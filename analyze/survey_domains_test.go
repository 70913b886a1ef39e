package analyze

import "testing"

// A domain is what stands behind the last @ of an address, be it counted for the first time or again.
func TestDomainCounts(t *testing.T) {
	d := domainCounts{all: make(map[string]*domainCount), most: 10}
	want := map[string]int{"a.example": 4, "sub.a.example": 2, "example": 2, "": 4}
	for range 2 {
		for _, address := range []string{"x@a.example", `"x@example"@a.example`, "x@sub.a.example", "a@example", "x@", "a.example"} {
			d.count(address)
		}
	}
	for domain, n := range want {
		if c := d.all[domain]; c == nil || c.n != n {
			t.Errorf("%q: got %+v, want %d", domain, c, n)
		}
	}
	if len(d.all) != len(want) {
		t.Errorf("got %d domains, want %d", len(d.all), len(want))
	}
}
