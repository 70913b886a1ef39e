//go:build unix

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"mailforensics/bench/loggen"
)

func TestPrint(t *testing.T) {
	b := &bench{rows: []row{
		{group: "Postfix", what: "a", took: 2 * time.Second, cpu: 3 * time.Second, bytes: 1e9, memory: 5e6},
		{group: "Postfix", what: "b", took: 8 * time.Second, cpu: 8 * time.Second, bytes: 1e9},
		{group: "Postfix", what: "c", missing: true},
		{group: "Exim", what: "d", took: time.Second, cpu: time.Second, bytes: 5e8},
	}}
	var out strings.Builder
	b.print(&out)
	squeezed := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"| `a` | 2.00 | 1.00 | 3.00 | 5 |", "| `b` | 8.00 | 4.00 |", "| `c` | not installed", "| `d` | 2.00 | 1.00 |"} {
		if !strings.Contains(squeezed, want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestMedian(t *testing.T) {
	if got := median([]time.Duration{9, 1, 3}); got != 3 {
		t.Errorf("got %d want 3", got)
	}
}

// A planted run counts as found, and as exact, only when it is.
func TestRuns(t *testing.T) {
	start := time.Date(2026, 3, 1, 10, 0, 0, 250e6, time.UTC)
	truth := loggen.Truth{Runs: []loggen.Run{
		{Kind: "ip", Value: "192.0.2.1", Start: start, End: start.Add(time.Minute), Messages: 12},
		{Kind: "account", Value: "eva@site.example", Start: start, End: start.Add(time.Hour), Messages: 300},
	}}
	var a answer
	text := `{"findings": [
		{"severity": "high", "subject": {"kind": "ip", "value": "192.0.2.1"}, "start": "2026-03-01T10:00:00Z", "end": "2026-03-01T10:01:00Z", "counts": {"messages": 12}},
		{"severity": "medium", "subject": {"kind": "account", "value": "eva@site.example"}, "start": "2026-03-01T10:00:00Z", "end": "2026-03-01T10:30:00Z", "counts": {"messages": 299}},
		{"severity": "medium", "subject": {"kind": "ip", "value": "192.0.2.2"}},
		{"severity": "low", "subject": {"kind": "ip", "value": "192.0.2.3"}}]}`
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	if found, exact, innocent := runs(a, truth); found != 2 || exact != 1 || innocent != 1 {
		t.Errorf("got %d found, %d exact, %d innocent, want 2, 1, 1", found, exact, innocent)
	}
}

// A job that fails is said, not measured.
func TestMeasureFailure(t *testing.T) {
	b := &bench{runs: 1}
	if r := b.measure(row{}, job{what: "false", args: []string{"false"}}, ""); !r.missing {
		t.Error("a command that failed was measured")
	}
	if r := b.measure(row{}, job{what: "true", pipe: "true"}, ""); r.missing || r.took <= 0 {
		t.Errorf("a command that worked was not measured: %+v", r)
	}
}
