//go:build unix

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"mailforensics/bench/loggen"
)

// bench measures, and holds the results.
type bench struct {
	exe  string
	logs *logs
	runs int
	rows []row
}

// row is the result of one job.
type row struct {
	group, what string
	took        time.Duration // wall time, the median
	cpu         time.Duration // user and system time, the median
	memory      int64         // maximum resident set size in any run, bytes
	bytes       int64         // of the log, uncompressed
	missing     bool          // the tool is not installed, or failed
}

// job is a command line on a log.
type job struct {
	what string   // its name in the table
	tool string   // that must be installed
	args []string // the command line, unless pipe is set
	pipe string   // a command line for the shell, in which $1 is the log; "": args
	utf8 bool     // with a UTF-8 locale, as most servers have, instead of C
}

// The command lines that people use to see who sends most.
const (
	postfixClients = `grep -o 'client=[^[]*\[[^]]*\]' "$1" | sort | uniq -c | sort -rn | head -n 20`
	eximClients    = `grep ' <= ' "$1" | grep -oE '\[[0-9.]+\]' | sort | uniq -c | sort -rn | head -n 20`
)

func (b *bench) all() {
	p, e := b.logs.postfix, b.logs.exim
	b.group("Postfix", p, []job{
		b.own("bursts", p),
		b.own("summary", p),
		b.own("investigate", p),
		{what: "grep -o client | sort | uniq -c | sort -rn", tool: "grep", pipe: postfixClients},
		{what: "the same with LC_ALL=C.UTF-8", tool: "grep", pipe: postfixClients, utf8: true},
		{what: "rg -c status=sent", tool: "rg", args: []string{"rg", "-c", "status=sent", p}},
		{what: "wc -l", tool: "wc", args: []string{"wc", "-l", p}},
		{what: "pflogsumm", tool: "pflogsumm", args: []string{"pflogsumm", p}},
	})
	b.group("Exim", e, []job{
		b.own("bursts", e),
		b.own("summary", e),
		b.own("investigate", e),
		{what: "grep -oE H= | sort | uniq -c | sort -rn", tool: "grep", pipe: eximClients},
		{what: "the same with LC_ALL=C.UTF-8", tool: "grep", pipe: eximClients, utf8: true},
		{what: "rg -c Completed", tool: "rg", args: []string{"rg", "-c", "Completed", e}},
		{what: "wc -l", tool: "wc", args: []string{"wc", "-l", e}},
		{what: "exigrep of one address", tool: "exigrep", args: []string{"exigrep", "anna.ahlers@stadtverein.example", e}},
		{what: "eximstats", tool: "eximstats", args: []string{"eximstats", e}},
	})
	b.compressed("gzip", b.logs.gzip, "pigz")
	b.compressed("zstd", b.logs.zstd, "zstd")
	b.group("workers", p, []job{b.own("bursts", p, "--workers", "1"), b.own("bursts", p, "--workers", fmt.Sprint(runtime.NumCPU()))})
}

// own makes a job of a command of the program.
func (b *bench) own(command, path string, flags ...string) job {
	args := append([]string{b.exe, command, "--quiet", "--tz", "UTC"}, flags...)
	what := "mailforensics " + command
	for _, flag := range flags {
		what += " " + flag
	}
	return job{what: what, tool: b.exe, args: append(args, path)}
}

func (b *bench) compressed(name, path, tool string) {
	if path == "" {
		return
	}
	b.group(name, path, []job{
		b.own("bursts", path),
		{what: tool + " -dc | wc -l", tool: tool, pipe: tool + ` -dc "$1" | wc -l`},
	})
}

// group measures jobs on one log.
func (b *bench) group(name, path string, jobs []job) {
	for _, j := range jobs {
		r := row{group: name, what: j.what, bytes: b.logs.postfixTruth.Bytes}
		if name == "Exim" {
			r.bytes = b.logs.eximTruth.Bytes
		}
		if !installed(j.tool) {
			r.missing = true
			b.rows = append(b.rows, r)
			continue
		}
		fmt.Fprintf(os.Stderr, "%s: %s\n", name, j.what)
		b.rows = append(b.rows, b.measure(r, j, path))
	}
}

// measure runs a job and completes its row. The first run is not counted, because it reads the file into the page cache, unless it
// takes so long that this does not matter; then it is the only one.
func (b *bench) measure(r row, j job, path string) row {
	const long = 20 * time.Second
	var times, cpus []time.Duration
	for i := range b.runs + 1 {
		took, cpu, memory, err := j.run(path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", j.what, err)
			r.missing = true
			return r
		}
		r.memory = max(r.memory, memory)
		if i == 0 && took < long {
			continue
		}
		times, cpus = append(times, took), append(cpus, cpu)
		if took > long {
			break
		}
	}
	r.took, r.cpu = median(times), median(cpus)
	return r
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// run runs the job once.
func (j *job) run(path string) (took, cpu time.Duration, memory int64, err error) {
	cmd := exec.Command("sh", "-c", j.pipe, "sh", path)
	if j.pipe == "" {
		cmd = exec.Command(j.args[0], j.args[1:]...)
	}
	locale := "C"
	if j.utf8 {
		locale = "C.UTF-8"
	}
	cmd.Env = append(os.Environ(), "LC_ALL="+locale)
	cmd.Stdout = io.Discard
	began := time.Now()
	if err = cmd.Run(); err != nil {
		return 0, 0, 0, err
	}
	took = time.Since(began)
	state := cmd.ProcessState
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		memory = usage.Maxrss * 1024 // KiB on Linux (getrusage(2))
	}
	return took, state.UserTime() + state.SystemTime(), memory, nil
}

// memory measures the memory that a larger log takes, to compare it with that of the smaller one.
func (b *bench) memory(dir string, megabytes int) error {
	o := loggen.Options{Size: int64(megabytes) * 1e6, Runs: megabytes / 100}
	path, truth, err := generate(dir, fmt.Sprintf("postfix-%d.log", megabytes), loggen.Postfix, o)
	if err != nil {
		return err
	}
	for _, command := range []string{"bursts", "investigate"} {
		j := b.own(command, path)
		once := &bench{exe: b.exe, logs: b.logs, runs: 1}
		b.rows = append(b.rows, once.measure(row{group: fmt.Sprintf("%d MB", megabytes), what: j.what, bytes: truth.Bytes}, j, path))
	}
	return nil
}

// print writes the table. The ratio of a row is its time divided by that of the first row of its group.
func (b *bench) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(t, "| log\t| what\t| s/GB\t| ratio\t| CPU s/GB\t| memory MB\t|")
	fmt.Fprintln(t, "|---\t|---\t|---\t|---\t|---\t|---\t|")
	var first row
	for _, r := range b.rows {
		if r.group != first.group {
			first = r
		}
		what := strings.ReplaceAll(r.what, "|", `\|`)
		if r.missing {
			fmt.Fprintf(t, "| %s\t| `%s`\t| not installed, or failed\t|\t|\t|\t|\n", r.group, what)
			continue
		}
		fmt.Fprintf(t, "| %s\t| `%s`\t| %.2f\t| %.2f\t| %.2f\t| %.0f\t|\n", r.group, what, perGB(r.took, r.bytes),
			r.took.Seconds()/first.took.Seconds(), perGB(r.cpu, r.bytes), float64(r.memory)/1e6)
	}
	t.Flush()
}

// perGB returns seconds per gigabyte (10⁹ bytes).
func perGB(d time.Duration, bytes int64) float64 { return d.Seconds() / float64(bytes) * 1e9 }
