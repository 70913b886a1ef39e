package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"mailforensics/analyze"
	"mailforensics/report"
)

const blockLong = `Block makes a block list of the clients of the findings, for the mail server or
the firewall to load. It changes nothing by itself.

Only clients of findings that are at least medium are listed (--severity). A
whole network (/24, /64) is listed only if three or more of its addresses were
found and the log shows nobody else in it, and never if it contains an address
of ours, of --allow, or of a server that accepted mail from us. Clients of an
abused account are left out, because its owner is among them: disable the login
instead. Our own addresses, private ones, and those of --allow are left out,
too. Each entry names its findings in a comment, if the format has comments.

Read the list before you load it, and drop entries after some weeks: the
addresses of customers' lines change hands.

How to load each format:
`

func newBlock(env *environment) *cobra.Command {
	var severity string
	long := blockLong
	var forms []string
	for _, f := range report.BlockForms() {
		forms = append(forms, f.Name)
		long += fmt.Sprintf("\n  %-12s  %s", f.Name, f.Doc)
	}
	cmd := &cobra.Command{
		Use:     "block [FILES...]",
		GroupID: "abuse",
		Short:   "the findings as block lists: Postfix access map, Exim list, nftables set, plain CIDR",
		Long:    long,
		Example: `  mailforensics block --format postfix-cidr -o /etc/postfix/abuse.cidr /var/log/mail.log*
  mailforensics block --format nftables maillog | less
  mailforensics block --format exim --severity high --allow ours.txt exim_mainlog*`,
	}
	cmd.Flags().StringVar(&severity, "severity", "medium", "`LEAST` severity of the findings whose clients are listed: low, medium, high")
	complete(cmd, "severity", severityWords)
	return env.runs(cmd, forms, func(ctx context.Context, s *settings, args []string) error {
		return runBlock(ctx, s, args, severity)
	})
}

func runBlock(ctx context.Context, s *settings, args []string, severity string) error {
	least, err := severityOf("severity", severity)
	if err != nil {
		return err
	}
	forms := report.BlockForms()
	form := forms[slices.IndexFunc(forms, func(f report.BlockForm) bool { return f.Name == s.format })]
	engine := analyze.NewEngine(s.pass, analyze.Detectors())
	var neighbours analyze.Neighbours
	r, err := s.scan(ctx, args, want{
		event:   neighbours.Event,
		message: neighbours.Message,
		beside:  s.shares(engine),
	})
	if err != nil {
		return err
	}
	findings, site := engine.Findings()
	blocks := analyze.Blocks(findings, least, &neighbours, site, s.pass)
	if len(blocks) == 0 {
		s.notice("no finding is %s or worse and has a client that may be blocked: the list is empty", severity)
	}
	if err := s.write(func(w io.Writer) error { return report.BlockList(w, form, versionText(), blocks) }); err != nil {
		return err
	}
	return s.outcome(r, &report.Report{Findings: findings})
}
