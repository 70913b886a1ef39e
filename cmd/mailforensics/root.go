package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mailforensics/where"
)

// version is set by the linker (-X main.version=…).
var version string

// versionText is the version of the program, "dev" where nobody said.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

// typed is what the user wrote: one field per flag, as text where it needs a look.
type typed struct {
	format, output     string
	since, until, zone string
	year               int
	local, roles, geo  []string
	top                int
	allow, config      string
	color, failOn      string
	force, hash, quiet bool
	redact             bool
	fields             string
	follow             bool
	workers            int
}

// runState says how far a run came.
type runState struct{ started bool } // a command began; its errors are not cobra's

const rootLong = `mailforensics reads mail logs (Postfix, Exim, Dovecot and content filters)
and reports who abused the server, when, how much, to whom, how sure that is,
and why.

Every command takes log FILES: paths, patterns, directories, archives (tar, zip),
or - for standard input; plain, gzip, bzip2, xz or zstd, recognised by content.
Rotated files may be given in any order. With no FILES, standard input is read,
or the log in one of the usual places if standard input is a terminal.

From standard input, nothing is printed before the first 256 KiB (at most
16 MiB) have been read: they may prove the year and the zone of the time stamps.
With --follow, input is read as it comes, and its time stamps are taken to be
current: "journalctl -f | mailforensics events --follow -".

Exit status: 0 done, whatever was found; 1 an input (a log, a --geo database)
could not be read to its end, or was not a mail log, but what could be read is
reported; 2 wrong usage, or a --config or --allow file that cannot be used:
nothing was read; 3 a finding reaches --fail-on; 130 interrupted.`

// newRoot makes the command with all its commands.
func newRoot(c console) (*cobra.Command, *runState) {
	state, t := &runState{}, &typed{}
	root := &cobra.Command{
		Use:               "mailforensics",
		Short:             "who abused the mail server, when, how much, and how they got in",
		Long:              rootLong,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              cobra.NoArgs,
		Version:           versionText(),
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(c.in)
	root.SetErr(c.err)
	root.SetVersionTemplate("mailforensics {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	globalFlags(root, t)
	root.AddGroup(&cobra.Group{ID: "abuse", Title: "Who abused the server:"}, &cobra.Group{ID: "mail", Title: "What the log holds:"})

	env := &environment{console: c, typed: t, state: state}
	root.AddCommand(newInvestigate(env))
	root.AddCommand(newFindingsCommands(env)...)
	root.AddCommand(newOffenders(env), newTimeline(env), newTrace(env), newBlock(env), newMessages(env), newEvents(env), newSummary(env), newVersion(), newConfigTopic())
	root.SetHelpCommand(newHelp(root))
	return root, state
}

// environment is what every command is made with.
type environment struct {
	console
	typed *typed
	state *runState
}

// runs gives a command its run function, which gets settings. formats are those that it has, the default first.
func (e *environment) runs(cmd *cobra.Command, formats []string, run func(ctx context.Context, s *settings, args []string) error) *cobra.Command {
	cmd.Annotations = map[string]string{formatsNote: strings.Join(formats, ",")}
	cmd.Long += "\n\nFormats (--format), the default first: " + strings.Join(formats, ", ") + "."
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		e.state.started = true
		s, err := e.settings(cmd.Flags(), formats)
		if err != nil {
			return err
		}
		return run(cmd.Context(), s, args)
	}
	return cmd
}

// redactFlag is --redact of the commands that write reports.
func redactFlag(cmd *cobra.Command, t *typed) {
	cmd.Flags().BoolVar(&t.redact, "redact", false, "pseudonyms for addresses, IP addresses, hosts, logins and subjects, so that the report can be sent to others")
}

// fieldWords are the vocabularies of field names.
var fieldWords = []string{"own", "ecs"}

// fieldsFlag is --fields of the commands that write records.
func fieldsFlag(cmd *cobra.Command, t *typed) {
	cmd.Flags().StringVar(&t.fields, "fields", "own", "`NAMES` of the fields of NDJSON: own, or ecs (Elastic Common Schema)")
	complete(cmd, "fields", fieldWords)
}

// formatsNote is where a command notes its formats for completion.
const formatsNote = "formats"

func globalFlags(root *cobra.Command, t *typed) {
	f := root.PersistentFlags()
	f.SortFlags = false
	f.StringVar(&t.format, "format", "", "`FORM` of the result: table, json, ndjson, csv, markdown, html and others, as far as the command has it")
	f.StringVarP(&t.output, "output", "o", "", "write the result to `FILE`; without --format, the file name's ending chooses the format")
	f.BoolVar(&t.force, "force", false, "overwrite the file of -o")
	f.StringVar(&t.since, "since", "", "only what happened from `TIME` on: 2026-01-04T14:44:00+01:00, 2026-01-04 14:44, 2026-01-04 (in the zone of the report), or -2h before now")
	f.StringVar(&t.until, "until", "", "only what happened before `TIME`")
	f.StringVar(&t.zone, "tz", "", "`ZONE` of time stamps without one, such as Europe/Berlin (default: what the log proves, else the machine's)")
	f.IntVar(&t.year, "year", 0, "`YEAR` of the newest line, if time stamps have none (default: what the log or the file's time proves)")
	f.StringArrayVar(&t.local, "local-domain", nil, "`DOMAIN` whose mail is delivered here; repeatable (default: learned from deliveries)")
	f.StringArrayVar(&t.roles, "mx", nil, "role of a host, `NAME=primary|secondary`; repeatable (default: learned)")
	f.IntVar(&t.top, "top", 0, "at most `N` findings or rows")
	f.StringVar(&t.allow, "allow", "", "`FILE` of addresses, networks, domains and accounts that are never reported, one per line")
	f.StringArrayVar(&t.geo, "geo", nil, "`FILE.mmdb` with the network (ASN) or country of addresses; repeatable")
	f.StringVar(&t.config, "config", "", "`FILE` (TOML) with thresholds and facts about the site")
	f.StringVar(&t.failOn, "fail-on", "", "exit with status 3 if a finding reaches `SEVERITY`: low, medium, high")
	f.BoolVar(&t.hash, "hash", false, "SHA-256 of each input as read")
	f.StringVar(&t.color, "color", "auto", "colours, `WHEN`: auto, always, never; NO_COLOR is honoured")
	f.BoolVarP(&t.quiet, "quiet", "q", false, "no progress and no notices")
	f.BoolVar(&t.follow, "follow", false, "keep reading as the log grows, across rotations; events and messages are printed as they happen, reports at ^C")
	f.IntVar(&t.workers, "workers", 0, "parse with `N` goroutines (default: one per core)")
	must(f.MarkHidden("workers"))
	must(root.RegisterFlagCompletionFunc("format", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return strings.Split(cmd.Annotations[formatsNote], ","), cobra.ShellCompDirectiveNoFileComp
	}))
	complete(root, "color", colorWords)
	complete(root, "fail-on", severityWords)
	must(root.RegisterFlagCompletionFunc("mx", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		name, _, _ := strings.Cut(typed, "=")
		return []string{name + "=primary", name + "=secondary"}, cobra.ShellCompDirectiveNoFileComp
	}))
	must(root.MarkPersistentFlagFilename("config", "toml"))
	must(root.MarkPersistentFlagFilename("geo", "mmdb"))
}

var (
	colorWords    = []string{"auto", "always", "never"}
	severityWords = []string{"low", "medium", "high"}
)

// complete makes the shell complete a flag from a list.
func complete(cmd *cobra.Command, flag string, words []string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
}

// completeList makes the shell complete a flag that takes several words with commas between.
func completeList(cmd *cobra.Command, flag string, words []string) {
	must(cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		var all []string
		for _, word := range words {
			if !slices.Contains(strings.Split(before, ","), word) {
				all = append(all, before+word)
			}
		}
		return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}))
}

// must is for what can fail by a mistake in this program alone: a flag that is named wrong.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// flagError adds the nearest flag to cobra's error.
func flagError(cmd *cobra.Command, err error) error {
	usage := &usageError{err: err, hint: fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		want := "a number"
		if invalid.GetFlag().Value.Type() == "bool" {
			want = "true or false"
		}
		usage.err = fmt.Errorf("--%s %q: want %s", invalid.GetFlag().Name, invalid.GetValue(), want)
	}
	if name, ok := strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := where.Nearest(name, names); near != "" {
			usage.hint = "did you mean --" + near + "?"
		}
	}
	return usage
}

// newHelp replaces cobra's, which answers for a command that is not there with the help of the program, and success.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "help about a command", Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if len(args) == 0 {
				names = commandWords(root)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return root.Help()
			}
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return noCommand(root, args[0])
			}
			return cmd.Help()
		},
	}
}

// commandWords are the names of the commands and topics.
func commandWords(root *cobra.Command) []string {
	var names []string
	for _, cmd := range root.Commands() {
		names = append(names, cmd.Name())
	}
	return names
}

// noCommand is the error of help for what there is no help for.
func noCommand(root *cobra.Command, name string) error {
	e := &usageError{err: fmt.Errorf("help %s: no such command", name), hint: commandsHint}
	if near := where.Nearest(name, commandWords(root)); near != "" {
		e.hint = "did you mean mailforensics help " + near + "?"
	}
	return e
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "the version of the program", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "mailforensics "+versionText()) },
	}
}
