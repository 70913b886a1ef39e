package logfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree makes files in a new working directory. A name that ends in / is a directory.
func tree(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func wantExpand(t *testing.T, args, want, wantErrs string) []*Input {
	t.Helper()
	inputs, errs := Expand(strings.Fields(args), strings.NewReader(""))
	if got := pathsOf(inputs); got != want {
		t.Errorf("Expand(%s): got %q, want %q", args, got, want)
	}
	var texts []string
	for _, err := range errs {
		texts = append(texts, err.Error())
	}
	if got := strings.Join(texts, "; "); got != wantErrs {
		t.Errorf("Expand(%s): got errors %q, want %q", args, got, wantErrs)
	}
	return inputs
}

func TestExpand(t *testing.T) {
	tree(t, map[string]string{
		"maillog": "x\n", "maillog.1": "y\n", "we[i]rd": "z\n", "empty": "",
		"mx1/mail.log": "1\n", "mx1/old/deep/mail.log": "too deep\n", "mx2/mail.log": "2\n",
		"mx1/.hidden": "no\n", "mx1/.git/config": "no\n", "mx1/old/mail.log": "one level down\n",
		"nothing/": "", "binary/wtmp": "\x07\x00\x00\x00\x01tty", "binary/a.out": "\x7fELF", "binary/x.png": "\x89PNG\r\n\x1a\n\x00\x00",
		"journal/mail.log": "text\n", "journal/system.journal": "LPKSHHRH",
	})
	wantExpand(t, "maillog maillog.1", "maillog maillog.1", "")
	wantExpand(t, "maillog.1 maillog", "maillog.1 maillog", "")
	wantExpand(t, "maillog*", "maillog maillog.1", "")
	wantExpand(t, "mx?/mail.log", "mx1/mail.log mx2/mail.log", "")
	wantExpand(t, "we[i]rd", "we[i]rd", "") // a name that looks like a pattern
	wantExpand(t, "empty", "empty", "")
	wantExpand(t, "mx1", "mx1/mail.log mx1/old/mail.log", "")
	wantExpand(t, "m*1", "maillog.1 mx1/mail.log mx1/old/mail.log", "")
	wantExpand(t, "-", "-", "")
	wantExpand(t, "", "", "")
	wantExpand(t, "gone maillog", "maillog", "gone: no such file or directory")
	wantExpand(t, "gone* maillog", "maillog", "gone*: no file matches")
	wantExpand(t, "gone[", "", "gone[: syntax error in pattern")
	wantExpand(t, "nothing", "", "nothing: no log file in this directory")
	wantExpand(t, "maillog/x", "", "maillog/x: not a directory")
	wantExpand(t, "binary", "", "binary: no log file in this directory (not text: binary/a.out, binary/wtmp, binary/x.png)")
	wantExpand(t, "binary/wtmp", "binary/wtmp", "") // named by the user: tried

	in := wantExpand(t, "journal", "journal/mail.log", "")
	if want := "beside it, and not read because not text: journal/system.journal"; len(in) != 1 || len(in[0].Warnings) != 1 || in[0].Warnings[0] != want {
		t.Errorf("got %+v, want the warning %q", in, want)
	}
	if _, errs := Expand([]string{"gone"}, nil); len(errs) != 1 || !errors.Is(errs[0], fs.ErrNotExist) {
		t.Errorf("got %v, want an error that is fs.ErrNotExist", errs)
	}
}

// The same file under two names is one input, with a warning: counted twice, every number would be wrong.
func TestExpandOnce(t *testing.T) {
	tree(t, map[string]string{"maillog": "x\n", "copy": "x\n", "mx1/mail.log": "1\n"})
	for link, make := range map[string]func(old, new string) error{"hard": os.Link, "soft": os.Symlink} {
		if err := make("maillog", link); err != nil {
			t.Skip(err)
		}
	}
	for _, c := range []struct{ args, want, warning string }{
		{"maillog maillog", "maillog", "maillog: given twice: counted once"},
		{"maillog ./maillog", "maillog", "maillog: given again as ./maillog: counted once"},
		{"soft maillog", "soft", "soft: given again as maillog: counted once"},
		{"hard maillog", "hard", "hard: given again as maillog: counted once"},
		{"mx1/mail.log mx1", "mx1/mail.log", "mx1/mail.log: given twice: counted once"},
		{"mx1 mx1/*", "mx1/mail.log", "mx1/mail.log: given twice: counted once"},
		{"- -", "-", "-: given twice: counted once"},
		{"- maillog -", "- maillog", "-: given twice: counted once"},
		{"maillog -", "maillog -", ""},
		{"maillog copy", "maillog copy", ""}, // a copy is known only by reading it
	} {
		in := wantExpand(t, c.args, c.want, "")
		if got := strings.Join(in[0].Warnings, "; "); got != c.warning {
			t.Errorf("Expand(%s): got the warning %q, want %q", c.args, got, c.warning)
		}
	}
}

func TestExpandTellsFoundFromNamed(t *testing.T) {
	tree(t, map[string]string{"maillog": "x\n", "mx1/mail.log": "1\n"})
	for args, want := range map[string]bool{"maillog": false, "mail*": true, "mx1": true} {
		if in, _ := Expand([]string{args}, nil); len(in) != 1 || in[0].Found != want {
			t.Errorf("Expand(%s): got %+v, want one with Found %v", args, in, want)
		}
	}
}

func TestExpandLinks(t *testing.T) {
	tree(t, map[string]string{"real/mail.log": "x\n", "dir/": "", "dir/own.log": "y\n"})
	if err := os.Symlink("../real/mail.log", "dir/linked.log"); err != nil {
		t.Skip(err)
	}
	os.Symlink("nowhere", "dir/dangling")
	os.Symlink("../dir", "dir/loop")
	wantExpand(t, "dir", "dir/linked.log dir/own.log", "")
	wantExpand(t, "dir/dangling", "", "dir/dangling: no such file or directory")
	wantExpand(t, "dir/dang*", "", "dir/dangling: no such file or directory")
	os.Mkdir("odd", 0o700)
	os.Symlink("circle", "odd/circle")
	os.WriteFile("odd/wtmp", []byte("\x07\x00\x00\x00\x01tty"), 0o600)
	wantExpand(t, "odd", "", "odd/circle: too many levels of symbolic links")
}

// An empty file in a directory is a log of which nothing is written yet. Of many files that are none, a few are named.
func TestExpandManyThatAreNone(t *testing.T) {
	files := map[string]string{"log/maillog": "", "none/0": "\x7fELF"}
	for _, name := range []string{"1", "2", "3", "4", "5", "6"} {
		files["log/"+name], files["none/"+name] = "\x7fELF", "\x7fELF"
	}
	tree(t, files)
	in := wantExpand(t, "log", "log/maillog", "")
	if want := "beside it, and not read because not text: log/1, log/2, log/3, log/4, log/5 and 1 more"; len(in) != 1 || strings.Join(in[0].Warnings, "; ") != want {
		t.Errorf("got %+v, want the warning %q", in, want)
	}
	wantExpand(t, "none", "", "none: no log file in this directory (not text: none/0, none/1, none/2, none/3, none/4 and 2 more)")
}

// Standard input can be a file that is no log, one that cannot be read, or closed.
func TestExpandStrangeStdin(t *testing.T) {
	tree(t, map[string]string{"zip": "PK\x03\x04", "maillog": "x\n"})
	for _, c := range []struct {
		name, want string
		flags      int
		closed     bool
	}{
		{"zip", "-: this is a zip archive: unpack it first", os.O_RDONLY, false},
		{"maillog", "-: bad file descriptor", os.O_WRONLY, false},
		{"maillog", "-: file already closed", os.O_RDONLY, true},
	} {
		f, err := os.OpenFile(c.name, c.flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if c.closed {
			f.Close()
		}
		inputs, errs := Expand([]string{"-"}, f)
		if len(errs) == 0 { // said when it is read
			_, err := inputs[0].Head(10)
			errs = append(errs, err)
			if _, again := inputs[0].Head(100); fmt.Sprint(again) != fmt.Sprint(err) {
				t.Errorf("%s: got %v, and when asked again %v", c.name, err, again)
			}
		}
		if got := fmt.Sprint(errs[0]); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestExpandUnreadable(t *testing.T) {
	tree(t, map[string]string{"maillog": "x\n", "secret": "y\n", "closed/mail.log": "z\n"})
	os.Chmod("maillog", 0o644)
	os.Chmod("secret", 0)
	os.Chmod("closed", 0)
	defer os.Chmod("closed", 0o700)
	asNobody(t, func() {
		wantExpand(t, "secret maillog", "maillog", "secret: permission denied")
		wantExpand(t, "closed", "", "closed: permission denied")
	})
}

func TestExpandStdinFile(t *testing.T) {
	in := write(t, "maillog", []byte(sample()))
	f, err := os.Open(in.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	inputs, errs := Expand([]string{"-", in.Path}, f)
	if len(inputs) != 1 || len(errs) != 0 || inputs[0].Size != in.Size || !inputs[0].ModTime.Equal(in.ModTime) {
		t.Fatalf("got %+v, %v, want standard input with the size and the time of the file, and that once", inputs, errs)
	}
	for range 2 { // unlike a pipe, it can be read again
		if chunks, _ := readAll(t, inputs[0], Options{Hash: true}); textOf(chunks) != sample() {
			t.Error("the text differs")
		}
	}
	first, _, _ := strings.Cut(sample(), "\n")
	if _, err := f.Seek(int64(len(first))+1, io.SeekStart); err != nil { // as after "read first; mailforensics"
		t.Fatal(err)
	}
	inputs, _ = Expand([]string{"-"}, f)
	chunks, stats := readAll(t, inputs[0], Options{})
	if got := textOf(chunks); got != sample()[len(first)+1:] || stats.Bytes != inputs[0].Size || stats.Warnings != nil {
		t.Errorf("behind the first line: got %.40q, %+v", got, stats)
	}
	inputs, _ = Expand([]string{"-"}, nil)
	r := Open(t.Context(), inputs[0], Options{})
	defer r.Close()
	if _, err := r.Next(); err == nil || err.Error() != "-: no standard input" {
		t.Errorf("got %v, want that there is no standard input", err)
	}
}

func TestArchived(t *testing.T) {
	when := time.Date(2015, 11, 11, 3, 20, 1, 0, time.UTC)
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.ModTime = when
	w.Write([]byte("x\n"))
	w.Close()
	if got := write(t, "maillog.1", out.Bytes()).Compressed; !got.Equal(when) {
		t.Errorf("got %v, want %v", got, when)
	}
	if got := write(t, "maillog.1", pack(t, "gzip", sample())).Compressed; !got.IsZero() {
		t.Errorf("no time in the header: got %v, want none", got)
	}
	if got := gzipTime([]byte("\x1f\x8b\x08\x00\xff")); !got.IsZero() {
		t.Errorf("a header that is cut: got %v, want none", got)
	}
}

func TestLooksLikeText(t *testing.T) {
	for head, want := range map[string]bool{
		"":                      true,
		"Jan  4 14:44:03 mx2":   true,
		"\x00\x00\x00Jan  4":    true, // behind a hole
		"Zürich\r\n\ttab":       true,
		"Z\xfcrich in Latin-1":  true,
		"a\x1b[1mcolour\x1b[0m": true,
		"\xff\xfeJ\x00a\x00":    true,
		"\xfe\xff\x00J\x00a":    true,
		"J\x00a\x00n\x00 \x00 \x004\x00 \x001\x004\x00:\x00": true, // UTF-16 without a mark
		"text\x00text":           false,
		"\x01\x02\x03\x04\x05ab": false,
	} {
		if got := looksLikeText([]byte(head)); got != want {
			t.Errorf("looksLikeText(%q): got %v, want %v", head, got, want)
		}
	}
}

// In a directory, a log that begins with a hole of NULs is an input; lastlog(8), which also begins with NULs, is not.
func TestHoleInDirectory(t *testing.T) {
	hole := strings.Repeat("\x00", 10_000)
	tree(t, map[string]string{"log/maillog": hole + "x\n", "log/lastlog": hole + "\x01\x02\x03\x00tty" + hole[:100]})
	wantExpand(t, "log", "log/maillog", "")
}

func TestComma(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567"} {
		if got := comma(n); got != want {
			t.Errorf("comma(%d): got %s, want %s", n, got, want)
		}
	}
}
