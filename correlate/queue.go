package correlate

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
)

// queue is the space in which queue IDs are unique while they live: an instance of an MTA on a host.
type queue struct {
	host     *host
	instance string
	managed  bool // a queue manager logged under this name, so it is an instance, not just the syslog_name of a service
	salt     uint64
}

// host is a machine, under its short and its long name.
type host struct {
	name    string // as first seen
	queues  []*queue
	filters []netip.AddrPort // content filters that put mail back
	exim    eximHost
}

type queueName struct{ host, instance string }

// queues are the hosts and instances that were seen.
type queues struct {
	byName  map[queueName]*queue
	hosts   []*host
	byLabel map[string][]*host // by the first label of the name, folded

	last           *queue // of the event before; nil: it was of another call
	host, instance string // as that event has them
	keptHost       string // a copy of that host's name, which outlives the log's memory
}

// maxQueues bounds the hosts and instances. All further ones share one queue.
const maxQueues = 4096

// queueOf returns the queue that the queue ID of ev is in.
func (t *Tracker) queueOf(ev *mail.Event) *queue {
	qs := &t.queues
	if qs.last == nil || ev.Host != qs.host || ev.Instance != qs.instance {
		t.changeQueue(ev)
	}
	return qs.last
}

// changeQueue makes the queue of ev the last one. Its names stay as they are in the log's memory, as long as that is: within it,
// all names of one host are mostly the same bytes, not only equal ones, and need no comparison.
func (t *Tracker) changeQueue(ev *mail.Event) {
	qs := &t.queues
	qs.last, qs.host, qs.instance = t.lookUpQueue(ev.Host, ev.Instance), ev.Host, ev.Instance
	qs.keptHost = t.names.get(ev.Host)
}

// forgetLast forgets the names of the last event, before the memory of the log is reused.
func (qs *queues) forgetLast() { qs.last, qs.host, qs.instance = nil, "", "" }

func (t *Tracker) lookUpQueue(name, instance string) *queue {
	qs := &t.queues
	key := queueName{name, instance}
	if q := qs.byName[key]; q != nil {
		return q
	}
	if len(qs.byName) >= maxQueues {
		key = queueName{"\x00", ""}
		if q := qs.byName[key]; q != nil {
			return q
		}
	}
	key = queueName{strings.Clone(key.host), strings.Clone(key.instance)}
	h := qs.hostOf(key.host)
	for _, q := range h.queues {
		if q.instance == key.instance {
			qs.byName[key] = q
			return q
		}
	}
	q := &queue{host: h, instance: key.instance, salt: fnv(fnv(offsetFNV, h.name), "/"+key.instance)}
	h.queues = append(h.queues, q)
	qs.byName[key] = q
	return q
}

// hostOf returns the host with a short or long name. A short name is taken for that of the first long name that begins with it:
// mx1.a.example and mx1.b.example are two machines.
func (qs *queues) hostOf(name string) *host {
	short, domain, _ := strings.Cut(name, ".")
	for _, h := range qs.hosts {
		if h.name == name {
			return h
		}
		s, d, _ := strings.Cut(h.name, ".")
		if strings.EqualFold(s, short) && (d == "" || domain == "" || strings.EqualFold(d, domain)) && !isNumber(short) {
			if d == "" {
				h.name = name // from now on, another long name is another machine
			}
			return h
		}
	}
	h := &host{name: name}
	qs.hosts = append(qs.hosts, h)
	if qs.byLabel == nil {
		qs.byLabel = make(map[string][]*host)
	}
	qs.byLabel[labelOf(name)] = append(qs.byLabel[labelOf(name)], h)
	return h
}

// labelOf returns the first label of a host's name, folded.
func labelOf(name string) string {
	label, _, _ := strings.Cut(name, ".")
	return strings.ToLower(label)
}

func isNumber(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}
