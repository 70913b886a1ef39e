package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailforensics/analyze"
	"mailforensics/ingest"
	"mailforensics/mail"
	"mailforensics/report"
)

// plain are values that logs have and that are words of reports, too, or tell nothing of anybody.
var plain = map[string]bool{"": true, "<>": true, "unknown": true, "localhost": true, "mail": true, "www-data": true, "root": true, "contact": true, "mx": true, "user": true, "a": true, "x": true,
	"127.0.0.1": true, "::1": true}

// secrets returns the values in a log that identify somebody: what messages and events contain.
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

// printed returns what a command line prints.
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
		{"content-filter", "json"},
		{"self-addressed", "html"},
		{"web-script-postfix", "markdown"},
		{"open-relay-exim-rich-log", "json"},
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

// TestRedactedLinesNameNobody takes every line that the formats know, each as the evidence of a report of its own, and looks for
// whom it names: what the formats read of it must not stand in it any more.
func TestRedactedLinesNameNobody(t *testing.T) {
	files, err := filepath.Glob("../../parse/*/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specimens: %v", err)
	}
	read, lines, named := lineReader(), 0, 0
	for _, file := range append(files, "") {
		text := []byte(namesInWords)
		if file != "" {
			if text, err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
		for _, line := range strings.Split(string(text), "\n") {
			var ev mail.Event
			if line == "" || line[0] == '#' || line[0] == '\t' || !read(line, &ev) {
				continue
			}
			r := &report.Report{Ledger: &ingest.Ledger{}, Findings: []analyze.Finding{{Evidence: []analyze.Evidence{{Text: line}}}}}
			words := wordsOf(report.Redact(r, read).Findings[0].Evidence[0].Text)
			lines++
			for _, secret := range whoIn(&ev) {
				if named++; words[secret] {
					t.Errorf("%s: %q stands in the redacted line of\n%s", file, secret, line)
				}
			}
		}
	}
	if lines < 500 || named < 1000 {
		t.Errorf("%d names in %d lines only", named, lines)
	}
}

// namesInWords are lines that name a mailbox without its domain, in a reply, in a list and in a name of a folder.
const namesInWords = `Mar  7 04:12:09 mx1 postfix/smtp[20120]: 4F2A91C0D3: to=<Eva.Berg@example.org>, relay=mx.example.org[192.0.2.25]:25, delay=0.1, delays=0.1/0/0/0, dsn=5.2.2, status=bounced (host mx.example.org[192.0.2.25] said: 552 5.2.2 eva.berg: over quota, see /var/spool/eva.berg/x (in reply to RCPT TO command))
2024-05-14 10:00:05 1s6n4v-0000000017h-1Cr6 <= a@ext.example U=zoe P=local S=812 T="x" for karl eva o'brien@site.example
2024-05-14 10:00:05 1s6n4v-0000000017h-1Cr6 ** eva <eva@site.example> R=aliases: no mailbox for eva here, try EVA or the postmaster
Mar  7 04:12:09 mx1 dovecot: imap(hugo): Error: Mailbox INBOX: /srv/vmail/hugo/dovecot.index: Permission denied for hugo`

// whoIn returns the logins, addresses, local parts, domains and names in an event.
func whoIn(ev *mail.Event) (who []string) {
	add := func(values ...string) {
		for _, v := range values {
			if v = strings.Trim(v, `[]"`); len(v) > 2 && !plain[strings.ToLower(v)] && !common[strings.ToLower(v)] && !strings.ContainsAny(v, " /|<>") {
				who = append(who, v)
			}
		}
	}
	for _, a := range append([]string{ev.Account, ev.Sender, ev.Recipient, ev.Original, ev.MessageID}, strings.Fields(ev.Recipients)...) {
		if at := strings.LastIndexByte(a, '@'); at >= 0 {
			add(a, a[:at], a[at+1:])
		} else {
			add(a)
		}
	}
	add(ev.User, ev.Client.Name, ev.Client.HELO, ev.Subject)
	if ev.Client.IP.IsValid() {
		add(ev.Client.IP.String())
	}
	return who
}

// common are names of everybody, and words that lines have anyhow.
var common = map[string]bool{"list": true, "for": true, "test": true, "admin": true, "info": true, "nobody": true, "postmaster": true}

// wordsOf returns the words of a text, cut in all the ways in which addresses and names are cut.
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
