package logfile

import (
	"bytes"
	"io"
	"slices"
)

// maxArranged is how much text is handed out in another order than it has: all of it must be in memory. Log servers export less.
const maxArranged = 256 << 20

// An Arrangement puts the lines of an input into another order, or divides them in another way.
type Arrangement struct {
	Why string // what is wrong with the lines as they stand, in words
	How string // what is done about it, in words

	// Arrange returns the text arranged; false: how is not known, and the text is as it was. Each of its lines ends with LF. It may use the
	// memory of the text for the result.
	Arrange func(text []byte) ([]byte, bool)
}

// Then returns the arrangement of what a has arranged as b does.
func (a *Arrangement) Then(b *Arrangement) *Arrangement {
	return &Arrangement{Why: a.Why + ", and " + b.Why, How: a.How + "; " + b.How, Arrange: func(text []byte) ([]byte, bool) {
		if text, ok := a.Arrange(text); ok {
			return b.Arrange(text)
		}
		return text, false
	}}
}

// NewestFirst is the arrangement of a log whose newest line comes first.
var NewestFirst = Arrangement{
	Why:     "the newest line is the first",
	How:     "lines are read and numbered from the end, as tac(1) shows them",
	Arrange: backward,
}

// backward puts the lines of a text from the last to the first. It takes no memory: the whole text is turned around, and then each line.
func backward(text []byte) ([]byte, bool) {
	slices.Reverse(text[:max(0, len(text)-1)]) // but for the end of the last line
	for rest := text; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		slices.Reverse(rest[:end])
		rest = rest[end+1:]
	}
	return text, true
}

// arranged reads lines in another order. A text longer than limit, or whose order is not known, is read as it stands.
type arranged struct {
	in      io.Reader
	arrange func(text []byte) ([]byte, bool)
	limit   int64
	size    int64 // of the text; 0: not known
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

// begin reads and arranges the text.
func (a *arranged) begin() {
	a.began = true
	if a.size > a.limit {
		a.tooLong, a.asIs = true, true
		return
	}
	var text bytes.Buffer
	text.Grow(int(min(a.size, a.limit)) + 2*bytes.MinRead)
	_, a.err = text.ReadFrom(io.LimitReader(a.in, a.limit+1))
	if a.err == nil {
		a.err = io.EOF
	}
	a.text = text.Bytes()
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
