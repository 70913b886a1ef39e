package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestNamedShortly(t *testing.T) {
	dir := t.TempDir()
	var rotated, zipped []string
	for i := range 12 {
		rotated = append(rotated, filepath.Join(dir, fmt.Sprintf("maillog.%d", i)))
		zipped = append(zipped, filepath.Join(dir, fmt.Sprintf("mx%d-2026.gz", i+1)))
	}
	for _, f := range append(rotated, zipped...) {
		if err := os.WriteFile(f, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, tt := range []struct {
		name  string
		files []string
		want  string // "": as they were given
	}{
		{"all of a pattern", rotated, dir + "/maillog.*"},
		{"in another order", append(slices.Clone(rotated[5:]), rotated[:5]...), dir + "/maillog.*"},
		{"with an ending", zipped, dir + "/mx*.gz"},
		{"one is left out", rotated[1:], ""},
		{"one is named twice", append(slices.Clone(rotated), rotated[0]), ""},
		{"few", rotated[:manyFiles], ""},
		{"of two patterns", append(slices.Clone(rotated), zipped[0]), ""},
		{"standard input among them", append(slices.Clone(rotated), "-"), ""},
		{"names that look like a pattern", []string{"[a-z]1", "[a-z]2", "[a-z]3", "[a-z]4", "[a-z]5", "[a-z]6", "[a-z]7", "[a-z]8", "[a-z]9"}, ""},
	} {
		want := tt.files
		if tt.want != "" {
			want = []string{tt.want}
		}
		if got := namedShortly(tt.files); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, want)
		}
	}
	var here []string
	for _, f := range rotated {
		here = append(here, "./"+filepath.Base(f))
	}
	if got := namedShortly(here); !slices.Equal(got, []string{"./maillog.*"}) {
		t.Errorf("of this folder: got %v", got)
	}
}
