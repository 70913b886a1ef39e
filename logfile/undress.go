package logfile

import (
	"bufio"
	"bytes"
	"io"
)

// undressed removes what tools put into lines when they show them: the escape sequences of colours, and the entities of a web page
// from which they were copied. It also ends lines with LF that end with CR alone or with a tab. Programs that write logs escape all
// of these in what strangers send, or have them in some lines, not in all. So several lines of the head must have an escape sequence,
// or each "<" in it that an MTA writes must be an entity, or at least half as many lines must end with CR as with LF, or no line must
// end otherwise than with a tab. The head is what can be looked at without waiting.
func undressed(r *bufio.Reader, head []byte) io.Reader {
	u := &undresser{in: r, colours: coloured(head), entities: escaped(head), returns: returned(head), tabs: tabbed(head)}
	if !u.colours && !u.entities && !u.returns && !u.tabs {
		return r
	}
	return &converted{fill: u.fill}
}

// returned reports whether lines end with CR alone (old Mac editors, captures of terminals and serial consoles), or with LF CR.
func returned(head []byte) bool {
	returns := bytes.Count(head, []byte("\r")) - bytes.Count(head, []byte("\r\n")) - bytes.Count(head, []byte("\r\r"))
	return returns > 0 && 2*returns >= bytes.Count(head, newline)
}

// otherEnds reports whether lines end with something else than LF so that tools that look for that count others.
func otherEnds(head []byte) bool {
	return tabbed(head) || returned(head) && bytes.Count(head, []byte("\r")) > 2*bytes.Count(head, newline)
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

// tabbed reports whether lines end with a tab, as aws logs --query 'events[].message' --output text writes them: no line of a log is so
// long.
func tabbed(head []byte) bool {
	const long, few = 2048, 3
	return len(head) >= long && bytes.Count(head, []byte("\t")) >= few && !bytes.ContainsAny(head, "\r\n")
}

// undresser reads without escape sequences or entities, and with LF for other line ends.
type undresser struct {
	in                               *bufio.Reader
	colours, entities, returns, tabs bool
	before                           byte // what was read last
}

func (u *undresser) fill(out []byte) ([]byte, error) {
	for len(out) < cap(out) {
		c, err := u.in.ReadByte()
		if err != nil {
			return out, err
		}
		before := u.before
		u.before = c
		switch {
		case c == '\x1b' && u.colours && u.skipEscape():
			continue
		case c == '&' && u.entities:
			c = u.entity()
		case c == '\r' && u.returns:
			if c = u.lineEnd(before); c == 0 {
				continue
			}
		case c == '\t' && u.tabs:
			c = '\n'
		}
		out = append(out, c)
	}
	return out, nil
}

// lineEnd returns what a CR stands for: LF; 0: nothing, it belongs to CR LF, CR CR LF or LF CR.
func (u *undresser) lineEnd(before byte) byte {
	rest, _ := u.in.Peek(2)
	if bytes.HasPrefix(bytes.TrimPrefix(rest, []byte("\r")), newline) || before == '\n' {
		return 0
	}
	return '\n'
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
