package analyze

import (
	"slices"
	"strconv"

	"mailforensics/mail"
)

// cause is the account, script, client or domain on our side that a message came from.
type cause struct {
	kind  SubjectKind // "" for what was passed on from inside to outside
	value string
}

func (c cause) String() string {
	switch c.kind {
	case Account:
		return "account " + c.value
	case Directory:
		return "scripts in " + c.value
	case Script:
		return "script " + c.value
	case UID:
		return "local user " + c.value
	case SenderDomain:
		return "clients that send as " + c.value
	}
	return c.value
}

// causeOf is where a message came from: an account, a local program, a bounce or forwarding of ours, or else the sender's domain.
func causeOf(m *mail.Message) cause {
	switch {
	case m.Notice:
		return cause{"", "notices of our own"}
	case m.Account != "":
		return cause{Account, m.Account}
	case !m.Client.IP.IsValid() && m.Directory != "":
		return cause{Directory, m.Directory}
	case !m.Client.IP.IsValid() && m.Script != "" && !isCall(m.Script):
		return cause{Script, m.Script}
	case !m.Client.IP.IsValid() && m.Has(mail.HasUID):
		return cause{UID, strconv.Itoa(m.UID)}
	case !m.Client.IP.IsValid():
		return cause{UID, m.User}
	case m.Direction == mail.Inbound || m.Direction == mail.Local:
		return cause{"", "mail that is forwarded to other servers"}
	}
	return cause{SenderDomain, mail.Domain(m.Sender)}
}

// causeSent is what a cause sent to the outside, by the hour.
type causeSent struct {
	total int
	hours []hourSent // in order
}

type hourSent struct{ hour, n int32 }

func (s *causeSent) add(t mail.Instant, n int) {
	s.total += n
	s.addHour(hourSent{int32(t.Minute() / 60), int32(n)})
}

func (s *causeSent) addHour(h hourSent) {
	if last := len(s.hours) - 1; last >= 0 && s.hours[last].hour == h.hour {
		s.hours[last].n += h.n
		return
	}
	at, found := slices.BinarySearchFunc(s.hours, h.hour, func(x hourSent, hour int32) int { return int(x.hour - hour) })
	if found {
		s.hours[at].n += h.n
		return
	}
	s.hours = slices.Insert(s.hours, at, h)
}

// between is how much was sent from one hour to another.
func (s *causeSent) between(from, to mail.Instant) (n int) {
	for _, h := range s.hours {
		if int64(h.hour) >= from.Minute()/60 && int64(h.hour) <= to.Minute()/60 {
			n += int(h.n)
		}
	}
	return n
}

// culprit names who sent most in the hours before it began and since.
func (w *reputationWatch) culprit(site *Site, t *trouble, first, last mail.Instant, f *Finding) {
	from := first.Add(-w.pass.Thresholds.Reputation.Before)
	var best cause
	most, all := 0, 0
	for k, s := range w.causes.All() {
		n := s.between(from, last)
		all += n
		if n > most || n == most && (k.value < best.value || k.value == best.value && k.kind < best.kind) {
			best, most = k, n
		}
	}
	if most == 0 {
		return
	}
	usual := w.causes.Find(best).total - most
	hours := max(1, last.Sub(from).Hours())
	others := max(1, site.Span()/60-hours)
	f.Facts = append(f.Facts, Fact{"who sent most", say("%s: %d of %d recipients outside, from %s before it began to its end; %d of the %d replies are about its mail",
		best, most, all, duration(w.pass.Thresholds.Reputation.Before), t.causes[best], len(t.list))})
	share := ratio(most, all)
	if share < 0.5 || t.causes[best]*2 < len(t.list) {
		return
	}
	f.because("one-cause", 0.1, "%s sent %.0f %% of all outgoing mail before and during this time, %.0f an hour; %.1f an hour at other times",
		best, 100*share, float64(most)/hours, float64(usual)/others)
	switch best.kind {
	case Account:
		f.Accounts = []string{best.value}
	case Script, Directory:
		f.Scripts = []Count{{best.value, most}}
	}
}
