package logfile

import (
	"bufio"
	"bytes"
	"io"
)

// undressed removes what tools put into lines when they show them: the escape sequences of colours, and the entities of a web page
// from which they were copied. Programs that write logs escape both in what strangers send, or have them in some lines, not in
// all. So several lines of the head must have an escape sequence, or each "<" in it that an MTA writes must be an entity. The head is
// what can be looked at without waiting.
func undressed(r *bufio.Reader, head []byte) io.Reader {
	u := &undresser{in: r, colours: coloured(head), entities: escaped(head)}
	if !u.colours && !u.entities {
		return r
	}
	return &converted{fill: u.fill}
}

// escaped reports whether entities stand for the "<" that MTAs write, and none of these stands for itself: a stranger can send the one
// in a subject, but cannot take the other away.
func escaped(head []byte) bool {
	found := false
	for _, mark := range [...]string{"=<", " <= "} { // Postfix's from=<…>, Exim's arrival
		if bytes.Contains(head, []byte(mark)) {
			return false
		}
		found = found || bytes.Contains(head, bytes.ReplaceAll([]byte(mark), []byte("<"), []byte("&lt;")))
	}
	return found
}

// coloured reports whether several lines have an escape sequence.
func coloured(head []byte) bool {
	const several = 2
	lines := 0
	for line := range bytes.Lines(head) {
		if bytes.Contains(line, []byte("\x1b[")) {
			lines++
		}
	}
	return lines >= several
}

// undresser reads without escape sequences, or without entities.
type undresser struct {
	in                *bufio.Reader
	colours, entities bool
}

func (u *undresser) fill(out []byte) ([]byte, error) {
	for len(out) < cap(out) {
		c, err := u.in.ReadByte()
		if err != nil {
			return out, err
		}
		switch {
		case c == '\x1b' && u.colours && u.skipEscape():
			continue
		case c == '&' && u.entities:
			c = u.entity()
		}
		out = append(out, c)
	}
	return out, nil
}

// skipEscape skips the rest of a control sequence (ECMA-48, section 5.4: "[", parameters, a final byte), after its first byte; false:
// it is none.
func (u *undresser) skipEscape() bool {
	const longest = 32
	rest, _ := u.in.Peek(longest)
	if len(rest) == 0 || rest[0] != '[' {
		return false
	}
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c >= 0x40 && c <= 0x7e:
			u.in.Discard(i + 1)
			return true
		case c < 0x20 || c > 0x7e:
			return false
		}
	}
	return false
}

// entity returns the character for which the entity stands of which "&" was read, and skips its rest; "&" if there is none.
func (u *undresser) entity() byte {
	rest, _ := u.in.Peek(len("#x27;"))
	for name, c := range entities {
		if bytes.HasPrefix(rest, []byte(name)) {
			u.in.Discard(len(name))
			return c
		}
	}
	return '&'
}

// entities are those that every program makes when it escapes a text, without the "&".
var entities = map[string]byte{
	"lt;": '<', "gt;": '>', "amp;": '&', "quot;": '"', "apos;": '\'', "nbsp;": ' ',
	"#34;": '"', "#39;": '\'', "#x27;": '\'', "#60;": '<', "#62;": '>', "#38;": '&', "#160;": ' ',
}
