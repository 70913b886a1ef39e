package main

import (
	"sync"

	"mailforensics/analyze"
	"mailforensics/correlate"
	"mailforensics/mail"
)

// handover lets those who take messages and events work beside the tracker, each in a goroutine of its own: while the tracker is
// at one batch of the log, they are at what came out of those before. They get everything, in the order of the log.
//
// What they look at must stay as it is until then: the events of a batch do with ingest.Options.Retain, the messages are lent
// by the tracker.
type handover struct {
	takers  []taker
	queues  []chan *lot // one for each taker
	quit    chan struct{}
	tracker *correlate.Tracker

	next   *lot   // what came out of the batch at hand
	given  []*lot // of those before, which the takers may be at, oldest first
	direct bool   // takers are called at once
}

// ahead is how many batches the tracker may be ahead of the slowest taker: enough that neither waits for the other because of
// some batches that are harder than others. Half as many leave a processor without work for a fiftieth of the time.
const ahead = 8

// lot is what came out of a batch.
type lot struct {
	items []analyze.Item
	lent  int            // messages up to its end
	busy  sync.WaitGroup // the takers that have not seen all of it
}

// taker takes messages and events, in the order of the log. They are lent: after the call they are used again.
type taker func(items []analyze.Item)

// each is a taker that looks at one after the other.
func each(message func(*mail.Message), event func(*mail.Event)) taker {
	return func(items []analyze.Item) {
		for _, i := range items {
			switch {
			case i.Message != nil && message != nil:
				message(i.Message)
			case i.Event != nil && event != nil:
				event(i.Event)
			}
		}
	}
}

func newHandover(takers []taker) *handover {
	h := &handover{takers: takers, quit: make(chan struct{}), next: new(lot)}
	for _, t := range takers {
		queue := make(chan *lot, ahead)
		h.queues = append(h.queues, queue)
		go h.serve(t, queue)
	}
	return h
}

// serve gives a taker what is queued for it.
func (h *handover) serve(take taker, queue chan *lot) {
	for {
		select {
		case l := <-queue:
			take(l.items)
			l.busy.Done()
		case <-h.quit:
			return
		}
	}
}

// begin says whose messages they are.
func (h *handover) begin(t *correlate.Tracker) {
	h.tracker = t
	t.Lend(true)
}

func (h *handover) message(m *mail.Message) { h.take(analyze.Item{Message: m}) }
func (h *handover) event(ev *mail.Event)    { h.take(analyze.Item{Event: ev}) }

// take keeps an item for the end of the batch, or gives it to the takers at once.
func (h *handover) take(i analyze.Item) {
	if !h.direct {
		h.next.items = append(h.next.items, i)
		return
	}
	for _, take := range h.takers {
		take([]analyze.Item{i})
	}
}

// batch hands over what came out of a batch, be it nothing, and waits until the takers are done with that of ahead batches ago.
func (h *handover) batch() {
	l := h.next
	l.lent = h.tracker.Lent()
	l.busy.Add(len(h.queues))
	h.given = append(h.given, l)
	for _, queue := range h.queues {
		queue <- l
	}
	h.next = new(lot)
	if len(h.given) > ahead {
		h.next = h.done()
	}
}

// done waits until the takers are done with the oldest lot, and empties it.
func (h *handover) done() *lot {
	l := h.given[0]
	l.busy.Wait()
	h.tracker.Return(l.lent)
	h.given = append(h.given[:0], h.given[1:]...)
	clear(l.items)
	l.items = l.items[:0]
	return l
}

// end is the end of the log: from here on, takers are called at once.
func (h *handover) end() {
	for len(h.given) > 0 {
		h.done()
	}
	h.tracker.Lend(false)
	h.direct = true
}

// stop ends the goroutines. What they have in hand they finish.
func (h *handover) stop() { close(h.quit) }
