package logfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// sample is the text that testdata/lines.bz2 holds.
func sample() string {
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "Jan  4 14:%02d:%02d mx2 postfix/smtpd[%d]: connect from client%d.example[192.0.2.%d]\n",
			i/60%60, i%60, 1000+i, i, i%256)
	}
	return b.String()
}

// pack compresses text as two archives in one file, as "cat a.gz b.gz" makes them.
func pack(t testing.TB, codec, text string) []byte {
	t.Helper()
	if codec == "bzip2" {
		if text != sample() {
			t.Fatal("only the sample is there as bzip2: package compress/bzip2 cannot compress")
		}
		b, err := os.ReadFile("testdata/lines.bz2")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var out bytes.Buffer
	for _, part := range []string{text[:len(text)/2], text[len(text)/2:]} {
		w := compressor(t, codec, &out)
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func compressor(t testing.TB, codec string, out io.Writer) io.WriteCloser {
	t.Helper()
	var w io.WriteCloser
	var err error
	switch codec {
	case "gzip":
		w = gzip.NewWriter(out)
	case "zstd":
		w, err = zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
	case "xz":
		w, err = xz.NewWriter(out)
	default:
		w = nopCloser{out}
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var codecs = []string{"", "gzip", "zstd", "bzip2", "xz"}

// write makes a file and returns it as an input.
func write(t testing.TB, name string, content []byte) *Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return expandOne(t, path)
}

func expandOne(t testing.TB, path string) *Input {
	t.Helper()
	inputs, errs := Expand([]string{path}, nil)
	if len(inputs) != 1 || len(errs) != 0 {
		t.Fatalf("Expand(%q): got %d inputs, errors %v, want one input", path, len(inputs), errs)
	}
	return inputs[0]
}

// readAll reads an input to its end.
func readAll(t testing.TB, in *Input, o Options) ([]Chunk, Stats) {
	t.Helper()
	r := Open(t.Context(), in, o)
	defer r.Close()
	var chunks []Chunk
	for {
		c, err := r.Next()
		if err == io.EOF {
			return chunks, r.Stats()
		}
		if err != nil {
			t.Fatalf("%s: %v", in.Path, err)
		}
		chunks = append(chunks, c)
	}
}

func textOf(chunks []Chunk) string {
	var b strings.Builder
	for _, c := range chunks {
		b.WriteString(c.Text)
	}
	return b.String()
}

// The codec is told by content, whatever the name: gzip named .log, plain text named .gz.
func TestCodecByContent(t *testing.T) {
	want := sample()
	for _, codec := range codecs {
		for _, name := range []string{"maillog", "maillog.log", "maillog.gz", "maillog.bz2"} {
			in := write(t, name, pack(t, codec, want))
			chunks, stats := readAll(t, in, Options{ChunkSize: 4096})
			if got := textOf(chunks); got != want || in.Codec != codec || stats.Codec != codec || stats.Lines != 2000 {
				t.Errorf("%q named %s: got codec %q, then %q, %d bytes in %d lines, want %d bytes in 2000 lines",
					codec, name, in.Codec, stats.Codec, len(got), stats.Lines, len(want))
			}
			if stats.Damage != nil || stats.Warnings != nil || stats.Bytes != in.Size || stats.Text != int64(len(want)) {
				t.Errorf("%q named %s: got %+v, want %d bytes read, and nothing to say", codec, name, stats, in.Size)
			}
		}
	}
}

func TestCodecOf(t *testing.T) {
	for _, c := range []struct{ head, want string }{
		{"", ""},
		{"\x1f", ""},
		{"\x1f\x8b", ""},
		{"\x1f\x8b\x08", "gzip"},
		{"\x28\xb5\x2f\xfd", "zstd"},
		{"\x50\x2a\x4d\x18", "zstd"}, // skippable frames: pzstd writes them
		{"\x5f\x2a\x4d\x18", "zstd"},
		{"\x60\x2a\x4d\x18", ""},
		{"BZh91AY&SY", "bzip2"},
		{"BZh9\x17\x72\x45\x38\x50\x90", "bzip2"}, // of nothing
		{"BZh is how this line begins", ""},
		{"BZh01AY&SY", ""},
		{"BZh:1AY&SY", ""},
		{"BZh9 is a line of a log", ""},
		{"\xfd7zXZ\x00", "xz"},
		{"Jan  4 14:44:03 mx2", ""},
	} {
		if got := codecOf([]byte(c.head)); got != c.want {
			t.Errorf("codecOf(%q): got %q, want %q", c.head, got, c.want)
		}
	}
}

// A truncated archive is read up to where it ends, and says so.
func TestTruncated(t *testing.T) {
	want := sample()
	for _, codec := range codecs[1:] {
		packed := pack(t, codec, want)
		for _, part := range []int{len(packed) - 3, len(packed) * 4 / 5, 12} {
			in := write(t, "maillog.gz", packed[:part])
			chunks, stats := readAll(t, in, Options{Hash: true})
			got := textOf(chunks)
			message := fmt.Sprintf("%s: truncated %s stream after %s bytes of text", in.Path, codec, comma(int64(len(got))))
			if !strings.HasPrefix(want, got) || stats.Damage == nil || stats.Damage.Error() != message {
				t.Errorf("%s cut at %d of %d: got %d bytes, damage %v, want %q", codec, part, len(packed), len(got), stats.Damage, message)
			}
			if stats.SHA256 == "" || stats.Bytes != int64(part) {
				t.Errorf("%s cut at %d: got %d bytes, hash %q, want those of the whole file", codec, part, stats.Bytes, stats.SHA256)
			}
			if n := len(chunks); n > 0 && chunks[n-1].Cut == strings.HasSuffix(got, "\n") {
				t.Errorf("%s cut at %d: got Cut %v for a text that ends in %q", codec, part, chunks[n-1].Cut, got[len(got)-1:])
			}
			// Only a checksum is missing; bzip2 and zstd hand out a block when they have all of it.
			if whole := codec == "gzip" || codec == "xz"; part == len(packed)-3 && whole && got != want {
				t.Errorf("%s without its last three bytes: got %d bytes of text, want all %d", codec, len(got), len(want))
			}
		}
	}
}

// An archive may end within its header, and a header may be damaged.
func TestBadHeaders(t *testing.T) {
	header := pack(t, "gzip", sample())[:10]
	extra := append(slices.Clone(header), "\xff\xff"...) // an extra field of 64 kB
	extra[3] = 4
	for content, want := range map[string]string{
		string(header[:5]):                     "truncated gzip stream after 0 bytes of text",
		string(header[:3]):                     "truncated gzip stream after 0 bytes of text",
		string(extra):                          "truncated gzip stream after 0 bytes of text",
		"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00": "needs more than 128 MiB of memory to decompress: use zstd -d --long=31 first", // a window of 2 GiB
	} {
		in := write(t, "maillog.1", []byte(content))
		if _, stats := readAll(t, in, Options{}); stats.Damage == nil || !strings.HasSuffix(stats.Damage.Error(), want) {
			t.Errorf("%q: got damage %v, want %q", content, stats.Damage, want)
		}
	}
}

// xz -T writes the sizes of each block in front of the size of its dictionary.
func TestXZDictionary(t *testing.T) {
	const stream = "\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46"
	for head, want := range map[string]int64{
		stream + "\x02\x00\x21\x01\x16":                         8 << 20,
		stream + "\x03\xc0\x80\x80\x04\xff\xff\x7f\x21\x01\x16": 8 << 20,
		stream + "\x03\x40\x05\x21\x01\x28":                     4 << 30,
		stream + "\x03\x80\x05\x21\x01\x16":                     8 << 20,
		stream + "\x03\x80\xff\xff\xff":                         0, // no end
		stream + "\x02\x00\x04\x01\x16":                         0, // another filter first
		stream + "\x02\x00\x21\x02\x16":                         0,
		stream + "\x02":                                         0,
		stream:                                                  0,
	} {
		if got := xzDictionary([]byte(head)); got != want {
			t.Errorf("%q: got %d, want %d", head[len(stream):], got, want)
		}
	}
}

func TestTrailingGarbage(t *testing.T) {
	want := sample()
	for _, codec := range codecs[1:] {
		for _, garbage := range []string{"\x00\x00\x00\x00\x00\x00\x00\x00", "something else altogether, and long enough for a header\n"} {
			in := write(t, "maillog.1", append(pack(t, codec, want), garbage...))
			chunks, stats := readAll(t, in, Options{Hash: true})
			if got := textOf(chunks); got != want || stats.Damage != nil {
				t.Errorf("%s and %q: got %d bytes, damage %v, want %d and none", codec, garbage, len(got), stats.Damage, len(want))
			}
			padded := codec == "xz" && garbage[0] == 0 // stream padding, .xz file format section 2.2
			if got := len(stats.Warnings); got != 1 && !padded {
				t.Errorf("%s and %q: got warnings %q, want one", codec, garbage, stats.Warnings)
			}
			if stats.Bytes != in.Size || stats.SHA256 == "" {
				t.Errorf("%s and %q: got %d of %d bytes hashed", codec, garbage, stats.Bytes, in.Size)
			}
		}
	}
}

// A flipped bit is damage, whatever the codec, and what came before it is read. gzip notices at the end of a member.
func TestCorrupt(t *testing.T) {
	want := sample()
	for _, codec := range codecs[1:] {
		packed := pack(t, codec, want)
		packed[len(packed)*3/4] ^= 0x10
		in := write(t, "maillog.1", packed)
		chunks, stats := readAll(t, in, Options{})
		if stats.Damage == nil || !strings.HasPrefix(stats.Damage.Error(), in.Path+": corrupt "+codec+" stream after ") {
			t.Errorf("%s: got damage %v, want one that names the corrupt stream", codec, stats.Damage)
		}
		if got := len(textOf(chunks)); got < len(want)/3 {
			t.Errorf("%s: got %d bytes of text, want at least those of the first archive", codec, got)
		}
	}
}

func TestEmpty(t *testing.T) {
	bz2, err := os.ReadFile("testdata/empty.bz2")
	if err != nil {
		t.Fatal(err)
	}
	for codec, content := range map[string][]byte{
		"": nil, "gzip": pack(t, "gzip", ""), "zstd": pack(t, "zstd", "hello")[:0], "xz": pack(t, "xz", ""), "bzip2": bz2,
	} {
		chunks, stats := readAll(t, write(t, "maillog", content), Options{Hash: true})
		if len(chunks) != 0 || stats.Damage != nil || stats.Lines != 0 || stats.SHA256 == "" {
			t.Errorf("nothing as %q: got %d chunks, %+v, want no lines and no damage", codec, len(chunks), stats)
		}
	}
}

// bomb compresses n times the byte c.
func bomb(t *testing.T, codec string, c byte, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := compressor(t, codec, &out)
	block := bytes.Repeat([]byte{c}, 1<<20)
	for range n >> 20 {
		if _, err := w.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBomb(t *testing.T) {
	in := write(t, "maillog.zst", bomb(t, "zstd", 'x', 256<<20))
	_, stats := readAll(t, in, Options{})
	if stats.Damage == nil || !strings.Contains(stats.Damage.Error(), "decompression bomb") {
		t.Errorf("256 MB from %d bytes: got damage %v, want a decompression bomb", in.Size, stats.Damage)
	}
	if stats.Text > 200<<20 {
		t.Errorf("got %d bytes of text before it was noticed", stats.Text)
	}
	// A hole of NULs, as copytruncate leaves it, compresses as well as a bomb, and is none.
	in = write(t, "maillog.zst", append(bomb(t, "zstd", 0, 256<<20), pack(t, "zstd", sample())...))
	chunks, stats := readAll(t, in, Options{})
	if got := textOf(chunks); got != sample() || stats.Damage != nil || stats.NULs != 256<<20 {
		t.Errorf("behind a hole: got %d bytes, %d NULs, damage %v, want the whole sample", len(got), stats.NULs, stats.Damage)
	}
}

func TestMaxText(t *testing.T) {
	in := write(t, "maillog", []byte(sample()))
	chunks, stats := readAll(t, in, Options{MaxText: 50_000, ChunkSize: 1000})
	got := len(textOf(chunks))
	if stats.Damage == nil || got < 40_000 || got > 60_000 {
		t.Errorf("got %d bytes, damage %v, want about 50000 and the limit named", got, stats.Damage)
	}
}

// An .xz file that asks for 4 GiB of memory must not get it.
func TestGreedyXZ(t *testing.T) {
	packed := pack(t, "xz", sample())
	if got := xzDictionary(packed); got != 8<<20 {
		t.Fatalf("got a dictionary of %d bytes, want 8 MiB, the package's default", got)
	}
	properties := bytes.Index(packed[:40], []byte{0x21, 0x01}) + 2
	packed[properties] = 39
	_, stats := readAll(t, write(t, "maillog.xz", packed), Options{})
	if stats.Damage == nil || !strings.Contains(stats.Damage.Error(), "128 MiB") {
		t.Errorf("got damage %v, want that it needs too much memory", stats.Damage)
	}
}

func TestNoLog(t *testing.T) {
	for content, want := range map[string]string{
		"LPKSHHRH and so on":             "this is a systemd journal: export it with journalctl -o short-iso --file",
		"\x7fELF and so on":              "this is a program",
		"\x1f\x9d and so on":             "this is compressed by compress(1): unpack it first",
		"SQLite format 3\x00 and so on":  "this is an SQLite database",
		"7z\xbc\xaf\x27\x1c and so on":   "this is a 7z archive: unpack it first",
		"Salted__ and so on":             "this is encrypted by openssl: decrypt it first",
		"{\\rtf1 and so on":              "this is a document in rich text: save it as plain text",
		"\x04\x22\x4d\x18 and and so on": "this is lz4-compressed: unpack it first",
	} {
		path := filepath.Join(t.TempDir(), "maillog")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		inputs, errs := Expand([]string{path}, nil)
		if len(inputs) != 0 || len(errs) != 1 || errs[0].Error() != path+": "+want {
			t.Errorf("%q: got %d inputs, errors %v, want %q", content, len(inputs), errs, want)
		}
		// The same through a pipe, where only reading tells.
		inputs, _ = Expand([]string{"-"}, strings.NewReader(content))
		r := Open(t.Context(), inputs[0], Options{})
		if _, err := r.Next(); err == nil || err.Error() != "-: "+want {
			t.Errorf("%q on standard input: got %v, want %q", content, err, "-: "+want)
		}
		r.Close()
	}
}

func TestArchiveInArchive(t *testing.T) {
	for content, want := range map[string]string{
		string(pack(t, "gzip", sample())): "inside the zstd archive is a gzip archive: unpack it first",
		"PK\x03\x04 and so on":            "inside the zstd archive is a zip archive: unpack it first",
	} {
		var packed bytes.Buffer
		w := compressor(t, "zstd", &packed)
		io.WriteString(w, content)
		w.Close()
		in := write(t, "maillog.zst", packed.Bytes())
		r := Open(t.Context(), in, Options{})
		if _, err := r.Next(); err == nil || err.Error() != in.Path+": "+want {
			t.Errorf("got %v, want %q", err, want)
		}
		r.Close()
	}
}

// A wrong checksum puts the whole gzip member in doubt: the error says how many bytes that is.
func TestGzipChecksum(t *testing.T) {
	packed := pack(t, "gzip", sample())
	packed[len(packed)-6] ^= 1
	_, stats := readAll(t, write(t, "maillog.1", packed), Options{})
	want := "corrupt gzip stream after 170,010 bytes of text: the checksum of the last 85,005 bytes of text does not match"
	if stats.Damage == nil || !strings.HasSuffix(stats.Damage.Error(), want) {
		t.Errorf("got %v, want %q", stats.Damage, want)
	}
}

func TestEncodings(t *testing.T) {
	want := "Jan  4 14:44:03 mx2 Zürich € \U0001F4E7\r\nsecond line\r\n"
	encode := func(order binary.AppendByteOrder, text string) string {
		var out []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			out = order.AppendUint16(out, unit)
		}
		return string(out)
	}
	for name, c := range map[string]struct{ content, want, encoding string }{
		"plain":               {want, want, ""},
		"mark":                {"\xef\xbb\xbf" + want, want, "UTF-8 with a byte order mark"},
		"little endian":       {"\xff\xfe" + encode(binary.LittleEndian, want), want, "UTF-16"},
		"big endian":          {"\xfe\xff" + encode(binary.BigEndian, want), want, "UTF-16"},
		"little, no mark":     {encode(binary.LittleEndian, want), want, "UTF-16"},
		"big, no mark":        {encode(binary.BigEndian, want), want, "UTF-16"},
		"odd byte at the end": {"\xff\xfea\x00\n\x00b", "a\n", "UTF-16"},
		"half a pair":         {"\xff\xfe\x3d\xd8a\x00\n\x00", "\uFFFDa\n", "UTF-16"},
		"other half":          {"\xff\xfe\xe7\xdca\x00\n\x00", "\uFFFDa\n", "UTF-16"},
		"half at the end":     {"\xff\xfea\x00\x3d\xd8", "a\uFFFD", "UTF-16"},
		"only a mark":         {"\xff\xfe", "", "UTF-16"},
	} {
		for _, codec := range []string{"", "gzip"} {
			chunks, stats := readAll(t, write(t, "maillog", pack(t, codec, c.content)), Options{})
			if got := textOf(chunks); got != c.want || stats.Encoding != c.encoding || stats.Damage != nil {
				t.Errorf("%s, %q: got %q (%s), want %q (%s)", name, codec, got, stats.Encoding, c.want, c.encoding)
			}
		}
	}
}

// Whatever the bytes are, Reader neither panics nor hangs, and hands out every byte of a plain file that no tool dressed.
//
//	go test -run '^$' -fuzz FuzzOpen -fuzztime 1m -fuzzminimizetime 1x ./logfile
func FuzzOpen(f *testing.F) {
	for _, codec := range codecs {
		packed := pack(f, codec, sample())
		f.Add(packed[:min(len(packed), 3000)])
	}
	for _, kind := range notLogs {
		f.Add([]byte(kind.magic))
	}
	f.Add([]byte("\xff\xfea\x00\n\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		inputs, _ := Expand([]string{"-"}, bytes.NewReader(content))
		r := Open(t.Context(), inputs[0], Options{ChunkSize: 512, MaxLine: 1024, MaxText: 1 << 20})
		defer r.Close()
		var chunks []Chunk
		for {
			c, err := r.Next()
			if err != nil {
				break
			}
			chunks = append(chunks, c)
		}
		mayBeDressed := bytes.ContainsAny(content, "\x1b&\t") || bytes.Count(content, []byte("\r")) > bytes.Count(content, []byte("\r\n"))
		if stats := r.Stats(); stats.Codec == "" && stats.Encoding == "" && stats.Numbering == "" && !mayBeDressed && notLog(content) == "" && len(content) < 1<<20 {
			compareLines(t, fmt.Sprintf("%.40q", content), linesOf(chunks), slowLines(string(content), 1024))
		}
	})
}

// The decoders work with readers that return one byte at a time.
func TestDecodeSmallReads(t *testing.T) {
	for _, codec := range codecs {
		dec, err := decode(codec, bufio.NewReaderSize(iotestOneByte{bytes.NewReader(pack(t, codec, sample()))}, 16))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(dec)
		dec.close()
		if string(got) != sample() || err != nil {
			t.Errorf("%q byte by byte: got %d bytes, error %v, want %d", codec, len(got), err, len(sample()))
		}
	}
}

type iotestOneByte struct{ r io.Reader }

func (r iotestOneByte) Read(p []byte) (int, error) { return r.r.Read(p[:min(1, len(p))]) }

// UTF-16 is converted in pieces: a character of four bytes may be cut at any place.
func TestLongUTF16(t *testing.T) {
	for shift := range 5 {
		text := "Jan  4 14:44:03 mx2" + strings.Repeat("x", shift) + strings.Repeat("\U0001F4E8é", 5000) + "\n"
		raw := []byte("\xff\xfe")
		for _, c := range utf16.Encode([]rune(text)) {
			raw = append(raw, byte(c), byte(c>>8))
		}
		chunks, stats := readAll(t, write(t, "maillog", raw), Options{})
		if got := textOf(chunks); got != text || stats.Damage != nil {
			t.Errorf("shifted by %d: got %d bytes, %v, want %d", shift, len(got), stats.Damage, len(text))
		}
	}
}

// A pool keeps few pieces of memory, however many are given back.
func TestPoolIsBounded(t *testing.T) {
	var pool Pool
	for range 3 * maxFree {
		pool.Put(Chunk{memory: &memory{make([]byte, 8)}})
	}
	if len(pool.free) != maxFree {
		t.Errorf("%d pieces are kept, want %d", len(pool.free), maxFree)
	}
}
