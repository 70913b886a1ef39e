package logfile

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// pieces feeds text to a splitter in pieces of at most size bytes, and returns the chunks.
func pieces(s *splitter, text string, size int) []Chunk {
	var chunks []Chunk
	for text != "" {
		n := copy(s.room()[:min(size, len(s.room()))], text)
		text = text[n:]
		s.filled(n)
		for {
			c, ok := s.full()
			if !ok {
				break
			}
			chunks = append(chunks, c)
		}
	}
	if c, ok := s.rest(false); ok {
		chunks = append(chunks, c)
	}
	return chunks
}

// numbered is a line with its number.
type numbered struct {
	line int64
	text string
	cut  bool
}

// linesOf returns the lines of the chunks.
func linesOf(chunks []Chunk) (lines []numbered) {
	for _, c := range chunks {
		n := c.Line
		for line := range strings.Lines(c.Text) {
			lines = append(lines, numbered{line: n, text: line})
			n++
		}
		lines[len(lines)-1].cut = c.Cut
	}
	return lines
}

// slowLines is the oracle: the obvious way to do what a splitter does.
func slowLines(text string, maxLine int) (lines []numbered) {
	n := int64(0)
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimLeft(line, "\x00")
		body := strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
		case len(body) > maxLine:
			k := maxLine
			for back := 0; back < utf8.UTFMax && k > 1 && !utf8.RuneStart(body[k]); back++ {
				k--
			}
			lines = append(lines, numbered{n, body[:k], true})
		default:
			lines = append(lines, numbered{n, line, false})
		}
	}
	return lines
}

func compareLines(t *testing.T, name string, got, want []numbered) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: line %d: got %.80q, want %.80q", name, i, fmt.Sprint(got[i]), fmt.Sprint(want[i]))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: got %d lines, want %d", name, len(got), len(want))
	}
}

var splitSeeds = []string{
	"",
	"\n",
	"one\ntwo\nthree\n",
	"no line feed at the end",
	"CRLF\r\nand more\r\n",
	"\n\n\n",
	"\x00\x00\x00Jan  4 14:44:03 mx2 first line behind a hole\nsecond\n",
	"ends in NULs\n\x00\x00\x00",
	"\x00\n\x00\n\x00\n",
	"in\x00side\n\x00in front\nat the end\x00\n",
	strings.Repeat("long ", 20) + "\nshort\n" + strings.Repeat("x", 100),
	strings.Repeat("ä", 40) + "\n" + strings.Repeat("€", 40) + "\nb\n",
	strings.Repeat("\x80", 40) + "\n",
	strings.Repeat("a", 16) + "\n" + strings.Repeat("b", 17) + "\n" + strings.Repeat("c", 15) + "\n",
}

func checkSplit(t *testing.T, text string, size, maxLine, piece int) {
	t.Helper()
	s := newSplitter(size, maxLine, nil)
	got := pieces(s, text, piece)
	name := fmt.Sprintf("%.40q, chunks of %d, lines of %d, pieces of %d", text, size, maxLine, piece)
	want := slowLines(text, max(maxLine, size-1))
	compareLines(t, name, linesOf(got), want)
	left := int64(len(text)) - s.nuls - s.cutBytes
	for _, c := range got {
		left -= int64(len(c.Text))
	}
	// The LF of a line that was cut is neither in the chunk nor counted: the line ends there all the same.
	if feeds := strings.Count(text, "\n"); left < 0 || left > min(s.cutLines, int64(feeds)) {
		t.Fatalf("%s: %d bytes are neither handed out nor counted", name, left)
	}
	if n := int64(len(want)); s.lines() != n {
		t.Fatalf("%s: got %d lines counted, want %d", name, s.lines(), n)
	}
}

func TestSplit(t *testing.T) {
	for _, text := range splitSeeds {
		for _, size := range []int{1, 2, 7, 16, 17, 64, 4096} {
			for _, maxLine := range []int{1, 16, 30, 4096} {
				for _, piece := range []int{1, 3, 16, 4096} {
					checkSplit(t, text, size, maxLine, piece)
				}
			}
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, text := range splitSeeds {
		f.Add(text, uint8(16), uint8(20), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text string, size, maxLine, piece uint8) {
		checkSplit(t, text, 1+int(size), 1+int(maxLine), 1+int(piece))
	})
}

// A line of 100 MB must cost no more memory than the limit of a line.
func TestSplitHugeLine(t *testing.T) {
	const limit = 1 << 20
	s := newSplitter(64<<10, limit, nil)
	chunks := pieces(s, "before\n"+strings.Repeat("x", 100<<20)+"\nafter\n", 1<<20)
	got := linesOf(chunks)
	want := []numbered{{1, "before\n", false}, {2, strings.Repeat("x", limit), true}, {3, "after\n", false}}
	compareLines(t, "huge line", got, want)
	if len(s.buf) > limit+1 {
		t.Errorf("got a buffer of %d bytes, want at most %d", len(s.buf), limit+1)
	}
	if s.cutLines != 1 || s.cutBytes != 99<<20 {
		t.Errorf("got %d lines and %d bytes cut, want 1 and %d", s.cutLines, s.cutBytes, 99<<20)
	}
}

// Lines that are one NUL each: removing them must not take quadratic time, which for 16 MB would be minutes.
func TestSplitNULLines(t *testing.T) {
	s := newSplitter(1<<20, 1<<20, nil)
	text := strings.Repeat("\x00\n", 8<<20)
	n := 0
	for _, c := range pieces(s, text, 1<<20) {
		n += strings.Count(c.Text, "\n")
	}
	if n != 8<<20 || s.nuls != 8<<20 {
		t.Errorf("got %d lines and %d NULs, want %d of both", n, s.nuls, 8<<20)
	}
}

// The text of a chunk must not change when the splitter reads on.
func TestSplitOwnsText(t *testing.T) {
	s := newSplitter(16, 16, nil)
	copy(s.room(), "first line here\n")
	s.filled(16)
	c, ok := s.full()
	if !ok {
		t.Fatal("no chunk from a full buffer")
	}
	copy(s.room(), bytes.Repeat([]byte("z"), 16))
	if c.Text != "first line here\n" {
		t.Errorf("got %q after the buffer was used again", c.Text)
	}
}

// With Options.Verbatim, every byte is handed out as it is, whatever the pieces.
func TestSplitVerbatim(t *testing.T) {
	text := "a\n\x00\x00b\n" + strings.Repeat("é", 400) + "\nc\x00\n" + strings.Repeat("x", 1000)
	for step := 1; step < 50; step += 7 {
		s := newSplitter(16, 100, nil)
		s.verbatim = true
		var got strings.Builder
		for rest := text; rest != ""; {
			n := copy(s.room(), rest[:min(step, len(rest))])
			s.filled(n)
			rest = rest[n:]
			for c, ok := s.full(); ok; c, ok = s.full() {
				if want := int64(strings.Count(got.String(), "\n")) + 1; c.Line != want || c.Cut == strings.HasSuffix(c.Text, "\n") {
					t.Errorf("step %d: %q begins in line %d, want %d; cut: %v", step, c.Text, c.Line, want, c.Cut)
				}
				got.WriteString(c.Text)
			}
		}
		c, _ := s.rest(false)
		got.WriteString(c.Text)
		if got.String() != text || s.lines() != 5 || s.nuls+s.cutLines+s.cutBytes != 0 {
			t.Errorf("step %d: got %d lines, %d NULs, %d lines cut, %q", step, s.lines(), s.nuls, s.cutLines, got.String())
		}
	}
}
