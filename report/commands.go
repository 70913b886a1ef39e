package report

import (
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// The commands that a report offers to see more. They are copied into a shell, and what they name comes from a log: only quote stands
// between an attacker's HELO and the postmaster's shell.

// traceCommand shows the messages of a finding, or what else the log has of it if there are none.
func traceCommand(f *analyze.Finding, r *Report) string {
	v := f.Subject.Value
	named := f.Subject.Kind == analyze.IP || f.Subject.Kind == analyze.Account || f.Subject.Kind == analyze.Sender
	if f.Counts.Messages == 0 {
		switch {
		case named && !strings.HasPrefix(v, "-"): // trace finds refused attempts and logins by a name
			return command(r, "trace", quote(v))
		case f.Counts.FailedLogins > 0:
			return command(r, "events", "--kind", "auth-failed,auth", "--since", quote(bound(f.Start, r.Zone)), "--until", quote(bound(f.End.Add(time.Second), r.Zone)))
		case f.Counts.Rejected > 0:
			return command(r, "events", "--kind", "reject", "--since", quote(bound(f.Start, r.Zone)), "--until", quote(bound(f.End.Add(time.Second), r.Zone)))
		}
	}
	if where := f.Signature.In(r.Zone); where != "" {
		return command(r, "trace", "--where", quote(where))
	}
	if named && !strings.HasPrefix(v, "-") {
		return command(r, "trace", quote(v))
	}
	if where := f.Subject.Where(); where != "" {
		return command(r, "trace", "--where", quote(where))
	}
	return command(r, "messages")
}

// bound is a time as --since and --until take it; the latter is not part of what it bounds.
func bound(t mail.Instant, zone *time.Location) string { return t.In(zone).Format(time.RFC3339Nano) }

// command is a command line of this program on the same logs.
func command(r *Report, name string, words ...string) string {
	line := append([]string{"mailforensics", name}, words...)
	for _, o := range r.Options {
		line = append(line, quote(o))
	}
	for _, f := range r.Files {
		line = append(line, quote(f))
	}
	return strings.Join(line, " ")
}
