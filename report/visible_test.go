package report

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain text, Grüße, 日本, 👩‍💻", "plain text, Grüße, 日本, 👩‍💻"},
		{"\x1b[31mred", `\x1b[31mred`},
		{"a\tb\r\nc\x00\x7f", `a\x09b\x0d\x0ac\x00\x7f`},
		{"\u009b2J", `\u009b2J`},           // CSI as one character (ECMA-48, 8.3.16)
		{"\u202egnp.exe", `\u202egnp.exe`}, // right-to-left override
		{"\u2066\u2069\u200f\u061c", `\u2066\u2069\u200f\u061c`},
		{"a\u2028b\u2029", `a\u2028b\u2029`},
		{"\xff\xc3(", `\xff\xc3(`},
		{"\U000e0041", `\udb40\udc41`}, // a tag character, which nobody sees
		{"", ""},
	} {
		if got := Visible(c.in); got != c.want {
			t.Errorf("Visible(%q): got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestCell(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"=1+1", "'=1+1"}, {"+49", "'+49"}, {"-1", "'-1"}, {"@SUM(A1)", "'@SUM(A1)"}, {"\t=1", `'\x09=1`}, {"\r=1", `'\x0d=1`},
		{"＝1+1", "'＝1+1"}, {"＠x", "'＠x"}, {"a;=1+1", "a;'=1+1"}, {"a;@x;-1", "a;'@x;'-1"},
		{"a=1", "a=1"}, {"a; b", "a; b"}, {"", ""}, {"2024-01-24", "2024-01-24"},
	} {
		if got := cell(c.in); got != c.want {
			t.Errorf("cell(%q): got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"36 messages, 14:44", "36 messages, 14:44"},
		{"a|b", `a\|b`},
		{"<b>&", "&#60;b&#62;&#38;"},
		{"http://x www.x", "http&#58;//x www&#46;x"},
		{"[a](b) *c* _d_ `e`", "\\[a\\](b) \\*c\\* \\_d\\_ \\`e\\`"},
		{"a\nb", `a\\x0ab`},
	} {
		if got := markdown(c.in); got != c.want {
			t.Errorf("markdown(%q): got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a@b.example", "`a@b.example`"}, {"", ""}, {"a`b", "`` a`b ``"}, {"``", "``` `` ```"}, {"a|b", "`a\\|b`"}, {" a", "`  a `"},
	} {
		if got := code(c.in); got != c.want {
			t.Errorf("code(%q): got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"mx1.log", "mx1.log"}, {"my log", "'my log'"}, {"a'b", `'a'\''b'`}, {"$(reboot)", "'$(reboot)'"}, {"", "''"}, {"a;b", "'a;b'"}, {"`x`", "'`x`'"},
	} {
		if got := quote(c.in); got != c.want {
			t.Errorf("quote(%q): got %q, want %q", c.in, got, c.want)
		}
	}
}

// FuzzText holds the writers' functions to what they promise, whatever the log says.
func FuzzText(f *testing.F) {
	f.Add(hostile)
	f.Add("plain")
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{Visible(s), cell(s), markdown(s), code(s)} {
			if !utf8.ValidString(out) {
				t.Fatalf("%q: not UTF-8: %q", s, out)
			}
			for _, r := range out {
				if !harmless(r) {
					t.Fatalf("%q: %q is left in %q", s, r, out)
				}
			}
		}
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil {
			t.Fatalf("%q: %v in %s", s, err, appendString(nil, s))
		}
		if utf8.ValidString(s) && back != s {
			t.Fatalf("got %q back, want %q", back, s)
		}
	})
}
