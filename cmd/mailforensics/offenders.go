package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mailforensics/analyze"
	"mailforensics/mail"
	"mailforensics/report"
)

const offendersLong = `Offenders counts messages and refused attempts by properties of the mail: one
table for each key of --by, largest first. It judges nobody: a table shows who
did most, the findings commands (bursts, …) show who did wrong.

A message counts once for each value that it has: one with three recipients in
two domains counts under both domains. Refused attempts count under rejected, if
their log line has the key. Keys:
`

func newOffenders(env *environment) *cobra.Command {
	var by, order string
	cmd := &cobra.Command{
		Use:     "offenders [FILES...]",
		GroupID: "mail",
		Short:   "who did most: top tables by client, account, sender, recipient …",
		Long:    offendersLong + keyDocs(),
		Example: `  mailforensics offenders --by ip,network /var/log/mail.log
  mailforensics offenders --by account --sort bounced --since -24h maillog*
  mailforensics offenders --by recipient-domain --top 50 --format csv maillog > domains.csv`,
	}
	cmd.Flags().StringVar(&by, "by", "ip,account,sender-domain", "`KEYS` to count by, separated by commas")
	cmd.Flags().StringVar(&order, "sort", "messages", "`COLUMN` to sort by: "+strings.Join(orderWords, ", "))
	complete(cmd, "sort", orderWords)
	completeList(cmd, "by", keyNames())
	redactFlag(cmd, env.typed)
	return env.runs(cmd, reportFormats, func(ctx context.Context, s *settings, args []string) error {
		keys, err := keysOf(by)
		if err != nil {
			return err
		}
		if !slices.Contains(orderWords, order) {
			return wrongValue("sort", order, orderWords)
		}
		return runOffenders(ctx, s, args, keys, order)
	})
}

// keyDocs is the list of keys for help.
func keyDocs() string {
	var b strings.Builder
	for _, k := range mail.Keys() {
		fmt.Fprintf(&b, "\n  %-17s %s", k.Name, k.Doc)
	}
	return b.String()
}

func keyNames() []string {
	var names []string
	for _, k := range mail.Keys() {
		names = append(names, k.Name)
	}
	return names
}

// keysOf reads a list of keys.
func keysOf(list string) ([]mail.Key, error) {
	var keys []mail.Key
	for name := range strings.SplitSeq(list, ",") {
		k, ok := mail.KeyNamed(strings.TrimSpace(name))
		if !ok {
			return nil, wrongValue("by", name, keyNames())
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// defaultTop is how many rows a table has.
const defaultTop = 20

func runOffenders(ctx context.Context, s *settings, args []string, keys []mail.Key, order string) error {
	var totals analyze.Totals
	var tables []*tallies
	for _, k := range keys {
		tables = append(tables, newTallies(k, mostValues/len(keys)))
	}
	r, err := s.scan(ctx, args, want{
		message: func(m *mail.Message) {
			totals.Message(m)
			for _, t := range tables {
				t.message(m)
			}
		},
		event: func(ev *mail.Event) {
			totals.Event(ev)
			for _, t := range tables {
				t.event(ev)
			}
		},
	})
	if err != nil {
		return err
	}
	rep := s.newReport("offenders", "offenders", args, r)
	rep.Totals = totals
	for _, t := range tables {
		rep.Tables = append(rep.Tables, t.table(cmp.Or(s.top, defaultTop), order))
		if t.short > 0 {
			rep.Notes = append(rep.Notes, t.note())
		}
	}
	if err := s.print(rep); err != nil {
		return err
	}
	return s.outcome(r, rep)
}

func (ts *tallies) note() string {
	return fmt.Sprintf("more than %d values of %s: the smallest were dropped, and numbers may be too low by up to %d", ts.most, ts.key.Name, ts.short)
}

// table is the top of the tallies as a table.
func (ts *tallies) table(n int, order string) report.Table {
	top, left := ts.top(n, order)
	t := report.Table{
		Name: "offenders", Title: "By " + ts.key.Name, Left: left, Empty: "no message has " + article(ts.key.Name) + " in this log",
		Columns: []report.Column{
			{Name: "by"}, {Name: "value", Title: ts.key.Name}, {Name: "messages", Title: "messages", Number: true},
			{Name: "recipients", Title: "recipients", Number: true, Spare: 4}, {Name: "delivered", Title: "delivered", Number: true, Spare: 2},
			{Name: "bounced", Title: "bounced", Number: true, Spare: 1}, {Name: "deferred", Title: "deferred", Number: true, Spare: 3},
			{Name: "rejected", Title: "rejected", Number: true}, {Name: "bytes"}, {Name: "first", Title: "first", Spare: 7},
			{Name: "last", Title: "last", Spare: 6}, {Name: "name", Title: "client name", Spare: 5},
		},
	}
	for _, x := range top {
		row := []report.Value{
			report.Text(ts.key.Name), report.Text(x.value), report.Int(x.messages), report.Int(x.recipients), report.Int(x.delivered),
			report.Int(x.bounced), report.Int(x.deferred), {}, report.Int(int(x.bytes)), report.Moment(x.first), report.Moment(x.last), {},
		}
		if ts.key.Event != nil {
			row[7] = report.Int(x.rejected)
		}
		if ts.key.Name == "ip" {
			row[11] = report.Text(x.name)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// article puts "a" or "an" before a word.
func article(word string) string {
	if strings.ContainsRune("aeio", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}
