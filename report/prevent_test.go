package report

import (
	"strings"
	"testing"
)

// Exim takes a second condition on the same line for a part of the first one's value, so that the statement never applies: tried
// on Exim 4.96, where "deny authenticated = *  ratelimit = 5 / 1h / per_rcpt / strict / $authenticated_id" denied nobody.
func TestEximConditionsHaveLinesOfTheirOwn(t *testing.T) {
	statements := 0
	for _, x := range remedies {
		for line := range strings.Lines(x.exim) {
			if strings.HasPrefix(line, "acl_") || strings.HasPrefix(line, "  ") {
				statements++
				if n := strings.Count(strings.ReplaceAll(line, "${", ""), " = "); n > 1 {
					t.Errorf("got %d conditions on one line: %s", n, line)
				}
			}
		}
	}
	if statements == 0 {
		t.Error("got no statement of an access control list")
	}
	if got, want := acl("acl_smtp_mail", "deny", "authenticated = *", "!hosts = x"), "acl_smtp_mail:\n  deny authenticated = *\n    !hosts = x"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
