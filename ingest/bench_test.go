package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// bigLog writes a log of about so many bytes, and returns its size.
func bigLog(b testing.TB, path string, bytes int) int64 {
	b.Helper()
	var text strings.Builder
	for i := 0; text.Len() < bytes; i++ {
		at := noon.Add(-48*time.Hour + time.Duration(i)*100*time.Millisecond)
		fmt.Fprintf(&text, "%s mx1 postfix/smtpd[%d]: 4F2A91C0%02X: client=dslb-091-003-069-034.dyn.example.net[192.0.2.%d], sasl_method=PLAIN, sasl_username=eva@example.org\n",
			at.Format("Jan _2 15:04:05"), i%30000, i%256, i%250)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	os.Chtimes(path, noon, noon)
	return int64(text.Len())
}

// BenchmarkRead measures what a line costs from the file to the sink, without formats and sink: reading, splitting into lines,
// parsing the header, handing over.
//
//	go test ./ingest -bench Read
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "maillog")
	size := bigLog(b, path, 64<<20)
	trivial := parse.Format{Name: "trivial", Parse: func(body string, ev *mail.Event) parse.Verdict {
		ev.Kind, ev.MTA = mail.Warning, mail.Postfix
		return parse.Parsed
	}}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			lines := 0
			for b.Loop() {
				inputs, _ := logfile.Expand([]string{path}, nil)
				o := options()
				o.Formats, o.Workers = []parse.Format{trivial}, workers
				Read(context.Background(), inputs, o, func(events []mail.Event) error {
					lines += len(events)
					return nil
				})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(lines), "ns/line")
		})
	}
}
