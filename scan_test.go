package mailforensics

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"mailforensics/analyze"
	"mailforensics/bench/loggen"
	"mailforensics/correlate"
	"mailforensics/ingest"
	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse/all"
)

// pipeline joins all stages from bytes to findings, as the command does.
type pipeline struct {
	t       testing.TB
	engine  *analyze.Engine
	tracker *correlate.Tracker
	options ingest.Options
	watch   func(events []mail.Event) // sees every batch; nil: nobody does
}

// newPipeline makes a pipeline with all detectors.
func newPipeline(t testing.TB, workers int) *pipeline {
	p := &pipeline{t: t}
	p.engine = analyze.NewEngine(&analyze.Pass{Thresholds: analyze.DefaultThresholds()}, analyze.Detectors())
	p.tracker = correlate.New(correlate.Options{}, correlate.Sink{Message: p.engine.Message, Event: p.engine.Event})
	p.options = ingest.Options{Formats: all.Formats(), Workers: workers, Zone: time.UTC, LocalZone: time.UTC, Year: 2026,
		Now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	return p
}

// read reads the files, or stdin as "-", to the end.
func (p *pipeline) read(stdin io.Reader, paths ...string) *ingest.Ledger {
	p.t.Helper()
	inputs, errs := logfile.Expand(paths, stdin)
	for _, err := range errs {
		p.t.Fatal(err)
	}
	ledger, err := ingest.Read(context.Background(), inputs, p.options, p.sink)
	if err != nil {
		p.t.Fatal(err)
	}
	p.tracker.Close()
	return ledger
}

func (p *pipeline) sink(events []mail.Event) error {
	p.tracker.Events(events)
	if p.watch != nil {
		p.watch(events)
	}
	return nil
}

// How long does a log take, from bytes to findings? The samples are of real MTAs; the generated logs are long.
//
//	go test -run '^$' -bench Scan -benchtime 5x .
func BenchmarkScan(b *testing.B) {
	folders, err := filepath.Glob("samples/*/truth.json")
	if err != nil || len(folders) == 0 {
		b.Fatalf("no samples: %v", err)
	}
	for _, truth := range folders {
		folder := filepath.Dir(truth)
		files, _ := filepath.Glob(filepath.Join(folder, "*.gz"))
		b.Run(filepath.Base(folder), func(b *testing.B) { benchmarkScan(b, files...) })
	}
	b.Run("generated-postfix", func(b *testing.B) {
		benchmarkScan(b, generated(b, loggen.Postfix, loggen.Options{Size: 100e6, Runs: 2}))
	})
	b.Run("generated-exim", func(b *testing.B) { benchmarkScan(b, generated(b, loggen.Exim, loggen.Options{Size: 100e6, Runs: 2})) })
}

func benchmarkScan(b *testing.B, files ...string) {
	b.ReportAllocs()
	var lines int64
	for b.Loop() {
		p := newPipeline(b, runtime.GOMAXPROCS(0))
		ledger := p.read(strings.NewReader(""), files...)
		p.engine.Findings()
		lines = 0
		var text int64
		for _, f := range ledger.Files {
			lines += f.Lines
			text += f.Bytes
		}
		b.SetBytes(text)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(lines), "ns/line")
}

// generated writes a generated log, and returns its path.
func generated(t testing.TB, write writer, o loggen.Options) string {
	t.Helper()
	path, _ := written(t, write, o)
	return path
}

// writer is a function of loggen.
type writer func(io.Writer, loggen.Options) (loggen.Truth, error)

// written writes a log and returns its path and what is known of it.
func written(t testing.TB, write writer, o loggen.Options) (string, loggen.Truth) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "generated.log")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	truth, err := write(f, o)
	if err != nil {
		t.Fatal(err)
	}
	return path, truth
}
