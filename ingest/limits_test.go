package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"mailforensics/logfile"
	"mailforensics/mail"
)

func TestSinceUntil(t *testing.T) {
	var text strings.Builder
	for i := range 60 {
		fmt.Fprintf(&text, "Nov  7 04:%02d:00 mx1 postfix/a[1]: x\n", i)
	}
	text.WriteString("Nov  7 04:59:59 mx1 last message repeated 2 times\n")
	for _, size := range []int{100, 64 << 10} {
		o := options()
		o.ChunkSize = size
		o.Since = mail.InstantOf(noon.AddDate(0, 0, -13).Add(-7*3600e9 - 30*60e9)) // 04:30
		o.Until = o.Since.Add(10 * 60e9)
		got, ledger := read(t, o, logs(t, "maillog", text.String()))
		if len(got) != 10 || !strings.HasPrefix(got[0], "0:31 11-07 04:30:00") || !strings.HasPrefix(got[9], "0:40 ") {
			t.Errorf("got %q", got)
		}
		if f := ledger.Files[0]; f.Parsed != 61 {
			t.Errorf("got %d lines parsed, want all 61", f.Parsed)
		}
	}
}

func TestDamagedArchive(t *testing.T) {
	var text, packed bytes.Buffer
	for i := range 20000 {
		fmt.Fprintf(&text, "Nov  7 04:%02d:%02d mx1 postfix/a[%d]: line %d\n", i/1000, i%60, i*7919%30000, i)
	}
	z := gzip.NewWriter(&packed)
	z.Write(text.Bytes())
	z.Close()
	path := filepath.Join(t.TempDir(), "maillog.gz")
	if err := os.WriteFile(path, packed.Bytes()[:packed.Len()/2], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, workers := range []int{1, 2} {
		inputs, _ := logfile.Expand([]string{path}, nil)
		o := options()
		o.Workers = workers
		got, ledger := read(t, o, inputs)
		f := ledger.Files[0]
		if len(got) < 5000 || f.Damage == nil || f.Err != nil {
			t.Errorf("got %d events, damage %v, error %v", len(got), f.Damage, f.Err)
		}
		if sum := f.Parsed + f.Unfamiliar + f.Damaged + f.Foreign + f.Blank; sum != f.Lines {
			t.Errorf("got verdicts for %d of %d lines", sum, f.Lines)
		}
	}
}

func TestUnreadable(t *testing.T) {
	inputs := logs(t, "gone", "x", "empty", "", "binary", "\x01\x02\x03\n\x00\n", "good", "Nov  7 04:00:00 mx1 postfix/a[1]: x\n")
	os.Remove(inputs[0].Path)
	for _, workers := range []int{1, 2} {
		o := options()
		o.Workers = workers
		got, ledger := read(t, o, inputs)
		wantLines(t, got, "3:1 11-07 04:00:00 mx1 x")
		if ledger.Files[0].Err == nil || ledger.Files[1].Lines != 0 || ledger.Files[2].Parsed != 0 || ledger.Files[2].Err != nil {
			t.Errorf("got %+v", ledger.Files)
		}
	}
}

func TestReadStopsOnSinkErrorAndCancel(t *testing.T) {
	inputs := logs(t, "a", strings.Repeat("Nov  7 04:00:00 mx1 postfix/a[1]: x\n", 10000), "b", strings.Repeat("Nov  7 04:00:00 mx2 postfix/a[1]: x\n", 10000))
	for _, workers := range []int{1, 2} {
		o := options()
		o.Workers, o.ChunkSize = workers, 1000
		full := errors.New("disk full")
		n := 0
		_, err := Read(context.Background(), inputs, o, func(events []mail.Event) error {
			if n += len(events); n > 100 {
				return full
			}
			return nil
		})
		if err != full {
			t.Errorf("%d workers: got error %v, want the sink's", workers, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		n = 0
		ledger, err := Read(ctx, inputs, o, func(events []mail.Event) error {
			if n += len(events); n > 100 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || n > 15000 || ledger.Files[0].Parsed == 0 {
			t.Errorf("%d workers: got error %v after %d events, %d lines in the ledger", workers, err, n, ledger.Files[0].Parsed)
		}
	}
}

// If time goes back again and again, three places are named, and the others are counted.
func TestManyStepsBack(t *testing.T) {
	log := "Nov  7 05:00:00 mx1 postfix/a[1]: x\n"
	for back, more := range map[int]string{3: "", 4: "time goes back in 1 more place", 6: "time goes back in 3 more places"} {
		_, ledger := read(t, options(), logs(t, "maillog", strings.Repeat(log+strings.Replace(log, "05:", "04:", 1), back)))
		got := ledger.Files[0].Warnings
		if len(got) < 3 || len(got) > 3 != (more != "") || more != "" && got[3] != more {
			t.Errorf("%d times: got %q, want three and %q", back, got, more)
		}
	}
}

func TestWarnings(t *testing.T) {
	_, ledger := read(t, options(), logs(t, "maillog", "Nov  7 04:00:00 mx1 systemd-journald[311]: Suppressed 4182 messages from postfix@-.service\n"+
		"Nov  7 04:00:01 mx1 rsyslogd: imjournal: begin to drop messages due to rate-limiting\n"+
		"Nov  7 05:00:00 mx1 postfix/a[1]: x\n"+
		"Nov  7 04:00:00 mx1 postfix/a[1]: x\n"+
		"Nov  7 03:00:00 mx2 postfix/a[1]: another clock\n"+
		"2012026-11-07 05:00:01 exim 4.80 daemon started\n"))
	want := []string{"systemd-journald dropped 4182 lines", "line 4: time goes back by 1h0m0s, from 2026-11-07 05:00:00 to 2026-11-07 04:00:00 on mx1", "torn lines: 1 "}
	got := ledger.Files[0].Warnings
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}

// A line must not allocate: only chunks and batches do.
func TestReadAllocates(t *testing.T) {
	line := "Nov  7 04:00:00 mx1 postfix/smtpd[20114]: 4F2A91C0D3: client=mail.example.net[192.0.2.10]\n"
	allocations := func(lines int) float64 {
		inputs := logs(t, "maillog", strings.Repeat(line, lines))
		return testing.AllocsPerRun(3, func() {
			Read(context.Background(), inputs, options(), func([]mail.Event) error { return nil })
		})
	}
	few, many := allocations(1000), allocations(21000)
	if perLine := (many - few) / 20000; perLine > 0.05 {
		t.Errorf("got %.3f allocations a line (%v for 1,000, %v for 21,000), want next to none", perLine, few, many)
	}
}

// Wherever the sink fails, Read ends with its error and does not call it again: between repeated lines, copies of lines and lines
// that were not asked for.
func TestSinkFailsAnywhere(t *testing.T) {
	log := "Nov  7 03:00:00 mx1 postfix/a[1]: early\n" +
		"Nov  7 04:00:00 mx1 postfix/a[1]: one\n" +
		"Nov  7 04:00:01 mx1 postfix/a[1]: message repeated 200 times: [ two]\n" +
		"Nov  7 04:00:02 mx1 postfix/a[1]: three\n" +
		"Nov  7 04:00:02 mx1 last message repeated 3 times\n" +
		"Nov  7 04:00:03 mx1 postfix/a[1]: four\n" +
		"Nov  7 04:00:04 mx1 postfix/a[1]: five\n"
	inputs := logs(t, "a", log, "b", strings.Replace(log, "four", "another", 1))
	for _, workers := range []int{1, 2} {
		for failing := 1; ; failing++ {
			o := options()
			o.Workers, o.Since = workers, mail.InstantOf(noon.AddDate(0, 0, -13).Add(-8*3600e9)) // 04:00
			full := errors.New("disk full")
			calls := 0
			_, err := Read(context.Background(), inputs, o, func([]mail.Event) error {
				if calls++; calls >= failing {
					return full
				}
				return nil
			})
			if calls < failing && err == nil && failing > 6 {
				break
			}
			if err != full || calls != failing {
				t.Fatalf("%d workers, call %d fails: got error %v after %d calls", workers, failing, err, calls)
			}
		}
	}
}

// Many logs at once have smaller chunks, down to a bound.
func TestChunkSizes(t *testing.T) {
	for logs, want := range map[int]int{1: chunkSize, 8: chunkSize, 9: chunkSize / 2, 17: chunkSize / 4, 100_000: minChunkSize} {
		if got := chunkSizeFor(logs); got != want {
			t.Errorf("%d logs: got chunks of %d bytes, want %d", logs, got, want)
		}
	}
	got, _ := read(t, Options{Formats: options().Formats, Now: noon}, logs(t, "maillog", "Nov  7 04:00:00 mx1 postfix/a[1]: x\n"))
	wantLines(t, got, "0:1 11-07 04:00:00 mx1 x")
}

// Two files with the same unfamiliar shape: it is one, first seen in the first.
func TestShapesOfSeveralFiles(t *testing.T) {
	_, ledger := read(t, options(), logs(t, "a", "Nov  7 04:00:00 mx1 postfix/a[1]: odd\n", "b", "Nov  7 03:00:00 mx2 postfix/a[1]: odd\nNov  7 03:00:00 mx2 postfix/b[1]: cut\n"))
	if s := ledger.Shapes; len(s) != 2 || s[0].Count != 2 || s[0].Origin.File != 0 || s[1].Count != 1 {
		t.Errorf("got %+v", s)
	}
}

// A pipe that cannot be read is named, whatever is asked for.
func TestBrokenPipe(t *testing.T) {
	for _, year := range []int{0, 2026} {
		inputs, errs := logfile.Expand([]string{"-", logs(t, "good", "Nov  7 04:00:00 mx1 postfix/a[1]: x\n")[0].Path}, iotest.ErrReader(errors.New("input/output error")))
		if len(errs) > 0 {
			if !strings.Contains(fmt.Sprint(errs), "input/output error") {
				t.Errorf("got %v", errs)
			}
			continue
		}
		o := options()
		o.Year = year
		got, ledger := read(t, o, inputs)
		wantLines(t, got, "1:1 11-07 04:00:00 mx1 x")
		if err := ledger.Files[0].Err; err == nil || !strings.Contains(err.Error(), "input/output error") {
			t.Errorf("year %d: got %v", year, err)
		}
	}
	inputs := logs(t, "gone", "Nov  7 04:00:00 mx1 postfix/a[1]: x\n", "good", "Nov  7 04:00:00 mx1 postfix/a[1]: x\n")
	os.Remove(inputs[0].Path)
	o := options()
	o.Year = 2025
	got, ledger := read(t, o, inputs)
	wantLines(t, got, "1:1 11-07 04:00:00 mx1 x")
	if ledger.Files[0].Err == nil {
		t.Error("the file that is gone is not named")
	}
}

func TestNamesOfFiles(t *testing.T) {
	for name, want := range map[string]string{
		"maillog-20240131.gz": "2024-01-31", "mail-2024-01-31.log": "2024-01-31", "mx1-20240131.log": "2024-01-31", "maillog-2024013117": "2024-01-31",
		"20240131": "2024-01-31", "maillog-20240231": "", "maillog-20241301": "", "maillog-99999999": "", "maillog-18240131": "", "maillog-21240131": "",
		"maillog-2024-02-30": "", "maillog-120240131": "", "maillog.12345678": "", "maillog-202401": "", "maillog": "", "mx20240131": "2024-01-31",
	} {
		f := &file{in: &logfile.Input{Path: "logs/" + name}}
		day, ok := f.nameDate()
		if got := day.AddDate(0, 0, -1).Format("2006-01-02"); ok != (want != "") || ok && got != want {
			t.Errorf("%s: got %s, %v, want %s", name, got, ok, want)
		}
	}
	for name, want := range map[string]bool{"rejectlog": true, "reject.log.1.gz": true, "exim_paniclog": true, "mainlog": false, "maillog": false} {
		if got := isRejectLog("panic/" + name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
