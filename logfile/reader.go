package logfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// Options say how an input is read. The zero value is usable.
type Options struct {
	ChunkSize int       // approximate size of the text of a chunk, in bytes; 0: 128 KiB
	ReadAhead int       // chunks that a goroutine reads ahead; 0: no goroutine, Next reads
	Hash      bool      // compute the SHA-256 of the bytes on disk
	Progress  *Progress // counts what is read; may be nil
	MaxLine   int       // bytes after which a line is cut; 0: 1 MiB; never less than ChunkSize-1
	Verbatim  bool      // keep NULs, and hand out the rest of a line longer than MaxLine in further chunks, all but the last one Cut
	MaxText   int64     // bytes of text in one input after which reading stops; 0: 1 TiB
	Pool      *Pool     // of the memory for the text; nil: each chunk has its own
}

// Defaults of Options. Chunks of 64 to 256 KiB stay in the cache between the stages; 1 MiB was measured to be slower. The lines
// of mail servers are much shorter than the limit: Postfix writes at most 2 KiB (util/msg_output.c), Exim 8 KiB
// (LOG_BUFFER_SIZE).
const (
	defaultChunkSize = 128 << 10
	defaultMaxLine   = 1 << 20
	defaultMaxText   = 1 << 40
)

// A decompression bomb is recognised by its ratio. gzip cannot do more than 1032:1, and a log hardly more than 100:1; so more
// than bombRatio is no log, once there are bombFloor bytes of text. NULs at the start of a line, which are dropped, compress
// better than that, and have a limit of their own: copytruncate really leaves holes of some GB.
const (
	bombFloor = 64 << 20
	bombRatio = 1100
	bombNULs  = 64 << 30
)

// isBomb reports whether so many bytes on disk cannot be a log of so many bytes of text.
func isBomb(text, disk int64) bool { return text > bombFloor+bombRatio*disk }

// Stats is what is known about an input that was read, or is being read.
type Stats struct {
	Bytes     int64    // as read from disk
	Text      int64    // bytes after decompression
	Lines     int64    // that were handed out
	SHA256    string   // of the bytes on disk, hex; "" without Options.Hash, and if they were not all read
	Codec     string   // "" (plain text), "gzip", "bzip2", "xz", "zstd"
	Encoding  string   // that was converted to plain UTF-8; "": it was that already
	Numbering string   // how lines are numbered, in words; "": as they stand
	NULs      int64    // NUL bytes at the start of lines, which were dropped
	CutLines  int64    // lines longer than Options.MaxLine
	CutBytes  int64    // of those lines, the bytes that were dropped
	Damage    error    // why the input could not be read to its end; nil: it could
	Warnings  []string // what else the reader of a report should know; each begins with the path
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
	order *arranged // text, if its lines are put into another order; else nil
	split *splitter
	stats Stats // of the goroutine that reads; see published
	ended bool  // there is no more text to read, but perhaps some in the splitter
	freed bool  // what start opened was given back, and may be in use by others
	err   error // what read returns from now on

	chunks chan Chunk // with ReadAhead: closed by the reading goroutine after it set err; else nil
	wait   sync.WaitGroup

	mu        sync.Mutex
	published Stats // a copy of stats for other goroutines
}

// Open begins to read an input: with ReadAhead in a goroutine, else at the first Next. Errors are returned by Next. The caller
// must call Close.
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

// Next returns the next chunk, io.EOF after the last one, or another error if the input could not be opened or the context is
// done. After damage it returns io.EOF, too; Stats tells the difference.
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

// Close stops reading and releases everything. It waits for the goroutine to end, unless that may be blocked in a read from
// standard input or a pipe, which nothing can interrupt. It may be called again.
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

// Stats returns what is known so far. It is complete when Next has returned io.EOF.
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
			c, ok = r.split.rest(r.stats.Damage != nil)
		case r.in.stream != nil && !r.in.stream.peeked: // the writer of a pipe may pause: whole lines do not wait for it
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

// smallBuffer is enough to look at the head of an input. Reads into a chunk are larger than it, so bufio reads them directly into
// the chunk, without a copy.
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
	if err != nil && err != io.EOF && len(head) == 0 {
		return atPath(r.in.Path, err) // nothing could be read: a directory, a broken disk
	}
	if what := notLog(head); what != "" {
		return atPath(r.in.Path, errors.New("this is "+what))
	}
	return r.startText(raw, codecOf(head))
}

// startText sets up what turns the bytes on disk into lines: decoder, UTF-8, splitter.
func (r *Reader) startText(raw *bufio.Reader, codec string) error {
	var err error
	in := raw
	if codec != "" {
		in = bufio.NewReaderSize(raw, 64<<10)
	}
	if r.dec, err = decode(codec, in); err != nil {
		return atPath(r.in.Path, err)
	}
	decoded := raw
	if codec != "" {
		decoded = bufio.NewReaderSize(r.dec, smallBuffer)
	}
	head, _ := decoded.Peek(headSize)
	if what := notText(head); what != "" {
		return atPath(r.in.Path, fmt.Errorf("inside the %s archive is %s", codec, what))
	}
	if isTar(head) {
		return atPath(r.in.Path, errors.New("this is a tar archive: unpack it first, or give it as a file"))
	}
	r.src.wholeLine = codec == ""
	r.stats.Codec = codec
	text, encoding := toUTF8(decoded)
	r.text, r.stats.Encoding = r.asLines(text), encoding
	if r.in.Order != nil {
		r.order = &arranged{in: r.text, arrange: r.in.Order.Arrange, limit: maxArranged}
		if _, asItStands := r.text.(*bufio.Reader); asItStands && codec == "" && encoding == "" {
			r.order.size = max(0, r.in.Size)
		}
		r.text = r.order
	}
	r.split = newSplitter(r.o.ChunkSize, r.o.MaxLine, r.o.Pool)
	r.split.verbatim = r.o.Verbatim
	return nil
}

// asLines returns a reader of text, in which lines end with LF and each record of JSON is a line. It tells from the beginning of the text
// whether that is so already.
func (r *Reader) asLines(text io.Reader) io.Reader {
	plain, ok := text.(*bufio.Reader)
	if !ok {
		plain = bufio.NewReaderSize(text, smallBuffer)
	}
	plain.Peek(1) // waits for the first bytes of a pipe: before, nothing is buffered
	var head []byte
	if r.in.Size < 0 { // a pipe: what follows may take hours
		head, _ = plain.Peek(plain.Buffered())
	} else {
		head, _ = plain.Peek(smallBuffer)
	}
	if lines, ok := oneRecordALine(plain, head); ok {
		r.stats.Numbering = "the records of JSON are not one a line: each is counted as a line"
		return lines
	}
	if otherEnds(head) {
		r.stats.Numbering = "few lines end with LF: what ends with CR or a tab is counted as a line"
	}
	return undressed(plain, head)
}

// fill reads more text into the splitter.
func (r *Reader) fill() error {
	n, err := r.text.Read(r.split.room())
	r.split.filled(n)
	r.stats.Text += int64(n)
	if err == nil {
		err = r.checkAmount()
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

var errTooMuch = errors.New("too much text")

// checkAmount returns an error that wraps errTooMuch if there is more text than a log can have.
func (r *Reader) checkAmount() error {
	compressed := r.stats.Codec != ""
	switch text, nuls := r.stats.Text, r.split.nuls; {
	case text > r.o.MaxText:
		return fmt.Errorf("%w: the limit for one input is %s bytes", errTooMuch, comma(r.o.MaxText))
	case compressed && (isBomb(text-nuls, r.src.bytes) || nuls > bombNULs):
		return fmt.Errorf("%w: a decompression bomb, from %s bytes of archive", errTooMuch, comma(r.src.bytes))
	}
	return nil
}

// end notes why the text ended, and completes the stats that need the whole file.
func (r *Reader) end(err error) {
	r.ended = true
	if err == errGarbage {
		r.warn("the " + r.stats.Codec + " archive is whole, but something else follows it: not read")
	} else if err != io.EOF {
		r.stats.Damage = r.damage(err)
	}
	if r.o.Hash && (r.src.file != nil || r.src.member != nil) {
		io.Copy(io.Discard, r.src) // the hash is of the whole file, also of what is no text
	}
	switch {
	case r.order == nil:
	case r.order.asIs:
		r.warn(r.in.Order.Why + ", and there are too many to put them in order, or over too many months without a year: what became of messages may be told wrongly; sort them first")
	default:
		r.stats.Numbering = strings.TrimPrefix(r.stats.Numbering+"; "+r.in.Order.Why+": "+r.in.Order.How, "; ")
	}
	if n := r.split.nulLines; n > 0 && !r.o.Verbatim {
		r.warn("lines with NUL bytes inside: " + comma(n) + "; were they cut by a crash, or are they UTF-16 behind other text?")
	}
	for _, w := range r.src.changes() {
		r.warn(w)
	}
	r.stats.SHA256 = r.src.sum()
}

// damage words the error of an input that ended with err.
func (r *Reader) damage(err error) error {
	after := "after " + comma(r.stats.Text) + " bytes of text"
	switch {
	case r.src.err != nil:
		err = fmt.Errorf("reading failed %s: %w", after, r.src.err)
	case errors.Is(err, errTooMuch):
		err = fmt.Errorf("reading stopped %s: %w", after, err)
	case err == io.ErrUnexpectedEOF:
		err = fmt.Errorf("truncated %s stream %s", r.stats.Codec, after)
	default:
		err = fmt.Errorf("corrupt %s stream %s: %w", r.stats.Codec, after, err)
	}
	return atPath(r.in.Path, err)
}

func (r *Reader) warn(text string) {
	r.stats.Warnings = append(r.stats.Warnings, r.in.Path+": "+text)
}

// publish makes the stats so far visible to other goroutines.
func (r *Reader) publish() {
	if r.src == nil || r.split == nil {
		return
	}
	r.stats.Bytes = r.src.bytes
	r.stats.Lines = r.split.lines()
	r.stats.NULs, r.stats.CutLines, r.stats.CutBytes = r.split.nuls, r.split.cutLines, r.split.cutBytes
	r.mu.Lock()
	r.published = r.stats
	r.mu.Unlock()
}

// release closes and gives back what start opened.
func (r *Reader) release() {
	if r.freed {
		return
	}
	r.freed = true
	if r.dec.close != nil { // started
		r.dec.close()
	}
	if r.src != nil {
		r.src.close()
	}
	if r.split != nil {
		r.split.release()
	}
}
