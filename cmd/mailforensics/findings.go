package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"mailforensics/analyze"
)

// newFindingsCommands makes a command for every command name that the detectors have.
func newFindingsCommands(env *environment) []*cobra.Command {
	var commands []*cobra.Command
	for _, name := range commandNames(analyze.Detectors()) {
		commands = append(commands, newFindings(env, name, detectorsOf(name)))
	}
	return commands
}

// commandNames are the commands of the detectors, each once, in their order.
func commandNames(detectors []analyze.Detector) []string {
	var names []string
	seen := make(map[string]bool)
	for _, d := range detectors {
		if !seen[d.Command] {
			seen[d.Command] = true
			names = append(names, d.Command)
		}
	}
	return names
}

func detectorsOf(command string) []analyze.Detector {
	var ds []analyze.Detector
	for _, d := range analyze.Detectors() {
		if d.Command == command {
			ds = append(ds, d)
		}
	}
	return ds
}

// newFindings makes the command that shows what some detectors find.
func newFindings(env *environment, name string, detectors []analyze.Detector) *cobra.Command {
	cmd := &cobra.Command{
		Use:     name + " [FILES...]",
		GroupID: "abuse",
		Short:   titles(detectors),
		Long:    essays(detectors),
		Example: strings.ReplaceAll(findingsExample, "COMMAND", name),
	}
	redactFlag(cmd, env.typed)
	fieldsFlag(cmd, env.typed)
	return env.runs(cmd, findingsFormats, func(ctx context.Context, s *settings, args []string) error {
		return runFindings(ctx, s, args, name, detectors)
	})
}

const findingsExample = `  mailforensics COMMAND /var/log/mail.log
  mailforensics COMMAND --since -24h /var/log/mail.log*
  mailforensics COMMAND mx1/ mx2/ --mx mx2=secondary
  mailforensics COMMAND maillog --format json | jq -r '.findings[].subject.value'
  mailforensics COMMAND maillog --quiet --fail-on high || echo call somebody`

func titles(ds []analyze.Detector) string {
	texts := make([]string, len(ds))
	for i := range ds {
		texts[i] = ds[i].Title
	}
	return strings.Join(texts, "; ")
}

func essays(ds []analyze.Detector) string {
	var b strings.Builder
	for i := range ds {
		if i > 0 {
			b.WriteString("\n\n")
		}
		if len(ds) > 1 {
			b.WriteString(strings.ToUpper(ds[i].Name) + "\n\n")
		}
		b.WriteString(strings.TrimSpace(ds[i].Doc))
	}
	return b.String()
}

// larger puts the larger of two findings first that are equally grave and sure: who is under pressure reads the top.
func larger(a, b analyze.Finding) int {
	return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Score, a.Score),
		cmp.Compare(b.Counts.Messages+b.Counts.Rejected, a.Counts.Messages+a.Counts.Rejected))
}

func runFindings(ctx context.Context, s *settings, args []string, name string, detectors []analyze.Detector) error {
	engine := analyze.NewEngine(s.pass, detectors)
	r, err := s.scan(ctx, args, want{beside: s.shares(engine)})
	if err != nil {
		return err
	}
	rep := s.newReport(name, "findings", args, r)
	rep.Detectors = detectors
	rep.Findings, rep.Site = engine.Findings()
	slices.SortStableFunc(rep.Findings, larger)
	rep.Notes = append(rep.Notes, rep.Site.Notes...)
	rep.Totals = engine.Totals
	if s.top > 0 && len(rep.Findings) > s.top {
		rep.Left = len(rep.Findings) - s.top
		rep.Findings = rep.Findings[:s.top]
	}
	if err := s.print(rep); err != nil {
		return err
	}
	return s.outcome(r, rep)
}
