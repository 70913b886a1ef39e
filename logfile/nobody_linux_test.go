package logfile

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// asNobody calls f as somebody who may not read what is not his: root, as whom tests run in containers, may read everything. The
// thread that root gave up is not used again: its goroutine ends without unlocking it.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	const nobody = 65534
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := syscall.Setfsuid(nobody) // of this thread alone (setfsuid(2)); it takes CAP_DAC_OVERRIDE with it
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
