//go:build unix

package logfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestNamedPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	go os.WriteFile(path, pack(t, "gzip", sample()), 0o600)
	in := expandOne(t, path)
	head, err := in.Head(500)
	if err != nil || !strings.HasPrefix(sample(), string(head)) || len(head) == 0 {
		t.Errorf("Head: got %q, %v", head, err)
	}
	if chunks, stats := readAll(t, in, Options{}); textOf(chunks) != sample() || stats.Damage != nil {
		t.Errorf("got %d bytes, damage %v, want the sample", len(textOf(chunks)), stats.Damage)
	}
}
