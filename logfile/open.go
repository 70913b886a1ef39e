package logfile

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// headSize is how many bytes at the beginning of a file are read to tell what it is. The last magic number, that of tar, is at
// offset 257.
const headSize = 512

// maxWindow bounds the memory of a decoder: a file can be made to ask for gigabytes. 128 MiB is what the highest level of
// zstd (--ultra -22) uses, twice what that of xz (-9) does, and the limit of the zstd command itself.
const maxWindow = 128 << 20

// codecOf tells by the first bytes of a file how it is compressed; "": not at all.
//
// Magic numbers: RFC 1952 section 2.3.1 (gzip), RFC 8878 sections 3.1.1 and 3.1.2 (zstd, and its skippable frames), the .xz
// file format section 2.1.1.1. bzip2 has no RFC: "BZh", the level, and 48 bits of pi, which begin a block, or, in a file of
// nothing, 48 bits of the square root of pi, which begin the footer.
func codecOf(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b\x08")):
		return "gzip"
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")), isSkippable(head):
		return "zstd"
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return "xz"
	case isBzip2(head):
		return "bzip2"
	}
	return ""
}

func isSkippable(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.HasPrefix(head[1:], []byte("\x2a\x4d\x18"))
}

func isBzip2(head []byte) bool {
	if len(head) < 10 || !bytes.HasPrefix(head, []byte("BZh")) || head[3] < '1' || head[3] > '9' {
		return false
	}
	magic := string(head[4:10])
	return magic == "1AY&SY" || magic == "\x17\x72\x45\x38\x50\x90"
}

// notLogs are kinds of files that people give by mistake, and what to do instead. Some magic numbers are those of file(1).
var notLogs = [...]struct{ magic, what string }{
	{"PK\x03\x04", "a zip archive: unpack it first"}, // from a pipe, or in another archive: else the files in it are inputs
	{"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"},
	{"Rar!\x1a\x07", "a rar archive: unpack it first"},
	{"PK\x05\x06", "an empty zip archive"},
	{"LZIP\x01", "lzip-compressed: unpack it first"},
	{"\x04\x22\x4d\x18", "lz4-compressed: unpack it first"},
	{"\x1f\x9d", "compressed by compress(1): unpack it first"},
	{"LPKSHHRH", "a systemd journal: export it with journalctl -o short-iso --file"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"\x7fELF", "a program"},
	{"%PDF-", "a PDF document"},
	{"PAR1", "a Parquet file"},
	{"Salted__", "encrypted by openssl: decrypt it first"},
	{"U2FsdGVkX1", "encrypted by openssl: decrypt it first"}, // the same in base64
	{"age-encryption.org/", "encrypted by age: decrypt it first"},
	{"-----BEGIN AGE ENCRYPTED FILE-----", "encrypted by age: decrypt it first"},
	{"-----BEGIN PGP MESSAGE-----", "encrypted by PGP: decrypt it first"},
	{"{\\rtf", "a document in rich text: save it as plain text"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an office program: save it as plain text"},
	{"\x89PNG\r\n", "a picture: this program needs the lines as text"},
	{"\xff\xd8\xff", "a picture: this program needs the lines as text"},
	{"ElfFile\x00", "a Windows event log: this program reads logs of Postfix, Exim and Dovecot"},
}

// notLog says what a file is that is certainly no log; "": it may be one.
func notLog(head []byte) string {
	for _, kind := range notLogs {
		if bytes.HasPrefix(head, []byte(kind.magic)) {
			return kind.what
		}
	}
	return ""
}

// notText says what a compressed file contains that is certainly no log; "": it may be one.
func notText(head []byte) string {
	if codec := codecOf(head); codec != "" {
		return "a " + codec + " archive: unpack it first"
	}
	return notLog(head)
}

// isTar reports whether head begins a tar archive (POSIX.1-2017 pax, "ustar Interchange Format": magic at offset 257).
func isTar(head []byte) bool {
	return len(head) >= 262 && string(head[257:262]) == "ustar"
}

// errGarbage ends a file in which something else follows what was compressed.
var errGarbage = errors.New("something else follows the archive")

// A decoder reads the text of a compressed file. Its errors are io.EOF, errGarbage, io.ErrUnexpectedEOF (truncated), and anything else
// (corrupt). Read may return data together with an error.
type decoder struct {
	io.Reader
	close func()
}

// decode returns a decoder of r, which is compressed with codec.
func decode(codec string, r *bufio.Reader) (decoder, error) {
	nothing := func() {}
	switch codec {
	case "gzip":
		return decoder{&gzipReader{in: r}, nothing}, nil
	case "zstd":
		// Decoding in our goroutine: the default, in several, takes 1.4 times the CPU time and is slower on two cores.
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return decoder{}, err
		}
		return decoder{zstdReader{z}, z.Close}, nil
	case "bzip2":
		return decoder{bzip2Reader{bzip2.NewReader(r), r}, nothing}, nil
	case "xz":
		return decoder{&xzReader{in: r}, nothing}, nil
	}
	return decoder{r, nothing}, nil
}

// gzipReader reads one gzip member after the other (RFC 1952 section 2.2), so that something else behind the last one can be told
// from damage.
type gzipReader struct {
	in     *bufio.Reader
	z      gzip.Reader
	inside bool  // a member
	any    bool  // a member was read to its end
	text   int64 // bytes of this member so far
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		if !g.inside {
			if err := g.nextMember(); err != nil {
				return 0, err
			}
		}
		n, err := g.z.Read(p)
		g.text += int64(n)
		switch err {
		case io.EOF:
			g.inside, g.any = false, true
		case gzip.ErrChecksum: // which is at the end of the member: the flipped bit may be anywhere in it
			return n, fmt.Errorf("the checksum of the last %s bytes of text does not match", comma(g.text))
		default:
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

func (g *gzipReader) nextMember() error {
	if g.any {
		switch head, _ := g.in.Peek(3); {
		case len(head) == 0:
			return io.EOF
		case codecOf(head) != "gzip":
			return errGarbage
		}
	}
	if err := g.z.Reset(g.in); err != nil {
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	g.z.Multistream(false)
	g.inside, g.text = true, 0
	return nil
}

// zstdReader translates the errors of the zstd package.
type zstdReader struct{ z *zstd.Decoder }

func (r zstdReader) Read(p []byte) (int, error) {
	n, err := r.z.Read(p)
	switch {
	case errors.Is(err, zstd.ErrMagicMismatch): // of a further frame: that of the first one was checked by codecOf
		return n, errGarbage
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return n, errors.New("needs more than 128 MiB of memory to decompress: use zstd -d --long=31 first")
	}
	return n, err
}

// bzip2Reader translates the errors of compress/bzip2: when something else follows, and when a block is cut off, whose
// missing bytes the package takes for zeros, so that it complains about the checksum.
type bzip2Reader struct {
	io.Reader
	in *bufio.Reader
}

func (r bzip2Reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && strings.Contains(err.Error(), "bad magic value in continuation file") {
		return n, errGarbage
	}
	if _, broken := err.(bzip2.StructuralError); broken {
		if _, none := r.in.Peek(1); none == io.EOF {
			return n, io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// xzReader opens the stream at the first Read, so that a header that is cut off counts as damage like any other. The package
// takes a file that ends between two blocks for whole (v0.5.17, readBlockHeader passes io.EOF on), so the magic bytes of the
// stream footer, "YZ" (.xz file format, section 2.1.2.4), are checked here.
type xzReader struct {
	in *bufio.Reader
	z  *xz.Reader

	end [2]byte // the last two bytes that were read, without the zeros of stream padding
}

func (r *xzReader) Read(p []byte) (int, error) {
	if r.z == nil {
		if err := r.open(); err != nil {
			return 0, err
		}
	}
	n, err := r.z.Read(p)
	switch {
	case err == io.EOF && string(r.end[:]) != "YZ":
		return n, io.ErrUnexpectedEOF
	case err != nil && err.Error() == "xz: invalid header magic bytes": // of a second stream
		return n, errGarbage
	}
	return n, err
}

func (r *xzReader) open() (err error) {
	if head, _ := r.in.Peek(64); xzDictionary(head) > maxWindow {
		return errors.New("needs more than 128 MiB of memory to decompress: use xz -d first")
	}
	r.z, err = xz.NewReader(xzInput{r})
	return err
}

// xzInput is what the package reads the file from; it notes the last bytes.
type xzInput struct{ r *xzReader }

func (x xzInput) Read(p []byte) (int, error) {
	n, err := x.r.in.Read(p)
	for _, c := range p[:n] {
		x.passed(c)
	}
	return n, err
}

func (x xzInput) ReadByte() (byte, error) {
	c, err := x.r.in.ReadByte()
	x.passed(c)
	return c, err
}

func (x xzInput) passed(c byte) {
	if c != 0 {
		x.r.end = [2]byte{x.r.end[1], c}
	}
}

// xzDictionary returns the size in bytes of the dictionary that the first block of an .xz file asks for, which the package would
// allocate; 0: not known. It is in the block header (.xz file format, sections 3.1 and 5.3.1), after two optional numbers of
// variable length, the sizes of the block.
func xzDictionary(head []byte) int64 {
	const streamHeader = 12
	if len(head) < streamHeader+2 {
		return 0
	}
	flags, rest := head[streamHeader+1], head[streamHeader+2:]
	for _, present := range [...]byte{0x40, 0x80} {
		if flags&present != 0 {
			rest = afterVLI(rest)
		}
	}
	const lzma2, propertySize = 0x21, 1
	if len(rest) < 3 || rest[0] != lzma2 || rest[1] != propertySize {
		return 0
	}
	bits := rest[2] & 0x3f
	return int64(2|bits&1) << (bits/2 + 11)
}

// afterVLI returns what follows the variable-length integer (.xz file format, section 1.2) at the beginning of b.
func afterVLI(b []byte) []byte {
	for i, c := range b {
		if c&0x80 == 0 {
			return b[i+1:]
		}
	}
	return nil
}
