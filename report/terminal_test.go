package report

import "testing"

// TestWrap: lines are broken at blanks, and none of these stays at the end of a line.
func TestWrap(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"one", "- one\n"},
		{"", "- \n"},
		{"84.60.208.31  pool.isp.example  36 messages", "- 84.60.208.31  pool.isp.example\n  36 messages\n"},
		{"84.60.208.31  a-name-that-is-longer-than-any-line.example  36", "- 84.60.208.31\n  a-name-that-is-longer-than-any-line.example\n  36\n"},
		{"  set in", "-   set in\n"},
	} {
		p := &page{columns: 34}
		p.wrap("- ", "  ", c.text)
		if got := p.out.String(); got != c.want {
			t.Errorf("%q: got\n%swant\n%s", c.text, got, c.want)
		}
	}
}
