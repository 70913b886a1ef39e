package webmail

import (
	"testing"

	"mailforensics/parse/parsetest"
)

func TestSpecimens(t *testing.T) { parsetest.Run(t, Format, "testdata/*.txt") }

func FuzzWebmail(f *testing.F) { parsetest.Fuzz(f, Format, "testdata/*.txt") }

func BenchmarkParse(b *testing.B) { parsetest.Bench(b, Format, "testdata/*.txt") }
