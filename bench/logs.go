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

// logs are the generated logs, and what is known of them.
type logs struct {
	postfix, exim           string // paths
	gzip, zstd              string // paths of the Postfix log, compressed; "": the tool is missing
	postfixTruth, eximTruth loggen.Truth
}

// writer is loggen.Postfix or loggen.Exim.
type writer func(io.Writer, loggen.Options) (loggen.Truth, error)

// generateAll writes the logs into dir, unless an earlier run did.
func generateAll(dir string, megabytes int) (*logs, error) {
	l := &logs{}
	options := loggen.Options{Size: int64(megabytes) * 1e6, Runs: max(2, megabytes/100)}
	var err error
	if l.postfix, l.postfixTruth, err = generate(dir, fmt.Sprintf("postfix-%d.log", megabytes), loggen.Postfix, options); err != nil {
		return nil, err
	}
	if l.exim, l.eximTruth, err = generate(dir, fmt.Sprintf("exim-%d.log", megabytes), loggen.Exim, options); err != nil {
		return nil, err
	}
	l.gzip = l.compressed("pigz", ".gz", "-k", "-f", "-6")
	l.zstd = l.compressed("zstd", ".zst", "-k", "-f", "-q", "-3")
	return l, nil
}

// generate writes a log, and its truth as JSON beside it, unless an earlier run did. It returns the log's path.
func generate(dir, name string, w writer, o loggen.Options) (string, loggen.Truth, error) {
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

// compressed returns the path of the Postfix log compressed by a tool; "": the tool is missing, or failed.
func (l *logs) compressed(tool, ending string, args ...string) string {
	path := l.postfix + ending
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if !installed(tool) {
		return ""
	}
	if out, err := exec.Command(tool, append(args, l.postfix)...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s: %v: %s\n", tool, err, out)
		return ""
	}
	return path
}
