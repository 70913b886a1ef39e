package logfile

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The lines and their numbers do not depend on the size of the chunks and on reading ahead.
func TestReaderIsMetamorphic(t *testing.T) {
	text := sample() + "the last line has no line feed"
	want := slowLines(text, 1<<20)
	for _, codec := range []string{"", "gzip", "zstd"} {
		in := write(t, "maillog", pack(t, codec, text))
		for _, size := range []int{100, 4096, 1 << 20} {
			for _, ahead := range []int{0, 1, 4} {
				chunks, stats := readAll(t, in, Options{ChunkSize: size, ReadAhead: ahead})
				name := fmt.Sprintf("%q, chunks of %d, %d ahead", codec, size, ahead)
				compareLines(t, name, linesOf(chunks), want)
				if stats.Lines != int64(len(want)) || stats.CutLines != 0 {
					t.Errorf("%s: got %+v, want %d lines", name, stats, len(want))
				}
				for _, c := range chunks {
					if c.Path != in.Path {
						t.Fatalf("%s: got a chunk of %q, want %q", name, c.Path, in.Path)
					}
				}
			}
		}
	}
}

func TestReaderLeavesOut(t *testing.T) {
	in := write(t, "maillog", []byte("\x00\x00\x00first\r\n"+strings.Repeat("x", 100)+"\nthird\r\n"))
	chunks, stats := readAll(t, in, Options{ChunkSize: 16, MaxLine: 60})
	compareLines(t, in.Path, linesOf(chunks), []numbered{{1, "first\r\n", false}, {2, strings.Repeat("x", 60), true}, {3, "third\r\n", false}})
	if stats.NULs != 3 || stats.CutLines != 1 || stats.CutBytes != 40 || stats.Lines != 3 {
		t.Errorf("got %+v, want 3 NULs, one cut line, 40 bytes of it, 3 lines", stats)
	}
}

func TestHash(t *testing.T) {
	for _, codec := range codecs {
		content := pack(t, codec, sample())
		sum := sha256.Sum256(content)
		for _, ahead := range []int{0, 2} {
			_, stats := readAll(t, write(t, "maillog", content), Options{Hash: true, ReadAhead: ahead})
			if want := hex.EncodeToString(sum[:]); stats.SHA256 != want {
				t.Errorf("%q: got %q, want %q", codec, stats.SHA256, want)
			}
		}
		_, stats := readAll(t, write(t, "maillog", content), Options{})
		if stats.SHA256 != "" {
			t.Errorf("%q: got a hash that nobody asked for", codec)
		}
	}
	// Not read to the end: the hash of a part would pass for that of the file.
	r := Open(t.Context(), write(t, "maillog", []byte(strings.Repeat(sample(), 4))), Options{Hash: true, ChunkSize: 1000})
	r.Next()
	r.Close()
	if got := r.Stats().SHA256; got != "" {
		t.Errorf("closed early: got hash %q, want none", got)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		in   *Input
		want string
	}{
		{&Input{Path: filepath.Join(dir, "gone")}, "no such file or directory"},
		{&Input{Path: dir}, "is a directory"},
	} {
		for _, ahead := range []int{0, 1} {
			r := Open(t.Context(), c.in, Options{ReadAhead: ahead})
			_, err := r.Next()
			if want := c.in.Path + ": " + c.want; err == nil || err.Error() != want {
				t.Errorf("got %v, want %q", err, want)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("asked again: got %v, want %v", again, err)
			}
			r.Close()
		}
	}
	r := Open(t.Context(), &Input{Path: filepath.Join(dir, "gone")}, Options{})
	if _, err := r.Next(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want one that is fs.ErrNotExist", err)
	}
}

// waitForGoroutines fails if there are still more goroutines than before after a second.
func waitForGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("got %d goroutines, want %d as before", runtime.NumGoroutine(), before)
}

func TestCloseEndsGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, codec := range []string{"", "gzip", "zstd"} {
		in := write(t, "maillog", pack(t, codec, strings.Repeat(sample(), 10)))
		for _, chunks := range []int{0, 1, 3} {
			r := Open(t.Context(), in, Options{ReadAhead: 2, ChunkSize: 4096})
			for range chunks {
				if _, err := r.Next(); err != nil {
					t.Fatal(err)
				}
			}
			r.Close()
		}
	}
	waitForGoroutines(t, before)
}

func TestCancel(t *testing.T) {
	for _, ahead := range []int{0, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		r := Open(ctx, write(t, "maillog", []byte(strings.Repeat(sample(), 10))), Options{ReadAhead: ahead, ChunkSize: 4096})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		cancel()
		var err error
		for range 1000 {
			if _, err = r.Next(); err != nil {
				break
			}
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%d ahead: got %v, want context.Canceled", ahead, err)
		}
		r.Close()
		if damage := r.Stats().Damage; damage != nil {
			t.Errorf("%d ahead: got damage %v, want none", ahead, damage)
		}
	}
}

// Standard input that says nothing must not keep the program from ending.
func TestCancelSilentStdin(t *testing.T) {
	stdin, writer := io.Pipe()
	defer writer.Close()
	inputs, _ := Expand([]string{"-"}, stdin)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	r := Open(ctx, inputs[0], Options{ReadAhead: 1})
	if _, err := r.Next(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	r.Close()
}

func TestStdin(t *testing.T) {
	for _, codec := range codecs {
		packed := pack(t, codec, sample())
		inputs, errs := Expand([]string{"-"}, strings.NewReader(string(packed)))
		if len(inputs) != 1 || len(errs) != 0 || inputs[0].Size != -1 {
			t.Fatalf("got %v, %v", inputs, errs)
		}
		in := inputs[0]
		for _, size := range []int{1000, 300, 5000} { // what Head took is still there
			head, err := in.Head(size)
			if err != nil || len(head) < size-100 || len(head) > size || !strings.HasPrefix(sample(), string(head)) || in.Codec != codec {
				t.Errorf("%q: Head(%d): got %d bytes, codec %q, error %v", codec, size, len(head), in.Codec, err)
			}
		}
		chunks, stats := readAll(t, in, Options{Hash: true, ReadAhead: 1})
		sum := sha256.Sum256(packed)
		if textOf(chunks) != sample() || stats.SHA256 != hex.EncodeToString(sum[:]) || stats.Bytes != int64(len(packed)) {
			t.Errorf("%q: got %d bytes of text, %+v, want all of it", codec, len(textOf(chunks)), stats)
		}
		r := Open(t.Context(), in, Options{})
		if _, err := r.Next(); err == nil || err.Error() != "-: can be read only once" {
			t.Errorf("%q, read again: got %v, want an error", codec, err)
		}
	}
}

// Lines of a pipe arrive when they are written, not when a chunk is full.
func TestPipeIsPrompt(t *testing.T) {
	stdin, writer := io.Pipe()
	inputs, _ := Expand([]string{"-"}, stdin)
	r := Open(t.Context(), inputs[0], Options{})
	defer r.Close()
	long := strings.Repeat("a line to get over the first look\n", 100)
	go io.WriteString(writer, long+"one\ntwo")
	c, err := r.Next()
	if err != nil || c.Text != long+"one\n" {
		t.Errorf("got %.20q, %v, want the whole lines that were written", c.Text, err)
	}
	go func() {
		io.WriteString(writer, " and more\n")
		writer.Close()
	}()
	c, err = r.Next()
	if err != nil || c.Text != "two and more\n" || c.Line != 102 {
		t.Errorf("got %q at %d, %v, want the second line at 102", c.Text, c.Line, err)
	}
}

func TestHead(t *testing.T) {
	hole := strings.Repeat("\x00", 100_000)
	for _, codec := range codecs[:3] {
		for text, want := range map[string]string{
			"":                              "",
			"one\ntwo\nthree\n":             "one\ntwo\n",
			"without end":                   "without en",
			hole + "behind\nthe hole\nof N": "behind\n",
		} {
			in := write(t, "maillog", pack(t, codec, text))
			got, err := in.Head(10)
			if string(got) != want || err != nil {
				t.Errorf("%.20q as %q: got %q, %v, want %q", text, codec, got, err, want)
			}
		}
	}
	if _, err := (&Input{Path: "no/such/file"}).Head(10); err == nil || err.Error() != "no/such/file: no such file or directory" {
		t.Errorf("got %v, want that there is no such file", err)
	}
}

// A growing file is read to the end of the line that was its last one at the start.
func TestGrows(t *testing.T) {
	in := write(t, "maillog", []byte(strings.Repeat(sample(), 2)+"this line is being wri"))
	r := Open(t.Context(), in, Options{ChunkSize: 1000})
	defer r.Close()
	first, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(in.Path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprint(f, "tten\nthis one came later\n")
	text := first.Text
	for {
		c, err := r.Next()
		if err != nil {
			break
		}
		text += c.Text
	}
	if want := strings.Repeat(sample(), 2) + "this line is being written\n"; text != want {
		t.Errorf("got %d bytes that end in %q, want %d", len(text), text[len(text)-40:], len(want))
	}
	want := in.Path + ": grew while it was read: the last 20 bytes were not read"
	if s := r.Stats(); len(s.Warnings) != 1 || s.Warnings[0] != want {
		t.Errorf("got warnings %q, want %q", s.Warnings, want)
	}
}

// A line that grows without end is read no further than a line may be long.
func TestGrowsWithoutEnd(t *testing.T) {
	in := write(t, "maillog", []byte("this line is being wri"))
	r := Open(t.Context(), in, Options{ChunkSize: 1000, MaxLine: 5000})
	defer r.Close()
	if err := r.start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in.Path, bytes.Repeat([]byte("x"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := r.Next(); err != nil {
			break
		}
	}
	if s := r.Stats(); s.Bytes > 5000+64<<10 || len(s.Warnings) == 0 || !strings.Contains(strings.Join(s.Warnings, "; "), "grew while it was read") {
		t.Errorf("%d bytes were read, %q, want little more than 5000", s.Bytes, s.Warnings)
	}
}

// A pipe that breaks is read as far as it goes, also if its head was looked at before, or could not be.
func TestBrokenPipe(t *testing.T) {
	inputs, _ := Expand([]string{"-"}, io.MultiReader(strings.NewReader("one\ntwo\n"), &failing{}))
	for range 2 {
		if head, err := inputs[0].Head(100); string(head) != "one\ntwo\n" || err != nil {
			t.Errorf("got the head %q, %v", head, err)
		}
	}
	chunks, stats := readAll(t, inputs[0], Options{})
	if want := "-: reading failed after 8 bytes of text: input/output error"; textOf(chunks) != "one\ntwo\n" || fmt.Sprint(stats.Damage) != want {
		t.Errorf("got %q, damage %v, want %q", textOf(chunks), stats.Damage, want)
	}
	inputs, _ = Expand([]string{"-"}, &failing{})
	for range 2 {
		if _, err := inputs[0].Head(100); err == nil || err.Error() != "-: input/output error" {
			t.Errorf("got %v, want that it cannot be read", err)
		}
	}
	r := Open(t.Context(), inputs[0], Options{})
	defer r.Close()
	if _, err := r.Next(); err == nil || err.Error() != "-: input/output error" {
		t.Errorf("got %v, want that it cannot be read", err)
	}
	if _, err := r.Next(); err == nil {
		t.Error("there is no error when it is read again")
	}
}

func TestShrinks(t *testing.T) {
	in := write(t, "maillog", []byte(strings.Repeat(sample(), 2)))
	r := Open(t.Context(), in, Options{ChunkSize: 1000})
	defer r.Close()
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(in.Path, 100); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := r.Next(); err != nil {
			break
		}
	}
	if s := r.Stats(); len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "shrank while it was read: ") {
		t.Errorf("got warnings %q, want one that it shrank", s.Warnings)
	}
}

func TestRotatedBeforeRead(t *testing.T) {
	in := write(t, "maillog", []byte(sample()))
	if err := os.Rename(in.Path, in.Path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in.Path, []byte("a new file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stats := readAll(t, in, Options{})
	if len(stats.Warnings) != 1 || !strings.Contains(stats.Warnings[0], "rotated meanwhile") {
		t.Errorf("got warnings %q, want that it was rotated meanwhile", stats.Warnings)
	}
}

// If the disk fails in the middle, what was read before counts, and the error is named.
func TestReadError(t *testing.T) {
	broken := io.MultiReader(strings.NewReader(sample()), &failing{})
	inputs, _ := Expand([]string{"-"}, broken)
	chunks, stats := readAll(t, inputs[0], Options{Hash: true})
	want := "-: reading failed after 170,010 bytes of text: input/output error"
	if textOf(chunks) != sample() || stats.Damage == nil || stats.Damage.Error() != want || stats.SHA256 != "" {
		t.Errorf("got %d bytes, damage %v, want %q", len(textOf(chunks)), stats.Damage, want)
	}
	if !errors.Is(stats.Damage, syscall.EIO) {
		t.Errorf("%v does not wrap its cause", stats.Damage)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, syscall.EIO }

func TestProgress(t *testing.T) {
	a, b := write(t, "a", []byte(sample())), write(t, "b", pack(t, "gzip", sample()))
	p := NewProgress([]*Input{a, b})
	if want := a.Size + b.Size; p.Total() != want || p.Read() != 0 || p.Left(time.Second) != 0 {
		t.Errorf("got %d of %d, want 0 of %d", p.Read(), p.Total(), want)
	}
	readAll(t, b, Options{Progress: p})
	if p.Read() != b.Size {
		t.Errorf("got %d read, want the %d bytes on disk", p.Read(), b.Size)
	}
	if got, want := p.Left(time.Second), time.Duration(float64(time.Second)*float64(a.Size)/float64(b.Size)); got != want {
		t.Errorf("got %v left, want %v", got, want)
	}
	readAll(t, a, Options{Progress: p})
	if p.Read() != p.Total() || p.Left(time.Second) != 0 {
		t.Errorf("got %d of %d at the end", p.Read(), p.Total())
	}
	if p := NewProgress([]*Input{a, {Path: "-", Size: -1}}); p.Total() != -1 || p.Left(time.Second) != 0 {
		t.Errorf("with standard input: got a total of %d, want -1", p.Total())
	}
}

// How fast do files become chunks? ns/line is against the 350 ns or so that parsing and correlating a line take.
//
//	go test -run '^$' -bench Read ./logfile
func BenchmarkRead(b *testing.B) {
	text := strings.Repeat(sample(), 400)
	for _, codec := range []string{"", "gzip", "zstd", "xz"} {
		name := codec
		if codec == "" {
			name = "plain"
		}
		if codec == "xz" {
			text = strings.Repeat(sample(), 20)
		}
		in := write(b, "maillog", pack(b, codec, text))
		for _, o := range []Options{{}, {ReadAhead: 4}, {ReadAhead: 4, Hash: true}} {
			b.Run(fmt.Sprintf("%s/ahead=%d/hash=%v", name, o.ReadAhead, o.Hash), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				lines := 0
				for b.Loop() {
					r := Open(b.Context(), in, o)
					for {
						if _, err := r.Next(); err != nil {
							break
						}
					}
					lines += int(r.Stats().Lines)
					r.Close()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(lines), "ns/line")
			})
		}
	}
}

// What the obvious way costs: bufio.Scanner.
func BenchmarkScanner(b *testing.B) {
	text := strings.Repeat(sample(), 400)
	in := write(b, "maillog", []byte(text))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := os.Open(in.Path)
		if err != nil {
			b.Fatal(err)
		}
		scanner := bufio.NewScanner(f)
		for scanner.Scan() {
			_ = scanner.Text()
		}
		f.Close()
	}
}
