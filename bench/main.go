//go:build unix

// Command bench compares the speed of the program with that of the tools that people use instead: grep, sort and uniq, ripgrep, wc,
// pflogsumm, eximstats and exigrep, all on the same generated logs, in one run. Absolute times depend on the machine; the ratios
// are what counts.
//
//	go run ./bench                  1 GB of each log
//	go run ./bench -size 100        100 MB
//	go run ./bench -large 10000     and the memory that 10 GB take
//
// The totals and the spam runs that the program reports are compared with the truth of the generator, because a fast wrong answer is
// worth nothing. Missing tools are installed with apt-get if that is possible, else left out.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// options are the flags.
type options struct {
	size, large, runs int
	dir               string
}

func main() {
	var o options
	flag.IntVar(&o.size, "size", 1000, "`MB` of each log")
	flag.IntVar(&o.large, "large", 0, "`MB` of a larger log, to see that memory does not grow with it; 0: none")
	flag.IntVar(&o.runs, "runs", 3, "measure so many times; the median counts (tools that take over 20 s: once)")
	flag.StringVar(&o.dir, "dir", filepath.Join(os.TempDir(), "mailforensics-bench"), "`FOLDER` for the logs; those of an earlier run are used again")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	install()
	exe := filepath.Join(o.dir, "mailforensics")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", exe, "./cmd/mailforensics")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	l, err := generateAll(o.dir, o.size)
	if err != nil {
		return err
	}
	faults := countWrong(exe, l)
	b := &bench{exe: exe, logs: l, runs: o.runs}
	b.all()
	if o.large > 0 {
		if err := b.memory(o.dir, o.large); err != nil {
			return err
		}
	}
	b.print(os.Stdout)
	if faults > 0 {
		return fmt.Errorf("%d numbers are wrong", faults)
	}
	return nil
}

// install installs the tools that are missing, if this is Debian and we are root.
func install() {
	var missing []string
	for tool, debian := range map[string]string{"pflogsumm": "pflogsumm", "eximstats": "exim4-base", "exigrep": "exim4-base", "rg": "ripgrep", "pigz": "pigz", "zstd": "zstd"} {
		if !installed(tool) {
			missing = append(missing, debian)
		}
	}
	if len(missing) == 0 || os.Getuid() != 0 || !installed("apt-get") {
		return
	}
	cmd := exec.Command("apt-get", append([]string{"install", "-y", "--no-install-recommends"}, missing...)...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: apt-get:", err)
	}
}

func installed(tool string) bool {
	_, err := exec.LookPath(tool)
	return err == nil
}
