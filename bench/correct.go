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

// answer is what is read of "--format json".
type answer struct {
	Totals   map[string]int64
	Findings []struct {
		Severity   string
		Subject    struct{ Kind, Value string }
		Start, End time.Time
		Counts     map[string]int64
	}
}

// correct compares what the program says with what is known, and returns how many numbers are wrong.
func correct(exe string, l *logs) (faults int) {
	faults += compare(exe, "Postfix", l.postfix, l.postfixIs)
	faults += compare(exe, "Exim", l.exim, l.eximIs)
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

// runs counts the planted runs that are among the findings, and the findings that are of none.
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
			if f.Counts["messages"] == r.Messages && close(f.Start, r.Start) && close(f.End, r.End) {
				exact++
			}
		}
		if !planted {
			innocent++
		}
	}
	return found, exact, innocent
}

// close reports whether two times are the same to the second, stamps being cut and not rounded.
func close(a, b time.Time) bool { return math.Abs(a.Sub(b).Seconds()) <= 1.5 }
