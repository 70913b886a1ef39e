package logfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// Options say how an input is read. The zero value is usable.
type Options struct {
	ChunkSize int       // about how long the text of a chunk is; 0: 128 KiB
	ReadAhead int       // chunks that a goroutine reads ahead; 0: no goroutine, Next reads
	Hash      bool      // compute the SHA-256 of the bytes on disk
	Progress  *Progress // counts what is read; may be nil
	MaxLine   int       // a longer line is cut here; 0: 1 MiB; never less than ChunkSize-1
	Verbatim  bool      // NULs are kept, and of a line that is longer the rest follows in chunks of its own, all but the last Cut
	MaxText   int64     // text of one input after which reading stops; 0: 1 TiB
	Lender    *Lender   // of the memory for the text; nil: each chunk has its own
}

// Defaults of Options. Chunks of 64 to 256 KiB stay in the cache between the stages; 1 MiB is slower. A line that a mail
// server writes has 2 KiB at most (Postfix, util/msg_output.c; Exim, LOG_BUFFER_SIZE 8192).
const (
	defaultChunkSize = 128 << 10
	defaultMaxLine   = 1 << 20
	defaultMaxText   = 1 << 40
)

// A decompression bomb is told from a good archive by its ratio. gzip cannot do more than 1032:1, and a log hardly more than
// 100:1; beyond bombFloor bytes, more than bombRatio is no log. NULs at the start of a line, which are dropped and which
// compress without end, have a bound of their own: holes of some GB are real.
const (
	bombFloor = 64 << 20
	bombRatio = 1100
	bombNULs  = 64 << 30
)

// Stats is what is known about an input that was read, or is being read.
type Stats struct {
	Bytes    int64    // as read from disk
	Text     int64    // after decompression
	Lines    int64    // handed out
	SHA256   string   // of the bytes on disk, hex; "" without Options.Hash, and when they were not all read
	Codec    string   // "", "gzip", "bzip2", "xz", "zstd"
	Encoding string   // "" or what the text was turned into UTF-8 from
	NULs     int64    // bytes 0 at the start of lines, dropped
	CutLines int64    // lines longer than the limit
	CutBytes int64    // of those lines, what was left out
	Damage   error    // why the input could not be read to its end; nil: it could
	Warnings []string // what else the reader of a report should know; each begins with the path
}

// A Reader hands out the chunks of one input. Its methods may be called from one goroutine at a time, Stats from any.
type Reader struct {
	in     *Input
	o      Options
	ctx    context.Context
	cancel context.CancelFunc

	src   *source // nil before the first read
	dec   decoder
	text  io.Reader
	split *splitter
	now   Stats
	ended bool  // there is no more text; the splitter may hold some
	err   error // what read returns from now on

	chunks chan Chunk // with ReadAhead; closed by the reading goroutine, when err is set
	wait   sync.WaitGroup

	mu        sync.Mutex
	published Stats
}

// Open begins to read an input: with ReadAhead in a goroutine, else at the first Next. What goes wrong, Next returns. The
// caller must call Close.
func Open(ctx context.Context, in *Input, o Options) *Reader {
	if o.ChunkSize <= 0 {
		o.ChunkSize = defaultChunkSize
	}
	if o.MaxLine <= 0 {
		o.MaxLine = defaultMaxLine
	}
	if o.MaxText <= 0 {
		o.MaxText = defaultMaxText
	}
	r := &Reader{in: in, o: o, published: Stats{Codec: in.Codec}}
	r.ctx, r.cancel = context.WithCancel(ctx)
	if o.ReadAhead > 0 {
		r.chunks = make(chan Chunk, o.ReadAhead)
		r.wait.Go(r.readAhead)
	}
	return r
}

// Next returns the next chunk, io.EOF behind the last one, or another error when the input could not be opened or the context
// is done. Damage ends the input like its end: it stands in Stats.
func (r *Reader) Next() (Chunk, error) {
	if r.chunks == nil {
		return r.read()
	}
	select {
	case c, ok := <-r.chunks:
		if !ok {
			return Chunk{}, r.err
		}
		return c, nil
	case <-r.ctx.Done():
		return Chunk{}, r.ctx.Err()
	}
}

// Close ends the reading and gives everything back. It waits for the goroutine to end, unless that may be waiting for
// standard input, which nothing can wake up.
func (r *Reader) Close() {
	r.cancel()
	if r.chunks == nil {
		r.release()
		return
	}
	if r.in.stream != nil {
		r.in.stream.interrupt()
		return
	}
	r.wait.Wait()
}

// Stats is what is known so far. It is complete when Next has returned io.EOF.
func (r *Reader) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.published
	s.Warnings = slices.Clone(s.Warnings)
	return s
}

func (r *Reader) readAhead() {
	defer close(r.chunks)
	defer r.release()
	for {
		c, err := r.read()
		if err != nil {
			return
		}
		select {
		case r.chunks <- c:
		case <-r.ctx.Done():
			r.err = r.ctx.Err()
			return
		}
	}
}

// read reads the next chunk.
func (r *Reader) read() (Chunk, error) {
	if r.err == nil && r.src == nil {
		r.err = r.start()
	}
	defer r.publish()
	for r.err == nil {
		c, ok := r.split.full()
		switch {
		case ok:
		case r.ended:
			c, ok = r.split.rest(r.now.Damage != nil)
		case r.in.stream != nil && !r.in.stream.peeked: // who writes to a pipe may pause: what is there, goes on
			c, ok = r.split.whole()
		}
		switch {
		case ok:
			c.Path = r.in.Path
			return c, nil
		case r.ended:
			r.err = io.EOF
		default:
			r.err = r.fill()
		}
	}
	return Chunk{}, r.err
}

// smallBuffer is enough to look at the head of an input. Reads into a chunk are larger than it, and so go past it: the text of
// a plain file is copied once less.
const smallBuffer = 4096

// start opens the input and finds out what it is.
func (r *Reader) start() error {
	src, err := openSource(r.ctx, r.in, r.o)
	if err != nil {
		return atPath(r.in.Path, err)
	}
	r.src = src
	raw := bufio.NewReaderSize(src, smallBuffer)
	head, err := raw.Peek(headSize)
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	if err != nil && err != io.EOF {
		return atPath(r.in.Path, err) // nothing could be read: a directory, a broken disk
	}
	if what := noLog(head); what != "" {
		return atPath(r.in.Path, errors.New("this is "+what))
	}
	return r.startText(raw, codecOf(head))
}

// startText puts together what makes lines from the bytes on disk.
func (r *Reader) startText(raw *bufio.Reader, codec string) error {
	var err error
	archive := raw
	if codec != "" {
		archive = bufio.NewReaderSize(raw, 64<<10)
	}
	if r.dec, err = decode(codec, archive); err != nil {
		return atPath(r.in.Path, err)
	}
	decoded := raw
	if codec != "" {
		decoded = bufio.NewReaderSize(r.dec, smallBuffer)
	}
	head, _ := decoded.Peek(headSize)
	if what := noText(head); what != "" {
		return atPath(r.in.Path, fmt.Errorf("inside the %s archive is %s", codec, what))
	}
	if isTar(head) {
		r.warn("this is a tar archive: unpack it, or the first line of each file in it is lost")
	}
	r.src.wholeLine = codec == ""
	r.now.Codec = codec
	r.text, r.now.Encoding = plainText(decoded)
	r.split = newSplitter(r.o.ChunkSize, r.o.MaxLine, r.o.Lender)
	r.split.verbatim = r.o.Verbatim
	return nil
}

// fill puts more text into the splitter.
func (r *Reader) fill() error {
	n, err := r.text.Read(r.split.room())
	r.split.filled(n)
	r.now.Text += int64(n)
	if err == nil {
		err = r.tooMuch()
	}
	if err == nil {
		return nil
	}
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	r.end(err)
	return nil
}

// errTooMuch is what tooMuch says, in more words.
var errTooMuch = errors.New("too much text")

// tooMuch is an error when there is more text than can be right.
func (r *Reader) tooMuch() error {
	archive := r.now.Codec != ""
	switch text, nuls := r.now.Text, r.split.nuls; {
	case text > r.o.MaxText:
		return fmt.Errorf("%w: the limit for one input is %s bytes", errTooMuch, comma(r.o.MaxText))
	case archive && (text-nuls > bombFloor+bombRatio*r.src.bytes || nuls > bombNULs):
		return fmt.Errorf("%w: a decompression bomb, from %s bytes of archive", errTooMuch, comma(r.src.bytes))
	}
	return nil
}

// end settles why the text ended.
func (r *Reader) end(err error) {
	r.ended = true
	if err == errGarbage {
		r.warn("the " + r.now.Codec + " archive is whole, but something else follows it: not read")
	} else if err != io.EOF {
		r.now.Damage = r.damage(err)
	}
	if r.o.Hash && r.src.file != nil {
		io.Copy(io.Discard, r.src) // what is not text belongs to the file, too
	}
	for _, w := range r.src.changes() {
		r.warn(w)
	}
	r.now.SHA256 = r.src.sum()
}

// damage is what to say of an input that ended with err.
func (r *Reader) damage(err error) error {
	after := "after " + comma(r.now.Text) + " bytes of text"
	switch {
	case r.src.err != nil:
		err = fmt.Errorf("reading failed %s: %w", after, r.src.err)
	case errors.Is(err, errTooMuch):
		err = fmt.Errorf("reading stopped %s: %w", after, err)
	case err == io.ErrUnexpectedEOF:
		err = fmt.Errorf("truncated %s stream %s", r.now.Codec, after)
	default:
		err = fmt.Errorf("corrupt %s stream %s: %w", r.now.Codec, after, err)
	}
	return atPath(r.in.Path, err)
}

func (r *Reader) warn(text string) {
	r.now.Warnings = append(r.now.Warnings, r.in.Path+": "+text)
}

// publish makes what is known visible to Stats.
func (r *Reader) publish() {
	if r.src == nil || r.split == nil {
		return
	}
	r.now.Bytes = r.src.bytes
	r.now.Lines = r.split.lines()
	r.now.NULs, r.now.CutLines, r.now.CutBytes = r.split.nuls, r.split.cutLines, r.split.cutBytes
	r.mu.Lock()
	r.published = r.now
	r.mu.Unlock()
}

// release gives back what start took.
func (r *Reader) release() {
	if r.dec.close != nil { // started
		r.dec.close()
	}
	if r.src != nil {
		r.src.close()
	}
	if r.split != nil {
		r.split.end()
	}
}
