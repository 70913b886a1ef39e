package analyze_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"mailforensics/analyze"
	"mailforensics/correlate"
	"mailforensics/ingest"
	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse/all"
)

var update = flag.Bool("update", false, "rewrite the findings that the cases expect")

// Cases are logs and the findings of one detector in them: testdata/<detector>-<what>.txtar. The comment says what the log
// shows, and for one that must stay quiet, why. Its files:
//
//	settings   year, zone, local and mx lines; may be missing
//	*.log      raw lines; each file is one input
//	want       the findings, one a line, and indented below it its clients, accounts and the codes of its reasons;
//	           "nothing" where there are none
//
// go test ./analyze -run Cases -update rewrites want; the diff is the review.
func TestCases(t *testing.T) {
	eachCase(t, func(t *testing.T, name string, archive *txtar.Archive) {
		got := found(t, name, archive)
		for i, f := range archive.Files {
			if f.Name != "want" || string(f.Data) == got {
				continue
			}
			if !*update {
				t.Errorf("got\n%swant\n%s", got, f.Data)
				continue
			}
			archive.Files[i].Data = []byte(got)
			if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Hosts, days or workers may be processed apart: however the messages and events of a case are split, the findings are the same.
func TestCasesMerged(t *testing.T) {
	eachCase(t, func(t *testing.T, name string, archive *txtar.Archive) {
		s := settingsOf(t, archive)
		want := findingsOf(t, name, archive, s, 1)
		got := findingsOf(t, name, archive, s, 3)
		if len(got) != len(want) {
			t.Fatalf("%d findings, want %d", len(got), len(want))
		}
		for i := range got {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("%s:\n got %+v\nwant %+v", want[i].ID, got[i], want[i])
			}
		}
	})
}

func eachCase(t *testing.T, test func(t *testing.T, name string, archive *txtar.Archive)) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			test(t, name, archive)
		})
	}
}

// caseSettings are what a case may say of its site.
type caseSettings struct {
	pass analyze.Pass
	year int
	zone *time.Location
}

func settingsOf(t *testing.T, archive *txtar.Archive) caseSettings {
	t.Helper()
	s := caseSettings{pass: analyze.Pass{Thresholds: analyze.DefaultThresholds(), Roles: make(map[string]analyze.Role)}, zone: time.UTC}
	for _, f := range archive.Files {
		if f.Name != "settings" {
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch key {
			case "":
			case "year":
				s.year, _ = strconv.Atoi(value)
			case "zone":
				zone, err := time.LoadLocation(value)
				if err != nil {
					t.Fatal(err)
				}
				s.zone = zone
			case "local":
				s.pass.Local = append(s.pass.Local, value)
			case "mx":
				host, role, _ := strings.Cut(value, "=")
				s.pass.Roles[host] = map[string]analyze.Role{"primary": analyze.Primary, "secondary": analyze.Secondary}[role]
			default:
				t.Fatalf("unknown setting %q", key)
			}
		}
	}
	return s
}

// detectorOf returns the detector that a case is named after.
func detectorOf(t *testing.T, name string) analyze.Detector {
	t.Helper()
	var best analyze.Detector
	for _, d := range analyze.Detectors() {
		if strings.HasPrefix(filepath.Base(name), d.Name+"-") && len(d.Name) > len(best.Name) {
			best = d
		}
	}
	if best.Name == "" {
		t.Fatalf("%s: no such detector", name)
	}
	return best
}

// found runs the detector of a case over its logs, and returns its findings in words.
func found(t *testing.T, name string, archive *txtar.Archive) string {
	t.Helper()
	s := settingsOf(t, archive)
	findings := findingsOf(t, name, archive, s, 1)
	var b strings.Builder
	for i := range findings {
		proven(t, archive, &findings[i])
		describe(&b, &findings[i], s.zone)
	}
	if len(findings) == 0 {
		b.WriteString("nothing\n")
	}
	return b.String()
}

// findingsOf gives what the logs of a case contain to several engines in turn, and merges them.
func findingsOf(t *testing.T, name string, archive *txtar.Archive, s caseSettings, parts int) []analyze.Finding {
	t.Helper()
	engines := make([]*analyze.Engine, parts)
	for i := range engines {
		engines[i] = analyze.NewEngine(&s.pass, []analyze.Detector{detectorOf(t, name)})
	}
	dealt := 0
	next := func() *analyze.Engine {
		dealt++
		return engines[dealt%parts]
	}
	tracker := correlate.New(correlate.Options{Local: s.pass.Local}, correlate.Sink{
		Message: func(m *mail.Message) { next().Message(m) },
		Event:   func(ev *mail.Event) { next().Event(ev) },
	})
	options := ingest.Options{Formats: all.Formats(), Workers: 1, Zone: s.zone, LocalZone: s.zone, Year: s.year, Now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	_, err := ingest.Read(context.Background(), inputs(t, archive), options, func(events []mail.Event) error {
		tracker.Events(events)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	tracker.Close()
	for _, other := range engines[1:] {
		engines[0].Merge(other)
	}
	findings, _ := engines[0].Findings()
	return findings
}

// proven checks what every finding promises: reasons whose weights add up to the score, a timeline that adds up to its counts,
// and at most ten lines of evidence, which are in the log.
func proven(t *testing.T, archive *txtar.Archive, f *analyze.Finding) {
	t.Helper()
	sum := 0.0
	for _, r := range f.Reasons {
		sum += r.Weight
	}
	if len(f.Reasons) == 0 || math.Abs(min(sum, 1)-f.Score) > 0.005 {
		t.Errorf("%s: its %d reasons weigh %.3f, and its score is %.3f", f.ID, len(f.Reasons), sum, f.Score)
	}
	messages, rejected := 0, 0
	for _, b := range f.Timeline {
		messages, rejected = messages+b.Messages, rejected+b.Rejected
	}
	refused := f.Counts.Rejected
	if f.Detector == "guessing" && len(f.Timeline) > 0 { // of long ones not every time is kept
		refused = f.Counts.FailedLogins
	}
	if messages != f.Counts.Messages || rejected != refused {
		t.Errorf("%s: %d messages and %d refusals over time, %d and %d in all", f.ID, messages, rejected, f.Counts.Messages, refused)
	}
	if len(f.Evidence) == 0 || len(f.Evidence) > 10 {
		t.Errorf("%s: %d lines of evidence, want 1 to 10", f.ID, len(f.Evidence))
	}
	logs := slices.DeleteFunc(slices.Clone(archive.Files), func(f txtar.File) bool { return !strings.HasSuffix(f.Name, ".log") })
	for _, e := range f.Evidence {
		lines := strings.Split(string(logs[e.File].Data), "\n")
		if e.Line < 1 || int(e.Line) > len(lines) || lines[e.Line-1] != e.Text {
			t.Errorf("%s: line %d of %s is not %q", f.ID, e.Line, logs[e.File].Name, e.Text)
		}
	}
}

func inputs(t *testing.T, archive *txtar.Archive) []*logfile.Input {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, f := range archive.Files {
		if !strings.HasSuffix(f.Name, ".log") {
			continue
		}
		path := filepath.Join(dir, f.Name)
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	list, errs := logfile.Expand(paths, nil)
	if len(errs) > 0 || len(list) == 0 {
		t.Fatalf("no logs: %v", errs)
	}
	return list
}

// describe writes a finding in the compact form of the cases.
func describe(b *strings.Builder, f *analyze.Finding, zone *time.Location) {
	const layout = "2006-01-02T15:04:05"
	fmt.Fprintf(b, "%s %s %s %s..%s\n", f.Severity, f.Subject.Kind, f.Subject.Value, f.Start.In(zone).Format(layout), f.End.In(zone).Format(layout))
	counts := map[string]int{
		"messages": f.Counts.Messages, "recipients": f.Counts.Recipients, "delivered": f.Counts.Delivered, "bounced": f.Counts.Bounced,
		"deferred": f.Counts.Deferred, "rejected": f.Counts.Rejected, "senders": f.Counts.Senders, "clients": f.Counts.Clients,
		"mangled": len(f.Mangled), "logins": f.Counts.Logins, "failed": f.Counts.FailedLogins,
	}
	b.WriteString("\tcounts")
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 {
			fmt.Fprintf(b, " %s=%d", name, counts[name])
		}
	}
	b.WriteString("\n\treasons")
	for _, r := range f.Reasons {
		b.WriteString(" " + r.Code)
	}
	b.WriteString("\n")
	for _, m := range f.Mangled {
		fmt.Fprintf(b, "\tmangled %s %s %s\n", m.Kind, m.Recipient, m.Original)
	}
}
