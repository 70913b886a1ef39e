package correlate

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
)

// queue is where queue IDs are unique for as long as they live: an instance of an MTA on a host.
type queue struct {
	host     *host
	instance string
	managed  bool // a queue manager wrote of it: it is no mere syslog_name of a service
	salt     uint64
}

// host is a machine, under all its names.
type host struct {
	name    string // as first seen
	queues  []*queue
	filters []netip.AddrPort // that put mail back
	exim    eximHost
}

type queueName struct{ host, instance string }

// queues are the hosts and instances that were seen.
type queues struct {
	byName map[queueName]*queue
	hosts  []*host

	lastHost, lastInstance string
	last                   *queue
}

// maxQueues bounds the names of hosts and instances. Whatever comes after shares one queue.
const maxQueues = 4096

// queueOf is the queue that ev's ID lives in.
func (t *Tracker) queueOf(ev *mail.Event) *queue {
	qs := &t.queues
	if qs.last == nil || ev.Host != qs.lastHost || ev.Instance != qs.lastInstance {
		qs.last = t.lookUpQueue(ev.Host, ev.Instance)
		qs.lastHost, qs.lastInstance = t.names.get(ev.Host), t.names.get(ev.Instance)
	}
	return qs.last
}

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

// hostOf finds a host under its short or long name. A short name is that of the first long one that begins with it: two
// machines mx1.a.example and mx1.b.example stay two.
func (qs *queues) hostOf(name string) *host {
	short, domain, _ := strings.Cut(name, ".")
	for _, h := range qs.hosts {
		if h.name == name {
			return h
		}
		s, d, _ := strings.Cut(h.name, ".")
		if strings.EqualFold(s, short) && (d == "" || domain == "" || strings.EqualFold(d, domain)) && !isNumber(short) {
			if d == "" {
				h.name = name // the long one tells more, and keeps others away
			}
			return h
		}
	}
	h := &host{name: name}
	qs.hosts = append(qs.hosts, h)
	return h
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
