package loggen

import (
	"io"
	"math"
	"slices"
	"sort"
	"time"
)

const (
	millisecond = int64(1000)
	second      = 1000 * millisecond
	minute      = 60 * second
)

// mta writes the lines of sessions as one MTA does.
type mta interface {
	traffic(at int64)                  // a session of any ordinary kind
	spam(at int64, r *run)             // a message of a spam run
	routine(at int64)                  // what the MTA logs at regular intervals
	bytesPerMessage() (estimate int64) // with its share of all other lines, to place the runs
}

// server is what both MTAs share: arrivals, clock and truth.
type server struct {
	lines
	*world
	truth Truth
	zone  *time.Location
	stamp stamper
	runs  []*run
	seen  map[string]struct{} // clients

	rcpts []string // of the current message
	fates []fate   // of these recipients
	waits bool     // one of them is still in the queue at the end of the log
}

// letter is a message, except its recipients, which are in server.rcpts.
type letter struct {
	account string // the login with which it is handed in; "": without one
	sender  string // "": the null sender
	domain  string // of its Message-ID; "": ours
	subject string // Exim only
	size    int64  // bytes; Postfix only
	spam    bool   // of a spam run to addresses elsewhere
}

// run is a spam run that is planned or has begun.
type run struct {
	Run
	client  host
	sender  string // of a run by account: a foreign address, because in its own name it could be a newsletter
	next    int64  // when the next message comes
	end     int64  // after which none comes
	gap     int64  // mean time between two
	subject string // of all its messages
}

func newServer(w io.Writer, o Options) server {
	return server{lines: newLines(w), world: newWorld(o), zone: o.Start.Location(), seen: make(map[string]struct{})}
}

func (s *server) run(m mta) (Truth, error) {
	at := s.o.Start.UnixMicro()
	s.plan(at, m.bytesPerMessage())
	routine := at + 5*minute
	for s.lines.bytes < s.o.Size && s.err == nil {
		next := at + s.gap(at)
		for r := s.due(next); r != nil && s.lines.bytes < s.o.Size; r = s.due(next) {
			s.flush(r.next)
			m.spam(r.next, r)
			r.next += int64(s.ExpFloat64() * float64(r.gap))
		}
		for routine < next {
			m.routine(routine)
			routine += 10 * minute
		}
		at = next
		s.flush(at)
		m.traffic(at)
	}
	s.flush(math.MaxInt64)
	if err := s.out.Flush(); err != nil && s.err == nil {
		s.err = err
	}
	return s.result(), s.err
}

// gap returns the time to the next session. At night there are a quarter as many as at noon.
func (s *server) gap(at int64) int64 {
	hour := float64(at/minute%1440) / 60
	rate := s.o.Rate * (1 - 0.6*math.Cos((hour-2)/24*2*math.Pi))
	return int64(s.ExpFloat64() * float64(minute) / rate)
}

// plan spreads the runs over the time that the log will cover.
func (s *server) plan(start, perMessage int64) {
	duration := float64(s.o.Size) / float64(perMessage) / s.o.Rate * float64(minute)
	for i := range s.o.Runs {
		r := &run{subject: "Your parcel is waiting"}
		r.next = start + int64(duration*(float64(i)+0.5+0.3*s.Float64())/float64(s.o.Runs+1))
		span := s.between(8, 40) * minute
		if i%2 == 0 {
			r.client = hostOf(500_000_000 + i*977)
			r.Kind, r.Value = "ip", r.client.ip
			r.gap = span / s.between(30, 120)
		} else {
			r.client = hostOf(600_000_000 + i*977)
			r.sender = "office@" + r.client.domain
			r.client.name, r.client.helo = "unknown", "[192.168.1.7]"
			r.Kind, r.Value = "account", userOf(s.o.Users+i) // an account that sends nothing else, so that the count is exact
			r.gap = span / s.between(200, 800)
		}
		r.end = r.next + span
		s.runs = append(s.runs, r)
	}
	s.truth.Runs = make([]Run, 0, len(s.runs))
}

// due returns the run whose next message comes first, if it comes before the given time; nil: none does.
func (s *server) due(before int64) *run {
	var first *run
	for _, r := range s.runs {
		if r.next < before && r.next < r.end && (first == nil || r.next < first.next) {
			first = r
		}
	}
	return first
}

// sent counts a message of a run.
func (r *run) sent(at int64, recipients int, zone *time.Location) {
	when := time.UnixMicro(at).In(zone)
	if r.Messages == 0 {
		r.Start = when
	}
	r.End = when
	r.Messages++
	r.Recipients += int64(recipients)
}

// came counts a client, up to a number that bounds the memory.
func (s *server) came(ip string) {
	if len(s.seen) < 4_000_000 {
		s.seen[ip] = struct{}{}
	}
}

func (s *server) result() Truth {
	t := &s.truth
	t.Bytes, t.Lines = s.lines.bytes, s.count
	t.First, t.Last = time.UnixMicro(s.first).In(s.zone), time.UnixMicro(s.last).In(s.zone)
	for _, r := range s.runs {
		if r.Messages > 0 {
			t.Runs = append(t.Runs, r.Run)
		}
	}
	sort.Slice(t.Runs, func(i, j int) bool { return t.Runs[i].Start.Before(t.Runs[j].Start) })
	t.DistinctClients = int64(len(s.seen))
	return *t
}

// to adds a recipient to the current message, once, as the MTAs do.
func (s *server) to(rcpt string) {
	if !slices.Contains(s.rcpts, rcpt) {
		s.rcpts = append(s.rcpts, rcpt)
	}
}

// fate is what becomes of a recipient.
type fate struct {
	tries int // how often it is deferred before that
	end   outcome
}

type outcome uint8

const (
	delivered outcome = iota
	bounced
	waiting // still in the queue when the log ends
)

// fateOf draws the fate of a remote recipient. Spam bounces and waits more often.
func (s *server) fateOf(spam bool) fate {
	u := s.Float64()
	if spam {
		u = u*0.6 + 0.4
	}
	switch {
	case u < 0.88:
		return fate{}
	case u < 0.94:
		return fate{tries: int(s.between(1, 3)), end: delivered}
	case u < 0.98:
		return fate{end: bounced}
	case u < 0.99:
		return fate{tries: int(s.between(1, 4)), end: bounced}
	}
	return fate{tries: int(s.between(1, 5)), end: waiting}
}

// draw draws the fates of the recipients of the current message, and returns the number of the last attempt, from 0.
func (s *server) draw(spam bool) (last int) {
	s.fates, s.waits = s.fates[:0], false
	for _, rcpt := range s.rcpts {
		f := fate{}
		if !local(rcpt) {
			f = s.fateOf(spam)
		}
		s.fates = append(s.fates, f)
		s.counted(f.end)
		if f.end == waiting {
			s.waits = true
			f.tries--
		}
		last = max(last, f.tries)
	}
	return last
}

// counted adds a recipient to the truth.
func (s *server) counted(o outcome) {
	s.truth.Recipients++
	switch o {
	case delivered:
		s.truth.Delivered++
	case bounced:
		s.truth.Bounced++
	case waiting:
		s.truth.Deferred++
	}
}

// reply is the answer of a remote server to a delivery attempt.
type reply uint8

const (
	sentReply reply = iota
	deferredReply
	bouncedReply
)

// stamper writes time stamps; the date is formatted once per hour.
type stamper struct {
	hour int64  // since 1970, of the fields below
	head []byte // the date, and for RFC 3339 the T
	tail []byte // for RFC 3339 the offset
	hh   int    // the hour of the day
}

func (st *stamper) refresh(at int64, zone *time.Location, layout, tail string) {
	if hour := at / (3600 * second); hour != st.hour || st.head == nil {
		t := time.UnixMicro(at).In(zone)
		st.hour, st.hh = hour, t.Hour()
		st.head = t.AppendFormat(st.head[:0], layout)
		st.tail = t.AppendFormat(st.tail[:0], tail)
	}
}

// clock appends hh:mm:ss.
func (st *stamper) clock(b []byte, at int64) []byte {
	m, sec := int(at/minute%60), int(at/second%60)
	return append(b, digit(st.hh/10), digit(st.hh%10), ':', digit(m/10), digit(m%10), ':', digit(sec/10), digit(sec%10))
}

func digit(n int) byte { return '0' + byte(n) }

// micros appends six digits.
func micros(b []byte, at int64) []byte {
	us := at % second
	for div := int64(100000); div > 0; div /= 10 {
		b = append(b, '0'+byte(us/div%10))
	}
	return b
}
