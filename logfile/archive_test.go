package logfile

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type packed struct{ name, text string }

// tarOf returns a tar archive with these files, and what else such archives have: a directory, a link.
func tarOf(t testing.TB, files ...packed) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "var/log/", Typeflag: tar.TypeDir, Mode: 0o755})
	w.WriteHeader(&tar.Header{Name: "var/log/link", Linkname: "maillog", Typeflag: tar.TypeSymlink})
	for _, f := range files {
		w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.text)), Mode: 0o600, ModTime: time.Unix(1700000000, 0)})
		io.WriteString(w, f.text)
	}
	w.Close()
	return b.Bytes()
}

func zipOf(t testing.TB, files ...packed) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.Create("var/log/")
	for _, f := range files {
		m, _ := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Unix(1700000000, 0)})
		io.WriteString(m, f.text)
	}
	w.Close()
	return b.Bytes()
}

// Each file in an archive is an input: compressed, too; what is no text, hidden or empty is left out, and named.
func TestArchive(t *testing.T) {
	files := []packed{{"var/log/maillog", "one\ntwo\n"}, {"./var/log/._maillog", "x\n"}, {"var/log/wtmp", "\x07\x00\x00\x00"},
		{"/var/log/maillog.1.gz", string(pack(t, "gzip", sample()))}, {"../mail/empty", ""}, {"../mail/maillog", "three"}}
	for name, content := range map[string][]byte{
		"logs.tar":    tarOf(t, files...),
		"logs.tar.gz": pack(t, "gzip", string(tarOf(t, files...)))[:],
		"logs.txz":    pack(t, "xz", string(tarOf(t, files...))),
		"logs.zip":    zipOf(t, files...),
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		inputs, errs := Expand([]string{path}, nil)
		if len(inputs) != 3 || len(errs) != 0 {
			t.Fatalf("%s: got %d inputs, %v", name, len(inputs), errs)
		}
		for i, want := range []struct{ path, text, codec string }{
			{"/var/log/maillog", "one\ntwo\n", ""}, {"/var/log/maillog.1.gz", sample(), "gzip"}, {"/mail/maillog", "three", ""}} {
			in := inputs[i]
			if in.Path != path+want.path || in.Archive != path || in.Codec != want.codec || in.ModTime.Unix() != 1700000000 || !in.Found || in.Size < 1 {
				t.Errorf("%s: got input %+v, want %s", name, in, want.path)
			}
			for range 2 { // it can be read again
				chunks, stats := readAll(t, in, Options{Hash: true})
				var text strings.Builder
				for _, c := range chunks {
					text.WriteString(c.Text)
				}
				if text.String() != want.text || stats.Damage != nil || stats.SHA256 == "" || stats.Bytes != in.Size {
					t.Errorf("%s: got %d bytes of %s, %+v", name, text.Len(), want.path, stats)
				}
			}
		}
		if w := inputs[2].Warnings; len(w) != 1 || !strings.HasSuffix(w[0], "and not read because not text: "+path+"/var/log/wtmp") {
			t.Errorf("%s: got warnings %q", name, w)
		}
	}
}

func TestArchiveDamage(t *testing.T) {
	whole := tarOf(t, packed{"maillog", sample()}, packed{"maillog.1", sample()})
	for name, c := range map[string]struct {
		content []byte
		inputs  int
		err     string
	}{
		"cut in a header":  {whole[:len(whole)-len(sample())-2000], 1, "corrupt tar archive after 1 files: unexpected EOF"},
		"nothing in it":    {tarOf(t), 0, "no log file in this archive"},
		"nothing of text":  {tarOf(t, packed{"wtmp", "\x07\x00\x00\x00"}), 0, "no log file in this archive (not text: "},
		"no zip":           {[]byte("PK\x03\x04 and so on"), 0, "corrupt zip archive: zip: not a valid zip file"},
		"an archive in it": {tarOf(t, packed{"a.zip", "PK\x03\x04"}), 0, "this is a zip archive: unpack it first"},
	} {
		path := filepath.Join(t.TempDir(), "logs.tar")
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		inputs, errs := Expand([]string{path}, nil)
		if len(inputs) != c.inputs || len(errs) == 0 || !strings.Contains(errs[0].Error(), c.err) {
			t.Errorf("%s: got %d inputs, %v, want %q", name, len(inputs), errs, c.err)
		}
	}

	in := write(t, "logs.tar", tarOf(t, packed{"maillog", sample()}))
	if in.Found {
		t.Error("got the only file in an archive as one that was found, want it as one that was named")
	}
	if err := os.Truncate(in.Archive, 4096); err != nil {
		t.Fatal(err)
	}
	if chunks, stats := readAll(t, in, Options{}); len(chunks) == 0 || stats.Damage == nil {
		t.Errorf("got %d chunks of a truncated archive, damage %v", len(chunks), stats.Damage)
	}
	pipe, _ := standardInput(bytes.NewReader(tarOf(t, packed{"maillog", sample()})))
	r := Open(context.Background(), pipe, Options{})
	defer r.Close()
	if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "this is a tar archive: unpack it first, or give it as a file") {
		t.Errorf("got %v for a tar archive in a pipe", err)
	}
}

// Entries that are opened in their order are read in one go; whoever goes back begins anew, and the entry is the same.
func TestArchiveIsReadInOneGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs.tar.gz")
	if err := os.WriteFile(path, pack(t, "gzip", string(tarOf(t, packed{"a", "one"}, packed{"b", "two"}, packed{"c", "three"}))), 0o600); err != nil {
		t.Fatal(err)
	}
	members, err := tarMembers(path)
	if err != nil || len(members) != 3 {
		t.Fatalf("got %d files, %v", len(members), err)
	}
	read := func(i int, want string) *tarReader {
		t.Helper()
		f, err := members[i].open()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if text, err := io.ReadAll(f); string(text) != want || err != nil {
			t.Errorf("got %q, %v, want %q", text, err, want)
		}
		return f.(tarMember).tarReader
	}
	first := read(0, "one")
	if read(1, "two") != first || read(2, "three") != first {
		t.Error("an entry that follows was reached from the beginning")
	}
	if read(0, "one") == first {
		t.Error("a reader went back")
	}
	both := []func() (io.ReadCloser, error){members[1].open, members[2].open}
	for i, want := range []string{"two", "three"} { // both are open at the same time
		f, err := both[i]()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if text, err := io.ReadAll(f); string(text) != want || err != nil {
			t.Errorf("got %q, %v, want %q", text, err, want)
		}
	}
}

// A file of a tar archive may have holes, which take no room in it: 2 TB of them would be read for an hour.
func TestArchiveOfHoles(t *testing.T) {
	text := strings.Repeat("Mar  1 00:00:01 mx1 postfix/smtpd[20101]: connect from unknown[192.0.2.1]\n", 20)
	pieces := fmt.Sprintf("1\n0\n%d\n", len(text)) // GNU's sparse format 1.0: a block that says what is there
	body := pieces + strings.Repeat("\x00", 512-len(pieces)) + text
	for _, tt := range []struct {
		size string
		want int
	}{{"1000000", 1}, {"2199023255552", 0}} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		w.WriteHeader(&tar.Header{Name: "maillog", Size: int64(len(body)), Mode: 0o600, PAXRecords: map[string]string{
			"ABC.sparse.major": "1", "ABC.sparse.minor": "0", "ABC.sparse.name": "maillog", "ABC.sparse.realsize": tt.size}})
		io.WriteString(w, body)
		w.Close()
		path := filepath.Join(t.TempDir(), "logs.tar")
		// The writer of archive/tar refuses to make such a file.
		if err := os.WriteFile(path, bytes.ReplaceAll(b.Bytes(), []byte("ABC.sparse"), []byte("GNU.sparse")), 0o600); err != nil {
			t.Fatal(err)
		}
		members, err := tarMembers(path)
		if len(members) != tt.want || (err != nil) != (tt.want == 0) {
			t.Errorf("%s: got %d files, %v, want %d", tt.size, len(members), err, tt.want)
		}
		if tt.want == 1 && fmt.Sprint(members[0].size) != tt.size {
			t.Errorf("got %d bytes, want %s", members[0].size, tt.size)
		}
	}
}

// What has the name of an earlier file in an archive is read, too, and an archive that is given twice is counted once.
func TestArchiveAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs.tar")
	files := []packed{{"maillog", "one\n"}, {"maillog.1", "zero\n"}, {"./maillog", "one\ntwo\n"}}
	if err := os.WriteFile(path, tarOf(t, files...), 0o600); err != nil {
		t.Fatal(err)
	}
	inputs, errs := Expand([]string{path, path}, nil)
	if len(inputs) != 3 || len(errs) != 0 {
		t.Fatalf("got %d inputs, %v", len(inputs), errs)
	}
	if inputs[2].Path != path+"/(2)/maillog" {
		t.Errorf("got path %s", inputs[2].Path)
	}
	if got := inputs[0].Warnings; len(got) != 1 || got[0] != path+"/maillog: given twice: counted once" {
		t.Errorf("got warnings %q", got)
	}
	if again, errs := Expand([]string{path, filepath.Dir(path)}, nil); len(again) != 3 || len(errs) != 0 {
		t.Errorf("the archive, and the directory that it is in: got %d inputs, %v", len(again), errs)
	}
	for i, want := range []string{"one\n", "zero\n", "one\ntwo\n"} {
		if chunks, stats := readAll(t, inputs[i], Options{}); len(chunks) != 1 || chunks[0].Text != want || stats.Damage != nil {
			t.Errorf("got %+v, %+v, want %q", chunks, stats, want)
		}
	}
}

// A reader of a file in an archive that is closed twice does not hand its place in the archive to two others.
func TestArchiveClosedTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs.tar")
	files := []packed{{"a", "a\n"}, {"b", strings.Repeat("b\n", 1<<20)}, {"c", strings.Repeat("c\n", 1<<20)}}
	if err := os.WriteFile(path, tarOf(t, files...), 0o600); err != nil {
		t.Fatal(err)
	}
	inputs, _ := Expand([]string{path}, nil)
	first := Open(context.Background(), inputs[0], Options{})
	first.Next()
	first.Close()
	first.Close()
	second := Open(context.Background(), inputs[1], Options{ChunkSize: 100})
	defer second.Close()
	second.Next()
	readAll(t, inputs[2], Options{})
	var text strings.Builder
	for c, err := second.Next(); err == nil; c, err = second.Next() {
		text.WriteString(c.Text)
	}
	if damage := second.Stats().Damage; damage != nil || strings.Contains(text.String(), "c") || text.Len() < len(files[1].text)*9/10 {
		t.Errorf("got %d bytes, damage %v", text.Len(), damage)
	}
}
