package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"mailforensics/analyze"
	"mailforensics/ingest"
)

// Thirty files of a month prove one year, and it is said once.
func TestYearsAreAdded(t *testing.T) {
	got := added([]string{"2024, proven by 10 Message-IDs of Postfix's own", "zone proven by 10 Message-IDs of Postfix's own",
		"2024, proven by 1034 Message-IDs of Postfix's own", "2023, proven by 5 queue IDs", "2024, as --year says"})
	want := []string{"2024, proven by 1044 Message-IDs of Postfix's own", "zone proven by 10 Message-IDs of Postfix's own", "2023, proven by 5 queue IDs", "2024, as --year says"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A file that broke off was read; one that could not be opened was not.
func TestVerdicts(t *testing.T) {
	of := func(f ingest.FileLedger) string {
		r := &Report{Ledger: &ingest.Ledger{Files: []ingest.FileLedger{f, {Bytes: 20, Lines: 2, Parsed: 1, Blank: 1, Duplicates: 1}}}}
		return verdicts(r)
	}
	for _, tt := range []struct {
		file ingest.FileLedger
		want string
	}{
		{ingest.FileLedger{Bytes: 100, Lines: 10, Parsed: 4, Foreign: 3, Unfamiliar: 2, Damaged: 1},
			"2 files, 120 B, 12 lines: 5 understood, 3 of other programs, 2 unfamiliar, 1 damaged, 1 blank, at least 1 of them there twice, and counted once"},
		{ingest.FileLedger{Err: errors.New("permission denied")}, "1 of 2 files, 20 B, 2 lines: 1 understood, 1 blank, at least 1 of them there twice, and counted once"},
		{ingest.FileLedger{Err: errors.New("input/output error"), Bytes: 80, Lines: 8, Parsed: 8}, "2 files, 100 B, 10 lines: 9 understood, 1 blank, at least 1 of them there twice, and counted once"},
	} {
		if got := of(tt.file); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

// A dozen hosts are not all named, but the one that differs is.
func TestRolesOfManyHosts(t *testing.T) {
	roles := map[string]analyze.RoleOf{
		"zeta": {Role: analyze.Secondary, Known: analyze.Known{Why: "hands all on to mx1"}},
		"odd":  {Role: analyze.UnknownRole},
	}
	for i := range rolesShown + 2 {
		roles[fmt.Sprintf("mx%d", i)] = analyze.RoleOf{Role: analyze.Primary, Known: analyze.Known{Why: "has mailboxes"}}
	}
	got := rolesText(&analyze.Site{Roles: roles})
	if !strings.HasPrefix(got, "zeta secondary (hands all on to mx1), mx0 primary (has mailboxes), ") || !strings.HasSuffix(got, " and 3 more") {
		t.Errorf("got %s", got)
	}
	few := map[string]analyze.RoleOf{"mx1": roles["mx1"], "zeta": roles["zeta"]}
	if got, want := rolesText(&analyze.Site{Roles: few}), "mx1 primary (has mailboxes), zeta secondary (hands all on to mx1)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
