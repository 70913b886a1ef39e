package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mailforensics/analyze"
	"mailforensics/mail"
	"mailforensics/report"
)

const traceLong = `Trace shows the whole life of the messages that match: who handed them in, which
queue IDs, content filters and hosts they passed, what became of each recipient,
which bounces they caused, and the log lines that say so, in order.

WHAT is a queue ID, a Message-ID (with or without its brackets), an envelope
address, @domain, the address of a client, a network (192.0.2.0/24), or a login.
Its refused attempts and logins are shown, too. --where selects messages by an
expression instead. A table shows 20 messages (--top), --format ndjson all.

Fields of --where:
`

const (
	traceShown    = 20      // messages and attempts that are shown when the user asked for no number
	traceMost     = 100_000 // messages that are kept to be put in order; each is a few KB
	noticeParents = 50_000  // messages whose notices are kept until it is known whether they match
)

func newTrace(env *environment) *cobra.Command {
	var condition string
	cmd := &cobra.Command{
		Use:     "trace WHAT [FILES...]",
		GroupID: "mail",
		Short:   "the whole life of the messages that match, with their log lines",
		Long:    traceLong + fieldDocs(),
		Example: `  mailforensics trace 3F2A91C0D3 /var/log/mail.log*
  mailforensics trace 84.60.208.31 mx1/maillog mx2/maillog
  mailforensics trace maria@club.example --format ndjson maillog | jq -r '.recipients[].address'
  mailforensics trace --where 'subject == "Software" and bounced > 0' maillog`,
	}
	whereFlag(cmd, &condition)
	return env.runs(cmd, []string{"table", "ndjson"}, func(ctx context.Context, s *settings, args []string) error {
		return runTrace(ctx, s, args, condition)
	})
}

func runTrace(ctx context.Context, s *settings, args []string, condition string) error {
	t := &tracing{parents: make(map[string][]*mail.Message)}
	files := args
	if condition == "" {
		if len(args) == 0 || args[0] == "" {
			return &usageError{err: fmt.Errorf("trace: nothing to trace"), hint: "mailforensics trace QUEUE-ID|MESSAGE-ID|ADDRESS|IP|LOGIN [FILES...], or --where EXPRESSION"}
		}
		if len(args) == 1 && isFile(args[0]) {
			return &usageError{err: fmt.Errorf("trace: %s is a file; what is to be traced?", args[0]), hint: "mailforensics trace WHAT " + args[0]}
		}
		t.target = aim(args[0])
		t.found.Asked, files = args[0], args[1:]
	} else {
		t.found.Asked = condition
	}
	var err error
	if t.filter, err = checkWhere(condition); err != nil {
		return err
	}
	var names []string
	var zone *time.Location
	r, err := s.scan(ctx, files, want{
		keepLines: true,
		begin: func(b *beginning) {
			names, zone = b.files, b.zone
			err = t.filter.compile(b.zone)
		},
		message: t.message,
		event:   t.event,
	})
	if err != nil {
		return err
	}
	t.filter.notices(s)
	t.arrange(s)
	if err := s.write(func(w io.Writer) error { return t.print(w, s, r, files, names, zone) }); err != nil {
		return err
	}
	return s.outcome(r, &report.Report{})
}

// isFile reports whether path is a file: then the user forgot to say what to trace.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// tracing collects what matches.
type tracing struct {
	target  target
	filter  *messageFilter
	found   report.Trace
	parents map[string][]*mail.Message // notices by the queue ID that caused them
	notices int                        // how many there are in parents
	lost    int                        // notices that were not kept
	refused []mail.LogLine             // refusals under the queue ID that was asked for
	totals  analyze.Totals             // of the whole log
}

func (t *tracing) message(m *mail.Message) {
	t.totals.Message(m)
	hit := t.filter.expr == nil && t.target.message(m) || t.filter.expr != nil && t.filter.match(m)
	switch {
	case hit && len(t.found.Messages) < traceMost:
		t.found.Messages = append(t.found.Messages, report.Traced{Message: m.Clone()})
	case hit:
		t.found.Left++
	case m.Notice && m.Parent != "" && t.notices < noticeParents:
		t.notices++
		t.parents[m.Parent] = append(t.parents[m.Parent], m.Clone())
	case m.Notice && m.Parent != "":
		t.lost++
	}
}

func (t *tracing) event(ev *mail.Event) {
	t.totals.Event(ev)
	if t.filter.expr != nil {
		return
	}
	line := mail.LogLine{Origin: ev.Origin, Time: ev.Time, Text: ev.Raw}
	switch {
	case t.target.event(ev):
		t.attempt(t.countOf(ev), line)
	case analyze.IsRefusal(ev) && ev.QueueID != "" && ev.QueueID == t.target.word && len(t.refused) < traceShown:
		line.Text = strings.Clone(line.Text)
		t.refused = append(t.refused, line)
	}
}

// countOf is what counts an event that is no part of a message; nil: it is not told.
func (t *tracing) countOf(ev *mail.Event) *int {
	switch {
	case analyze.IsRefusal(ev):
		return &t.found.Refused
	case ev.Kind == mail.Reject && ev.Has(mail.WarnOnly):
		return &t.found.Warnings
	case ev.Kind == mail.Reject && ev.Has(mail.Doubtful):
		return &t.found.Doubtful
	case ev.Kind == mail.Reject:
		return &t.found.Queries
	case ev.Kind == mail.Auth:
		return &t.found.Logins
	case ev.Kind == mail.AuthFailed:
		return &t.found.Failed
	}
	return nil
}

// attempt keeps the line of a refusal or a login, and counts it.
func (t *tracing) attempt(count *int, line mail.LogLine) {
	if count == nil {
		return
	}
	*count++
	if len(t.found.Attempts) >= traceMost {
		t.found.LeftOut++
		return
	}
	line.Text = strings.Clone(line.Text)
	t.found.Attempts = append(t.found.Attempts, line)
}

// arrange puts the messages in the order of their beginning, gives each its notices, and leaves as many as are shown.
func (t *tracing) arrange(s *settings) {
	if !t.holds(t.target.word) { // refused after it had a queue ID: no message, but what was asked for
		for _, line := range t.refused {
			t.attempt(&t.found.Refused, line)
		}
	}
	slices.SortStableFunc(t.found.Messages, func(a, b report.Traced) int {
		return mail.CompareLines(a.Time, a.Origin, b.Time, b.Origin)
	})
	t.gatherNotices()
	most := cmp.Or(s.top, traceShown)
	if whole := s.format == "ndjson" && s.top == 0; !whole && len(t.found.Messages) > most {
		t.found.Left += len(t.found.Messages) - most
		t.found.Messages = t.found.Messages[:most]
	}
	if len(t.found.Attempts) > most {
		t.found.LeftOut += len(t.found.Attempts) - most
		t.found.Attempts = t.found.Attempts[:most]
	}
	if n := len(t.found.Attempts) + t.found.LeftOut; n > 0 && s.format == "ndjson" {
		s.notice("%s matched, too, but are no messages: --format table and the command events show them", report.Counted(n, "refused attempt or login", "refused attempts and logins"))
	}
}

// holds reports whether a message with that queue ID was found.
func (t *tracing) holds(id string) bool {
	return slices.ContainsFunc(t.found.Messages, func(m report.Traced) bool { return slices.Contains(m.QueueIDs, id) })
}

// gatherNotices puts notices under the message that caused them, those too that match themselves: the bounce to whoever was
// asked for is told with the mail that bounced.
func (t *tracing) gatherNotices() {
	causes := make(map[string][]report.Traced) // by queue ID, in the order of time: short ones are used again
	for _, m := range t.found.Messages {
		for _, id := range m.QueueIDs {
			causes[id] = append(causes[id], m)
		}
	}
	var others []report.Traced
	for _, m := range t.found.Messages {
		if cause := causeOf(m.Message, causes[m.Parent]); m.Notice && cause != nil {
			t.parents[m.Parent] = append(t.parents[m.Parent], m.Message)
		} else {
			others = append(others, m)
		}
	}
	for i := range others {
		for _, id := range others[i].QueueIDs {
			for _, notice := range t.parents[id] {
				if causeOf(notice, causes[id]) == others[i].Message {
					others[i].Notices = append(others[i].Notices, notice)
				}
			}
		}
	}
	t.found.Messages = others
}

// causeOf is the last of the messages that began before the notice; nil where none did.
func causeOf(notice *mail.Message, candidates []report.Traced) *mail.Message {
	var cause *mail.Message
	for _, m := range candidates {
		if m.Message != notice && !m.Notice && m.Time <= notice.Time {
			cause = m.Message
		}
	}
	return cause
}

func (t *tracing) print(w io.Writer, s *settings, r *reading, files, names []string, zone *time.Location) error {
	if s.format == "ndjson" {
		out := bufio.NewWriter(w)
		if err := report.TraceJSON(out, zone, names, &t.found); err != nil {
			return err
		}
		return out.Flush()
	}
	rep := s.newReport("trace", "trace", files, r)
	rep.Totals = t.totals
	if t.lost > 0 {
		rep.Notes = append(rep.Notes, report.Counted(t.lost, "notice", "notices")+" of the mail server were dropped because there are too many, and may be missing above")
	}
	return report.Story(w, rep, &t.found, report.Style{Width: s.columns, Color: s.color})
}

// target is what WHAT may mean. A queue ID is as good a login as any, so a word is compared with all.
type target struct {
	word    string
	folded  string       // as an address
	domain  string       // of "@domain"
	ip      netip.Addr   // valid when it is one
	network netip.Prefix // valid when it is one
}

func aim(word string) target {
	t := target{word: strings.TrimSuffix(strings.TrimPrefix(word, "<"), ">"), folded: mail.Fold(strings.Trim(word, "<>"))}
	if word == mail.NullSender {
		t.word, t.folded = word, word
	}
	if domain, ok := strings.CutPrefix(word, "@"); ok {
		t.domain = mail.FoldDomain(domain)
	}
	if ip, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil {
		t.ip = ip.Unmap()
	}
	if network, err := netip.ParsePrefix(word); err == nil {
		t.network = network.Masked()
	}
	return t
}

func (t *target) message(m *mail.Message) bool {
	if t.client(m.Client.IP) || t.address(m.Sender) || t.account(m.Account) || m.User != "" && m.User == t.word {
		return true
	}
	if m.MessageID != "" && strings.Trim(m.MessageID, "<>") == t.word || slices.Contains(m.QueueIDs, t.word) {
		return true
	}
	for i := range m.Recipients {
		r := &m.Recipients[i]
		if t.address(r.Address) || t.address(r.Original) {
			return true
		}
	}
	return false
}

func (t *target) event(ev *mail.Event) bool {
	return t.client(ev.Client.IP) || t.address(ev.Sender) || t.address(ev.Recipient) || t.account(ev.Account)
}

func (t *target) client(ip netip.Addr) bool {
	if !ip.IsValid() {
		return false
	}
	ip = ip.Unmap()
	return ip == t.ip || t.network.IsValid() && t.network.Contains(ip)
}

// account compares logins as mail servers do: without regard to case.
func (t *target) account(name string) bool { return name != "" && strings.EqualFold(name, t.word) }

func (t *target) address(a string) bool {
	if a == "" {
		return false
	}
	return mail.Fold(a) == t.folded || t.domain != "" && mail.Domain(a) == t.domain
}
