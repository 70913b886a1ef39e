package samples

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

// The logs are those that the truth was written for.
func TestFiles(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 11 {
		t.Errorf("got %d samples, want 11", len(all))
	}
	for _, truth := range all {
		for name, want := range truth.Files {
			if got := countLines(t, filepath.Join(truth.Sample, name)); got != want {
				t.Errorf("%s/%s: got %d lines, want %d", truth.Sample, name, got, want)
			}
		}
		if (truth.Window == nil) != (len(truth.Offenders) == 0) {
			t.Errorf("%s: offenders without a window, or a window without offenders", truth.Sample)
		}
	}
}

func countLines(t *testing.T, name string) (n int64) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(z)
	for s.Scan() {
		n++
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
	return n
}
