package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// The documents show commands with what they print. These tests run the commands and compare; with -update (make docs) they
// write the documents anew. A block looks like this:
//
//	```console from=/^HIGH/ head=12
//	$ mailforensics bursts samples/burst-secondary-mx/*.gz
//	…
//	```
//
// Commands run in the repository's root, by sh, standard error too. from=/…/ leaves out what comes before the first line that
// matches, to=/…/ that line and what comes after, head=N all but N lines; an ellipsis stands for them. A block whose programs
// are not all installed here stays as it is.

const repository = "../.."

// pages are the documents with commands in them.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{filepath.Join(repository, "README.md")}
	for _, pattern := range []string{"docs/*.md", "docs/incidents/*.md"} {
		found, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// outputs are what commands printed: several pages show parts of the same.
type outputs map[string]string

func TestDocs(t *testing.T) {
	ran := make(outputs)
	for _, page := range pages(t) {
		t.Run(filepath.ToSlash(strings.TrimPrefix(page, repository)), func(t *testing.T) {
			text := readFile(t, page)
			compare(t, page, rewritten(t, text, ran))
		})
	}
	if len(ran) < 20 {
		t.Errorf("only %d commands were run", len(ran))
	}
}

// compare compares a file with what it should be, or with -update makes it so.
func compare(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make docs writes it", err)
	}
	if line, one, other := firstDifference(string(got), want); line > 0 {
		t.Errorf("%s:%d: got\n%s\nwant\n%s\nmake docs rewrites it", strings.TrimPrefix(path, repository+"/"), line, one, other)
	}
}

// firstDifference returns the number of the first line in which two texts differ, from 1, and that line of each; 0: none.
func firstDifference(a, b string) (line int, inA, inB string) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(as), len(bs)) {
		switch {
		case i >= len(as):
			return i + 1, "(the end)", bs[i]
		case i >= len(bs):
			return i + 1, as[i], "(the end)"
		case as[i] != bs[i]:
			return i + 1, as[i], bs[i]
		}
	}
	return 0, "", ""
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rewritten is a page with the output of its commands as it is now.
func rewritten(t *testing.T, page string, ran outputs) string {
	var out strings.Builder
	for page != "" {
		before, rest, found := strings.Cut(page, "```console")
		out.WriteString(before)
		if !found {
			break
		}
		head, body, _ := strings.Cut(rest, "\n")
		body, after, closed := strings.Cut(body, "\n```")
		if !closed {
			t.Fatalf("a block does not end: %s", head)
		}
		out.WriteString("```console" + head + "\n" + session(t, excerptOf(t, head), body, ran) + "```")
		page = after
	}
	return out.String()
}

// session runs the commands of a block.
func session(t *testing.T, part excerpt, body string, ran outputs) string {
	var commands []string
	for line := range strings.Lines(body) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			commands = append(commands, strings.TrimSuffix(command, "\n"))
		}
	}
	if len(commands) == 0 {
		t.Fatalf("a block without a command:\n%s", body)
	}
	if missing := lacking(commands); missing != "" {
		t.Logf("%s is not installed: not run: %s", missing, commands[0])
		return body + "\n"
	}
	var out strings.Builder
	for _, command := range commands {
		text, done := ran[command]
		if !done {
			text = shell(t, command)
			ran[command] = text
		}
		out.WriteString("$ " + command + "\n" + part.of(t, text))
	}
	return out.String()
}

// programs are the words of a command line that name programs.
var programs = regexp.MustCompile(`(?:^|\| *|; *|&& *)([a-z][a-z0-9_-]*)`)

// lacking is a program of the commands that is not here.
func lacking(commands []string) string {
	for _, command := range commands {
		quoted := regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllString(command, "x")
		for _, m := range programs.FindAllStringSubmatch(quoted, -1) {
			if _, err := exec.LookPath(m[1]); err != nil {
				return m[1]
			}
		}
	}
	return ""
}

// shell runs a command line in the repository's root. testscript.Main has put this program first in the path.
func shell(t *testing.T, command string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8", "NO_COLOR=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && out.Len() == 0 {
		t.Errorf("%s: %v", command, err)
	}
	return out.String()
}

// excerpt is which part of an output is shown.
type excerpt struct {
	from, to *regexp.Regexp
	head     int
}

var option = regexp.MustCompile(`(from|to)=/((?:[^/\\]|\\.)*)/|head=(\d+)`)

func excerptOf(t *testing.T, options string) excerpt {
	t.Helper()
	var part excerpt
	for _, m := range option.FindAllStringSubmatch(options, -1) {
		switch m[1] {
		case "from":
			part.from = regexp.MustCompile(m[2])
		case "to":
			part.to = regexp.MustCompile(m[2])
		default:
			part.head, _ = strconv.Atoi(m[3])
		}
	}
	if rest := strings.TrimSpace(option.ReplaceAllString(options, "")); rest != "" {
		t.Fatalf("a block has an unknown option: %s", rest)
	}
	return part
}

// of is the part of a text, with an ellipsis for what is left out at either end.
func (e excerpt) of(t *testing.T, text string) string {
	t.Helper()
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	first, last := 0, len(lines)
	if e.from != nil {
		if first = slices.IndexFunc(lines, e.from.MatchString); first < 0 {
			t.Fatalf("no line matches %s:\n%s", e.from, text)
		}
	}
	if e.to != nil {
		n := slices.IndexFunc(lines[first:], e.to.MatchString)
		if n < 0 {
			t.Fatalf("no line matches %s:\n%s", e.to, text)
		}
		last = first + n
	}
	if e.head > 0 {
		last = min(last, first+e.head)
	}
	part := slices.Clone(lines[first:last])
	for len(part) > 0 && part[len(part)-1] == "" {
		part = part[:len(part)-1]
	}
	if first > 0 {
		part = append([]string{"…"}, part...)
	}
	if last < len(lines) {
		part = append(part, "…")
	}
	return strings.Join(part, "\n") + "\n"
}

// Flags that a document names exist.
func TestDocumentsNameRealFlags(t *testing.T) {
	root, _ := newRoot(console{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}})
	known := map[string]bool{"help": true, "version": true}
	note := func(f *pflag.Flag) { known[f.Name] = true }
	root.PersistentFlags().VisitAll(note)
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(note)
	}
	flag := regexp.MustCompile(`--([a-z][a-z-]+)`)
	for _, page := range pages(t) {
		for i, line := range strings.Split(readFile(t, page), "\n") {
			if !strings.Contains(line, "mailforensics") || strings.Contains(line, "duckdb") || strings.Contains(line, "clickhouse") {
				continue
			}
			for _, m := range flag.FindAllStringSubmatch(line, -1) {
				if !known[m[1]] {
					t.Errorf("%s:%d: there is no --%s", page, i+1, m[1])
				}
			}
		}
	}
}

// Each member that the program writes is in docs/json.md.
func TestJSONIsDocumented(t *testing.T) {
	page := readFile(t, filepath.Join(repository, "docs", "json.md"))
	known := make(map[string]bool)
	for _, m := range regexp.MustCompile("`([a-z0-9_]+)(?:\\[\\])?`").FindAllStringSubmatch(page, -1) {
		known[m[1]] = true
	}
	missing := make(map[string]string)
	for _, args := range []string{
		"investigate --format json ../../samples/burst-secondary-mx",
		"investigate --format json ../../samples/web-script-exim",
		"messages ../../samples/web-script-exim",
		"events ../../samples/burst-secondary-mx/mx2.mail.log.gz",
		"events ../../samples/web-script-exim/mainlog.gz",
		"trace 7DEDFA4D --format ndjson ../../samples/burst-secondary-mx/mx2.mail.log.gz",
		"offenders --format json testdata/logs/mx2.log",
		"timeline --format json --by ip testdata/logs/mx2.log",
		"summary --format json testdata/logs/mx2.log",
	} {
		words := strings.Fields(args)
		if last := words[len(words)-1]; !strings.Contains(filepath.Base(last), ".") {
			files, err := filepath.Glob(last + "/*.gz")
			if err != nil {
				t.Fatal(err)
			}
			words = append(words[:len(words)-1], files...)
		}
		decoder := json.NewDecoder(strings.NewReader(printed(t, append(words, "--quiet"))))
		for decoder.More() {
			var value any
			if err := decoder.Decode(&value); err != nil {
				t.Fatal(err)
			}
			members(value, func(name string) {
				if !known[name] {
					missing[name] = args
				}
			})
		}
	}
	for name, args := range missing {
		t.Errorf("docs/json.md does not tell of %q (%s)", name, args)
	}
}

// members calls f with the names of all members in a JSON value.
func members(value any, f func(name string)) {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			f(name)
			members(v, f)
		}
	case []any:
		for _, v := range value {
			members(v, f)
		}
	}
}
