//go:build !linux

package logfile

import (
	"os"
	"testing"
)

// asNobody calls f as a user who may not read other users' files.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	f()
}
