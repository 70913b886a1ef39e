package correlate

// findOn returns the newest life of a queue ID on a host, in any instance.
func (t *Tracker) findOn(h *host, id string) *hop {
	for _, q := range h.queues {
		if found := t.find(q, id); found != nil {
			return found
		}
	}
	return nil
}

// findAnyInstance is findLater for lines of a daemon whose syslog_name may not be that of the queue.
func (t *Tracker) findAnyInstance(q *queue, id string) *hop {
	if h := t.findLater(q, id); h != nil || len(q.host.queues) == 1 {
		return h
	}
	return t.findOn(q.host, id)
}

// findReceiving finds a message that smtpd accepted under another syslog_name than that of the queue ("submit/smtpd" hands over
// to "postfix/cleanup"), and moves it to its true queue.
func (t *Tracker) findReceiving(q *queue, id string) *hop {
	for _, other := range q.host.queues {
		if other == q {
			continue
		}
		h := t.find(other, id)
		if h == nil || h.state != receiving || h.origin != bySMTP || h.marks&(named|accepted) != 0 || t.now.Sub(h.born) > atOnce {
			continue
		}
		t.hops.remove(h)
		h.queue, h.hash = q, t.hash(q, id)
		t.hops.put(h)
		return h
	}
	return nil
}
