package logfile

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// asNobody calls f as a user who may not read other users' files. In containers, tests run as root, who may: then f runs in a
// thread that gives up that right, and which the runtime ends with its goroutine, because that does not unlock it.
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
