// Package loggen generates mail logs of any size whose truth is known: the log of a Postfix server or the main log of an Exim
// server, with users, hosts that send to it, refusals, deferrals, bounces, logins, and spam runs among them.
//
// It makes the input of benchmarks, flood tests and tests of totals. It imports nothing of the program, so that a mistake in a
// parser is not repeated in its input. The shapes of the lines are those of Postfix 3.7 and Exim 4.96; names and addresses are made
// up. Inside the package, times are in microseconds since 1970.
//
// The same options give the same bytes.
package loggen

import (
	"io"
	"time"
)

// Options say what to write. The zero value of a field means its default.
type Options struct {
	Seed  uint64
	Size  int64     // bytes after which no new message arrives; those on the way are written to their end
	Start time.Time // of the first line; default 2026-03-01 00:00 UTC; its zone, whose offset must be whole hours, is that of the stamps
	Host  string    // default "mx1"
	Rate  float64   // sessions per minute, averaged over a day; default 60

	RFC3339 bool // stamps with a year, a fraction and a zone; Postfix only
	LongIDs bool // Postfix: enable_long_queue_ids; Exim: the 23 characters of 4.97
	Filter  bool // Postfix: a content filter takes every message and puts it back

	Clients int     // hosts that send to us; default 2000
	Users   int     // local mailboxes; default 400
	Fresh   float64 // share of the sessions, 0 to 1, whose host, sender and HELO never came before
	Runs    int     // number of spam runs, spread over the log
}

func (o Options) withDefaults() Options {
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	}
	if o.Host == "" {
		o.Host = "mx1"
	}
	if o.Rate == 0 {
		o.Rate = 60
	}
	if o.Clients == 0 {
		o.Clients = 2000
	}
	if o.Users == 0 {
		o.Users = 400
	}
	return o
}

// Truth is what is in a log that was written. Recipients are counted by their last disposition; notices are counted in Notices
// only, and their recipients not at all.
type Truth struct {
	Bytes, Lines int64

	Messages, Notices             int64
	Recipients                    int64
	Delivered, Bounced, Deferred  int64
	Rejected                      int64 // refused commands, a line each
	Logins, FailedLogins          int64
	First, Last                   time.Time // lines
	Runs                          []Run
	DistinctClients, QueueIDCount int64
}

// Run is a spam run.
type Run struct {
	Kind       string // "ip" or "account", as the subject of a finding
	Value      string
	Start, End time.Time // first and last message
	Messages   int64
	Recipients int64
}

// Postfix writes a Postfix log, with the lines of Dovecot among it.
func Postfix(w io.Writer, o Options) (Truth, error) {
	o = o.withDefaults()
	p := newPostfix(w, o)
	return p.run(p)
}

// Exim writes an Exim main log.
func Exim(w io.Writer, o Options) (Truth, error) {
	o = o.withDefaults()
	e := newExim(w, o)
	return e.run(e)
}
