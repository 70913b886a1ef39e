package main

import (
	"sync"

	"mailforensics/analyze"
	"mailforensics/correlate"
	"mailforensics/mail"
)

// handover gives those who take messages and events what came out of a batch of the log, all of it at once: the processor then
// has their code in its cache, and is done with that of the tracker. They may work beside the tracker, each in a goroutine of its
// own: while the tracker is at one batch, they are at those before. They get everything, in the order of the log.
//
// What they look at must stay as it is until then: the events of a batch do, beside the tracker with ingest.Options.Retain; the
// messages are lent by the tracker.
type handover struct {
	takers  []taker
	queues  []chan *lot // one for each taker that works beside the tracker; none: they are called at the end of a batch
	quit    chan struct{}
	tracker *correlate.Tracker

	next  *lot   // what came out of the batch at hand
	given []*lot // of those before, which the takers may be at, oldest first
}

// ahead is how many batches the tracker may be ahead of the slowest taker: enough that neither waits for the other because of
// some batches that are harder than others. Each is 400 KB that must stay in the processor's cache until the taker comes to it: twice as
// many take up to a tenth more CPU time where others use that cache, too.
const ahead = 4

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
	return &handover{takers: takers, quit: make(chan struct{}), next: new(lot)}
}

// beside lets the takers work beside the tracker.
func (h *handover) beside() {
	for _, t := range h.takers {
		queue := make(chan *lot, ahead)
		h.queues = append(h.queues, queue)
		go h.serve(t, queue)
	}
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

func (h *handover) message(m *mail.Message) {
	h.next.items = append(h.next.items, analyze.Item{Message: m})
}

func (h *handover) event(ev *mail.Event) {
	h.next.items = append(h.next.items, analyze.Item{Event: ev})
}

// batch hands over what came out of a batch, be it nothing, and waits until the takers are done with it, or, beside the tracker,
// with that of ahead batches ago.
func (h *handover) batch() {
	l := h.next
	l.lent = h.tracker.Lent()
	if len(h.queues) == 0 {
		for _, take := range h.takers {
			take(l.items)
		}
		h.empty(l)
		return
	}
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
	h.given = append(h.given[:0], h.given[1:]...)
	h.empty(l)
	return l
}

// empty gives back what the takers are done with.
func (h *handover) empty(l *lot) {
	h.tracker.Return(l.lent)
	clear(l.items)
	l.items = l.items[:0]
}

// end hands over what came out of the end of the log, and waits until the takers have seen all.
func (h *handover) end() {
	h.batch()
	for len(h.given) > 0 {
		h.done()
	}
}

// stop ends the goroutines. What they have in hand they finish.
func (h *handover) stop() { close(h.quit) }
