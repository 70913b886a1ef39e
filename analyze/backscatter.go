package analyze

import (
	"strings"

	"mailforensics/mail"
)

var backscatter = Detector{
	Name:    "backscatter",
	Command: "backscatter",
	Title:   "bounces to strangers, and bounces for mail that we never sent",
	Doc:     backscatterDoc,
	New:     func(p *Pass) Watch { return newBackscatterWatch(p) },
}

// bounceOut is a bounce that we sent, or tried to send, to somebody outside or to an address here that does not exist.
type bounceOut struct {
	Evidence
	host        string
	to          string // folded
	disposition mail.Disposition
	parent      string
	waits       string // its queue ID, with its host as in withHost, where it is still in the queue when the log ends; else ""
}

// bounceIn is a message or refused attempt with the null sender, for an address of ours.
type bounceIn struct {
	Evidence
	host    string
	to      string // folded
	client  mail.Client
	refused bool
	unknown bool
}

// bounced is a message that could not be delivered, and that a bounce was made for.
type bounced struct {
	client  mail.Client
	account string
}

type backscatterWatch struct {
	pass    *Pass
	out     []bounceOut
	in      []bounceIn
	parents *Entities[string, bounced] // by host and queue ID
	wrote   countMin                   // recipients outside, by sender: what was sent in an address's name
	lost    int
}

func newBackscatterWatch(p *Pass) *backscatterWatch {
	most := p.Thresholds.Backscatter.MaxNotices
	return &backscatterWatch{pass: p, parents: NewEntities[string](most, func(*bounced) int { return 0 }, nil)}
}

// Message reads bounces of ours, the messages that they are about, and mail with the null sender.
func (w *backscatterWatch) Message(m *mail.Message) {
	if m.Time == 0 {
		return
	}
	if m.Notice {
		w.notice(m)
		return
	}
	stranger := m.Account == "" && isStranger(&m.Client)
	if stranger && m.Sender == mail.NullSender {
		for i := range m.Recipients {
			r := &m.Recipients[i]
			w.received(bounceIn{Evidence: MessageEvidence(m), host: m.Host, to: mail.Fold(r.Envelope()), client: m.Client,
				unknown: r.Disposition == mail.Bounced && unknownRecipient(r.DSN, r.Reply)})
		}
		return
	}
	failed := false
	outside := 0
	for i := range m.Recipients {
		r := &m.Recipients[i]
		failed = failed || r.Disposition == mail.Bounced || r.Disposition == mail.Expired
		if !r.Local {
			outside++
		}
	}
	if outside > 0 && !stranger {
		w.wrote.addMany(hashText(ofAddress, m.Sender), outside)
	}
	if failed {
		for _, id := range m.QueueIDs {
			w.parent(m, id)
		}
	}
}

// parent remembers a message that may get a notice, in one piece of memory.
func (w *backscatterWatch) parent(m *mail.Message, id string) {
	rest := m.Host + " " + id + m.Client.Name + m.Client.HELO + m.Account
	cut := func(n int) (s string) {
		s, rest = rest[:n], rest[n:]
		return s
	}
	p := w.parents.At(cut(len(m.Host) + len(" ") + len(id)))
	p.client = m.Client
	p.client.Name, p.client.HELO, p.account = cut(len(m.Client.Name)), cut(len(m.Client.HELO)), cut(len(m.Account))
}

// notice keeps a bounce that went outside, or to an address where it could not be delivered.
func (w *backscatterWatch) notice(m *mail.Message) {
	waits := ""
	if noticeWaits(m) {
		waits = withHost(m.Hop(len(m.QueueIDs)))
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if r.Local && r.Disposition == mail.Delivered {
			continue
		}
		if len(w.out) >= w.pass.Thresholds.Backscatter.MaxNotices {
			w.lost++
			return
		}
		w.out = append(w.out, bounceOut{MessageEvidence(m), m.Host, mail.Fold(r.Envelope()), r.Disposition, m.Parent, waits})
	}
}

// Event reads refused attempts with the null sender.
func (w *backscatterWatch) Event(ev *mail.Event) {
	if ev.Kind != mail.Reject || ev.Sender != mail.NullSender || ev.Recipient == "" || !IsRefusal(ev) || !isStranger(&ev.Client) || ev.Time == 0 {
		return
	}
	e := owned(EventEvidence(ev))
	c := mail.Client{IP: ev.Client.IP.Unmap(), Name: strings.Clone(ev.Client.Name), HELO: strings.Clone(ev.Client.HELO)}
	w.received(bounceIn{Evidence: e, host: strings.Clone(ev.Host), to: strings.Clone(mail.Fold(ev.Recipient)), client: c, refused: true,
		unknown: ev.DSN == "5.1.1" || unknownRecipient(ev.DSN, ev.Reply)})
}

func (w *backscatterWatch) received(b bounceIn) {
	if len(w.in) >= w.pass.Thresholds.Backscatter.MaxNotices {
		w.lost++
		return
	}
	w.in = append(w.in, b)
}

func (w *backscatterWatch) Merge(other Watch) {
	o := other.(*backscatterWatch)
	most := w.pass.Thresholds.Backscatter.MaxNotices
	w.out = append(w.out, o.out...)
	w.in = append(w.in, o.in...)
	w.lost += o.lost + max(0, len(w.out)-most) + max(0, len(w.in)-most)
	w.out, w.in = w.out[:min(len(w.out), most)], w.in[:min(len(w.in), most)]
	for k, p := range o.parents.All() {
		*w.parents.At(k) = *p
	}
	w.wrote.merge(&o.wrote)
}

func (w *backscatterWatch) Findings(site *Site) []Finding {
	if w.lost > 0 {
		site.Notes = append(site.Notes, say("backscatter: %d bounces were not counted, to limit the memory used (backscatter.max-notices)", w.lost))
	}
	return append(w.sent(site), w.arrived(site)...)
}
