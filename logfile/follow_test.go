package logfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A writer appends numbered lines to a log, as a daemon does: it writes to the file that it has open until it reopens it.
type writer struct {
	t    *testing.T
	path string
	file *os.File
	next int // number of the next line
	rand *rand.Rand
}

func newWriter(t *testing.T, path string) *writer {
	w := &writer{t: t, path: path, rand: rand.New(rand.NewPCG(1, 2))}
	w.reopen()
	return w
}

func (w *writer) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// reopen is what a daemon does when it gets HUP.
func (w *writer) reopen() {
	w.t.Helper()
	w.close()
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	w.check(err)
	w.file = f
}

func (w *writer) close() {
	if w.file != nil {
		w.file.Close()
	}
}

func (w *writer) raw(text string) {
	w.t.Helper()
	_, err := io.WriteString(w.file, text)
	w.check(err)
}

// lines writes n lines, 1 to 64 of them at a time, about 30,000 in a second.
func (w *writer) lines(n int) {
	w.t.Helper()
	for n > 0 {
		batch := min(n, 1+w.rand.IntN(64))
		var b strings.Builder
		for range batch {
			fmt.Fprintf(&b, "line %d %s\n", w.next, strings.Repeat("x", w.next%200))
			w.next++
		}
		w.raw(b.String())
		time.Sleep(time.Duration(batch) * time.Second / 30_000)
		n -= batch
	}
}

func (w *writer) rename(to string) {
	w.t.Helper()
	w.check(os.Rename(w.path, w.path+to))
}

// A reader collects what Follow hands out.
type reader struct {
	chunks  []Chunk
	notices []string
	saved   []Checkpoint
}

// numbers are the numbers of the lines, in order. A line that is damaged is -1.
func (r *reader) numbers() (got []int) {
	for _, c := range r.chunks {
		for line := range strings.Lines(c.Text) {
			got = append(got, numberOf(line))
		}
	}
	return got
}

func numberOf(line string) int {
	field, rest, _ := strings.Cut(strings.TrimPrefix(line, "line "), " ")
	n, err := strconv.Atoi(field)
	if err != nil || rest != strings.Repeat("x", n%200)+"\n" {
		return -1
	}
	return n
}

func (r *reader) noticed(words string) bool {
	return slices.ContainsFunc(r.notices, func(n string) bool { return strings.Contains(n, words) })
}

// following runs story, which writes the log, while Follow reads it, with the fake clock of a synctest bubble; then it waits until
// everything must have been read.
func following(t *testing.T, o FollowOptions, story func(w *writer)) (*reader, *writer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "maillog")
	r := &reader{}
	var w *writer
	synctest.Test(t, func(t *testing.T) {
		w = newWriter(t, path)
		defer w.close()
		r.follow(t, path, o, func() { story(w) })
	})
	return r, w
}

func (r *reader) follow(t *testing.T, path string, o FollowOptions, story func()) {
	ctx, cancel := context.WithCancel(t.Context())
	o.Notice = func(text string) { r.notices = append(r.notices, text) }
	o.Saved = func(c Checkpoint) { r.saved = append(r.saved, c) }
	done := make(chan error)
	go func() {
		done <- Follow(ctx, path, o, func(c Chunk) error { r.chunks = append(r.chunks, c); return nil })
	}()
	time.Sleep(time.Millisecond) // until Follow has opened the log
	story()
	time.Sleep(time.Minute)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Follow: got %v, want nil when the context is done", err)
	}
}

// When the context is done, the lines that were just written count, and those that wait in newer files for the grace of an older
// one; an unfinished line does not.
func TestFollowLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWriter(t, filepath.Join(t.TempDir(), "maillog"))
		defer w.close()
		ctx, cancel := context.WithCancel(t.Context())
		r := &reader{}
		done := make(chan error)
		go func() {
			done <- Follow(ctx, w.path, FollowOptions{}, func(c Chunk) error { r.chunks = append(r.chunks, c); return nil })
		}()
		w.lines(10)
		time.Sleep(time.Second)
		for _, to := range [...]string{".1", ".2"} {
			w.lines(10)
			w.rename(to)
			w.reopen()
			w.lines(10)
			time.Sleep(time.Second)
		}
		w.rename(".3")
		w.reopen()
		w.lines(10)
		w.raw("line 60 unfini")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var want []int
		for i := range 60 {
			want = append(want, i)
		}
		if got := r.numbers(); !slices.Equal(got, want) {
			t.Errorf("got lines %d, want 0 to 59", got)
		}
	})
}

// A portion of lines takes 200 ms to write, twice the time between two checks: a log that is rotated faster cannot be followed.
const rotations, portion = 5, 6000

// However a log is rotated, no line may be lost, handed out twice, in two parts or out of order.
func TestFollowLosesNothing(t *testing.T) {
	for name, rotate := range map[string]func(w *writer){
		"append only":                func(w *writer) {},
		"rename, new file at once":   func(w *writer) { w.rename("." + strconv.Itoa(w.next)); w.reopen(); time.Sleep(6 * time.Second) },
		"rename, late writer":        func(w *writer) { w.rename("." + strconv.Itoa(w.next)); w.lines(portion); w.reopen() },
		"rename, empty file created": func(w *writer) { w.rename(".1"); os.WriteFile(w.path, nil, 0o600); w.lines(portion); w.reopen() },
		"rename, late writer, then another rename": func(w *writer) {
			w.rename(".1")
			w.lines(portion)
			w.reopen()
			w.lines(portion)
			w.rename(".1")
			w.lines(portion)
			w.reopen()
		},
		"rename, path missing": func(w *writer) { w.rename(".1"); w.lines(portion); time.Sleep(time.Second / 2); w.reopen() },
		"delete and recreate":  func(w *writer) { w.check(os.Remove(w.path)); w.reopen() },
		"delete, missing":      func(w *writer) { w.check(os.Remove(w.path)); w.lines(portion); time.Sleep(time.Minute); w.reopen() },
		"copytruncate, quiet":  func(w *writer) { time.Sleep(time.Second); w.check(os.Truncate(w.path, 0)); time.Sleep(time.Second) },
		"quick rotations": func(w *writer) {
			w.rename("." + strconv.Itoa(w.next))
			w.reopen()
			w.lines(500)
			time.Sleep(time.Second / 10)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, w := following(t, FollowOptions{}, func(w *writer) {
				for range rotations {
					w.lines(portion)
					rotate(w)
				}
				w.lines(portion)
			})
			got := r.numbers()
			for i := range min(len(got), w.next) {
				if got[i] != i {
					t.Fatalf("got line %d at place %d; notices %q", got[i], i, r.notices)
				}
			}
			if len(got) != w.next {
				t.Fatalf("got %d lines, want %d; notices %q", len(got), w.next, r.notices)
			}
			for _, c := range r.chunks {
				if c.Cut || c.Path != w.path {
					t.Fatalf("got a chunk of %s, cut %v, want whole lines of %s", c.Path, c.Cut, w.path)
				}
			}
			if quick := name == "quick rotations"; quick && !r.noticed("rotated twice within 5s") {
				t.Errorf("got notices %q, want a warning about quick rotations", r.notices)
			}
			if name == "copytruncate, quiet" && !r.noticed("was truncated from ") {
				t.Errorf("got notices %q, want that the file was truncated", r.notices)
			}
			if name == "append only" && len(r.notices) != 0 {
				t.Errorf("got notices %q, want none", r.notices)
			}
		})
	}
}

// copytruncate loses what is written between the copy and the truncation, for every program, and for us what is written since the
// last check. The rest is handed out once and in order, and the loss is reported.
func TestFollowCopytruncate(t *testing.T) {
	for name, o := range map[string]FollowOptions{"100 ms": {}, "10 ms": {Poll: 10 * time.Millisecond}} {
		r, w := following(t, o, func(w *writer) {
			for range rotations {
				w.lines(portion)
				w.check(os.Truncate(w.path, 0))
			}
			w.lines(portion)
		})
		got := r.numbers()
		last := -1
		for _, n := range got {
			if n <= last {
				t.Fatalf("%s: got line %d behind %d", name, n, last)
			}
			last = n
		}
		// Between two checks are 100 ms, in which 3,000 lines are written here.
		allowed := rotations * 3100
		if o.Poll > 0 {
			allowed = rotations * 400
		}
		if lost := w.next - len(got); lost > allowed || last != w.next-1 {
			t.Errorf("%s: got %d lines up to %d, want at most %d lost of %d", name, len(got), last, allowed, w.next)
		}
		if !r.noticed("truncated") {
			t.Errorf("%s: got notices %q, want that the file was truncated", name, r.notices)
		}
	}
}

// Truncated, and grown past the old offset before the next check: the size alone does not tell.
func TestFollowTruncatedAndGrown(t *testing.T) {
	r, w := following(t, FollowOptions{}, func(w *writer) {
		w.lines(10)
		time.Sleep(time.Second)
		w.check(os.Truncate(w.path, 0))
		w.lines(1000)
	})
	if got := r.numbers(); len(got) != w.next || slices.Contains(got, -1) {
		t.Errorf("got %d lines, want %d whole ones", len(got), w.next)
	}
	if !r.noticed("truncated and written anew") {
		t.Errorf("got notices %q, want that the file was truncated", r.notices)
	}
}

// A daemon that writes without O_APPEND continues at its old offset after copytruncate, which leaves a hole of NULs before the
// next line.
func TestFollowHole(t *testing.T) {
	r, _ := following(t, FollowOptions{}, func(w *writer) {
		w.close()
		f, err := os.Create(w.path)
		w.check(err)
		w.file = f
		w.lines(100)
		time.Sleep(time.Second)
		w.check(os.Truncate(w.path, 0))
		time.Sleep(time.Second)
		w.lines(100)
	})
	if got := r.numbers(); len(got) != 200 || slices.Contains(got, -1) {
		t.Errorf("got %d lines %v, want 200 whole ones", len(got), got)
	}
}

func TestFollowHalfLines(t *testing.T) {
	r, _ := following(t, FollowOptions{}, func(w *writer) {
		for i := range 40 {
			w.raw("line " + strconv.Itoa(i))
			time.Sleep(time.Second)
			w.raw(" " + strings.Repeat("x", i) + "\n")
			time.Sleep(time.Second)
		}
		w.raw("line 40 is never finished, and the context ends")
	})
	got := r.numbers()
	if len(got) != 40 || slices.Contains(got, -1) {
		t.Errorf("got lines %v, want 0 to 39, each whole", got)
	}
}

// A line that the daemon had not finished when it reopened its log is handed out, marked Cut.
func TestFollowUnfinishedAtRotation(t *testing.T) {
	r, _ := following(t, FollowOptions{}, func(w *writer) {
		w.raw("whole\nunfinished")
		w.rename(".1")
		w.reopen()
		w.raw("new\n")
	})
	want := []numbered{{1, "whole\n", false}, {2, "unfinished", true}, {1, "new\n", false}}
	compareLines(t, "rotation", linesOf(r.chunks), want)
}

func TestFollowLongLine(t *testing.T) {
	const size = 16 << 20
	for _, maxLine := range []int{0, 32 << 20} {
		r, _ := following(t, FollowOptions{MaxLine: maxLine}, func(w *writer) {
			for range size / (16 << 10) {
				w.raw(strings.Repeat("x", 16<<10))
				time.Sleep(time.Millisecond)
			}
			w.raw("\nnext\n")
		})
		want := []numbered{{1, strings.Repeat("x", 1<<20), true}, {2, "next\n", false}}
		if maxLine > size {
			want[0] = numbered{1, strings.Repeat("x", size) + "\n", false}
		}
		compareLines(t, fmt.Sprintf("lines of at most %d", maxLine), linesOf(r.chunks), want)
	}
}

// If the daemon never reopens its log, the new file, which other programs write, must still be read at some time.
func TestFollowForgottenWriter(t *testing.T) {
	r, _ := following(t, FollowOptions{}, func(w *writer) {
		w.lines(10)
		w.rename(".1")
		w.check(os.WriteFile(w.path, []byte("line 0 \n"), 0o600))
		for range 200 {
			w.lines(1)
			time.Sleep(time.Second)
		}
	})
	if !r.noticed("still written to") || r.numbers()[len(r.numbers())-1] != 0 {
		t.Errorf("got notices %q and %d lines, want the new file's line at the end", r.notices, len(r.numbers()))
	}
}

// Follow ends when the sink returns an error, and when the context ends during a call of the sink.
func TestFollowStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "maillog")
	if err := os.WriteFile(path, []byte(strings.Repeat("a line\n", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	if err := Follow(t.Context(), path, FollowOptions{}, func(Chunk) error { return enough }); err != enough {
		t.Errorf("got %v, want the sink's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	chunks := 0
	if err := Follow(ctx, path, FollowOptions{}, func(Chunk) error { chunks++; cancel(); return nil }); err != nil || chunks != 1 {
		t.Errorf("got %v after %d chunks, want nil after the one in which the context ended", err, chunks)
	}
}

func TestFollowLeavesNoFilesAndGoroutines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "maillog")
	if err := os.WriteFile(path, []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		if err := Follow(ctx, path, FollowOptions{}, func(Chunk) error { cancel(); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if got := openFiles(t); got != files {
		t.Errorf("got %d open files, want %d as before", got, files)
	}
	waitForGoroutines(t, goroutines)
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}

func TestFollowRefusesWhatDoesNotGrow(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string][]byte{"a.gz": pack(t, "gzip", "x\n"), "b.zip": []byte("PK\x03\x04")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"a.gz":  "a gzip archive cannot be followed",
		"b.zip": "this is a zip archive: unpack it first",
		"":      "only a plain file can be followed",
		"gone":  "no such file or directory",
	} {
		path := filepath.Join(dir, name)
		err := Follow(t.Context(), path, FollowOptions{}, func(Chunk) error { return nil })
		if err == nil || err.Error() != path+": "+want {
			t.Errorf("%q: got %v, want %q", name, err, want)
		}
	}
}

// rotatedSet makes a log of four files, of 100 lines each, with numbers from 0 in the oldest file. Beside them are an unfinished
// archive and another log, which must not be read. It returns the path of the live log.
func rotatedSet(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "maillog")
	w := &writer{t: t, path: path, rand: rand.New(rand.NewPCG(1, 2))}
	for _, c := range []struct{ suffix, codec string }{{".3.gz", "gzip"}, {".2.xz", "xz"}, {".1", ""}, {"", ""}} {
		var b strings.Builder
		for range 100 {
			fmt.Fprintf(&b, "line %d %s\n", w.next, strings.Repeat("x", w.next%200))
			w.next++
		}
		w.check(os.WriteFile(path+c.suffix, pack(t, c.codec, b.String()), 0o600))
	}
	w.check(os.WriteFile(path+".1.gz", []byte("gzip is at work"), 0o600)) // gzip has not finished .1
	w.check(os.WriteFile(path+"-old", []byte("another log\n"), 0o600))
	return path
}

func wantNumbers(t *testing.T, r *reader, from, to int) {
	t.Helper()
	got := r.numbers()
	if len(got) != to-from || len(got) > 0 && (got[0] != from || !slices.IsSorted(got) || got[len(got)-1] != to-1) {
		t.Errorf("got %d lines %v, want %d to %d; notices %q", len(got), got, from, to-1, r.notices)
	}
}

func TestFollowHistory(t *testing.T) {
	path := rotatedSet(t)
	synctest.Test(t, func(t *testing.T) {
		r := &reader{}
		r.follow(t, path, FollowOptions{History: true}, func() {})
		wantNumbers(t, r, 0, 400)
		if first, last := r.chunks[0].Path, r.chunks[len(r.chunks)-1].Path; first != path+".3.gz" || last != path {
			t.Errorf("got files from %s to %s", first, last)
		}
		r = &reader{}
		r.follow(t, path, FollowOptions{}, func() {})
		wantNumbers(t, r, 300, 400)
	})
}

// A second run continues where the first one ended, even if the file was renamed or compressed since.
func TestFollowResume(t *testing.T) {
	path := rotatedSet(t)
	text := func(from, to int) (text string) {
		for i := from; i < to; i++ {
			text += fmt.Sprintf("line %d %s\n", i, strings.Repeat("x", i%200))
		}
		return text
	}
	old := filepath.Join(t.TempDir(), "maillog")
	if err := os.WriteFile(old, []byte(text(100, 150)+"line 150 xx"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := &reader{}
		r.follow(t, old, FollowOptions{}, func() {})
		wantNumbers(t, r, 100, 150)
		place := r.saved[len(r.saved)-1]
		if want := int64(len(text(100, 150))); place.Offset != want || place.Line != 51 {
			t.Errorf("got %+v, want offset %d and line 51", place, want)
		}

		r = &reader{}
		r.follow(t, path, FollowOptions{Resume: &place}, func() {}) // in the set, that file is maillog.2.xz
		wantNumbers(t, r, 150, 400)

		place = r.saved[len(r.saved)-1]
		r = &reader{}
		r.follow(t, path, FollowOptions{Resume: &place}, func() {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			io.WriteString(f, text(400, 410))
		})
		wantNumbers(t, r, 400, 410)
		if r.chunks[0].Line != 101 {
			t.Errorf("got line %d, want 101", r.chunks[0].Line)
		}

		r = &reader{}
		r.follow(t, path, FollowOptions{Resume: &Checkpoint{Head: "something else", HeadSize: 100, Offset: 200, Line: 3}}, func() {})
		wantNumbers(t, r, 0, 410)
		if !r.noticed("in no file any more") {
			t.Errorf("got notices %q, want that the place was not found", r.notices)
		}
	})
}
