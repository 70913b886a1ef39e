package main

import (
	"sync"

	"mailforensics/correlate"
	"mailforensics/mail"
)

// handover lets those who take messages and events work beside the tracker, each in a goroutine of its own: while the tracker is
// at one batch of the log, they are at what came out of the one before. They get everything, in the order of the log.
//
// What they look at must stay as it is until then: the events of a batch do with ingest.Options.Late, the messages are lent
// by the tracker.
type handover struct {
	takers  []correlate.Sink
	queues  []chan []item // one for each taker
	busy    sync.WaitGroup
	quit    chan struct{}
	tracker *correlate.Tracker

	items, before []item // of the batch at hand; of the one before, which the takers are at
	lent          int    // messages up to the end of the one before
	direct        bool   // takers are called at once
}

// item is a message or an event.
type item struct {
	message *mail.Message
	event   *mail.Event
}

func (i item) give(taker correlate.Sink) {
	if i.message != nil {
		taker.Message(i.message)
	} else {
		taker.Event(i.event)
	}
}

func newHandover(takers []correlate.Sink) *handover {
	h := &handover{takers: takers, quit: make(chan struct{})}
	for _, t := range takers {
		queue := make(chan []item)
		h.queues = append(h.queues, queue)
		go h.serve(t, queue)
	}
	return h
}

// serve gives a taker what is queued for it.
func (h *handover) serve(taker correlate.Sink, queue chan []item) {
	for {
		select {
		case items := <-queue:
			for _, i := range items {
				i.give(taker)
			}
			h.busy.Done()
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

func (h *handover) message(m *mail.Message) { h.take(item{message: m}) }
func (h *handover) event(ev *mail.Event)    { h.take(item{event: ev}) }

// take keeps an item for next, or gives it to the takers at once.
func (h *handover) take(i item) {
	if !h.direct {
		h.items = append(h.items, i)
		return
	}
	for _, t := range h.takers {
		i.give(t)
	}
}

// next hands over what came out of a batch, as soon as the takers are done with the one before.
func (h *handover) next() {
	h.wait()
	h.lent = h.tracker.Lent()
	h.items, h.before = h.before[:0], h.items
	h.busy.Add(len(h.queues))
	for _, queue := range h.queues {
		select {
		case queue <- h.before:
		case <-h.quit:
			h.busy.Done()
		}
	}
}

// wait waits for the takers.
func (h *handover) wait() {
	h.busy.Wait()
	h.tracker.Return(h.lent)
}

// end is the end of the log: from here on, takers are called at once.
func (h *handover) end() {
	h.wait()
	h.tracker.Lend(false)
	h.direct = true
}

// stop ends the goroutines. What they have in hand they finish.
func (h *handover) stop() { close(h.quit) }
