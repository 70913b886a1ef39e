package main

import (
	"context"

	"github.com/spf13/cobra"

	"mailforensics/analyze"
	"mailforensics/mail"
)

const investigateLong = `Investigate runs all detectors in one reading of the logs, joins what belongs to
one story, and writes the post-mortem: what happened, when it began and ended,
how they got in, who did it, what went out, who was affected, what is still in
the queue, what to do now (as commands to copy; none is run), what was looked
for and not found, what the logs do not cover, and what better logging would
have shown. The inputs are hashed (SHA-256), so that the report can be checked
later.

--format html writes one self-contained page.`

func newInvestigate(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "investigate [FILES...]",
		GroupID: "abuse",
		Short:   "all of it in one reading of the logs, ranked, as one post-mortem",
		Long:    investigateLong,
		Example: `  mailforensics investigate /var/log/mail.log*
  mailforensics investigate --format html -o incident.html mx1/ mx2/ webmail/userlogins.log
  mailforensics investigate --format json maillog | jq '.incidents[].title'`,
	}
	redactFlag(cmd, env.typed)
	fieldsFlag(cmd, env.typed)
	return env.runs(cmd, findingsFormats, runInvestigate)
}

func runInvestigate(ctx context.Context, s *settings, args []string) error {
	s.hash = true
	detectors := analyze.Detectors()
	engine := analyze.NewEngine(s.pass, detectors)
	var logging analyze.Logging
	var course analyze.Course
	r, err := s.scan(ctx, args, want{
		message: func(m *mail.Message) { logging.Message(m); course.Message(m) },
		event:   func(ev *mail.Event) { logging.Event(ev); course.Event(ev) },
		beside:  s.shares(engine),
	})
	if err != nil {
		return err
	}
	rep := s.newReport("investigate", "findings", args, r)
	rep.Detectors = detectors
	rep.Findings, rep.Site = engine.Findings()
	rep.Notes = append(rep.Notes, rep.Site.Notes...)
	rep.Totals = engine.Totals
	rep.Incidents = analyze.Incidents(rep.Findings)
	rep.Advice = logging.Advice()
	rep.Course, rep.Thresholds, rep.Told = &course, &s.pass.Thresholds, s.top
	if err := s.print(rep); err != nil {
		return err
	}
	return s.outcome(r, rep)
}
