package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// few is how many commands of a kind are run of one sample: its bursts are alike.
const few = 3

// Each command that a report offers for more details runs as it is printed, shows something, and uses the zone of the report.
func TestOfferedCommandsRun(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	ran := make(map[string]bool)
	for _, sample := range sampleFolders(t) {
		for _, name := range []string{"investigate", "bursts", "backscatter", "reputation"} {
			of := 0
			for line := range strings.Lines(outputOf(t, []string{sample}, name)) {
				at := strings.Index(line, "mailforensics ")
				if !strings.HasPrefix(line, "  see more ") || at < 0 || ran[line] || of == few {
					continue
				}
				of++
				ran[line] = true
				if strings.Contains(line, `Z")`) {
					t.Errorf("a time in UTC: %s", line)
				}
				words := shellWords(t, line[at:])
				if out := outputOf(t, nil, words[1:]...); strings.TrimSpace(out) == "" || strings.HasPrefix(out, "Nothing") {
					t.Errorf("selects nothing: %s", line)
				}
			}
		}
	}
	if len(ran) < 20 {
		t.Errorf("only %d commands", len(ran))
	}
}

// The signature of a finding selects as many messages as the finding counts, in every output format.
func TestSignaturesSelectWhatIsCounted(t *testing.T) {
	seen := make(map[string]int)
	for _, sample := range sampleFolders(t) {
		var report struct {
			Findings []struct {
				ID, Detector, Signature string
				Counts                  struct{ Messages int }
			}
		}
		if err := json.Unmarshal([]byte(outputOf(t, []string{sample}, "investigate", "--format", "json")), &report); err != nil {
			t.Fatal(err)
		}
		of := make(map[string]int)
		for _, f := range report.Findings {
			if f.Signature == "" {
				continue
			}
			if of[f.Detector]++; of[f.Detector] > few {
				continue
			}
			seen[f.Detector]++
			if got := strings.Count(outputOf(t, []string{sample}, "messages", "--format", "ndjson", "--where", f.Signature), "\n"); got != f.Counts.Messages {
				t.Errorf("%s: %s selects %d messages, want %d", f.ID, f.Signature, got, f.Counts.Messages)
			}
		}
	}
	for _, detector := range []string{"campaign", "reputation", "backscatter", "open-relay", "burst"} {
		if seen[detector] == 0 {
			t.Errorf("no signature of %s", detector)
		}
	}
}

// sampleFolders are the samples; the clean ones are none, since nothing is found there.
func sampleFolders(t *testing.T) []string {
	t.Helper()
	truths, _ := filepath.Glob("../../samples/*/truth.json")
	var all []string
	for _, truth := range truths {
		if folder := filepath.Dir(truth); !strings.Contains(folder, "clean") {
			all = append(all, folder)
		}
	}
	if len(all) < 5 {
		t.Fatalf("only %d samples", len(all))
	}
	return all
}

// shellWords is a command line as a shell takes it.
func shellWords(t *testing.T, line string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", `mailforensics() { printf '%s\000' mailforensics "$@"; }; `+line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}
