package logfile

import (
	"bytes"
	"io"
)

// maxBackward is how much text is read from its end: all of it must be in memory. Log servers export less.
const maxBackward = 256 << 20

// backward reads lines from the last to the first. A text longer than limit is read forward.
type backward struct {
	in      io.Reader
	limit   int64
	began   bool
	forward bool   // the text is too long
	text    []byte // not handed out yet; all lines are whole
	line    []byte // before that in the order of reading: the rest of a line
	err     error  // of in, for the end
}

func (b *backward) Read(p []byte) (n int, err error) {
	if !b.began {
		b.begin()
	}
	for n < len(p) && (len(b.line) > 0 || b.nextLine()) {
		k := copy(p[n:], b.line)
		b.line = b.line[k:]
		n += k
	}
	switch {
	case n > 0:
		return n, nil
	case b.forward:
		return b.in.Read(p)
	}
	return 0, b.err
}

func (b *backward) begin() {
	b.began = true
	b.text, b.err = io.ReadAll(io.LimitReader(b.in, b.limit+1))
	if b.forward = int64(len(b.text)) > b.limit; b.forward {
		b.line, b.text = b.text, nil
		return
	}
	if b.err == nil {
		b.err = io.EOF
	}
	if len(b.text) > 0 && !bytes.HasSuffix(b.text, newline) {
		b.text = append(b.text, '\n')
	}
}

// nextLine makes the last line of the text the one to be handed out; false: there is none.
func (b *backward) nextLine() bool {
	if len(b.text) == 0 {
		return false
	}
	begin := bytes.LastIndexByte(b.text[:len(b.text)-1], '\n') + 1
	b.line, b.text = b.text[begin:], b.text[:begin]
	return true
}
