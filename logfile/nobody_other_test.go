//go:build !linux

package logfile

import (
	"os"
	"testing"
)

// asNobody calls f as somebody who may not read what is not his.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	f()
}
