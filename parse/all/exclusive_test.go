package all

import (
	"testing"

	"mailforensics/parse/parsetest"
)

// TestExclusive checks that a line is of one format only, whatever their order.
func TestExclusive(t *testing.T) { parsetest.Exclusive(t, Formats(), "../*/testdata/*.txt") }
