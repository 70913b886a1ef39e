package ingest

import (
	"testing"

	"mailforensics/mail"
)

// Which refusals are copies does not depend on the order of a map, even if more are open than are remembered.
func TestCopiesOfMany(t *testing.T) {
	const pairsBefore, many = 100 * maxOpen, maxOpen + maxOpen/2
	h := &pairs{open: make(map[int]refusal)}
	at := mail.InstantOf(noon)
	for range pairsBefore {
		h.isCopy(&mail.Event{PID: 1, Time: at}, "before")
		h.isCopy(&mail.Event{PID: 1, Time: at}, "before")
	}
	for pid := range many {
		if h.isCopy(&mail.Event{PID: pid, Time: at}, "no") {
			t.Fatalf("got a copy of nothing, process %d", pid)
		}
	}
	for pid := many - 1; pid >= 0; pid-- { // those of the processes that were forgotten come last
		got := h.isCopy(&mail.Event{PID: pid, Time: at}, "no")
		if want := pid >= maxOpen; got != want {
			t.Fatalf("process %d of %d: got a copy: %v, want %v", pid, many, got, want)
		}
	}
}

// What can no longer get a copy came alone, also if the clock was set back.
func TestRefusalsAlone(t *testing.T) {
	h := &pairs{open: make(map[int]refusal)}
	at := mail.InstantOf(noon)
	for i, c := range []struct {
		pid   int
		after mail.Instant
		copy  bool
		alone int64
	}{
		{1, 0, false, 0},
		{1, 0, true, 0},
		{2, 0, false, 0},
		{2, copyWithin + 1, false, 1},     // too late
		{2, copyWithin + 1, false, 1},     // its copy, but syslog_duplication is off
		{3, -10 * copyWithin, false, 1},   // set back
		{3, -7*copyWithin + 1, false, 2},  // too late again
		{4, -7*copyWithin + 1, false, 2},  // another process
		{5, -3*copyWithin + 10, false, 4}, // both are alone
	} {
		if got := h.isCopy(&mail.Event{PID: c.pid, Time: at + c.after}, "no"); got != c.copy || h.alone != c.alone {
			t.Errorf("%d: got a copy: %v, %d alone, want %v, %d", i, got, h.alone, c.copy, c.alone)
		}
	}
}
