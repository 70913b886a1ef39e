package logfile

import (
	"bytes"
	"cmp"
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

// An Input is a file of the run. Its fields are what is known before it is read.
type Input struct {
	Path       string       // as shown to the user; "-" is standard input
	Archive    string       // path of the archive that it is in; "": in none
	Size       int64        // bytes on disk, or as unpacked from an archive; -1: not known (standard input, pipes)
	ModTime    time.Time    // zero: not known
	Compressed time.Time    // from the gzip header: when it was compressed, or the modification time of the original; zero: not known
	Codec      string       // "" (plain text), "gzip", "bzip2", "xz", "zstd": told by content; for a pipe, known after Head
	Found      bool         // in a directory or by a pattern, not named by the user: it may be something else than a mail log
	Order      *Arrangement // how the lines must be arranged, set by whoever found that out; nil: they are read as they stand
	Warnings   []string     // what the user should know about it; each begins with a path

	info   fs.FileInfo // its identity; nil: it is known by its path only
	stream *stream     // if it can be read only once, else nil
	stdin  *os.File    // if it is standard input, and that is a regular file, else nil
	start  int64       // offset in stdin of the first byte that is ours

	open func() (io.ReadCloser, error) // if it is in an archive, else nil
}

// DefaultPlaces returns the usual paths of a mail log: Postfix on Red Hat and on Debian; Exim from cPanel, on Debian, and on Red
// Hat.
func DefaultPlaces() []string {
	return []string{
		"/var/log/maillog",
		"/var/log/mail.log",
		"/var/log/exim_mainlog",
		"/var/log/exim4/mainlog",
		"/var/log/exim/main.log",
	}
}

// Expand finds the files that args name: paths, patterns (as for filepath.Match), directories, and "-" for stdin. The inputs
// are in the order given, those of a pattern or a directory in the order of their names. An archive stands for the files in it.
//
// A directory stands for the regular files in it and in its subdirectories, one level deep, because people collect logs in one
// directory per host. Hidden files and those whose content is not text are left out; a symbolic link to a file is followed, one
// to a directory is not. The same file given twice, under whatever name, is one input, with a warning. What cannot be read is
// an error that begins with its path; the rest is still returned.
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
	if info.Mode().IsRegular() {
		members, isArchive, err := membersOf(path)
		if err != nil {
			e.fail(path, err)
		}
		if isArchive && (err == nil || len(members) > 0) { // of a damaged one, what comes before the damage
			e.archive(path, members)
		}
		if isArchive || err != nil {
			return
		}
	}
	in, err := newInput(path, info)
	if err != nil {
		e.fail(path, err)
		return
	}
	in.Found = found
	e.add(in)
}

// directory adds the files in dir and in its subdirectories.
func (e *expansion) directory(dir string) {
	const levels = 2
	before := len(e.inputs) + len(e.errs)
	known := e.known(dir)
	skipped := e.files(dir, levels)
	if len(e.inputs)+len(e.errs) == before && !known {
		e.fail(dir, errors.New("no log file in this directory"+among(skipped)))
		return
	}
	e.warnOf(skipped)
}

// warnOf tells which files beside the last input are not read.
func (e *expansion) warnOf(skipped []string) {
	if len(skipped) > 0 && len(e.inputs) > 0 {
		in := e.inputs[len(e.inputs)-1]
		in.Warnings = append(in.Warnings, "beside it, and not read because not text: "+list(skipped))
	}
}

// known reports whether a file in dir is an input already, or an archive whose files are.
func (e *expansion) known(dir string) bool {
	for _, in := range e.inputs {
		if filepath.Dir(cmp.Or(in.Archive, in.Path)) == filepath.Clean(dir) {
			return true
		}
	}
	return false
}

// files adds the files in dir, over so many levels of directories, and returns the paths of those that are not text.
func (e *expansion) files(dir string, levels int) (skipped []string) {
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
			if levels > 1 {
				skipped = append(skipped, e.files(path, levels-1)...)
			}
			continue
		}
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // a dangling link, or just rotated away
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

// add adds an input; one that is there already gets a warning instead.
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

// same reports whether two inputs are one file, by device and inode; pipes and files in an archive, by name.
func (in *Input) same(other *Input) bool {
	if in.info == nil || other.info == nil {
		return in.Path == other.Path
	}
	return os.SameFile(in.info, other.info)
}

// standardInput returns the input that stdin is connected to: a pipe, or a regular file ("< maillog"), which can be read like any
// other.
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

// newInput returns the input at path. The head of a regular file is read to find out what it is; a pipe is not touched, because
// opening it could block.
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

// examine fills in what the first bytes tell. It returns an error if the file is certainly no log.
func (in *Input) examine(head []byte) error {
	if what := notLog(head); what != "" {
		return errors.New("this is " + what)
	}
	in.Codec = codecOf(head)
	in.Compressed = gzipTime(head)
	return nil
}

// readHead returns the first headSize bytes of the file at path, or all of a shorter one.
func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return headOf(f, 0)
}

// headOf returns the headSize bytes of f from start on, or fewer if it ends before.
func headOf(f *os.File, start int64) ([]byte, error) {
	head := make([]byte, headSize)
	n, err := f.ReadAt(head, start)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return head[:n], nil
}

// gzipTime returns the MTIME of a gzip header (RFC 1952 section 2.3.1), or zero.
func gzipTime(head []byte) time.Time {
	if codecOf(head) != "gzip" || len(head) < 8 {
		return time.Time{}
	}
	// Some Go programs write the zero time, year 1, cut to 32 bits (klauspost/compress, gzip/gzip.go, Write).
	const yearOne = 2288912640
	seconds := int64(head[4]) | int64(head[5])<<8 | int64(head[6])<<16 | int64(head[7])<<24
	if seconds == 0 || seconds == yearOne {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// isText reports whether a file that was found in a directory may be a log. A file that cannot be read may be one: the error
// comes when it is opened.
func isText(path string, info fs.FileInfo) bool {
	head, err := readHead(path)
	if err != nil || codecOf(head) != "" {
		return true
	}
	if isArchive(head) {
		return true
	}
	if notLog(head) != "" {
		return false
	}
	if len(bytes.TrimLeft(head, "\x00")) == 0 && len(head) > 0 {
		head = readTail(path, info.Size()) // a log that begins with a hole, or lastlog(8)
	}
	return looksLikeText(head)
}

// readTail returns the last headSize bytes of the file at path, or all of a shorter one; nil if they cannot be read.
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

// looksLikeText reports whether head may be text: no NUL inside (except in UTF-16), and at most one control character in 20.
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

// Head returns the whole lines in the first max bytes of the text, after decompression; of a longer line, its first max bytes.
// What it reads from a pipe, for which it waits until there are max bytes or the pipe ends, Open hands out again. Damage further
// on in the input is no error. With an Order, which must see all lines, it reads the whole input.
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

// forHead returns the input itself; for a pipe, an input that holds the first bytes of it and ends there.
func (in *Input) forHead(max int) *Input {
	if in.stream == nil {
		return in
	}
	peek := &Input{Path: in.Path, Size: -1, Order: in.Order}
	if in.Order != nil {
		max = maxArranged
	}
	peek.stream = in.stream.peek(max)
	return peek
}

// atPath returns err with path in front, where package os may have put it already.
func atPath(path string, err error) error { return fmt.Errorf("%s: %w", path, cause(err)) }

// cause returns err without the operation and the path that package os puts in front.
func cause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// among names the files that were there instead, for an error.
func among(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (not text: " + list(names) + ")"
}

// list returns the first names, and how many more there are.
func list(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shown], ", ") + " and " + comma(int64(len(names)-shown)) + " more"
}

// comma formats n with commas between the thousands.
func comma(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
