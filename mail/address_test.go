package mail

import "testing"

// A local part has quotes for its dots where Postfix writes it, and none where a client does: it is one address.
func TestFold(t *testing.T) {
	for address, want := range map[string]string{
		"Susan@Site.Example.":     "Susan@site.example",
		`".harms"@Site.Example`:   ".harms@site.example",
		`"h..harms"@site.example`: "h..harms@site.example",
		`"h harms"@site.example`:  `"h harms"@site.example`,
		`"h@x"@site.example`:      `"h@x"@site.example`,
		`"h\"x"@site.example`:     `"h\"x"@site.example`,
		`""@site.example`:         `""@site.example`,
		`"harms"`:                 `"harms"`,
		`"`:                       `"`,
		"":                        "",
	} {
		if got := Fold(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
