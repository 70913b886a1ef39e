package analyze

import (
	"reflect"
	"slices"
	"sync"
	"testing"
)

// An engine whose shares are used concurrently finds the same as one alone.
func TestShares(t *testing.T) {
	messages, events := sampleLog(7)
	alone := newTestEngine()
	for i := range messages {
		alone.Message(&messages[i])
	}
	for i := range events {
		alone.Event(&events[i])
	}
	want, _ := alone.Findings()
	if len(want) == 0 {
		t.Fatal("nothing was found")
	}
	var items []Item
	for i := range messages {
		items = append(items, Item{Message: &messages[i]})
	}
	for i := range events {
		items = append(items, Item{Event: &events[i]})
	}
	for _, n := range []int{0, 1, 2, 5, 100} {
		shared := newTestEngine()
		var wait sync.WaitGroup
		for _, s := range shared.Shares(n) {
			wait.Go(func() {
				for part := range slices.Chunk(items, 7) {
					s.Items(part)
				}
			})
		}
		wait.Wait()
		if got, _ := shared.Findings(); !reflect.DeepEqual(got, want) {
			t.Errorf("%d shares: got %d findings, want the %d of the whole", n, len(got), len(want))
		}
		if !reflect.DeepEqual(shared.Totals, alone.Totals) {
			t.Errorf("%d shares: got totals %+v, want %+v", n, shared.Totals, alone.Totals)
		}
	}
}
