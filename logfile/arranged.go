package logfile

import (
	"bytes"
	"io"
)

// maxArranged is how much text is handed out in another order than it has: all of it must be in memory. Log servers export less.
const maxArranged = 256 << 20

// An Arrangement is another order or division of the lines of an input.
type Arrangement struct {
	Why     string                           // what is wrong with that which they have, in words
	How     string                           // what is done about it, in words
	Arrange func(text []byte) ([]byte, bool) // text with its lines, which are all whole, in that order; false: that is not known
}

// NewestFirst is the arrangement of a log whose newest line comes first.
var NewestFirst = Arrangement{
	Why:     "the newest line is the first",
	How:     "lines are read and numbered from the end, as tac(1) shows them",
	Arrange: backward,
}

// backward returns the lines of a text from the last to the first.
func backward(text []byte) ([]byte, bool) {
	turned := make([]byte, 0, len(text))
	for end := len(text); end > 0; {
		begin := bytes.LastIndexByte(text[:end-1], '\n') + 1
		turned = append(turned, text[begin:end]...)
		end = begin
	}
	return turned, true
}

// arranged reads lines in another order. A text longer than limit, or whose order is not known, is read as it stands.
type arranged struct {
	in      io.Reader
	arrange func(text []byte) ([]byte, bool)
	limit   int64
	began   bool
	tooLong bool
	asIs    bool   // it is too long, or its order is not known
	text    []byte // not handed out yet
	err     error  // of in, for the end
}

func (a *arranged) Read(p []byte) (n int, err error) {
	if !a.began {
		a.begin()
	}
	switch {
	case len(a.text) > 0:
		n = copy(p, a.text)
		a.text = a.text[n:]
		return n, nil
	case a.tooLong:
		return a.in.Read(p)
	}
	return 0, a.err
}

func (a *arranged) begin() {
	a.began = true
	a.text, a.err = io.ReadAll(io.LimitReader(a.in, a.limit+1))
	if a.err == nil {
		a.err = io.EOF
	}
	if a.tooLong = int64(len(a.text)) > a.limit; a.tooLong {
		a.asIs = true
		return
	}
	whole := a.text
	if len(whole) > 0 && !bytes.HasSuffix(whole, newline) {
		whole = append(whole, '\n')
	}
	if whole, ok := a.arrange(whole); ok {
		a.text = whole
	} else {
		a.asIs = true
	}
}
