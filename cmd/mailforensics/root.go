package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"mailforensics/analyze"
	"mailforensics/mail"
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
	follow             bool
	workers            int
}

// settings is what it means.
type settings struct {
	console
	format       string // one of the command's
	output       string
	force        bool
	since, until mail.Instant // 0: no bound
	zone         *time.Location
	year         int
	now          time.Time
	top          int // 0: the command's own number
	color        bool
	columns      int // of the terminal that gets the result; 0: none does
	failOn       analyze.Severity
	hash, quiet  bool
	follow       bool
	workers      int
	pass         *analyze.Pass
	geo          []string // .mmdb files
	carry        []string // flags that a command to go on with needs again
}

// runState says how far a run came.
type runState struct{ started bool } // a command began; its errors are not cobra's

const rootLong = `mailforensics reads mail logs (Postfix, Exim, Dovecot and content filters) and says who abused the server, when,
how much, to whom, how sure that is, and why.

Every command takes log FILES: paths, patterns, directories, - for standard input; plain, gzip, bzip2, xz or zstd, told
apart by content. Rotated sets may be given in any order. With no FILES the usual places are tried.

Exit status: 0 done, whatever was found; 1 an input could not be read or was no mail log; 2 wrong usage; 3 a finding
reaches --fail-on; 130 interrupted.`

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
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetVersionTemplate("mailforensics {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	globalFlags(root, t)
	root.AddGroup(&cobra.Group{ID: "abuse", Title: "Who abused the server:"}, &cobra.Group{ID: "mail", Title: "What the log holds:"})

	env := &environment{console: c, typed: t, state: state}
	root.AddCommand(newInvestigate(env))
	root.AddCommand(newFindingsCommands(env)...)
	root.AddCommand(newOffenders(env), newTimeline(env), newTrace(env), newBlock(env), newMessages(env), newEvents(env), newSummary(env), newVersion(), newConfigTopic())
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

// formatsNote is where a command notes its formats for completion.
const formatsNote = "formats"

func globalFlags(root *cobra.Command, t *typed) {
	f := root.PersistentFlags()
	f.SortFlags = false
	f.StringVar(&t.format, "format", "", "`form` of the result: table, json, ndjson, csv, markdown, where the command has it")
	f.StringVarP(&t.output, "output", "o", "", "write the result to `FILE`; its ending chooses the format where --format does not")
	f.BoolVar(&t.force, "force", false, "overwrite FILE of -o")
	f.StringVar(&t.since, "since", "", "only what happened from `TIME` on: 2026-01-04T14:44:00+01:00, 2026-01-04 14:44, 2026-01-04, or -2h before now")
	f.StringVar(&t.until, "until", "", "only what happened before `TIME`")
	f.StringVar(&t.zone, "tz", "", "`ZONE` of stamps without one, such as Europe/Berlin (default: what the log proves, else the machine's)")
	f.IntVar(&t.year, "year", 0, "`YEAR` of the newest line, where stamps have none (default: what the log or the file's time proves)")
	f.StringArrayVar(&t.local, "local-domain", nil, "`DOMAIN` whose mail ends here; repeatable (default: learned from deliveries)")
	f.StringArrayVar(&t.roles, "mx", nil, "role of a host, `NAME=primary|secondary`; repeatable (default: learned)")
	f.IntVar(&t.top, "top", 0, "at most `N` findings or rows")
	f.StringVar(&t.allow, "allow", "", "`FILE` of addresses, networks, domains and accounts that are never reported, one a line")
	f.StringArrayVar(&t.geo, "geo", nil, "`FILE.mmdb` that tells network (ASN) or country of an address; repeatable")
	f.StringVar(&t.config, "config", "", "`FILE` (TOML) with thresholds and what the site is")
	f.StringVar(&t.failOn, "fail-on", "", "exit with 3 when a finding reaches `SEVERITY`: low, medium, high")
	f.BoolVar(&t.hash, "hash", false, "SHA-256 of each input as read")
	f.StringVar(&t.color, "color", "auto", "colours: `auto`, always, never; NO_COLOR is honoured")
	f.BoolVarP(&t.quiet, "quiet", "q", false, "no progress and no notices")
	f.BoolVar(&t.follow, "follow", false, "go on reading as the log grows, over rotations; ^C prints what is known")
	f.IntVar(&t.workers, "workers", 0, "parse with `N` goroutines (default: one a core)")
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
	if name, ok := strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := nearest(name, names); near != "" {
			usage.hint = "did you mean --" + near + "?"
		}
	}
	return usage
}

// settings checks what was typed and says what it means. It is called once for a run.
func (e *environment) settings(flags *pflag.FlagSet, formats []string) (*settings, error) {
	t := e.typed
	s := &settings{console: e.console, output: t.output, force: t.force, year: t.year, now: time.Now(), top: t.top, hash: t.hash, quiet: t.quiet,
		follow: t.follow, workers: t.workers, geo: t.geo, pass: &analyze.Pass{Thresholds: analyze.DefaultThresholds(), Roles: make(map[string]analyze.Role)}}
	for _, check := range []func() error{
		func() error { return s.setFormat(t, formats) },
		func() error { return s.setConfig(t) },
		func() error { return s.setZone(t) },
		func() error { return s.setWindow(t) },
		func() error { return s.setSite(t) },
		func() error { return s.setAllow(t) },
		func() error { return s.setNumbers(t, flags) },
		func() error { return s.setTerminal(t) },
		func() error { return s.setFailOn(t) },
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	s.carryFlags(flags)
	return s, nil
}

// endings are the file names by which -o chooses a format.
var endings = [...]struct{ ending, format string }{
	{".json", "json"}, {".ndjson", "ndjson"}, {".jsonl", "ndjson"}, {".csv", "csv"}, {".md", "markdown"}, {".markdown", "markdown"},
	{".html", "html"}, {".htm", "html"}, {".parquet", "parquet"}, {".txt", "table"},
}

func (s *settings) setFormat(t *typed, formats []string) error {
	if t.format != "" {
		if !slices.Contains(formats, t.format) {
			return wrongValue("format", t.format, formats)
		}
		s.format = t.format
		return nil
	}
	s.format = formats[0]
	for _, e := range endings {
		if strings.HasSuffix(strings.ToLower(t.output), e.ending) && slices.Contains(formats, e.format) {
			s.format = e.format
		}
	}
	return nil
}

func (s *settings) setZone(t *typed) error {
	if t.zone == "" {
		return nil
	}
	zone, err := loadZone(t.zone)
	if err != nil {
		return &usageError{err: fmt.Errorf("--tz %q: not a time zone that this machine knows", t.zone), hint: "zones have names such as Europe/Berlin, UTC or Local, or are an offset such as +02:00"}
	}
	s.zone = zone
	return nil
}

// loadZone is a zone by name, or by an offset.
func loadZone(name string) (*time.Location, error) {
	if at, err := time.Parse("-07:00", name); err == nil {
		_, offset := at.Zone()
		return time.FixedZone(name, offset), nil
	}
	return time.LoadLocation(name)
}

func (s *settings) setWindow(t *typed) error {
	var err error
	if s.since, err = s.moment("since", t.since); err != nil {
		return err
	}
	if s.until, err = s.moment("until", t.until); err != nil {
		return err
	}
	if s.since != 0 && s.until != 0 && s.since >= s.until {
		return wrong("--since %s is not before --until %s", t.since, t.until)
	}
	return nil
}

// moment reads a time: with an offset; without one, in --tz, else in the machine's zone; or before now.
func (s *settings) moment(flag, text string) (mail.Instant, error) {
	if text == "" {
		return 0, nil
	}
	if text[0] == '-' || text[0] == '+' {
		if d, err := parseSpan(text); err == nil {
			return mail.InstantOf(s.now.Add(d)), nil
		}
	}
	zone := s.zone
	if zone == nil {
		zone = time.Local
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return mail.InstantOf(at), nil
		}
	}
	return 0, &usageError{err: fmt.Errorf("--%s %q: not a time", flag, text),
		hint: "times are 2026-01-04T14:44:00+01:00, 2026-01-04 14:44, 2026-01-04, or -2h and -7d before now"}
}

// parseSpan reads a duration, in which a day is 24 hours: -90m, -2h, -7d.
func parseSpan(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		return 24 * d, err
	}
	return time.ParseDuration(text)
}

func (s *settings) setSite(t *typed) error {
	for _, d := range t.local {
		if d = mail.FoldDomain(strings.TrimPrefix(d, "@")); d == "" {
			return wrong("--local-domain: no domain given")
		}
		s.pass.Local = append(s.pass.Local, mail.FoldDomain(strings.TrimPrefix(d, "@")))
	}
	for _, text := range t.roles {
		if err := s.setRole("--mx", text); err != nil {
			return err
		}
	}
	return nil
}

// setRole reads NAME=primary or NAME=secondary.
func (s *settings) setRole(flag, text string) error {
	name, word, _ := strings.Cut(text, "=")
	for _, role := range []analyze.Role{analyze.Primary, analyze.Secondary} {
		if word == role.String() && name != "" {
			s.pass.Roles[name] = role
			return nil
		}
	}
	return &usageError{err: fmt.Errorf("%s %q: want NAME=primary or NAME=secondary", flag, text), hint: "NAME is the host as the log has it: --mx mx2=secondary"}
}

func (s *settings) setNumbers(t *typed, flags *pflag.FlagSet) error {
	if flags.Changed("year") && (t.year < 1990 || t.year > s.now.Year()+1) {
		return wrong("--year %d: want a year from 1990 to %d", t.year, s.now.Year()+1)
	}
	if flags.Changed("top") && t.top < 1 {
		return wrong("--top %d: want a number from 1", t.top)
	}
	if t.workers < 0 {
		return wrong("--workers %d: want a number from 1", t.workers)
	}
	return nil
}

func (s *settings) setTerminal(t *typed) error {
	if !slices.Contains(colorWords, t.color) {
		return wrongValue("color", t.color, colorWords)
	}
	if s.output == "" {
		s.columns = columns(s.out)
	}
	s.color = t.color == "always" || t.color == "auto" && s.columns > 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return nil
}

func (s *settings) setFailOn(t *typed) error {
	if t.failOn == "" {
		return nil
	}
	var err error
	s.failOn, err = severityOf("fail-on", t.failOn)
	return err
}

// severityOf is the severity that a flag names.
func severityOf(flag, word string) (analyze.Severity, error) {
	i := slices.Index(severityWords, word)
	if i < 0 {
		return analyze.None, wrongValue(flag, word, severityWords)
	}
	return analyze.Low + analyze.Severity(i), nil
}

// carryFlags remembers the flags that change what a log says, so that the commands that a report offers say the same.
func (s *settings) carryFlags(flags *pflag.FlagSet) {
	for _, name := range []string{"tz", "year", "local-domain", "mx", "config", "allow", "geo"} {
		f := flags.Lookup(name)
		if !f.Changed {
			continue
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			s.carry = append(s.carry, "--"+name, v)
		}
	}
}

// notice tells the user something beside the result.
func (s *settings) notice(format string, args ...any) {
	if !s.quiet {
		say(s.err, fmt.Sprintf(format, args...))
	}
}

// write opens the output, lets a function write the result, and makes it visible when that went well.
func (s *settings) write(result func(w io.Writer) error) error {
	o, err := openOutput(s.output, s.force, s.out)
	if err != nil {
		return err
	}
	return o.finish(result(o))
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "the version of the program", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "mailforensics "+versionText()) },
	}
}
