package all

import (
	"testing"

	"mailforensics/parse/parsetest"
)

// At most one format claims a line, whatever the order of the formats.
func TestExclusive(t *testing.T) { parsetest.Exclusive(t, Formats(), "../*/testdata/*.txt") }
