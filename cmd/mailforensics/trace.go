package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mailforensics/analyze"
	"mailforensics/mail"
	"mailforensics/report"
)

const traceLong = `Trace tells the whole life of the messages that match: who handed them in, over which queue IDs, content filters and hosts they
went, what became of each recipient, which bounces they caused, and the log lines that say so, in their order.

WHAT is a queue ID, a Message-ID (with or without its brackets), an envelope address, @domain, the address of a client, a network
(192.0.2.0/24), or a login. Its refused attempts and logins are shown, too. --where chooses messages by an expression instead.

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
			return &usageError{err: fmt.Errorf("trace: what?"), hint: "mailforensics trace QUEUE-ID|MESSAGE-ID|ADDRESS|IP|LOGIN [FILES...], or --where EXPRESSION"}
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
	if err := s.write(func(w io.Writer) error { return t.print(w, s, r, files, names, zone) }); err != nil {
		return err
	}
	return s.outcome(r, &report.Report{})
}

// tracing collects what matches.
type tracing struct {
	target  target
	filter  *messageFilter
	found   report.Trace
	parents map[string][]*mail.Message // notices by the queue ID that caused them
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
	case m.Notice && m.Parent != "" && len(t.parents) < noticeParents:
		t.parents[m.Parent] = append(t.parents[m.Parent], m.Clone())
	}
}

func (t *tracing) event(ev *mail.Event) {
	t.totals.Event(ev)
	if t.filter.expr != nil || !t.target.event(ev) {
		return
	}
	switch ev.Kind {
	case mail.Reject:
		t.found.Refused++
	case mail.Auth:
		t.found.Logins++
	case mail.AuthFailed:
		t.found.Failed++
	default:
		return
	}
	if len(t.found.Attempts) >= traceMost {
		t.found.LeftOut++
		return
	}
	t.found.Attempts = append(t.found.Attempts, mail.LogLine{Origin: ev.Origin, Time: ev.Time, Text: strings.Clone(ev.Raw)})
}

// print puts the messages in the order of their beginning and gives each its notices.
func (t *tracing) print(w io.Writer, s *settings, r *reading, files, names []string, zone *time.Location) error {
	slices.SortStableFunc(t.found.Messages, func(a, b report.Traced) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	whole := s.format == "ndjson" && s.top == 0
	if most := cmp.Or(s.top, traceShown); !whole && len(t.found.Messages) > most {
		t.found.Left += len(t.found.Messages) - most
		t.found.Messages = t.found.Messages[:most]
	}
	if most := cmp.Or(s.top, traceShown); len(t.found.Attempts) > most {
		t.found.LeftOut += len(t.found.Attempts) - most
		t.found.Attempts = t.found.Attempts[:most]
	}
	for i := range t.found.Messages {
		m := &t.found.Messages[i]
		for _, id := range m.QueueIDs {
			m.Notices = append(m.Notices, t.parents[id]...)
		}
	}
	if s.format == "ndjson" {
		out := bufio.NewWriter(w)
		if err := report.TraceJSON(out, zone, names, &t.found); err != nil {
			return err
		}
		return out.Flush()
	}
	rep := s.newReport("trace", "trace", files, r)
	rep.Totals = t.totals
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
