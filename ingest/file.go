package ingest

import (
	"path/filepath"
	"strings"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// file is an input with what its beginning tells.
type file struct {
	index     int
	in        *logfile.Input
	clock     *parse.Clock
	first     mail.Instant // of the first line that has a stamp; 0: none has
	rejectLog bool
	err       error
}

// isRejectLog tells by the name whether Exim writes a second copy of lines of its main log here: the content does not tell.
func isRejectLog(path string) bool {
	name := filepath.Base(path)
	return strings.Contains(name, "reject") || strings.Contains(name, "panic")
}
