package ingest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
)

// One of two files grows over a rotation: no line is lost or doubled, what was there at the beginning is in the order of time, and
// the ledger adds up.
func TestFollow(t *testing.T) {
	inputs := logs(t,
		"a.log", "Nov 20 10:00:01 a postfix/x[1]: one\nNov 20 10:00:03 a postfix/x[1]: three\nNov 20 10:00:04 a cron[1]: tick\n",
		"b.log", "Nov 20 10:00:02 b postfix/x[1]: two\n")
	path := inputs[0].Path
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	step := 0
	var got []string
	sink := func(events []mail.Event) error {
		for i := range events {
			got = append(got, strings.Clone(events[i].Text))
		}
		switch {
		case len(got) == 3 && step == 0:
			step++
			grow(t, path, "Nov 20 11:00:00 a postfix/x[1]: four\n\nNov 20 11:00:00 a postfix/x[1]: odd\n")
		case len(got) == 4 && step == 1:
			step++
			if err := os.Rename(path, path+".1"); err != nil {
				t.Error(err)
			}
			grow(t, path, "Nov 20 11:00:02 a postfix/x[1]: six\n")
			grow(t, path+".1", "Nov 20 11:00:01 a postfix/x[1]: five\n") // the daemon was not yet told
		case len(got) == 6:
			cancel()
		}
		return nil
	}
	fo := FollowOptions{Now: func() time.Time { return noon }, Notice: func(string) {},
		Log: logfile.FollowOptions{Poll: 5 * time.Millisecond, Grace: 100 * time.Millisecond}}
	ledger, err := Follow(ctx, inputs, options(), fo, sink)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"one", "two", "three", "four", "five", "six"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	f := ledger.Files[0]
	if sum := f.Parsed + f.Unfamiliar + f.Damaged + f.Foreign + f.Blank; f.Lines != 8 || sum != 8 || f.Parsed != 5 || f.Unfamiliar != 1 {
		t.Errorf("ledger of a.log: got %d lines, %d in all verdicts, %d parsed, %d unfamiliar, want 8, 8, 5, 1", f.Lines, sum, f.Parsed, f.Unfamiliar)
	}
}

func grow(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	fmt.Fprint(f, text)
}

// What was written before the context is done is handed out, also that of which nobody has heard yet.
func TestFollowEnds(t *testing.T) {
	const lines = 20_000 // many batches
	inputs := logs(t, "a.log", "Nov 20 10:00:01 a postfix/x[1]: one\n", "b.log", "Nov 20 10:00:02 b postfix/x[1]: two\n")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := 0
	sink := func(events []mail.Event) error {
		if got += len(events); got == 2 {
			time.Sleep(200 * time.Millisecond) // until both files are read to their ends
			grow(t, inputs[0].Path, strings.Repeat("Nov 20 10:00:03 a postfix/x[1]: more\n", lines))
			cancel()
		}
		return nil
	}
	fo := FollowOptions{Now: func() time.Time { return noon }, Notice: func(string) {}, Log: logfile.FollowOptions{Poll: 5 * time.Millisecond}}
	ledger, err := Follow(ctx, inputs, options(), fo, sink)
	if err != nil {
		t.Fatal(err)
	}
	if want := lines + 2; got != want || ledger.Files[0].Lines != lines+1 {
		t.Errorf("got %d events, and %d lines of a.log, want %d and %d", got, ledger.Files[0].Lines, want, lines+1)
	}
}

// A log and its copy both grow: every line counts once. FollowOptions.Silent is called when nothing more is written.
func TestFollowTwins(t *testing.T) {
	line := func(s string) string { return "Nov 20 11:00:0" + s + " a postfix/x[1]: " + s + "\n" }
	inputs := logs(t, "a.log", line("1")+line("2"), "copy.log", line("1")+line("2"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []string
	sink := func(events []mail.Event) error {
		for i := range events {
			got = append(got, strings.Clone(events[i].Text))
		}
		return nil
	}
	grown := false
	silent := func(d time.Duration) error {
		switch {
		case !grown:
			grown = true
			grow(t, inputs[0].Path, line("3"))
			grow(t, inputs[1].Path, line("3"))
		case d >= 2*time.Second:
			cancel()
		}
		return nil
	}
	fo := FollowOptions{Now: func() time.Time { return noon }, Notice: func(string) {}, Silent: silent,
		Log: logfile.FollowOptions{Poll: 5 * time.Millisecond, Grace: 100 * time.Millisecond}}
	ledger, err := Follow(ctx, inputs, options(), fo, sink)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"1", "2", "3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := ledger.Files[0].Duplicates + ledger.Files[1].Duplicates; n != 3 {
		t.Errorf("got %d duplicates, want 3", n)
	}
}

// With --year, what is written later is of that year, even if the file was empty at first; as the log goes on, of the next years.
func TestFollowYear(t *testing.T) {
	for _, begun := range []string{"", "Nov 20 09:00:00 a postfix/x[1]: begun\n"} {
		inputs := logs(t, "a.log", begun)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var got []string
		grown := false
		silent := func(time.Duration) error {
			if !grown {
				grown = true
				grow(t, inputs[0].Path, "Nov 20 11:00:00 a postfix/x[1]: one\nDec 31 23:59:59 a postfix/x[1]: two\n")
				grow(t, inputs[0].Path, "Jan  1 00:00:01 a postfix/x[1]: three\nMar  1 00:00:01 a postfix/x[1]: four\n")
			}
			return nil
		}
		sink := func(events []mail.Event) error {
			for i := range events {
				if ev := &events[i]; ev.Text != "begun" {
					got = append(got, ev.Time.In(time.UTC).Format(time.DateOnly)+" "+ev.Text)
				}
			}
			if len(got) == 4 {
				cancel()
			}
			return nil
		}
		o := options()
		o.Year = 2023
		fo := FollowOptions{Now: func() time.Time { return noon }, Notice: func(string) {}, Silent: silent,
			Log: logfile.FollowOptions{Poll: 5 * time.Millisecond, Grace: 100 * time.Millisecond}}
		if _, err := Follow(ctx, inputs, o, fo, sink); err != nil {
			t.Fatal(err)
		}
		if want := []string{"2023-11-20 one", "2023-12-31 two", "2024-01-01 three", "2024-03-01 four"}; !slices.Equal(got, want) {
			t.Errorf("behind %q: got %v, want %v", begun, got, want)
		}
	}
}
