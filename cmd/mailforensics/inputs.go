package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"mailforensics/ingest"
	"mailforensics/logfile"
	"mailforensics/report"
)

// inputs finds the files. Without args it is standard input, or, at a terminal, the first of the usual places that is there.
func (s *settings) inputs(args []string) ([]*logfile.Input, []error, error) {
	if len(args) == 0 {
		args = []string{logfile.Stdin}
		if isTerminal(s.in) {
			place, err := usualPlace()
			if err != nil {
				return nil, nil, err
			}
			s.notice("reading %s", place)
			args = []string{place}
		}
	}
	if s.follow && slices.Contains(args, logfile.Stdin) {
		return nil, nil, &usageError{err: errors.New("--follow: standard input cannot be followed"), hint: "name the log file, which is read over its rotations"}
	}
	inputs, errs := logfile.Expand(args, s.in)
	return inputs, errs, s.spare(inputs)
}

// spare refuses to write the result over one of the logs, whatever --force says: they are the evidence.
func (s *settings) spare(inputs []*logfile.Input) error {
	output, err := os.Stat(s.output)
	if s.output == "" || err != nil || !output.Mode().IsRegular() {
		return nil
	}
	for _, in := range inputs {
		log, err := os.Stat(in.Path)
		if stdin, ok := s.in.(*os.File); ok && in.Path == logfile.Stdin {
			log, err = stdin.Stat()
		}
		if err == nil && os.SameFile(log, output) {
			return wrong("-o %s: this is one of the files that are read", s.output)
		}
	}
	return nil
}

func usualPlace() (string, error) {
	for _, place := range logfile.DefaultPlaces() {
		if _, err := os.Stat(place); err == nil {
			return place, nil
		}
	}
	return "", &usageError{err: errors.New("no log files given, and none in the usual places"),
		hint: "tried " + strings.Join(logfile.DefaultPlaces(), ", ")}
}

// check names the inputs that were no mail log, unless they were only found: in /var/log most are none. When none was,
// there is nothing to report, and that is an error, which names these, too.
func (s *settings) check(r *reading, inputs []*logfile.Input) error {
	read := 0
	var passed []int // found, and no mail log
	for i := range r.ledger.Files {
		f := &r.ledger.Files[i]
		switch {
		case f.Err != nil:
			r.failed = true
			if i < len(inputs) { // the others were named before
				say(s.err, atPath(f.Path, f.Err).Error())
			}
		case f.Parsed+f.Unfamiliar+f.Damaged > 0:
			read++
			if f.Damage != nil {
				r.failed = true
				say(s.err, atPath(f.Path, f.Damage).Error())
			}
		case i >= len(inputs) || f.Duplicates > 0:
		case inputs[i].Found:
			passed = append(passed, i)
		default:
			r.failed = true
			say(s.err, noMailLog(f, inputs[i]))
		}
	}
	if read > 0 {
		return nil
	}
	const shown = 3
	for _, i := range passed[:min(shown, len(passed))] {
		say(s.err, noMailLog(&r.ledger.Files[i], inputs[i]))
	}
	if rest := len(passed) - shown; rest > 0 {
		say(s.err, report.Counted(rest, "more file is", "more files are")+" no mail log")
	}
	return errReported
}

// noMailLog says what an input was instead.
func noMailLog(f *ingest.FileLedger, in *logfile.Input) string {
	name := f.Path
	if name == logfile.Stdin {
		name = "standard input"
	}
	switch {
	case f.Damage != nil:
		return name + ": " + strings.TrimPrefix(f.Damage.Error(), f.Path+": ")
	case f.Lines == 0:
		return name + ": empty"
	}
	text := fmt.Sprintf("%s: not a mail log: %s, and none of a mail server", name, report.Counted(int(f.Lines), "line", "lines"))
	head, err := in.Head(4 << 10)
	if err != nil || len(head) == 0 {
		return text
	}
	first, _, _ := strings.Cut(strings.TrimLeft(string(head), "\r\n\x00"), "\n")
	text += "; it begins: " + shorten(strings.TrimRight(first, "\r"), 120)
	if h := hintFor(string(head)); h != "" {
		text += "\nhint: " + h
	}
	return text
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

const behindSomething = "are these lines of a mail server behind something else? grep -h leaves the names of files out, and without -n there are no numbers"

// hintFor guesses what a file is that is no mail log.
func hintFor(head string) string {
	for _, guess := range []struct{ mark, hint string }{
		{` HTTP/1.`, "is this a web server's log?"},
		{` HTTP/2`, "is this a web server's log?"},
		{" kernel: ", "is this the system's log? mail servers mostly write to one of their own: maillog, mail.log, exim_mainlog"},
		{" systemd[", "is this the system's log? mail servers mostly write to one of their own: maillog, mail.log, exim_mainlog"},
		{" sshd[", "is this the system's log? mail servers mostly write to one of their own: maillog, mail.log, exim_mainlog"},
		{" postfix/", behindSomething}, {" dovecot: ", behindSomething}, {" exim[", behindSomething}, {" <= ", behindSomething},
		{"\nReceived: ", "is this a mail? this program reads the logs of mail servers"},
		{`{"schema":"mailforensics.`, "is this what this program wrote? it reads the logs of mail servers"},
	} {
		if strings.Contains(head, guess.mark) {
			return guess.hint
		}
	}
	return "logs of Postfix, Exim and Dovecot are known, with the stamps of syslog, journalctl and containers"
}
