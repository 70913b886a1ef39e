package logfile

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFirst(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "maillog")
	text := strings.Repeat("a line\nanother one\n", 30000)
	os.WriteFile(p, []byte(text), 0o600)
	ins, errs := Expand([]string{dir, p}, nil)
	if len(ins) != 1 || len(errs) != 0 {
		t.Fatal(ins, errs)
	}
	for _, ahead := range []int{0, 4} {
		r := Open(context.Background(), ins[0], Options{ReadAhead: ahead, Hash: true})
		var got strings.Builder
		for {
			c, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got.WriteString(c.Text)
		}
		if got.String() != text {
			t.Fatal("differs", got.Len(), len(text))
		}
		t.Logf("%+v", r.Stats())
		r.Close()
	}
}
