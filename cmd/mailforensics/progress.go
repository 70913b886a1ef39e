package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"mailforensics/logfile"
	"mailforensics/report"
)

// progressAfter spares short runs a flicker.
const (
	progressAfter = 700 * time.Millisecond
	progressEvery = 200 * time.Millisecond
)

// showProgress draws a line on w, a terminal, until the function that it returns is called, which wipes it.
func showProgress(w io.Writer, p *logfile.Progress) (stop func()) {
	done, begin := make(chan struct{}), time.Now()
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		drawn := false
		for {
			select {
			case <-done:
				if drawn {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			case <-tick.C:
				if elapsed := time.Since(begin); elapsed > progressAfter {
					fmt.Fprint(w, "\r"+progressLine(p, elapsed)+"\x1b[K")
					drawn = true
				}
			}
		}
	})
	return func() { close(done); wait.Wait() }
}

// progressLine is "45 % of 1.2 GB, 310 MB/s, 3 s left".
func progressLine(p *logfile.Progress, elapsed time.Duration) string {
	read := p.Read()
	speed := report.Bytes(int64(float64(read)/elapsed.Seconds())) + "/s"
	if p.Total() <= 0 {
		return report.Bytes(read) + ", " + speed
	}
	text := fmt.Sprintf("%d %% of %s, %s", 100*read/p.Total(), report.Bytes(p.Total()), speed)
	if left := p.Left(elapsed); left > 0 {
		text += ", " + left.Round(time.Second).String() + " left"
	}
	return text
}
