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

// TestZerosGoFirst: of what can be spared, a column of nothing but 0 goes before all others.
func TestZerosGoFirst(t *testing.T) {
	m := mixed("203.0.113.9")
	m.Rows[0][2] = Int(0)
	if _, left := drawTable(m, 62, time.UTC); !slices.Equal(left, []string{"bounced"}) {
		t.Errorf("left out %q, want bounced, which is 0", left)
	}
}

// TestTextsStayDifferent: what is cut is cut in the middle, if it would look alike otherwise.
func TestTextsStayDifferent(t *testing.T) {
	const listed = "Client host blocked using zen.example; Listed by "
	for _, c := range []struct{ texts, want []string }{
		{[]string{listed + "PBL", "Relay access denied"}, []string{"Client host blocked usi…", "Relay access denied"}},
		{[]string{listed + "PBL", listed + "ΧΒΛ"}, []string{"Client host …sted by PBL", "Client host …sted by ΧΒΛ"}},
	} {
		table := &Table{Columns: []Column{{Name: "reason", Title: "reason"}}}
		for _, s := range c.texts {
			table.Rows = append(table.Rows, []Value{Text(s)})
		}
		text, _ := drawTable(table, 24, time.UTC)
		if got := strings.Split(strings.TrimSpace(text), "\n")[1:]; !slices.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
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
