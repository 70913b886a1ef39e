//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"mailforensics/bench/loggen"
)

// logs are what is measured, and what is known of them.
type logs struct {
	postfix, exim     string // paths
	gzip, zstd        string // of the Postfix log; "" where the tool is missing
	postfixIs, eximIs loggen.Truth
	bytes             map[string]int64
}

// writer writes a log of one kind.
type writer func(io.Writer, loggen.Options) (loggen.Truth, error)

// write writes the logs, or finds those of an earlier run.
func write(dir string, megabytes int) (*logs, error) {
	l := &logs{bytes: make(map[string]int64)}
	options := loggen.Options{Size: int64(megabytes) * 1e6, Runs: max(2, megabytes/100)}
	var err error
	if l.postfix, l.postfixIs, err = one(dir, fmt.Sprintf("postfix-%d.log", megabytes), loggen.Postfix, options); err != nil {
		return nil, err
	}
	if l.exim, l.eximIs, err = one(dir, fmt.Sprintf("exim-%d.log", megabytes), loggen.Exim, options); err != nil {
		return nil, err
	}
	l.bytes[l.postfix], l.bytes[l.exim] = l.postfixIs.Bytes, l.eximIs.Bytes
	l.gzip = l.compressed("pigz", ".gz", "-k", "-f", "-6")
	l.zstd = l.compressed("zstd", ".zst", "-k", "-f", "-q", "-3")
	return l, nil
}

// one writes one log and beside it its truth.
func one(dir, name string, w writer, o loggen.Options) (string, loggen.Truth, error) {
	path, note := filepath.Join(dir, name), filepath.Join(dir, name+".truth.json")
	var truth loggen.Truth
	if text, err := os.ReadFile(note); err == nil && json.Unmarshal(text, &truth) == nil {
		if info, err := os.Stat(path); err == nil && info.Size() == truth.Bytes {
			return path, truth, nil
		}
	}
	fmt.Fprintln(os.Stderr, "writing", path)
	f, err := os.Create(path)
	if err != nil {
		return "", truth, err
	}
	defer f.Close()
	if truth, err = w(f, o); err != nil {
		return "", truth, err
	}
	text, err := json.Marshal(truth)
	if err != nil {
		return "", truth, err
	}
	return path, truth, os.WriteFile(note, text, 0o644)
}

// compressed is the Postfix log, compressed by a tool; "" where the tool is missing.
func (l *logs) compressed(tool, ending string, args ...string) string {
	path := l.postfix + ending
	if info, err := os.Stat(path); err == nil {
		l.bytes[path] = info.Size()
		return path
	}
	if !installed(tool) {
		return ""
	}
	if out, err := exec.Command(tool, append(args, l.postfix)...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s: %v: %s\n", tool, err, out)
		return ""
	}
	return l.compressed(tool, ending)
}
