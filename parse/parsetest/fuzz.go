package parsetest

import (
	"path/filepath"
	"testing"

	"mailforensics/mail"
	"mailforensics/parse"
)

// Fuzz seeds a fuzz target with the specimens, and looks for text that makes the format panic, invent something, or change an
// event that it calls foreign.
func Fuzz(f *testing.F, format parse.Format, pattern string) {
	f.Helper()
	sp := newSplitter()
	for _, s := range Read(f, pattern) {
		if ev, body, ok := sp.split(s.Line); ok {
			f.Add(ev.Process, body)
		}
	}
	f.Fuzz(func(t *testing.T, process, body string) {
		ev := mail.Event{Process: process}
		before := ev
		if format.Parse(body, &ev) == parse.Foreign && ev != before {
			t.Errorf("%q %q: foreign, but the event was changed", process, body)
		}
		if name, value := invented(process+" "+body, &ev); name != "" {
			t.Errorf("%q %q: %s %q does not stand in the line", process, body, name, value)
		}
	})
}

// Bench measures how long a line takes, without its header, for each specimen file.
func Bench(b *testing.B, f parse.Format, pattern string) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		b.Fatalf("no specimens in %s (%v)", pattern, err)
	}
	for _, file := range files {
		b.Run(filepath.Base(file), func(b *testing.B) { benchFile(b, f, file) })
	}
}

func benchFile(b *testing.B, f parse.Format, file string) {
	var headers []mail.Event
	var bodies []string
	var size int
	sp := newSplitter()
	for _, s := range Read(b, file) {
		if ev, body, ok := sp.split(s.Line); ok {
			headers, bodies, size = append(headers, ev), append(bodies, body), size+len(body)
		}
	}
	b.ReportAllocs()
	b.SetBytes(int64(size))
	var ev mail.Event
	for b.Loop() {
		for i, body := range bodies {
			ev = mail.Event{Process: headers[i].Process}
			f.Parse(body, &ev)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(bodies)), "ns/line")
}
