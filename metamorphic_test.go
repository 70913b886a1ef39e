package mailforensics

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/analyze"
)

// The same log in another form gives the same findings: compressed or not, in an archive, with other line ends, the newest line first,
// wrapped, with NULs of a crash in front, split and given in any order, given twice, read in small chunks, by one worker or seven.
func TestMetamorphic(t *testing.T) {
	for _, sample := range []string{"burst-secondary-mx", "open-relay-exim-default-log", "content-filter"} {
		t.Run(sample, func(t *testing.T) {
			logs, _ := filepath.Glob(filepath.Join("samples", sample, "*.gz"))
			if len(logs) == 0 {
				t.Fatal("no logs")
			}
			want := verdict(t, nil, logs...)
			for name, same := range map[string]func(t *testing.T) string{
				"1 worker":     func(t *testing.T) string { return verdict(t, workers(1), logs...) },
				"7 workers":    func(t *testing.T) string { return verdict(t, workers(7), logs...) },
				"scrubbed":     func(t *testing.T) string { return verdict(t, scrubbed, logs...) },
				"small chunks": func(t *testing.T) string { return verdict(t, smallChunks, logs...) },
				"other order":  func(t *testing.T) string { return verdict(t, nil, reversed(logs)...) },
				"plain":        func(t *testing.T) string { return verdict(t, nil, rewrapped(t, logs, plain)...) },
				"CRLF":         func(t *testing.T) string { return verdict(t, nil, rewrapped(t, logs, crlf)...) },
				"CR":           func(t *testing.T) string { return verdict(t, nil, rewrapped(t, logs, cr)...) },
				"CR CR LF":     func(t *testing.T) string { return verdict(t, nil, rewrapped(t, logs, crcrlf)...) },
				"newest first": func(t *testing.T) string { return verdict(t, nil, rewrapped(t, logs, newestFirst)...) },
				"archive":      func(t *testing.T) string { return verdict(t, nil, archived(t, logs)) },
				"wrapped":      func(t *testing.T) string { return verdict(t, nil, rewrapped(t, logs, wrapped)...) },
				"NULs":         func(t *testing.T) string { return verdict(t, nil, rewrapped(t, logs, nuls)...) },
				"members":      func(t *testing.T) string { return verdict(t, nil, rewrapped(t, logs, members)...) },
				"pieces":       func(t *testing.T) string { return verdict(t, nil, pieces(t, logs)...) },
				"twice":        func(t *testing.T) string { return verdict(t, nil, append(rewrapped(t, logs, plain), logs...)...) },
			} {
				t.Run(name, func(t *testing.T) {
					if got := same(t); got != want {
						t.Error(firstDifference(got, want))
					}
				})
			}
		})
	}
}

// What a log server exports gives the same findings; only the lines that prove them look otherwise.
func TestJSONList(t *testing.T) {
	logs, _ := filepath.Glob("samples/burst-secondary-mx/*.gz")
	want := counted(t, workers(1), logs...)
	for _, n := range []int{1, 2} {
		if got := counted(t, workers(n), rewrapped(t, logs, jsonList)...); got != want {
			t.Errorf("%d workers: %s", n, firstDifference(got, want))
		}
	}
}

// What is exported without any order gives the same findings, if its stamps tell the order.
func TestNoOrder(t *testing.T) {
	logs, _ := filepath.Glob("samples/content-filter/*.gz") // with microseconds
	want := counted(t, workers(1), logs...)
	if got := counted(t, workers(1), rewrapped(t, logs, shuffled)...); got != want {
		t.Error(firstDifference(got, want))
	}
}

func shuffled(text []byte) []byte {
	lines := slices.Collect(bytes.Lines(text))
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return bytes.Join(lines, nil)
}

// A message that passes from host to host is one message, however far apart their clocks are, and the times are those that each host
// logged: a minute and more, an hour too much or too little, the clock of the host that takes over behind that of the other.
func TestClocks(t *testing.T) {
	logs, _ := filepath.Glob("samples/burst-secondary-mx/*.gz") // mx1 takes over from mx2
	if len(logs) != 2 {
		t.Fatalf("got logs %v, want two", logs)
	}
	want := counted(t, workers(1), logs...)
	for _, ahead := range []time.Duration{20 * time.Second, 2 * time.Minute, -5 * time.Minute, time.Hour, -time.Hour} {
		for _, n := range []int{1, 2} {
			shifted := rewrapped(t, logs[:1], func(text []byte) []byte { return shift(t, text, ahead) })
			if got := counted(t, workers(n), shifted[0], logs[1]); got != want {
				t.Errorf("mx1's clock %v ahead, %d workers: %s", ahead, n, firstDifference(got, want))
			}
		}
	}
}

// counted returns who did what, when and how often. The reasons depend on how long the logs are, which clocks that differ change.
func counted(t *testing.T, change func(*pipeline), logs ...string) string {
	t.Helper()
	p := newPipeline(t, 2)
	p.options.Year = 2024
	change(p)
	p.read(strings.NewReader(""), logs...)
	findings, _ := p.engine.Findings()
	var b strings.Builder
	fmt.Fprintf(&b, "%+v\n", p.engine.Totals)
	for i := range findings {
		f := &findings[i]
		fmt.Fprintf(&b, "%s %v\n  %d to %d, %+v\n  %v %v %v\n", f.ID, f.Severity, f.Start, f.End, f.Counts, f.Clients, f.Mangled, f.Hosts)
	}
	return b.String()
}

// shift moves all stamps, and the times in the Message-IDs that Postfix made, of a day in January 2024.
func shift(t *testing.T, text []byte, ahead time.Duration) []byte {
	const stamp, digits = "2006 Jan _2 15:04:05", "20060102150405"
	var b bytes.Buffer
	for line := range strings.Lines(string(text)) {
		at, err := time.Parse(stamp, "2024 "+line[:15])
		if err != nil {
			t.Fatal(err)
		}
		line = at.Add(ahead).Format(stamp[5:]) + line[15:]
		if before, id, found := strings.Cut(line, "message-id=<20240124"); found {
			if at, err := time.Parse(digits, "20240124"+id[:6]); err == nil {
				line = before + "message-id=<" + at.Add(ahead).Format(digits) + id[6:]
			}
		}
		b.WriteString(line)
	}
	return b.Bytes()
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d: got\n%s\nwant\n%s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

func workers(n int) func(*pipeline) { return func(p *pipeline) { p.options.Workers = n } }

// scrubbed overwrites the text of events after they were handed out: a string that was kept is then wrong.
func scrubbed(p *pipeline) { p.options.Scrub, p.options.ChunkSize = true, 8<<10 }

func smallChunks(p *pipeline) { p.options.ChunkSize = 8 << 10 }

// verdict returns the totals and the findings, without the lines that prove them, whose files have other names.
func verdict(t *testing.T, change func(*pipeline), logs ...string) string {
	t.Helper()
	p := newPipeline(t, 2)
	p.options.Year = 2024
	if change != nil {
		change(p)
	}
	p.read(strings.NewReader(""), logs...)
	findings, _ := p.engine.Findings()
	var b strings.Builder
	fmt.Fprintf(&b, "%+v\n", p.engine.Totals)
	for i := range findings {
		describe(&b, &findings[i])
	}
	return b.String()
}

func describe(b *strings.Builder, f *analyze.Finding) {
	fmt.Fprintf(b, "%s %v %.6f %q\n", f.ID, f.Severity, f.Score, f.Title)
	fmt.Fprintf(b, "  %d to %d, %+v\n  %v %v %v %v %v\n", f.Start, f.End, f.Counts, f.Clients, f.Accounts, f.Senders, f.Mangled, f.Hosts)
	fmt.Fprintf(b, "  %v\n  %v\n  %v %v %v\n", f.Reasons, f.Related, f.Signature, f.QueueIDs, f.NoticeIDs)
	var lines []string
	for i := range f.Evidence {
		e := &f.Evidence[i]
		if e.Role == "first" || e.Role == "last" { // of one second, in which files meet, their order decides
			continue
		}
		lines = append(lines, fmt.Sprintf("  %d %s: %s\n", e.Time, e.Role, e.Text))
	}
	slices.Sort(lines)
	b.WriteString(strings.Join(lines, ""))
}

func reversed(logs []string) []string {
	var back []string
	for i := len(logs) - 1; i >= 0; i-- {
		back = append(back, logs[i])
	}
	return back
}

// rewrapped writes the logs in another form, and returns the paths.
func rewrapped(t *testing.T, logs []string, form func(text []byte) []byte) []string {
	t.Helper()
	var paths []string
	for _, log := range logs {
		path := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(log), ".gz"))
		write(t, path, form(text(t, log)))
		paths = append(paths, path)
	}
	return paths
}

// archived puts the files into one archive.
func archived(t *testing.T, logs []string) string {
	path := filepath.Join(t.TempDir(), "logs.tar.gz")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(file)
	w := tar.NewWriter(z)
	for _, log := range logs {
		content, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		w.WriteHeader(&tar.Header{Name: filepath.Base(log), Size: int64(len(content)), Mode: 0o600})
		w.Write(content)
	}
	w.Close()
	z.Close()
	file.Close()
	return path
}

func plain(text []byte) []byte { return text }

func crlf(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) }

func cr(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r")) }

func crcrlf(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\r\n")) }

func newestFirst(text []byte) []byte {
	lines := slices.Collect(bytes.Lines(text))
	slices.Reverse(lines)
	return bytes.Join(lines, nil)
}

// jsonList returns text as a log server exports it: a printed list of records, the newest first.
func jsonList(text []byte) []byte {
	var records []map[string]string
	for line := range strings.Lines(string(newestFirst(text))) {
		records = append(records, map[string]string{"message": strings.TrimSuffix(line, "\n")})
	}
	list, _ := json.MarshalIndent(map[string]any{"hits": records}, "", "  ")
	return list
}

// wrapped returns text as it is copied from a screen.
func wrapped(text []byte) []byte {
	const columns = 132
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		for ; len(line) > columns+1; line = line[columns:] {
			b.Write(append(line[:columns:columns], '\n'))
		}
		b.Write(line)
	}
	return b.Bytes()
}

func nuls(text []byte) []byte { return append(make([]byte, 700), text...) }

// members returns text as a gzip file of several members, as "cat a.gz b.gz" makes one.
func members(text []byte) []byte {
	var b bytes.Buffer
	for _, part := range cut(text, 3) {
		z := gzip.NewWriter(&b)
		z.Write(part)
		z.Close()
	}
	return b.Bytes()
}

// pieces writes each log as three rotated files with numbered names, the middle one compressed, and returns the newest first.
func pieces(t *testing.T, logs []string) []string {
	t.Helper()
	var paths []string
	for _, log := range logs {
		base := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(log), ".gz"))
		parts := cut(text(t, log), 3)
		write(t, base, parts[2])
		write(t, base+".1", members(parts[1]))
		write(t, base+".2", parts[0])
		paths = append(paths, base, base+".1", base+".2")
	}
	return paths
}

// cut cuts text into n parts of whole lines.
func cut(text []byte, n int) [][]byte {
	var parts [][]byte
	for ; n > 1; n-- {
		end := bytes.IndexByte(text[len(text)/n:], '\n') + len(text)/n + 1
		parts, text = append(parts, text[:end]), text[end:]
	}
	return append(parts, text)
}

func text(t *testing.T, log string) []byte {
	t.Helper()
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
