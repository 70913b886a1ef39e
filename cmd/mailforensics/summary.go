package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mailforensics/analyze"
	"mailforensics/mail"
	"mailforensics/report"
)

const summaryLong = `Summary shows what a daily report shows: how much was accepted, delivered,
bounced, deferred and rejected, why, by whom and for whom, and at which hours.
Every message counts once, even if a content filter gives it two queue IDs. What
the mail server writes by itself (bounces, delay warnings) is counted as
notices.`

func newSummary(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "summary [FILES...]",
		GroupID: "mail",
		Short:   "the totals that a daily report shows",
		Long:    summaryLong,
		Example: `  mailforensics summary /var/log/mail.log
  mailforensics summary --since -24h --format markdown maillog.1 | mail -s "mail report" postmaster
  mailforensics summary maillog --format json | jq .totals`,
	}
	redactFlag(cmd, env.typed)
	return env.runs(cmd, reportFormats, runSummary)
}

// summary is the counting of a run.
type summary struct {
	totals   analyze.Totals
	tops     []*tallies
	rejected *tallies // by reason
	bounced  *tallies // by reply
	deferred *tallies
	hours    *grid
}

// summaryKeys are the keys of the top tables.
var summaryKeys = []string{"ip", "sender", "sender-domain", "recipient", "recipient-domain", "account"}

func newSummaryOf() *summary {
	const tables = 9
	s := &summary{hours: newGrid(0)}
	for _, name := range summaryKeys {
		key, _ := mail.KeyNamed(name)
		s.tops = append(s.tops, newTallies(key, mostValues/tables))
	}
	s.rejected = newTallies(mail.Key{Name: "reason", Event: func(ev *mail.Event, add func(string)) { add(rejectReason(ev)) }}, mostValues/tables)
	s.bounced = newTallies(replyKey(mail.Bounced, mail.Expired), mostValues/tables)
	s.deferred = newTallies(replyKey(mail.Deferred), mostValues/tables)
	return s
}

// replyKey has the replies of the recipients with one of the dispositions, without what differs from one to the next.
func replyKey(want ...mail.Disposition) mail.Key {
	return mail.Key{Name: "reply", Message: func(m *mail.Message, add func(string)) {
		for i := range m.Recipients {
			if r := &m.Recipients[i]; slices.Contains(want, r.Disposition) {
				add(cmp.Or(reason(r.Reply), "no reply"))
			}
		}
	}}
}

// items counts messages and events, for one table after the other: its values then stay in the processor's cache.
func (s *summary) items(items []analyze.Item) {
	each(s.message, s.event)(items)
	for _, t := range s.tops {
		each(t.message, t.event)(items)
	}
	each(nil, s.rejected.event)(items)
	each(s.bounced.message, nil)(items)
	each(s.deferred.message, nil)(items)
}

func (s *summary) message(m *mail.Message) {
	s.totals.Message(m)
	if !m.Notice && m.Time != 0 {
		n := countsOf(m)
		s.hours.at("", m.Time).add(&n)
	}
}

func (s *summary) event(ev *mail.Event) {
	s.totals.Event(ev)
	if analyze.IsRefusal(ev) && ev.Time != 0 {
		s.hours.at("", ev.Time).rejected++
	}
}

func runSummary(ctx context.Context, s *settings, args []string) error {
	sum := newSummaryOf()
	r, err := s.scan(ctx, args, want{beside: []taker{sum.items}})
	if err != nil {
		return err
	}
	rep := s.newReport("summary", "summary", args, r)
	rep.Totals = sum.totals
	top := cmp.Or(s.top, 10)
	rep.Tables = []report.Table{
		grandTotals(&sum.totals),
		sum.hourly(rep.Zone),
		sum.rejected.reasons("rejected", "Rejected, by reason", "nothing was rejected", top),
		sum.bounced.reasons("bounced", "Bounced, by reply", "nothing bounced", top),
		sum.deferred.reasons("deferred", "Deferred at the end of the log, by reply", "nothing is deferred", top),
	}
	for _, t := range sum.tops {
		table := t.table(top, "messages")
		table.Name = "top"
		table.Hide("first", "last", "name")
		rep.Tables = append(rep.Tables, table)
	}
	for _, t := range append(sum.tops, sum.rejected, sum.bounced, sum.deferred) {
		if t.short > 0 {
			rep.Notes = append(rep.Notes, t.note())
		}
	}
	if err := s.print(rep); err != nil {
		return err
	}
	return s.outcome(r, rep)
}

// grandTotals are the totals as a table for a person; programs have them in totals.
func grandTotals(t *analyze.Totals) report.Table {
	table := report.Table{Name: "grand_totals", Title: "Totals", For: report.Person,
		Columns: []report.Column{{Name: "count", Title: "count", Number: true}, {Name: "of", Title: "of"}}}
	for _, row := range []struct {
		n  int
		of string
	}{
		{t.Messages, "messages accepted"}, {t.Recipients, "recipients of them"}, {t.Delivered, "recipients delivered"}, {t.Bounced, "recipients bounced"},
		{t.Expired, "recipients expired in the queue"}, {t.Deferred, "recipients deferred at the end of the log"}, {t.Held, "recipients on hold"},
		{t.Discarded, "recipients discarded"}, {t.Undecided, "recipients without an outcome in the log"}, {t.Rejected, "attempts rejected"},
		{t.RejectedQueries, "queries rejected (VRFY, EXPN, ETRN)"},
		{t.Notices, "notices by the mail server itself"}, {t.Sessions, "connections"}, {t.Logins, "logins"}, {t.FailedLogins, "failed logins"},
	} {
		if row.n > 0 || strings.HasPrefix(row.of, "messages") {
			table.Rows = append(table.Rows, []report.Value{report.Int(row.n), report.Text(row.of)})
		}
	}
	return table
}

// hourly is the traffic by the hour of the day, over all days.
func (s *summary) hourly(zone *time.Location) report.Table {
	var hours [24]counts
	for c, n := range s.hours.cells {
		hours[mail.Instant(c.at*int64(s.hours.step)).In(zone).Hour()].add(n)
	}
	t := report.Table{Name: "hours", Title: "By hour of the day", Bars: 2, Empty: "no messages and no refused attempts in this time", Columns: []report.Column{
		{Name: "hour", Title: "hour"}, {Name: "messages", Title: "messages", Number: true}, {Name: "delivered", Title: "delivered", Number: true, Spare: 2},
		{Name: "bounced", Title: "bounced", Number: true, Spare: 3}, {Name: "deferred", Title: "deferred", Number: true, Spare: 4},
		{Name: "rejected", Title: "rejected", Number: true, Spare: 1},
	}}
	if len(s.hours.cells) == 0 {
		return t
	}
	for hour, n := range hours {
		t.Rows = append(t.Rows, []report.Value{report.Text(fmt.Sprintf("%02d", hour)), report.Int(n.messages), report.Int(n.delivered),
			report.Int(n.bounced), report.Int(n.deferred), report.Int(n.rejected)})
	}
	return t
}

// reasons is a table of reasons and how often each was given.
func (ts *tallies) reasons(name, title, empty string, n int) report.Table {
	column := "rejected"
	if ts.key.Message != nil {
		column = "messages"
	}
	top, left := ts.top(n, column)
	t := report.Table{Name: name, Title: title, Left: left, Empty: empty,
		Columns: []report.Column{{Name: "count", Title: "count", Number: true}, {Name: "reason", Title: "reason"}}}
	for _, x := range top {
		t.Rows = append(t.Rows, []report.Value{report.Int(x.column(column)), report.Text(x.value)})
	}
	return t
}

// rejectReason is why something was refused, without what differs from one refusal to the next.
func rejectReason(ev *mail.Event) string {
	return cmp.Or(reason(cmp.Or(ev.Reply, ev.Text)), ev.Stage, "no reason given")
}

// reasonWords is where a reason is cut.
const reasonWords = 24

// reason is a reply without its addresses, hosts and numbers, so that replies with one meaning are one.
func reason(reply string) string {
	if _, said, ok := strings.Cut(reply, " said: "); ok { // Postfix: host mx.example[192.0.2.7] said: …
		reply = said
	}
	if strings.HasPrefix(reply, "SMTP error from remote mail server after ") { // Exim: … after RCPT TO:<a@b.example>: 550 …
		_, reply, _ = strings.Cut(reply, ": ")
	}
	reply, _, _ = strings.Cut(reply, " (in reply to ")
	words := strings.Fields(reply)
	kept := words[:0]
	for i, word := range words {
		switch {
		case i < 3 && isCode(word), strings.HasPrefix(word, "<") && i < 3:
			// 550 5.1.1 <a@b.example>: …
		case isSpecific(word):
			if len(kept) == 0 || kept[len(kept)-1] != "…" {
				kept = append(kept, "…")
			}
		default:
			kept = append(kept, word)
		}
		if len(kept) == reasonWords {
			break
		}
	}
	return strings.Join(kept, " ")
}

// isCode reports whether a word is a reply code or an enhanced status code.
func isCode(word string) bool {
	digits := strings.Trim(word, "0123456789.-")
	return digits == "" && word != "" && word[0] >= '2' && word[0] <= '5'
}

// isSpecific reports whether a word is an address, a host, a URL or a number.
func isSpecific(word string) bool {
	bare := strings.Trim(word, "<>()[]{},;:.\"'")
	dotted, digits, number := false, false, true
	for i := range len(bare) {
		switch c := bare[i]; {
		case c == '@' || c == '/' || c == '[':
			return true
		case c == '.':
			dotted = true
		case '0' <= c && c <= '9':
			digits = true
		case 'a' <= c && c <= 'f', 'A' <= c && c <= 'F', c == '-', c == ':':
		default:
			number = false
		}
	}
	if dotted {
		return !isBlocklist(bare)
	}
	return number && digits
}

// isBlocklist reports whether a host is a list that refusals name, which is what the reader wants to know.
func isBlocklist(host string) bool {
	for _, part := range []string{"spamhaus", "spamcop", "barracuda", "sorbs", "uceprotect", "dnsbl", "rbl", "surbl", "abuseat"} {
		if strings.Contains(host, part) {
			return true
		}
	}
	return false
}
