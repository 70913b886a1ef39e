package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mailforensics/where"
)

var update = flag.Bool("update", false, "write the goldens anew")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mailforensics": main})
}

// TestScript runs the scripts of testdata/script, each named after the behaviour that it fixes. The logs of testdata/logs lie
// in their folder. Beside testscript's own commands there are:
//
//	exits N COMMAND…    the command ends with that status
//	gz FILE [CUT]       makes FILE.gz, without the last CUT bytes
//	split FILE N        makes FILE.1 of the first N lines of FILE, and FILE.2 of the rest
//	head FILE N         leaves the first N lines of FILE
//	append FROM TO      appends the text of a file to another one
//	sleep SECONDS
//	mmdb FILE NETWORK asn=N,country=CC … [damaged]
//	                    makes a database for --geo
//	unescape FILE       replaces \xNN and \u{…} escapes in FILE by what they mean
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TZ", "Europe/Berlin")
			return os.CopyFS(filepath.Join(env.WorkDir, "logs"), os.DirFS("testdata/logs"))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "gz": gz, "split": split, "head": head, "append": appendTo, "sleep": sleep, "unescape": unescape, "mmdb": mmdb,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func gz(ts *testscript.TestScript, neg bool, args []string) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	io.WriteString(w, ts.ReadFile(args[0]))
	ts.Check(w.Close())
	data := out.Bytes()
	if len(args) > 1 {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		data = data[:len(data)-n]
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".gz"), data, 0o666))
}

func split(ts *testscript.TestScript, neg bool, args []string) {
	first, rest := cutLines(ts, args)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".1"), []byte(first), 0o666))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".2"), []byte(rest), 0o666))
}

func head(ts *testscript.TestScript, neg bool, args []string) {
	first, _ := cutLines(ts, args)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(first), 0o666))
}

// cutLines cuts the file of the first argument behind as many lines as the second says.
func cutLines(ts *testscript.TestScript, args []string) (first, rest string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	lines := strings.SplitAfter(ts.ReadFile(args[0]), "\n")
	return strings.Join(lines[:n], ""), strings.Join(lines[n:], "")
}

func appendTo(ts *testscript.TestScript, neg bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[1]), os.O_WRONLY|os.O_APPEND, 0)
	ts.Check(err)
	_, err = f.WriteString(ts.ReadFile(args[0]))
	ts.Check(errors.Join(err, f.Close()))
}

func sleep(ts *testscript.TestScript, neg bool, args []string) {
	d, err := time.ParseDuration(args[0] + "s")
	ts.Check(err)
	time.Sleep(d)
}

func unescape(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	var out []byte
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		for line != "" {
			r, multibyte, tail, err := strconv.UnquoteChar(line, 0)
			if err != nil || line[0] != '\\' {
				out, line = append(out, line[0]), line[1:]
				continue
			}
			if multibyte {
				out = append(out, string(r)...)
			} else {
				out = append(out, byte(r))
			}
			line = tail
		}
	}
	ts.Check(os.WriteFile(path, out, 0o666))
}

// TestGolden compares what commands print with files that are named after them.
func TestGolden(t *testing.T) {
	for _, args := range []string{
		"bursts",
		"bursts --format json",
		"bursts --format ndjson",
		"bursts --format csv",
		"bursts --format markdown",
		"bursts --color always",
		"offenders",
		"offenders --by recipient,recipient-domain,helo --top 3",
		"offenders --by sender-domain --sort bounced --top 2 --format json",
		"offenders --by ip,network --format csv",
		"timeline",
		"timeline --bucket 10m --format csv",
		"timeline --by direction,ip --bucket 5m --top 3",
		"timeline --by ip --bucket 5m --top 2 --format ndjson",
		"summary",
		"summary --format json",
		"summary --format markdown",
		"events --kind reject,accept",
		"messages --top 3",
		"messages --format csv --top 3",
	} {
		t.Run(args, func(t *testing.T) {
			var out, errs bytes.Buffer
			words := append(strings.Fields(args), "--year", "2024", "--tz", "Europe/Berlin", "testdata/logs/mx2.log")
			status := run(t.Context(), words, console{in: strings.NewReader(""), out: &out, err: &errs})
			if status != 0 || errs.Len() > 0 {
				t.Errorf("status %d, standard error: %s", status, errs.String())
			}
			golden(t, strings.ReplaceAll(args, " ", "_")+".golden", out.Bytes())
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestOutputIsWholeOrAbsent writes to a file and fails in the middle, as on a full disk: what was there stays, and nothing
// else is left in the folder.
func TestOutputIsWholeOrAbsent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.json")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := &settings{output: path, force: true}
	full := errors.New("no space left on device")
	err := s.write(func(w io.Writer) error {
		fmt.Fprint(w, "half")
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("got error %v, want %v", err, full)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("got %q in the file, want what was there before", got)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("got %v in the folder, want the old file alone", entries)
	}
	if err := s.write(func(w io.Writer) error { _, err := fmt.Fprint(w, "new"); return err }); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "new" {
		t.Errorf("got %q in the file, want the new text", got)
	}
}

// TestInterrupted ends a run that waits for standard input.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, feed := io.Pipe()
	defer feed.Close()
	var out, errs bytes.Buffer
	done := make(chan int)
	go func() { done <- run(ctx, []string{"bursts", "-"}, console{in: in, out: &out, err: &errs}) }()
	cancel()
	select {
	case status := <-done:
		if status != exitInterrupted {
			t.Errorf("got status %d, want %d", status, exitInterrupted)
		}
	case <-time.After(10 * time.Second):
		t.Error("the run did not end")
	}
}

// TestStartIsFast asks for help, which must not wait for anything: 20 ms are allowed, of which a busy machine takes its part.
func TestStartIsFast(t *testing.T) {
	best := time.Hour
	for range 5 {
		begin := time.Now()
		run(t.Context(), []string{"--help"}, console{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
		best = min(best, time.Since(begin))
	}
	if best > 20*time.Millisecond {
		t.Errorf("help takes %v, want at most 20ms", best)
	}
}

func TestPercentFor(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, mostPercent}, {1 << 20, 400}, {heapGoal / 2, 100}, {heapGoal - 1<<20, leastPercent}, {1 << 40, leastPercent}} {
		if got := percentFor(c.live); got != c.want {
			t.Errorf("percentFor(%d): got %d, want %d", c.live, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"table", "json", "ndjson", "csv", "markdown", "html", "low"}
	for _, c := range []struct{ typed, want string }{{"jsn", "json"}, {"JSON", "json"}, {"mardkown", "markdown"}, {"xml", ""}, {"foo", ""}, {"htm", "html"}, {"yaml", ""}, {"markdwon", "markdown"}, {"", ""}} {
		if got := where.Nearest(c.typed, words); got != c.want {
			t.Errorf("where.Nearest(%q): got %q, want %q", c.typed, got, c.want)
		}
	}
}

func TestReason(t *testing.T) {
	for _, c := range []struct{ reply, want string }{
		{"554 5.7.1 <a@b.example>: Relay access denied", "Relay access denied"},
		{"550 5.1.1 <x@club.example>: Recipient address rejected: User unknown in virtual mailbox table",
			"Recipient address rejected: User unknown in virtual mailbox table"},
		{"554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.7",
			"Service unavailable; Client host … blocked using zen.spamhaus.org; …"},
		{"host mx1.club.example[192.0.2.7] said: 550 5.1.1 <x@club.example>: Recipient address rejected: User unknown (in reply to RCPT TO command)",
			"Recipient address rejected: User unknown"},
		{"SMTP error from remote mail server after RCPT TO:<x@club.example>: 550 5.1.1 No Such User Here", "No Such User Here"},
		{"connect to mx.example[192.0.2.7]:25: Connection timed out", "connect to … Connection timed out"},
		{"", ""},
	} {
		if got := reason(c.reply); got != c.want {
			t.Errorf("reason(%q): got %q, want %q", c.reply, got, c.want)
		}
	}
}
