package samples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"mailforensics/analyze"
)

// report is the part of the program's JSON report that is compared with the truth.
type report struct {
	Window   struct{ Start, End time.Time }
	Totals   map[string]int64
	Findings []finding
}

type finding struct {
	ID, Detector, Severity, Title string
	Subject                       struct{ Kind, Value string }
	Start, End                    time.Time
	Counts                        map[string]int64
	Clients                       []struct {
		IP       string
		Messages int64
	}
	Accounts []string
	Scripts  []struct{ Value string }
	Mangled  []Mangled
}

// grave reports whether a finding asks somebody to act.
func (f *finding) grave() bool { return f.Severity == "medium" || f.Severity == "high" }

// dependOnSource looks at all folders of the program. It is built here, not imported: go test would take the result from its cache
// when nothing else changed, but for what a test was seen to open.
func dependOnSource(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".." {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// program builds the command once and returns a function that investigates a sample with it, with more flags where given.
func program(t *testing.T) func(truth Truth, flags ...string) (report, error) {
	t.Helper()
	dependOnSource(t)
	exe := filepath.Join(t.TempDir(), "mailforensics")
	if out, err := exec.Command("go", "build", "-o", exe, "../cmd/mailforensics").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return func(truth Truth, flags ...string) (report, error) {
		args := append([]string{"investigate", "--format", "json", "--quiet"}, flags...)
		for _, host := range sorted(truth.Roles) {
			args = append(args, "--mx", host+"="+truth.Roles[host])
		}
		for _, name := range sorted(truth.Files) {
			args = append(args, filepath.Join(truth.Sample, name))
		}
		cmd := exec.Command(exe, args...)
		cmd.Env = append(os.Environ(), "TZ=Pacific/Auckland") // year and zone are proven by the logs, not by the machine
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return report{}, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, stderr.Bytes())
		}
		var r report
		if err := json.Unmarshal(out, &r); err != nil {
			return r, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
		}
		return r, nil
	}
}

func sorted[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// score is the result for one sample.
type score struct {
	Truth
	totals, offenders, window, counts, mangled, detectors, grave string
	faults                                                       []string
}

func (s *score) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// Compares what is found in each sample with what is known to be in it. It fails if a figure gets worse than before; what no
// detector looks for is shown as "not yet".
func TestEval(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	run := program(t)
	table := &bytes.Buffer{}
	w := tabwriter.NewWriter(table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "sample\tmessages and dispositions\toffenders: found, wrong\twindow\tcounts\tmangled\tdetectors\tabove low")
	for _, truth := range all {
		r, err := run(truth)
		if err != nil {
			t.Error(err)
			continue
		}
		s := evaluate(truth, r)
		fmt.Fprintln(w, strings.Join([]string{s.Sample, s.totals, s.offenders, s.window, s.counts, s.mangled, s.detectors, s.grave}, "\t"))
		for _, fault := range s.faults {
			t.Errorf("%s: %s", s.Sample, fault)
		}
	}
	w.Flush()
	t.Logf("\n%s", table)
}

// Each day of an honest log is honest by itself, even if an account that sends its yearly newsletter is then seen for the first
// time.
func TestCleanDays(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	run := program(t)
	for _, truth := range all {
		if truth.Window != nil {
			continue
		}
		r, err := run(truth)
		if err != nil {
			t.Fatal(err)
		}
		days := 0
		for day := r.Window.Start.Truncate(24 * time.Hour); day.Before(r.Window.End); day = day.AddDate(0, 0, 1) {
			one, err := run(truth, "--since", day.Format(time.RFC3339), "--until", day.AddDate(0, 0, 1).Format(time.RFC3339))
			if err != nil {
				t.Fatal(err)
			}
			if days++; one.Totals["messages"] == 0 {
				t.Errorf("%s, %s: no messages", truth.Sample, day)
			}
			for i := range one.Findings {
				if f := &one.Findings[i]; f.grave() {
					t.Errorf("%s, %s: %s: %s", truth.Sample, day.Format(time.DateOnly), f.Severity, f.Title)
				}
			}
		}
		if days < 3 {
			t.Errorf("%s has %d days, want 3 or more", truth.Sample, days)
		}
	}
}

func evaluate(truth Truth, r report) *score {
	s := &score{Truth: truth}
	s.judgeTotals(r.Totals)
	s.judgeOffenders(r.Findings)
	s.judgeWindows(r.Findings)
	s.judgeMangled(r.Findings)
	s.judgeDetectors(r.Findings)
	s.judgeLogins(r.Findings)
	return s
}

// judgeTotals wants messages to be exact, and dispositions within one in a hundred, because the truth is that of the generator's
// side, which may differ about mail that was being delivered when the log ended.
func (s *score) judgeTotals(got map[string]int64) {
	want := s.Totals
	s.totals = fmt.Sprintf("%d/%d", got["messages"], want.Messages+want.Cron)
	if got["messages"] != want.Messages+want.Cron {
		s.fault("messages: got %d want %d", got["messages"], want.Messages+want.Cron)
	}
	worst := 0.0
	for _, of := range []struct {
		name string
		want int64
	}{{"delivered", want.Delivered + want.Cron}, {"bounced", want.Bounced}, {"deferred", want.Deferred}, {"discarded", want.Discarded}, {"rejected", want.RejectLines}} {
		off := math.Abs(float64(got[of.name] - of.want))
		allowed := max(3, float64(of.want)/100)
		worst = max(worst, off)
		if off > allowed {
			s.fault("%s: got %d want %d", of.name, got[of.name], of.want)
		}
	}
	s.totals += fmt.Sprintf(", off by %.0f at most", worst)
}

// names returns everything that a finding accuses.
func (f *finding) names() []string {
	names := []string{f.Subject.Value}
	switch f.Subject.Kind {
	case "account":
	case "ip":
	default:
		for _, c := range f.Clients {
			names = append(names, c.IP)
		}
		names = append(names, f.Accounts...)
		for _, s := range f.Scripts {
			names = append(names, s.Value)
		}
	}
	return names
}

// guilty returns all names that have a part in the incident: offenders, and the addresses that an offending account used.
func (s *score) guilty() map[string]bool {
	names := make(map[string]bool)
	for _, o := range s.Offenders {
		names[o.Value] = true
		names[o.User] = o.User != ""
		for _, ip := range o.Clients {
			names[ip] = true
		}
		for _, l := range o.Logins {
			names[l.IP] = true
		}
	}
	return names
}

// judgeOffenders wants each offender to be named by a finding above low, and nobody else.
func (s *score) judgeOffenders(findings []finding) {
	accused, grave := make(map[string]bool), 0
	for i := range findings {
		if f := &findings[i]; f.grave() {
			grave++
			if len(s.Offenders) == 0 {
				s.fault("nothing happened, and yet: %s %s (%s)", f.Severity, f.ID, f.Title)
			}
			for _, name := range f.names() {
				accused[name] = true
			}
		}
	}
	guilty, found, wrong := s.guilty(), 0, 0
	for i := range s.Offenders {
		if accused[s.Offenders[i].Value] {
			found++
		}
	}
	for i := range findings {
		f := &findings[i]
		if f.grave() && concrete(f.Subject.Kind) && !guilty[f.Subject.Value] {
			wrong++
			s.fault("accused, and innocent: %s (%s)", f.ID, f.Title)
		}
	}
	s.offenders = fmt.Sprintf("%d/%d, %d", found, len(s.Offenders), wrong)
	s.grave = fmt.Sprint(grave)
	if want := leastFound[s.Sample]; found < want && !slices.ContainsFunc(s.Detectors, missing) {
		s.fault("offenders: found %d of %d, was %d", found, len(s.Offenders), want)
	}
}

// concrete reports whether a subject is a single thing that the truth would name.
func concrete(kind string) bool {
	switch kind {
	case "ip", "account", "script", "directory":
		return true
	}
	return false
}

// about returns the finding about an offender: the most severe one with that subject, and of these the one with the most
// messages.
func about(o *Offender, findings []finding) (best *finding, ok bool) {
	rank := map[string]int{"low": 1, "medium": 2, "high": 3}
	for i := range findings {
		f := &findings[i]
		if f.Subject.Kind == o.Kind && f.Subject.Value == o.Value && f.Counts["messages"] > 0 && (best == nil || rank[f.Severity] > rank[best.Severity] || rank[f.Severity] == rank[best.Severity] && f.Counts["messages"] > best.Counts["messages"]) {
			best, ok = f, true
		}
	}
	return best, ok
}

// judgeWindows compares start, end and number of messages for each offender that has a finding.
func (s *score) judgeWindows(findings []finding) {
	var start, end time.Duration
	seen, exact := 0, 0
	for i := range s.Offenders {
		o := &s.Offenders[i]
		f, ok := about(o, findings)
		if !ok || o.Messages == 0 {
			continue
		}
		seen++
		start, end = max(start, f.Start.Sub(o.First).Abs()), max(end, f.End.Sub(o.Last).Abs())
		if f.Counts["messages"] == o.Messages {
			exact++
		} else if slices.Contains(exactly, s.Sample) {
			s.fault("%s: got %d messages want %d", f.ID, f.Counts["messages"], o.Messages)
		}
	}
	if seen == 0 {
		s.judgeWhole(findings)
		return
	}
	s.window = fmt.Sprintf("%v, %v", start.Round(time.Second), end.Round(time.Second))
	s.counts = fmt.Sprintf("%d/%d exact", exact, seen)
	if slices.Contains(exactly, s.Sample) && (start > time.Minute || end > time.Minute) {
		s.fault("window: off by %v at the start, %v at the end", start, end)
	}
}

// judgeWhole compares the window of a story that no offender has a finding of its own for: that of the finding with the most
// offenders in it.
func (s *score) judgeWhole(findings []finding) {
	s.window, s.counts = "-", "-"
	guilty, most := s.guilty(), 1
	for i := range findings {
		f, members := &findings[i], 0
		for _, c := range f.Clients {
			if guilty[c.IP] {
				members++
			}
		}
		if f.grave() && members > most {
			most = members
			s.window = fmt.Sprintf("%v, %v", f.Start.Sub(s.Window.Start).Abs().Round(time.Second), f.End.Sub(s.Window.End).Abs().Round(time.Second))
			s.counts = fmt.Sprintf("%d of %d members", len(f.Clients), len(s.Offenders))
		}
	}
}

// judgeLogins wants each address that logged in with a stolen account to be among the clients of its finding, and no stranger's
// besides; and exactly those who answered a phish to be named.
func (s *score) judgeLogins(findings []finding) {
	answered := make(map[string]bool)
	for i := range findings {
		f := &findings[i]
		if f.Detector == "phish" && f.grave() {
			for _, a := range f.Accounts {
				answered[a] = true
			}
		}
		for _, o := range s.Offenders {
			if f.Detector != "account" || f.Subject.Value != o.Value || len(o.Logins) == 0 {
				continue
			}
			clients, want := make(map[string]bool), make(map[string]bool)
			for _, c := range f.Clients {
				clients[c.IP] = c.Messages == 0
			}
			for _, l := range o.Logins {
				want[l.IP] = true
				if _, found := clients[l.IP]; !found {
					s.fault("%s: %s logged in, and is not among the clients", f.ID, l.IP)
				}
			}
			for ip, loginOnly := range clients {
				if loginOnly && !want[ip] {
					s.fault("%s: %s is no thief's", f.ID, ip)
				}
			}
			if got := f.Counts["logins"]; got != int64(len(o.Logins)) {
				s.fault("%s: got %d logins want %d", f.ID, got, len(o.Logins))
			}
		}
	}
	if want := s.Facts.Replies; len(want) > 0 && !slices.Equal(sorted(answered), want) {
		s.fault("answered the phish: got %q want %q", sorted(answered), want)
	}
}

// judgeMangled wants the damaged addresses, each with the address that it was made of.
func (s *score) judgeMangled(findings []finding) {
	found := make(map[Mangled]bool)
	for _, f := range findings {
		for _, m := range f.Mangled {
			found[Mangled{m.Recipient, m.Original, m.Kind}] = true
		}
	}
	right := 0
	for _, m := range s.Mangled {
		if found[m] {
			right++
		}
	}
	s.mangled = fmt.Sprintf("%d/%d, %d wrong", right, len(s.Mangled), len(found)-right)
	if right < leastMangled[s.Sample] {
		s.fault("mangled: found %d of %d", right, len(s.Mangled))
	}
	if len(found)-right > 0 && s.Sample != "burst-secondary-mx" {
		s.fault("mangled: %d addresses that are not", len(found)-right)
	}
}

// judgeDetectors wants the detectors that the sample is for to report something.
func (s *score) judgeDetectors(findings []finding) {
	var said []string
	for _, name := range s.Detectors {
		spoke := slices.ContainsFunc(findings, func(f finding) bool { return f.Detector == name && f.grave() })
		if !spoke {
			if missing(name) {
				name += " not yet"
			} else {
				s.fault("detector %s is silent", name)
				name += " SILENT"
			}
		}
		said = append(said, name)
	}
	if s.detectors = strings.Join(said, ", "); s.detectors == "" {
		s.detectors = "-"
	}
}

func missing(detector string) bool {
	return !slices.ContainsFunc(analyze.Detectors(), func(d analyze.Detector) bool { return d.Name == detector })
}

// What has been reached, and must not be lost.
var (
	// leastFound is how many offenders were found.
	leastFound = map[string]int{
		"burst-secondary-mx": 4, "compromised-account": 3, "content-filter": 1, "open-relay-exim": 14, "open-relay-exim-default-log": 14,
		"open-relay-exim-rich-log": 14, "self-addressed": 312, "web-script-exim": 2, "web-script-postfix": 1,
	}

	// leastMangled is how many damaged addresses were found.
	leastMangled = map[string]int{"burst-secondary-mx": 15}

	// exactly are the samples whose findings have the right window, to the minute, and the right number of messages.
	exactly = []string{"burst-secondary-mx", "compromised-account", "content-filter", "open-relay-exim", "open-relay-exim-default-log",
		"open-relay-exim-rich-log", "web-script-exim", "web-script-postfix"}
)
