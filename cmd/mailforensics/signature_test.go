package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailforensics/where"
)

// The signature of a campaign is an expression for --where, and selects the messages of the campaign and no others.
func TestSignatureSelectsTheCampaign(t *testing.T) {
	for _, sample := range [][]string{
		{"../../samples/self-addressed/mx.mail.log.gz"},
		{"../../samples/burst-secondary-mx/mx1.mail.log.gz", "../../samples/burst-secondary-mx/mx2.mail.log.gz"},
		{"../../samples/open-relay-exim-default-log/mainlog.gz"},
	} {
		found := campaignsOf(t, sample)
		if len(found) == 0 {
			t.Errorf("%s: no campaign", sample[0])
		}
		for _, f := range found {
			if _, err := where.Compile(f.Signature, time.UTC); err != nil {
				t.Errorf("%s: %s: %v", sample[0], f.ID, err)
				continue
			}
			members := make(map[string]bool)
			for _, c := range f.Clients {
				members[c.IP] = true
			}
			selected := strings.Split(strings.TrimSpace(outputOf(t, sample, "messages", "--format", "ndjson", "--where", f.Signature)), "\n")
			if len(selected) != f.Counts["messages"] {
				t.Errorf("%s: %s selects %d messages, want %d", f.ID, f.Signature, len(selected), f.Counts["messages"])
			}
			for _, line := range selected {
				var m struct{ Client struct{ IP string } }
				if err := json.Unmarshal([]byte(line), &m); err != nil || !members[m.Client.IP] {
					t.Errorf("%s selects %s, which is of no member (%v)", f.Signature, line, err)
				}
			}
		}
	}
}

type campaignFound struct {
	ID        string
	Signature string
	Counts    map[string]int
	Clients   []struct{ IP string }
}

func campaignsOf(t *testing.T, files []string) []campaignFound {
	t.Helper()
	var report struct{ Findings []campaignFound }
	if err := json.Unmarshal([]byte(outputOf(t, files, "campaigns", "--format", "json")), &report); err != nil {
		t.Fatal(err)
	}
	return report.Findings
}

// outputOf returns what a command prints about files.
func outputOf(t *testing.T, files []string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	args = append(append(args, "--year", "2024", "--tz", "Europe/Berlin", "--quiet"), files...)
	if status := run(t.Context(), args, console{in: strings.NewReader(""), out: &out, err: &errs}); status != 0 {
		t.Fatalf("%s: status %d: %s", args, status, errs.String())
	}
	return out.String()
}

// A bounce that was not tried when the log ended is no part of a storm, and its signature does not select it.
func TestSignatureOfBouncesThatWereSent(t *testing.T) {
	plain, err := os.ReadFile("../../samples/burst-secondary-mx/mx2.mail.log.gz")
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	untried := make(map[string]bool)
	var log strings.Builder
	notices := 0
	for line := range strings.Lines(string(text)) {
		_, body, _ := strings.Cut(line, "]: ")
		id, rest, _ := strings.Cut(body, ": ")
		if strings.HasPrefix(rest, "from=<>") {
			notices++
			untried[id] = notices%5 == 0
		}
		if !untried[id] || !strings.HasPrefix(rest, "to=<") {
			log.WriteString(line)
		}
	}
	path := filepath.Join(t.TempDir(), "mx2.log")
	if err := os.WriteFile(path, []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var report struct{ Findings []campaignFound }
	if err := json.Unmarshal([]byte(outputOf(t, []string{path}, "backscatter", "--format", "json")), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) == 0 {
		t.Fatal("no backscatter")
	}
	for _, f := range report.Findings {
		selected := strings.Count(outputOf(t, []string{path}, "messages", "--format", "ndjson", "--where", f.Signature), "\n")
		if selected != f.Counts["messages"] {
			t.Errorf("%s: %s selects %d messages, want %d", f.ID, f.Signature, selected, f.Counts["messages"])
		}
	}
}
