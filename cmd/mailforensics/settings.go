package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"mailforensics/analyze"
	"mailforensics/mail"
	"mailforensics/where"
)

// settings is what was typed, and what it means for a run.
type settings struct {
	console
	format       string // one of the command's
	output       string
	force        bool
	since, until mail.Instant // 0: no bound
	window       [2]string    // --since and --until as they were typed
	zone         *time.Location
	year         int
	now          time.Time
	top          int // 0: the command's own number
	color        bool
	columns      int // of the terminal that gets the result; 0: none does
	failOn       analyze.Severity
	hash, quiet  bool
	ecs          bool // NDJSON with the names of the Elastic Common Schema
	redact       bool // reports only: pseudonyms for addresses, hosts, logins, subjects
	follow       bool
	workers      int
	pass         *analyze.Pass
	geo          []string // .mmdb files
	carry        []string // flags that a command to go on with needs again
}

// settings checks what was typed and says what it means. It is called once for a run.
func (e *environment) settings(flags *pflag.FlagSet, formats []string) (*settings, error) {
	t := e.typed
	s := &settings{console: e.console, output: t.output, force: t.force, year: t.year, now: time.Now(), top: t.top, hash: t.hash, quiet: t.quiet, redact: t.redact,
		follow: t.follow, workers: t.workers, geo: t.geo, pass: &analyze.Pass{Thresholds: analyze.DefaultThresholds(), Roles: make(map[string]analyze.Role)}}
	for _, check := range []func() error{
		func() error { return s.setFormat(t, formats) },
		func() error { return s.setFields(t) },
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

// setFields takes --fields, which speaks of NDJSON alone: there it implies the format, elsewhere it is a mistake.
func (s *settings) setFields(t *typed) error {
	switch t.fields {
	case "", "own":
		return nil
	case "ecs":
	default:
		return wrongValue("fields", t.fields, fieldWords)
	}
	if t.format == "" {
		s.format = "ndjson"
	}
	if s.format != "ndjson" {
		return wrong("--fields ecs goes with --format ndjson, not %s", s.format)
	}
	s.ecs = true
	return nil
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
		switch {
		case !strings.HasSuffix(strings.ToLower(t.output), e.ending) || e.format == "table":
		case slices.Contains(formats, e.format):
			s.format = e.format
		case e.format != "json" || s.format != "ndjson":
			return &usageError{err: fmt.Errorf("-o %s: this command has no %s", t.output, e.format),
				hint: "its formats are " + strings.Join(formats, ", ") + ": --format chooses, whatever the file's name"}
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
	s.window = [...]string{t.since, t.until}
	zone := s.shownZone(nil)
	if s.since, err = s.moment("since", t.since, zone); err != nil {
		return err
	}
	if s.until, err = s.moment("until", t.until, zone); err != nil {
		return err
	}
	if s.since != 0 && s.until != 0 && s.since >= s.until {
		return wrong("--since %s is not before --until %s", t.since, t.until)
	}
	return nil
}

// windowIn reads --since and --until again, where they have no offset, in the zone in which the report will show its times:
// who copies a time from a report means that moment, in whatever zone the machine is.
func (s *settings) windowIn(logged *time.Location) {
	zone := s.shownZone(logged)
	s.since, _ = s.moment("since", s.window[0], zone)
	s.until, _ = s.moment("until", s.window[1], zone)
}

// moment reads a time: with an offset; without one, in a zone; or before now.
func (s *settings) moment(flag, text string, zone *time.Location) (mail.Instant, error) {
	if text == "" {
		return 0, nil
	}
	if text[0] == '-' || text[0] == '+' {
		if d, err := parseSpan(text); err == nil {
			return mail.InstantOf(s.now.Add(d)), nil
		}
	}
	if at, ok := where.Moment(text, zone); ok {
		return mail.InstantOf(at), nil
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

// setLocal adds a local domain; from is where it stands.
func (s *settings) setLocal(from, domain string) error {
	domain = mail.FoldDomain(strings.TrimPrefix(domain, "@"))
	if domain == "" || domain[0] == '.' || strings.ContainsAny(domain, " \t,;@*/") {
		return wrong("%s %q: want one domain, such as club.example", from, domain)
	}
	s.pass.Local = append(s.pass.Local, domain)
	return nil
}

func (s *settings) setSite(t *typed) error {
	for _, d := range t.local {
		if err := s.setLocal("--local-domain", d); err != nil {
			return err
		}
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
