package logfile

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestArranged(t *testing.T) {
	for _, c := range []struct {
		text, want string
		limit      int64
	}{
		{"", "", 9},
		{"a\n", "a\n", 9},
		{"a", "a\n", 9},
		{"a\nbb\nc\n", "c\nbb\na\n", 9},
		{"a\r\n\n\nc", "c\n\n\na\r\n", 9},
		{"a\nbb\nc\n", "a\nbb\nc\n", 6}, // too long
		{"a\nbb\nc\n", "c\nbb\na\n", 7},
	} {
		for name, in := range map[string]io.Reader{"whole": strings.NewReader(c.text), "byte by byte": iotest.OneByteReader(strings.NewReader(c.text))} {
			b := &arranged{in: in, arrange: NewestFirst.Arrange, limit: c.limit}
			got, err := io.ReadAll(iotest.OneByteReader(b))
			if string(got) != c.want || err != nil || b.asIs != (int64(len(c.text)) > c.limit) {
				t.Errorf("%q, %s: got %q, %v, want %q", c.text, name, got, err, c.want)
			}
		}
	}
	long := &arranged{in: strings.NewReader("a\nb\n"), arrange: backward, limit: 3, size: 4}
	if n, err := long.Read(make([]byte, 1)); n != 1 || err != nil || !long.asIs || long.text != nil {
		t.Errorf("got %d, %v, %d bytes in memory of a text that is known to be too long", n, err, len(long.text))
	}
	unknown := func([]byte) ([]byte, bool) { return nil, false }
	if got, err := io.ReadAll(&arranged{in: strings.NewReader("a\nb"), arrange: unknown, limit: 9}); string(got) != "a\nb" || err != nil {
		t.Errorf("got %q, %v of a text whose order is not known", got, err)
	}
	broken := errors.New("broken")
	got, err := io.ReadAll(&arranged{in: io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), arrange: backward, limit: 9})
	if string(got) != "b\na\n" || err != broken {
		t.Errorf("got %q, %v, want what was read before the error, and the error", got, err)
	}
}
