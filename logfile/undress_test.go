package logfile

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestUndressed(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"plain":                        {"a <b> &lt; c\n", "a <b> &lt; c\n"},
		"grep":                         {"status=\x1b[01;31m\x1b[Ksent\x1b[m\x1b[K (250 ok)\n\x1b[mx\n", "status=sent (250 ok)\nx\n"},
		"ccze":                         {"\x1b[0m\x1b[1m\x1b[36mMar  7 \x1b[0mmx1\x1b[39m\n\x1b[0mx\n", "Mar  7 mx1\nx\n"},
		"no sequence":                  {"\x1b[0ma \x1b b \x1b[1\n\x1b[0m \x1b[" + strings.Repeat("1", 40) + "m \x1b", "a \x1b b \x1b[1\n \x1b[" + strings.Repeat("1", 40) + "m \x1b"},
		"one line":                     {"a \x1b[0m b\n", "a \x1b[0m b\n"},
		"a web page":                   {"from=&lt;a&amp;b@c&gt;, helo=&lt;&quot;x&#39;&#x27;&gt; &unknown; &\n", "from=<a&b@c>, helo=<\"x''> &unknown; &\n"},
		"Exim's":                       {"1s6n4v-0000000017h-1Cr6 &lt;= a@b.example H=x&nbsp;y\n", "1s6n4v-0000000017h-1Cr6 <= a@b.example H=x y\n"},
		"CR":                           {"a\rb\r\rc\r", "a\nb\n\nc\n"},
		"CR below a heading":           {"=~ PuTTY log =~\r\na\rb\r", "=~ PuTTY log =~\na\nb\n"},
		"CR CR LF":                     {"a\r\r\nb\r\r\n", "a\r\r\nb\r\r\n"},
		"LF CR":                        {"a\n\rb\n\rc", "a\nb\nc"},
		"CR and CR CR LF":              {"a\rb\r\r\nc\rd\r\n", "a\nb\nc\nd\n"},
		"CR in a line of three":        {"a\rx\nb\nc\n", "a\rx\nb\nc\n"},
		"a tab":                        {"a\tb\tc\td" + strings.Repeat("x", 2048), "a\nb\nc\nd" + strings.Repeat("x", 2048)},
		"tabs in a line":               {"a\tb\tc\td\n" + strings.Repeat("x", 2048), "a\tb\tc\td\n" + strings.Repeat("x", 2048)},
		"in a subject":                 {"from=<a@b.example> Subject: =&lt; &amp;\n", "from=<a@b.example> Subject: =&lt; &amp;\n"},
		"Exim's, Postfix's in a title": {"1s6n4v-0000000017h-1Cr6 <= a@b.example T=\"=&lt; &quot; for c\"\n", "1s6n4v-0000000017h-1Cr6 <= a@b.example T=\"=&lt; &quot; for c\"\n"},
		"Exim's, a title":              {"1s6n4v-0000000017h-1Cr6 <= a@b.example T=\"x &lt;= y\"\n", "1s6n4v-0000000017h-1Cr6 <= a@b.example T=\"x &lt;= y\"\n"},
	} {
		for reader, r := range map[string]io.Reader{"whole": strings.NewReader(c.text), "byte by byte": iotest.OneByteReader(strings.NewReader(c.text))} {
			got, err := io.ReadAll(undress(r))
			if string(got) != c.want || err != nil {
				t.Errorf("%s, %s: got %q, %v, want %q", name, reader, got, err, c.want)
			}
		}
	}
	long := strings.Repeat("\x1b[1m<x&lt;>\x1b[0m\n", 4000)
	if got, _ := io.ReadAll(undress(strings.NewReader(long))); string(got) != strings.Repeat("<x&lt;>\n", 4000) {
		t.Errorf("got %d bytes of a long text, want %d", len(got), 4000*8)
	}
}

func undress(r io.Reader) io.Reader {
	text := bufio.NewReaderSize(r, smallBuffer)
	head, _ := text.Peek(smallBuffer)
	return undressed(text, head)
}

// It is said where lines are not those that other tools count.
func TestOtherEndsAreSaid(t *testing.T) {
	for text, want := range map[string]bool{"a\rb\rc\r": true, "a\r\nb\r\n": false, "a\r\r\nb\r\r\n": false, "a\n\rb\n\rc": false, strings.Repeat("a\t", 2000): true, "a\n": false} {
		if _, stats := readAll(t, write(t, "maillog", []byte(text)), Options{}); (stats.Numbering != "") != want {
			t.Errorf("%.9q: got %q", text, stats.Numbering)
		}
	}
}
