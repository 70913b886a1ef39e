package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Stdin is the name of standard input among the arguments.
const Stdin = "-"

// An Input is a file of the run. Its fields are what could be told before it is read.
type Input struct {
	Path     string    // as shown to the user; "-" is standard input
	Size     int64     // bytes on disk; -1: not known (standard input, pipes)
	ModTime  time.Time // zero: not known
	Archived time.Time // when it was compressed, or the time of what was compressed, from the gzip header; zero: not there
	Codec    string    // "", "gzip", "bzip2", "xz", "zstd": told by content; of a pipe, known after Head
	Found    bool      // in a directory or by a pattern, not named by the user: it is no mistake that it is no mail log
	Warnings []string  // what the user should hear about it

	info   fs.FileInfo // its identity
	stream *stream     // of pipes, which can be read once; else nil
	stdin  *os.File    // of standard input that is a file; else nil
	start  int64       // where in stdin to begin
}

// DefaultPlaces are the files where a mail log usually is: Postfix on Red Hat and on Debian, Exim from cPanel, on Debian and
// as it comes.
func DefaultPlaces() []string {
	return []string{
		"/var/log/maillog",
		"/var/log/mail.log",
		"/var/log/exim_mainlog",
		"/var/log/exim4/mainlog",
		"/var/log/exim/main.log",
	}
}

// Expand finds the files that args name: paths, patterns (as of filepath.Match), directories, and "-" for stdin. The inputs
// are in the order given, those of a pattern or a directory in the order of their names.
//
// Of a directory, the regular files in it and in the directories directly in it are taken (one directory a host is what people
// collect), without hidden ones and those that are not text by their content; a symbolic link to a file is followed, one to a
// directory is not. The same file given twice, under whatever name, is one input, with a warning. What cannot be read is an
// error that begins with its path; the rest is still returned.
func Expand(args []string, stdin io.Reader) ([]*Input, []error) {
	e := expansion{stdin: stdin}
	for _, arg := range args {
		e.argument(arg)
	}
	return e.inputs, e.errs
}

type expansion struct {
	stdin  io.Reader
	inputs []*Input
	errs   []error
}

func (e *expansion) argument(arg string) {
	if arg == Stdin {
		in, err := standardInput(e.stdin)
		if err != nil {
			e.fail(arg, err)
			return
		}
		e.add(in)
		return
	}
	info, err := os.Stat(arg)
	if errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(arg, `*?[`) {
		e.pattern(arg)
		return
	}
	if err != nil {
		e.fail(arg, err)
		return
	}
	e.path(arg, info, false)
}

func (e *expansion) pattern(pattern string) {
	names, err := filepath.Glob(pattern)
	if err == nil && len(names) == 0 {
		err = errors.New("no file matches")
	}
	if err != nil {
		e.fail(pattern, err)
		return
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			e.fail(name, err)
			continue
		}
		e.path(name, info, true)
	}
}

func (e *expansion) path(path string, info fs.FileInfo, found bool) {
	if info.IsDir() {
		e.directory(path)
		return
	}
	in, err := newInput(path, info)
	if err != nil {
		e.fail(path, err)
		return
	}
	in.Found = found
	e.add(in)
}

// directory adds the files in dir and, as a second level, in the directories in it.
func (e *expansion) directory(dir string) {
	before := len(e.inputs) + len(e.errs)
	known := e.known(dir)
	skipped := e.level(dir, true)
	if len(e.inputs)+len(e.errs) == before && !known {
		e.fail(dir, errors.New("no log file in this directory"+among(skipped)))
		return
	}
	if len(skipped) > 0 && len(e.inputs) > 0 {
		in := e.inputs[len(e.inputs)-1]
		in.Warnings = append(in.Warnings, fmt.Sprintf("%s: not read, because not text: %s", dir, list(skipped)))
	}
}

// known reports whether a file of dir is an input already.
func (e *expansion) known(dir string) bool {
	for _, in := range e.inputs {
		if filepath.Dir(in.Path) == filepath.Clean(dir) {
			return true
		}
	}
	return false
}

// level adds the files of one directory and returns the names of those that are no text.
func (e *expansion) level(dir string, deeper bool) (skipped []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		e.fail(dir, err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		if entry.IsDir() {
			if deeper {
				skipped = append(skipped, e.level(path, false)...)
			}
			continue
		}
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // a link to nowhere, or rotated away just now
		case err != nil:
			e.fail(path, err)
		case !info.Mode().IsRegular():
		case !isText(path, info):
			skipped = append(skipped, path)
		default:
			e.path(path, info, true)
		}
	}
	return skipped
}

// add adds an input, unless it is there already.
func (e *expansion) add(in *Input) {
	for _, other := range e.inputs {
		if other.same(in) {
			name := "given twice"
			if other.Path != in.Path {
				name = "given again as " + in.Path
			}
			other.Warnings = append(other.Warnings, other.Path+": "+name+": counted once")
			return
		}
	}
	e.inputs = append(e.inputs, in)
}

func (e *expansion) fail(path string, err error) { e.errs = append(e.errs, atPath(path, err)) }

// same reports whether two inputs are one file, by device and inode.
func (in *Input) same(other *Input) bool {
	if in.info == nil || other.info == nil {
		return in.Path == other.Path
	}
	return os.SameFile(in.info, other.info)
}

// standardInput is what stdin is connected to: a pipe can be read once, a file ("< maillog") like any other.
func standardInput(stdin io.Reader) (*Input, error) {
	pipe := &Input{Path: Stdin, Size: -1, stream: &stream{path: Stdin, r: stdin}}
	f, ok := stdin.(*os.File)
	if !ok {
		return pipe, nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return pipe, nil
	}
	start, err := f.Seek(0, io.SeekCurrent) // the shell may have read some of it
	if err != nil {
		return pipe, nil
	}
	in := &Input{Path: Stdin, Size: max(0, info.Size()-start), ModTime: info.ModTime(), info: info, stdin: f, start: start}
	head, err := headOf(f, start)
	if err != nil {
		return nil, err
	}
	return in, in.examine(head)
}

// newInput is the input at path. Regular files are opened for a look at what they are; from a pipe nothing may be taken yet.
func newInput(path string, info fs.FileInfo) (*Input, error) {
	in := &Input{Path: path, Size: info.Size(), ModTime: info.ModTime(), info: info}
	if !info.Mode().IsRegular() {
		in.Size, in.ModTime = -1, time.Time{}
		in.stream = &stream{path: path}
		return in, nil
	}
	head, err := readHead(path)
	if err != nil {
		return nil, err
	}
	return in, in.examine(head)
}

// examine fills in what the first bytes tell. It is an error when this is certainly no log.
func (in *Input) examine(head []byte) error {
	if what := noLog(head); what != "" {
		return errors.New("this is " + what)
	}
	in.Codec = codecOf(head)
	in.Archived = gzipTime(head)
	return nil
}

// readHead is the first bytes of the file at path.
func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return headOf(f, 0)
}

// headOf is the first bytes of f behind start.
func headOf(f *os.File, start int64) ([]byte, error) {
	head := make([]byte, headSize)
	n, err := f.ReadAt(head, start)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return head[:n], nil
}

// gzipTime is the MTIME of a gzip header (RFC 1952 section 2.3.1), or zero.
func gzipTime(head []byte) time.Time {
	if codecOf(head) != "gzip" || len(head) < 8 {
		return time.Time{}
	}
	// What some Go programs write for no time: 32 bits of the year 1 (klauspost/compress, gzip/gzip.go, Write).
	const yearOne = 2288912640
	seconds := int64(head[4]) | int64(head[5])<<8 | int64(head[6])<<16 | int64(head[7])<<24
	if seconds == 0 || seconds == yearOne {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// isText reports whether a file that was found in a directory may be a log. What cannot be read is taken, for its error.
func isText(path string, info fs.FileInfo) bool {
	head, err := readHead(path)
	if err != nil || codecOf(head) != "" {
		return true
	}
	if noLog(head) != "" {
		return false
	}
	if len(bytes.TrimLeft(head, "\x00")) == 0 && len(head) > 0 {
		head = readTail(path, info.Size()) // a log behind a hole, or lastlog
	}
	return looksLikeText(head)
}

// readTail is the last bytes of the file at path; nil if they cannot be read.
func readTail(path string, size int64) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	tail := make([]byte, min(size, headSize))
	n, _ := f.ReadAt(tail, size-int64(len(tail)))
	return tail[:n]
}

// looksLikeText reports whether head may be of a text: no NUL inside (UTF-16 aside), and hardly any control characters.
func looksLikeText(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) || isUTF16(head[:min(32, len(head))], 0) {
		return true
	}
	head = bytes.TrimLeft(head, "\x00")
	strange := 0
	for _, c := range head {
		switch {
		case c == 0:
			return false
		case c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0x1b:
			strange++
		}
	}
	return strange*20 <= len(head)
}

// Head is at most the first max bytes of the text, after decompression, in whole lines where a line fits: enough to tell what
// the input is. It works for pipes too: what Head takes from them, Open reads again. For them it waits for max bytes or the end.
// An archive that is damaged further on is no error.
func (in *Input) Head(max int) ([]byte, error) {
	r := Open(context.Background(), in.forHead(max), Options{ChunkSize: max, MaxLine: max})
	defer r.Close()
	c, err := r.Next()
	if in.stream != nil {
		in.Codec = r.Stats().Codec
	}
	if err == io.EOF {
		return nil, nil
	}
	return []byte(c.Text), err
}

// forHead is the input itself or, of a pipe, one that has the bytes that were taken from it, and no more.
func (in *Input) forHead(max int) *Input {
	if in.stream == nil {
		return in
	}
	peek := &Input{Path: in.Path, Size: -1}
	peek.stream = in.stream.peek(max)
	return peek
}

// atPath is err with the place in front, once.
func atPath(path string, err error) error { return fmt.Errorf("%s: %w", path, cause(err)) }

// cause is err without the operation and the path that package os puts in front.
func cause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// among says what was there instead.
func among(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (not text: " + list(names) + ")"
}

// list is some names, and how many more there are.
func list(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shown], ", ") + " and " + comma(int64(len(names)-shown)) + " more"
}

// comma is n with commas between the thousands.
func comma(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
