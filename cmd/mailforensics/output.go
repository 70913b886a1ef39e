package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// output is where the result goes: standard output, or a file that exists only once it is whole. A full disk, a signal or
// an error leaves no half file, and a file that was there before stays as it was.
type output struct {
	io.Writer
	file *os.File // nil: standard output
	path string   // what file becomes; "" where it is written to directly
}

// openOutput begins to write to path; "" is standard output.
func openOutput(path string, force bool, stdout io.Writer) (*output, error) {
	if path == "" || path == "-" {
		return &output{Writer: stdout}, nil
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, wrong("-o %s: this is a directory", path)
	case err == nil && !info.Mode().IsRegular(): // a terminal, a pipe, /dev/null: nothing to keep
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, atPath("-o "+path, err)
		}
		return &output{Writer: f, file: f}, nil
	case err == nil && !force:
		return nil, &usageError{err: fmt.Errorf("-o %s: the file exists", path), hint: "--force overwrites it"}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, atPath("-o "+path, err)
	}
	return newFile(path)
}

// newFile begins a file beside path under a name of its own.
func newFile(path string) (*output, error) {
	dir, name := filepath.Split(path)
	for i := range 100 {
		f, err := os.OpenFile(fmt.Sprintf("%s.%s.%d.tmp", dir, name, os.Getpid()+i), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, atPath("-o "+path, err)
		}
		return &output{Writer: f, file: f, path: path}, nil
	}
	return nil, fmt.Errorf("-o %s: no free name for a temporary file beside it", path)
}

// finish makes the file visible, if all went well, and removes it otherwise. It returns the first error.
func (o *output) finish(err error) error {
	if o.file == nil {
		return err
	}
	if o.path == "" {
		return errors.Join(err, o.file.Close())
	}
	if err == nil {
		err = o.file.Sync()
	}
	if closeErr := o.file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(o.file.Name(), o.path)
	}
	if err != nil {
		os.Remove(o.file.Name())
	}
	return err
}
