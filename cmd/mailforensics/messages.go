package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"mailforensics/mail"
	"mailforensics/report"
	"mailforensics/where"
)

const messagesLong = `Messages prints one record per message, as its sender knows it. A message that a
content filter took out of the queue and put back, or that a secondary MX passed
to a primary whose log is given too, is one record with several queue IDs.
Notices that the mail server wrote by itself (bounces, delay warnings) have
"notice": true and a parent.

A record is printed when it is known what became of the message: records are in
order of their ends, not of their beginnings. With --follow, that is some
seconds after its last line, or a minute later if the log falls silent.

--where selects by an expression over the fields of a message, such as
  ip == "192.0.2.7" and deferred > 0
  within(ip, "192.0.2.0/24") and any(recipients, # endsWith "@club.example")
Fields:
`

var messageFormats = []string{"ndjson", "csv", "parquet"}

func newMessages(env *environment) *cobra.Command {
	var condition string
	cmd := &cobra.Command{
		Use:     "messages [FILES...]",
		GroupID: "mail",
		Short:   "one record per message (NDJSON, CSV, Parquet), filtered by --where",
		Long:    messagesLong + fieldDocs(),
		Example: `  mailforensics messages /var/log/mail.log | jq -r .sender
  mailforensics messages --where 'account == "maria" and bounced > 0' --format csv maillog*
  mailforensics messages -o messages.parquet maillog*`,
	}
	whereFlag(cmd, &condition)
	fieldsFlag(cmd, env.typed)
	return env.runs(cmd, messageFormats, func(ctx context.Context, s *settings, args []string) error {
		return runMessages(ctx, s, args, condition)
	})
}

// whereFlag is --where of the commands that have it.
func whereFlag(cmd *cobra.Command, condition *string) {
	cmd.Flags().StringVar(condition, "where", "", "only messages for which `EXPRESSION` is true")
	must(cmd.RegisterFlagCompletionFunc("where", cobra.FixedCompletions(where.Names(), cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)))
}

// fieldDocs is the list of fields for help.
func fieldDocs() string {
	text := ""
	for _, f := range where.Fields() {
		text += fmt.Sprintf("\n  %-18s %s", f.Name, f.Doc)
	}
	return text
}

// messageFilter is --where, compiled once the zone is known. The empty one selects everything.
type messageFilter struct {
	condition string
	expr      *where.Expr
	failed    int
	reason    error
}

// checkWhere compiles the condition before anything is read, so that a mistake costs no time.
func checkWhere(condition string) (*messageFilter, error) {
	f := &messageFilter{condition: condition}
	return f, f.compile(time.UTC)
}

func (f *messageFilter) compile(zone *time.Location) error {
	if f.condition == "" {
		return nil
	}
	var err error
	if f.expr, err = where.Compile(f.condition, zone); err != nil {
		return wrong("--where: %w", err)
	}
	return nil
}

func (f *messageFilter) match(m *mail.Message) bool {
	if f.expr == nil {
		return true
	}
	ok, err := f.expr.Match(m)
	if err != nil {
		f.failed++
		f.reason = err
	}
	return ok
}

// notices says how often the expression failed.
func (f *messageFilter) notices(s *settings) {
	if f.failed > 0 {
		s.notice("%d messages were left out because the expression fails on them: %v", f.failed, f.reason)
	}
}

func runMessages(ctx context.Context, s *settings, args []string, condition string) error {
	filter, err := checkWhere(condition)
	if err != nil {
		return err
	}
	if s.format == "parquet" && s.output == "" && s.columns > 0 {
		return &usageError{err: fmt.Errorf("--format parquet cannot be written to a terminal"), hint: "-o FILE.parquet writes it to a file"}
	}
	var r *reading
	written := 0
	err = s.write(func(w io.Writer) error {
		var out report.Messages
		var failed, err error
		left := s.top
		r, err = s.scan(ctx, args, want{
			begin: func(b *beginning) {
				failed = filter.compile(b.zone)
				out = s.messageWriter(w, b.zone)
			},
			message: func(m *mail.Message) {
				if failed != nil || !filter.match(m) {
					return
				}
				written++
				if failed = out.Write(m); s.top > 0 && failed == nil {
					if left--; left == 0 {
						failed = errEnough
					}
				}
			},
			failed: func() error {
				if s.follow && failed == nil {
					failed = out.Flush()
				}
				return failed
			},
		})
		if out.Close == nil {
			return err
		}
		return cmp.Or(out.Close(), err) // a result that could not be written matters more than an input that could not be read
	})
	filter.notices(s)
	if err == nil && written == 0 {
		s.noneNotice("message", r)
	}
	return streamed(err, r)
}

func (s *settings) messageWriter(w io.Writer, zone *time.Location) report.Messages {
	switch s.format {
	case "csv":
		return report.MessagesCSV(w, zone)
	case "parquet":
		return report.MessagesParquet(w, versionText())
	}
	if s.ecs {
		return report.MessagesECS(w, zone)
	}
	return report.MessagesJSON(w, zone)
}
