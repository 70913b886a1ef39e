package main

import (
	"cmp"
	"errors"
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
	inputs, errs := logfile.Expand(args, s.in)
	if s.follow && slices.ContainsFunc(inputs, func(in *logfile.Input) bool { return in.Path == logfile.Stdin && in.Size >= 0 }) {
		return nil, nil, &usageError{err: errors.New("--follow: standard input is a file"), hint: "give the log file: rotations are followed"}
	}
	if at := slices.IndexFunc(inputs, func(in *logfile.Input) bool { return in.Archive != "" }); s.follow && at >= 0 {
		return nil, nil, wrong("--follow: %s is an archive", inputs[at].Archive)
	}
	return inputs, errs, s.spare(inputs)
}

// spare refuses to write the result over one of the logs, whatever --force says: they are the evidence.
func (s *settings) spare(inputs []*logfile.Input) error {
	output, err := os.Stat(s.output)
	if s.output == "" || err != nil || !output.Mode().IsRegular() {
		return nil
	}
	for _, in := range inputs {
		log, err := os.Stat(cmp.Or(in.Archive, in.Path))
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
		case f.Parsed > 0 && len(f.MTA) > 0, s.follow && f.Lines == 0: // nothing was written yet: it was just rotated
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
	lines := report.Counted(int(f.Lines), "line", "lines")
	text := name + ": not a mail log: " + lines + ", none of a known mail server"
	known := f.Unfamiliar+f.Damaged > 0
	if known {
		text = name + ": nothing could be understood: " + lines + ", of which " + report.Counted(int(f.Unfamiliar+f.Damaged), "is", "are") +
			" of a mail server, but damaged or not understood"
	}
	head, err := in.Head(4 << 10)
	if err != nil || len(head) == 0 {
		return text
	}
	first, _, _ := strings.Cut(strings.TrimLeft(string(head), "\r\n\x00"), "\n")
	if strings.TrimSpace(string(head)) == "" {
		return name + ": not a mail log: " + lines + ", all empty"
	}
	text += "; it begins: " + shorten(strings.TrimRight(first, "\r"), 120)
	if known {
		return text + "\nhint: are the lines cut off? this program needs whole lines"
	}
	return text + "\nhint: " + hintFor(string(head))
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

const behindSomething = "does something stand before these lines of a mail server? they must begin with their time stamp; host and program[pid]: follow"

const (
	journalForms = "journalctl -o short-iso, -o json and -o export write what this program can read"
	noStamps     = "do these lines have no time stamps? docker logs -t and kubectl logs --timestamps write them"
	aTable       = "is this a table that a log server exported? it needs columns for the stamp, the program and the text, and their names in the first line"
	otherJSON    = "this program reads the JSON of journalctl, of containers, and of records that have a log line as message or msg: the whole line, or its text beside the program's name (program, syslogtag) and a stamp"
	logShow      = "is this log show of macOS? with --style syslog and --info, and Postfix's processes, it writes what this program can read"
	catForm      = "is this journalctl -o cat? it leaves out the stamps and the programs; " + journalForms
	aWebServer   = "is this a web server's log?"
	theSystems   = "is this the system log? mail servers mostly write to a log of their own: maillog, mail.log, exim_mainlog"
	ofOthers     = "this program reads logs of Postfix, Exim and Dovecot, as written by syslog, journalctl and containers"
)

// guesses are what tells what a file is that is no mail log, the surest first.
var guesses = [...]struct{ mark, hint string }{
	{"LPKSHHRH", "is this a systemd journal? journalctl --file FILE -o export writes what this program can read"},
	{"\n    SYSLOG_IDENTIFIER=", "is this journalctl -o verbose? " + journalForms},
	{"@timestamp,", aTable},
	{"\"@timestamp\",", aTable},
	{"Timestamp                       Thread     Type", logShow},
	{"Timestamp               Ty Process[PID:TID]", logShow},
	{"Timestamp                       (process)[PID]", logShow},
	{"\u00a0", "there are no-break spaces in it: was it copied from a web page or a document? this program needs the lines as the log has them"},
	{"#Software: Microsoft Exchange", "is this Exchange's message tracking? " + ofOthers},
	{"#Software: Microsoft Internet", aWebServer},
	{` HTTP/1.`, aWebServer},
	{` HTTP/2`, aWebServer},
	{"[core:", aWebServer},
	{"<html", "is this a web page, perhaps the answer of a server that has no such file?"},
	{" sendmail[", "is this sendmail's log? " + ofOthers},
	{" sm-mta[", "is this sendmail's log? " + ofOthers},
	{" starting delivery ", "is this qmail's log? " + ofOthers},
	{" info msg ", "is this qmail's log? " + ofOthers},
	{" smtp connected address=", "is this OpenSMTPD's log? " + ofOthers},
	{" haproxy[", "is this a load balancer's log? it only passes connections on; the log of the mail server shows what they were for"},
	{" kernel: ", theSystems},
	{" systemd[", theSystems},
	{" sshd[", theSystems},
	{" postfix/", behindSomething},
	{" dovecot: ", behindSomething},
	{" exim[", behindSomething},
	{" <= ", behindSomething},
	{"\nReceived: ", "is this a mail? this program reads the logs of mail servers"},
	{"\nSubject: ", "is this a mail? this program reads the logs of mail servers"},
}

// hintFor guesses what a file is that is no mail log.
func hintFor(head string) string {
	if since, _, ok := strings.Cut(head, "] "); ok && strings.HasPrefix(since, "[") && strings.Trim(since[1:], " .<>0123456789") == "" {
		return "is this journalctl -o short-monotonic? it does not say when anything happened; " + journalForms
	}
	switch {
	case strings.Contains(head, `{"schema":"mailforensics.`):
		return "is this the output of this program? it reads the logs of mail servers"
	case strings.HasPrefix(strings.TrimLeft(head, " \t\r\n"), "{"):
		return otherJSON
	}
	for _, guess := range guesses {
		if strings.Contains(head, guess.mark) {
			return guess.hint
		}
	}
	switch {
	case hasPostfixTexts(head):
		return catForm
	case strings.HasPrefix(head, "postfix/") || strings.Contains(head, "\npostfix/"):
		return noStamps
	case isBinary(head):
		return "this is not text: if it is an archive, unpack it, and if it is encrypted, decrypt it; files compressed with gzip, bzip2, xz and zstd are read as they are"
	}
	return ofOthers
}

// hasPostfixTexts reports whether lines begin as Postfix's do behind their headers.
func hasPostfixTexts(head string) bool {
	for line := range strings.Lines(head) {
		if strings.HasPrefix(line, "NOQUEUE: reject: ") || strings.HasPrefix(line, "disconnect from ") || strings.HasPrefix(line, "connect from ") ||
			strings.HasSuffix(line, ": removed\n") && strings.Count(line, " ") == 1 && !strings.Contains(line, "\t") {
			return true
		}
	}
	return false
}

// isBinary reports whether a head has more bytes that no text has than a damaged log would.
func isBinary(head string) bool {
	odd := 0
	for i := range len(head) {
		if c := head[i]; c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\x1b' {
			odd++
		}
	}
	return odd > len(head)/20
}
