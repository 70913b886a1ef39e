package correlate

import (
	"net/netip"
	"slices"
	"strings"

	"mailforensics/mail"
)

// task is a message that a filter put back, by an ID of the filter: Proxmox Mail Gateway replies to the MTA with that one.
type task struct {
	host  *host
	id    string
	child string
}

// noteTask keeps what a filter says that it put back.
func (t *Tracker) noteTask(on *host, ev *mail.Event) {
	known := false
	t.tasks.each(func(k *task) bool {
		known = k.host == on && k.id == ev.QueueID && k.child == ev.Child
		return !known
	})
	if !known {
		t.tasks.put(task{on, strings.Clone(ev.QueueID), strings.Clone(ev.Child)})
	}
}

// ofTask returns the messages that a filter on this host put back for its own ID, in their order.
func (t *Tracker) ofTask(on *host, id string) (children []*hop) {
	t.tasks.each(func(k *task) bool {
		if k.host == on && k.id == id {
			if child := t.findOn(on, k.child); child != nil {
				children = append(children, child)
			}
		}
		return true
	})
	slices.Reverse(children)
	return children
}

// linkTask ties what a filter put back to the message that it was given, if its reply names only its own ID, and returns the
// delivery with the queue ID of the child instead. The event itself belongs to the caller, and is not changed.
func (t *Tracker) linkTask(h *hop, ev *mail.Event) *mail.Event {
	if t.tasks.n == 0 || ev.Child == "" || !isNear(ev) {
		return ev
	}
	told := ev
	for _, child := range t.ofTask(h.queue.host, ev.Child) {
		if child.message != h.message && (child.marks&mayReturn == 0 || !t.mayFollow(h.message, child)) {
			continue
		}
		if child.message != h.message {
			t.join(h, child, reinjected, nil)
		}
		c := *ev
		c.Child, told = child.id, &c
		h.queue.host.rememberFilter(netip.AddrPortFrom(ev.RelayIP, ev.RelayPort))
	}
	return told
}
