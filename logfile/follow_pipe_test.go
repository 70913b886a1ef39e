package logfile

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// Whole lines are handed out as soon as they are written, lines written at once together, a half line only when it is finished or
// the pipe ends.
func TestFollowPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		in, err := standardInput(r)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		done := make(chan error, 1)
		go func() {
			done <- FollowPipe(t.Context(), in, FollowOptions{ChunkSize: 64}, func(c Chunk) error {
				got = append(got, fmt.Sprint(c.Path, c.Line, ":", c.Text))
				return nil
			})
		}()
		for _, step := range []struct {
			write string
			want  []string
		}{
			{"one\n", []string{"-1:one\n"}},
			{"two\nthr", []string{"-2:two\n"}},
			{"", nil},
			{"ee\nfour\n", []string{"-3:three\nfour\n"}},
			{"six", nil},
		} {
			got = nil
			io.WriteString(w, step.write)
			if synctest.Wait(); !slices.Equal(got, step.want) {
				t.Errorf("after %q: got %q, want %q", step.write, got, step.want)
			}
		}
		got = nil
		w.Close()
		if err := <-done; err != nil || !slices.Equal(got, []string{"-5:six"}) {
			t.Errorf("at the end: got %q, %v", got, err)
		}
	})
}

// The lines do not depend on the sizes of the writes.
func TestFollowPipeLosesNothing(t *testing.T) {
	var all strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&all, "line %d %s\n", i, strings.Repeat("x", i%300))
	}
	for _, size := range []int{7, 100, 4096, 1 << 20} {
		r, w := io.Pipe()
		in, _ := standardInput(r)
		go func() {
			for text := all.String(); text != ""; text = text[min(size, len(text)):] {
				io.WriteString(w, text[:min(size, len(text))])
			}
			w.Close()
		}()
		var got strings.Builder
		line := int64(1)
		err := FollowPipe(t.Context(), in, FollowOptions{ChunkSize: 512}, func(c Chunk) error {
			if c.Line != line || c.Cut {
				t.Errorf("pieces of %d: a chunk begins with line %d, want %d", size, c.Line, line)
			}
			line += int64(strings.Count(c.Text, "\n"))
			got.WriteString(c.Text)
			return nil
		})
		if err != nil || got.String() != all.String() {
			t.Errorf("pieces of %d: %v, %d of %d bytes", size, err, got.Len(), all.Len())
		}
	}
}

// The context ends the wait for a pipe into which nothing is written; an archive is refused.
func TestFollowPipeEnds(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	in, _ := standardInput(r)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := FollowPipe(ctx, in, FollowOptions{}, nil); err != nil {
		t.Errorf("got %v", err)
	}
	for _, archive := range []string{"\x1f\x8b\x08 and so on", string(tarOf(t, packed{"maillog", "one\n"}))} {
		in, _ = standardInput(strings.NewReader(archive))
		if err := FollowPipe(t.Context(), in, FollowOptions{}, func(Chunk) error { return nil }); err == nil || !strings.Contains(err.Error(), "archive cannot be followed") {
			t.Errorf("%.9q: got %v", archive, err)
		}
	}
}
