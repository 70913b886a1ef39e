//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"time"

	"mailforensics/bench/loggen"
)

// answer is the part of the program's JSON report that is compared with the truth.
type answer struct {
	Totals   map[string]int64
	Findings []struct {
		Severity   string
		Subject    struct{ Kind, Value string }
		Start, End time.Time
		Counts     map[string]int64
	}
}

// countWrong compares what the program reports with the truth, prints the differences, and returns how many totals are wrong.
func countWrong(exe string, l *logs) (faults int) {
	faults = compare(exe, "Postfix", l.postfix, l.postfixTruth)
	faults += compare(exe, "Exim", l.exim, l.eximTruth)
	return faults
}

func compare(exe, name, path string, truth loggen.Truth) (faults int) {
	out, err := exec.Command(exe, "bursts", "--format", "json", "--quiet", "--tz", "UTC", "--year", fmt.Sprint(truth.Last.Year()), path).Output()
	var a answer
	if err == nil {
		err = json.Unmarshal(out, &a)
	}
	if err != nil {
		fmt.Printf("%s: %v\n", name, err)
		return 1
	}
	for _, total := range []struct {
		name string
		want int64
	}{
		{"messages", truth.Messages}, {"recipients", truth.Recipients}, {"delivered", truth.Delivered}, {"bounced", truth.Bounced},
		{"deferred", truth.Deferred}, {"rejected", truth.Rejected}, {"notices", truth.Notices},
	} {
		if got := a.Totals[total.name]; got != total.want {
			fmt.Printf("%s: %s: got %d want %d\n", name, total.name, got, total.want)
			faults++
		}
	}
	fmt.Printf("%s: %d messages, %d recipients, %d rejected: %d totals are wrong\n", name, truth.Messages, truth.Recipients, truth.Rejected, faults)
	found, exact, innocent := runs(a, truth)
	fmt.Printf("%s: %d of %d spam runs found, %d with exact count and window; %d further findings above low\n", name, found, len(truth.Runs), exact, innocent)
	return faults
}

// runs counts the spam runs of the truth that are among the findings, those of them with exact count and window, and the findings
// above low that are of no run.
func runs(a answer, truth loggen.Truth) (found, exact, innocent int) {
	for _, f := range a.Findings {
		if f.Severity == "low" {
			continue
		}
		planted := false
		for _, r := range truth.Runs {
			if f.Subject.Kind != r.Kind || f.Subject.Value != r.Value {
				continue
			}
			planted = true
			found++
			if f.Counts["messages"] == r.Messages && sameSecond(f.Start, r.Start) && sameSecond(f.End, r.End) {
				exact++
			}
		}
		if !planted {
			innocent++
		}
	}
	return found, exact, innocent
}

// sameSecond reports whether two times are the same up to a second: stamps are truncated, not rounded.
func sameSecond(a, b time.Time) bool { return math.Abs(a.Sub(b).Seconds()) <= 1.5 }
