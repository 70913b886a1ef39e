package postfix

import (
	"testing"

	"mailforensics/parse/parsetest"
)

func TestSpecimens(t *testing.T) { parsetest.Run(t, Format, "testdata/*.txt") }

func FuzzParse(f *testing.F) { parsetest.Fuzz(f, Format, "testdata/*.txt") }

// BenchmarkParse measures what a line of each daemon costs, without its header: go test -bench Parse ./parse/postfix
func BenchmarkParse(b *testing.B) { parsetest.Bench(b, Format, "testdata/*.txt") }
