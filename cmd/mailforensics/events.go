package main

import (
	"cmp"
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"mailforensics/mail"
	"mailforensics/report"
)

const eventsLong = `Events prints what the log says, one record per event, in the same form for
every mail server and kind of time stamp, in order of time. It judges nothing
and joins nothing: for messages, see the command messages.

What is not known is left out. file and line say where the event is in the log.
The fields are those of schema mailforensics.event/1; kind is one of connect,
disconnect, auth, auth-failed, accept, message-id, header, queue, delivery,
reject, bounce-notice, hold, discard, expire, remove, complete, local-submit,
command-line, filter, warning, other.`

// eventFormats: NDJSON alone. An event has fifty fields of which it uses ten; a table of them is no help.
var eventFormats = []string{"ndjson"}

func newEvents(env *environment) *cobra.Command {
	var kinds []string
	cmd := &cobra.Command{
		Use:     "events [FILES...]",
		GroupID: "mail",
		Short:   "one record per log event, normalised, in log order (NDJSON)",
		Long:    eventsLong,
		Example: `  mailforensics events /var/log/mail.log | jq -r 'select(.kind == "reject") | .client.ip' | sort | uniq -c
  mailforensics events --kind auth-failed,auth --since -1h --follow /var/log/mail.log`,
	}
	cmd.Flags().StringSliceVar(&kinds, "kind", nil, "only events of these `KINDS`, separated by commas")
	completeList(cmd, "kind", kindWords())
	return env.runs(cmd, eventFormats, func(ctx context.Context, s *settings, args []string) error {
		wanted, err := kindsOf(kinds)
		if err != nil {
			return err
		}
		return runEvents(ctx, s, args, wanted)
	})
}

// kindWords are the kinds as the user names them.
func kindWords() []string {
	var words []string
	for k := mail.Other; k <= mail.Warning; k++ {
		words = append(words, k.String())
	}
	return words
}

// kindsOf is the set of the kinds that were named; nil for all.
func kindsOf(names []string) (map[mail.Kind]bool, error) {
	if len(names) == 0 {
		return nil, nil
	}
	wanted := make(map[mail.Kind]bool)
	for _, name := range names {
		known := false
		for k := mail.Other; k <= mail.Warning; k++ {
			if k.String() == name {
				wanted[k], known = true, true
			}
		}
		if !known {
			return nil, wrongValue("kind", name, kindWords())
		}
	}
	return wanted, nil
}

func runEvents(ctx context.Context, s *settings, args []string, wanted map[mail.Kind]bool) error {
	var r *reading
	written := 0
	err := s.write(func(w io.Writer) error {
		var out report.Events
		var err error
		r, err = s.scan(ctx, args, want{
			everyKind: wanted == nil || wanted[mail.Other],
			begin: func(b *beginning) {
				out = report.EventsJSON(w, b.zone, b.files)
			},
			batch: func(events []mail.Event) error {
				for i := range events {
					if ev := &events[i]; wanted == nil || wanted[ev.Kind] {
						written++
						if err := out.Write(ev); err != nil {
							return err
						}
					}
				}
				if s.follow {
					return out.Flush()
				}
				return nil
			},
		})
		if out.Flush == nil {
			return err
		}
		return cmp.Or(out.Flush(), err) // a result that could not be written matters more than an input that could not be read
	})
	if err == nil && written == 0 {
		s.noneNotice("event", r)
	}
	return streamed(err, r)
}

// noneNotice says that no record was written: nothing at all on the screen leaves open whether anything was read.
func (s *settings) noneNotice(what string, r *reading) {
	if r.ledger.First == 0 {
		return
	}
	zone := s.shownZone(r.ledger.Zone)
	s.notice("no %s matches: the logs cover %s to %s", what,
		r.ledger.First.In(zone).Format(time.DateTime), r.ledger.Last.In(zone).Format(time.DateTime))
}

// streamed is the outcome of a command that wrote as it read.
func streamed(err error, r *reading) error {
	if err == nil && r.failed {
		return errReported
	}
	return err
}
