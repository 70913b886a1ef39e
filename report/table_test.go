package report

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// mixed is a table with addresses, texts, times and numbers, of which some can be spared.
func mixed(key string) *Table {
	return &Table{
		Columns: []Column{
			{Name: "value", Title: "value"}, {Name: "messages", Title: "messages", Number: true}, {Name: "bounced", Title: "bounced", Number: true, Spare: 1},
			{Name: "first", Title: "first", Spare: 2}, {Name: "name", Title: "name", Spare: 3},
		},
		Rows: [][]Value{{Text(key), Int(1036), Int(12), Moment(at("14:44:11")), Text("dslb-084-060-208-031.pools.example")}},
	}
}

// TestNarrowTable: what can be spared goes first, and is named; then texts are cut, but never an address, a number or a time.
func TestNarrowTable(t *testing.T) {
	const ip, login = "2001:db8:1234:5678::17", "somebody.with.a.long.name@department.university.example"
	for _, c := range []struct {
		key     string
		columns int
		left    []string
		first   string // the cell of the key
	}{
		{ip, 0, nil, ip},
		{ip, 80, nil, ip},
		{ip, 60, []string{"first", "name"}, ip},
		{ip, 30, []string{"bounced", "first", "name"}, ip},
		{login, 0, nil, login},
		{login, 80, nil, "somebody.with.a.long.na…"},
		{login, 60, []string{"first", "name"}, "somebody.with.a.long.name@department.uni…"},
		{login, 24, []string{"bounced", "first", "name"}, "somebody.with…"},
	} {
		text, left := drawTable(mixed(c.key), c.columns, time.UTC)
		if !slices.Equal(left, c.left) {
			t.Errorf("%s in %d columns: left out %q, want %q", c.key, c.columns, left, c.left)
		}
		lines := strings.Split(text, "\n")
		if got, _, _ := strings.Cut(lines[1], " "); got != c.first {
			t.Errorf("%s in %d columns: the key is %q, want %q", c.key, c.columns, got, c.first)
		}
		for _, line := range lines {
			if c.columns > len(c.first)+10 && width(line) > c.columns {
				t.Errorf("%s in %d columns: %q is %d wide", c.key, c.columns, line, width(line))
			}
		}
	}
}
