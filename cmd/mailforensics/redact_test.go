package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// plain are values that logs have and that are words of reports, too, or tell nothing of anybody.
var plain = map[string]bool{"": true, "<>": true, "unknown": true, "localhost": true, "mail": true, "www-data": true, "root": true, "contact": true, "mx": true, "user": true, "a": true, "x": true,
	"127.0.0.1": true, "::1": true}

// secrets are the values of a log that say who somebody is: what messages and events know.
func secrets(t *testing.T, files []string) map[string]bool {
	t.Helper()
	all := make(map[string]bool)
	add := func(values ...string) {
		for _, v := range values {
			v = strings.Trim(v, "[]")
			if !plain[strings.ToLower(v)] {
				all[v] = true
			}
		}
	}
	address := func(a string) {
		if at := strings.LastIndexByte(a, '@'); at >= 0 {
			add(a, a[:at], a[at+1:])
		} else {
			add(a)
		}
	}
	for _, command := range []string{"messages", "events"} {
		for line := range strings.Lines(printed(t, append([]string{command, "--quiet"}, files...))) {
			var r struct {
				Host, Account, User, Subject, Sender, Recipient string
				Message                                         string `json:"message_id"`
				Client                                          struct{ IP, Name, HELO string }
				Recipients                                      json.RawMessage
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			add(r.Host, r.Account, r.User, r.Subject, r.Client.IP, r.Client.Name, r.Client.HELO)
			address(r.Sender)
			address(r.Recipient)
			address(r.Message)
			var to []struct{ Address, Original string }
			if json.Unmarshal(r.Recipients, &to) == nil {
				for _, one := range to {
					address(one.Address)
					address(one.Original)
				}
			}
		}
	}
	if len(all) < 1000 {
		t.Fatalf("only %d secrets in %v", len(all), files)
	}
	return all
}

// printed is what a command line prints.
func printed(t *testing.T, args []string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if status := run(t.Context(), args, console{in: strings.NewReader(""), out: &out, err: &errs}); status != 0 {
		t.Fatalf("%v: status %d: %s", args, status, errs.String())
	}
	return out.String()
}

// TestRedactedReportsNameNobody looks for everybody of whole incidents in the reports about them.
func TestRedactedReportsNameNobody(t *testing.T) {
	for _, tt := range []struct{ sample, formats string }{
		{"web-script-exim", "table json csv html timesketch"},
		{"burst-secondary-mx", "ndjson markdown stix timesketch-csv"},
		{"compromised-account", "json"},
	} {
		files, err := filepath.Glob("../../samples/" + tt.sample + "/*.gz")
		if err != nil || len(files) == 0 {
			t.Fatalf("no sample %s: %v", tt.sample, err)
		}
		hidden := secrets(t, files)
		commands := []string{"offenders --top 50 --by ip,network,account,sender,recipient,helo,user,directory,script,relay,host,subject", "summary", "timeline", "timeline --by helo,user,directory,subject,sender"}
		for format := range strings.FieldsSeq(tt.formats) {
			commands = append(commands, "investigate --format "+format)
		}
		for _, command := range commands {
			text := printed(t, append(append(strings.Fields(command), "--redact", "--quiet"), files...))
			if len(text) < 100 {
				t.Errorf("%s: %s printed %q", tt.sample, command, text)
			}
			for word := range wordsOf(text) {
				if hidden[word] {
					t.Errorf("%s: %s names %q", tt.sample, command, word)
				}
			}
		}
	}
}

// wordsOf are the words of a text, cut in the ways in which addresses and names are cut.
func wordsOf(text string) map[string]bool {
	words := make(map[string]bool)
	for _, inner := range []string{".@_+=-", ".@_+-", "._-", "_-", ".:"} {
		for word := range strings.FieldsFuncSeq(text, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r < 0x80 && !strings.ContainsRune(inner, r)
		}) {
			words[strings.Trim(word, ".-:=")] = true
		}
	}
	return words
}

// The same value has the same pseudonym in every format and every run.
func TestRedactionIsStable(t *testing.T) {
	args := []string{"investigate", "--redact", "--quiet", "--format", "json", "testdata/logs/mx2.log", "--year", "2024", "--tz", "Europe/Berlin"}
	first := printed(t, args)
	if second := printed(t, args); first != second {
		t.Error("two runs differ")
	}
	var r struct {
		Findings []struct {
			Subject  struct{ Value string }
			Title    string
			Evidence []struct{ Text string }
		}
	}
	if err := json.Unmarshal([]byte(first), &r); err != nil {
		t.Fatal(err)
	}
	f := r.Findings[0]
	if !strings.HasPrefix(f.Subject.Value, "198.18.") || !strings.Contains(f.Title, f.Subject.Value) || !strings.Contains(f.Evidence[0].Text, "["+f.Subject.Value+"]") {
		t.Errorf("one client is %q, and in the title %q, and in the line %q", f.Subject.Value, f.Title, f.Evidence[0].Text)
	}
	args[4] = "table"
	if table := printed(t, args); !strings.Contains(table, f.Title[:strings.IndexByte(f.Title, ' ')]) {
		t.Errorf("the table calls %q something else", f.Title)
	}
}
