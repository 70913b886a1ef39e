package correlate

import "strings"

// findElsewhere returns the life of a queue ID on another host than h. Only a few hosts are tried: the one that had mail for the
// relay before, the one with the relay's name, and the first ones.
func (t *Tracker) findElsewhere(h *host, id, relay string) *hop {
	if q := t.relays[relay]; q != nil && q.host != h {
		if found := t.find(q, id); found != nil {
			return found
		}
	}
	const few = 16
	first := t.queues.hosts[:min(few, len(t.queues.hosts))]
	for _, others := range [...][]*host{first, t.queues.byLabel[labelOf(relay)]} {
		for _, other := range others {
			if other == h {
				continue
			}
			if found := t.findOn(other, id); found != nil {
				return found
			}
		}
	}
	return nil
}

// mayHaveHosts reports whether the log is of several hosts, or has only begun, so that this is not known.
func (t *Tracker) mayHaveHosts() bool {
	const begun = 1 << 16
	return len(t.queues.hosts) > 1 || t.stats.Events < begun
}

// maxRelays bounds the relays that are remembered.
const maxRelays = 1 << 12

func (t *Tracker) rememberRelay(relay string, q *queue) {
	if t.relays[relay] != q && len(t.relays) < maxRelays {
		t.relays[strings.Clone(relay)] = q
	}
}
