package analyze

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"mailforensics/mail"
)

// place is an address from which an account was used.
type place struct {
	ClientCount
	first, last         mail.Instant      // use, by a message or a login
	loggedIn            [loginSources]int // number of successful logins, by who logged them
	logins              []successfulLogin // the first of them, in order
	line                Evidence          // of the first
	pastMessages        int               // messages that are only counted
	firstPast, lastPast mail.Instant      // … and their times
}

// signIn is a successful login.
type successfulLogin struct {
	time   mail.Instant
	source loginSource
}

// loginSource is who logged a login: the webmail and the mailbox server write a line each about the same one.
type loginSource uint8

const (
	byServer loginSource = iota
	byWebmail
	loginSources
)

// place is the entry of an address of an account, made when it is new; nil: there is no address, or no room.
func (w *accountWatch) place(h *accountHistory, c mail.Client, t mail.Instant) *place {
	if !c.IP.IsValid() {
		return nil
	}
	ip := c.IP.Unmap()
	p := h.latest
	if p == nil || p.IP != ip {
		p = h.places[ip]
	}
	if p == nil {
		if w.places >= w.pass.Thresholds.Account.MaxPlaces {
			w.makeRoom()
		}
		if w.places >= w.pass.Thresholds.Account.MaxPlaces || len(h.places) >= placesOfOne {
			w.lost++
			return nil
		}
		if h.places == nil {
			h.places = make(map[netip.Addr]*place, 2)
		}
		p = &place{ClientCount: ClientCount{Client: mail.Client{IP: ip}}, first: t}
		h.places[ip] = p
		w.places++
	}
	h.latest = p
	p.complete(c)
	p.first, p.last = min(p.first, t), max(p.last, t)
	return p
}

// enter keeps the first logins, in order.
func (p *place) enter(in successfulLogin) {
	if len(p.logins) == placeLogins && compareLogins(in, p.logins[placeLogins-1]) >= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(p.logins, in, compareLogins)
	p.logins = slices.Insert(p.logins, at, in)
	p.logins = p.logins[:min(len(p.logins), placeLogins)]
}

func compareLogins(a, b successfulLogin) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.source, b.source))
}

// sameLogin is how far apart the lines of one login may be: a busy server writes its own some seconds later.
const sameLogin = 10 * time.Second

// hasMoreLogins reports whether there were more logins than are remembered.
func (p *place) hasMoreLogins() bool {
	return p.loggedIn[byServer]+p.loggedIn[byWebmail] > len(p.logins)
}

// loginCount is how many successful logins there were. A webmail's and the one that it makes at the mailbox server count once, where
// both lines name the browser's address.
func (p *place) loginCount() int {
	if p.hasMoreLogins() {
		return max(p.loggedIn[byServer], p.loggedIn[byWebmail])
	}
	return p.rememberedLogins(p.first, p.last)
}

// loginsBetween is how many logins there were in a time, or ever where there were more than are remembered.
func (p *place) loginsBetween(from, to mail.Instant) int {
	if p.hasMoreLogins() {
		return p.loginCount()
	}
	return p.rememberedLogins(from, to)
}

// loginTimes are the times of the logins that are remembered. Where there were more, the latest use stands for the last of them.
func (p *place) loginTimes() []mail.Instant {
	times := make([]mail.Instant, 0, len(p.logins)+1)
	for _, in := range p.logins {
		times = append(times, in.time)
	}
	if p.hasMoreLogins() {
		times = append(times, p.last)
	}
	return times
}

// rememberedLogins is how many of the logins that are remembered fall into a time.
func (p *place) rememberedLogins(from, to mail.Instant) (n int) {
	var open []mail.Instant // logged by one of the two, and not yet by the other
	var of loginSource
	for _, in := range p.logins {
		if in.time < from || in.time > to {
			continue
		}
		if len(open) > 0 && in.source != of && in.time.Sub(open[0]) <= sameLogin {
			open = open[1:]
			continue
		}
		if in.source != of {
			open = nil
		}
		of = in.source
		for len(open) > 0 && in.time.Sub(open[0]) > sameLogin {
			open = open[1:]
		}
		open = append(open, in.time)
		n++
	}
	return n
}

// merge adds all of o.
func (p *place) merge(o *place) {
	p.complete(o.Client)
	p.first, p.last = min(p.first, o.first), max(p.last, o.last)
	p.Messages += o.Messages
	for _, in := range o.logins {
		p.enter(in)
	}
	for i, n := range o.loggedIn {
		p.loggedIn[i] += n
	}
	if o.line.Text != "" && (p.line.Text == "" || before(o.line, p.line)) {
		p.line = o.line
	}
	if o.pastMessages > 0 {
		p.firstPast, p.lastPast = min(cmp.Or(p.firstPast, o.firstPast), o.firstPast), max(p.lastPast, o.lastPast)
		p.pastMessages += o.pastMessages
	}
}
