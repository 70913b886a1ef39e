package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapGoal is where the heap should stay: the whole program under 256 MB.
const heapGoal = 155 << 20

// tuneMemory trades memory that is there for time: with Go's default, what lives is mostly a few MB, and the collector would
// run a hundred times a second beside the parsers. A memory limit is no substitute: once what lives comes near it, the
// collector runs without end, which was measured to double the time of a run. So the percentage is set anew after each
// collection, from what lives then. GOGC and GOMEMLIMIT win.
func tuneMemory() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(mostPercent)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var collected func(*sentinel)
	collected = func(*sentinel) {
		metrics.Read(live)
		debug.SetGCPercent(percentFor(live[0].Value.Uint64()))
		runtime.SetFinalizer(&sentinel{}, collected)
	}
	runtime.SetFinalizer(&sentinel{}, collected)
}

// sentinel is collected whenever something is.
type sentinel struct{ _ [16]byte }

// The bounds of GOGC: above, more memory gains no more time; below, the collector costs more than it saves.
const (
	leastPercent = 22
	mostPercent  = 400
)

// percentFor is the GOGC with which a heap of which so much lives stays at its goal.
func percentFor(live uint64) int {
	if live >= heapGoal {
		return leastPercent
	}
	return int(min(max((heapGoal-live)*100/max(live, 1), leastPercent), mostPercent))
}
