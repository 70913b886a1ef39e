package exim

import (
	"strings"

	"mailforensics/mail"
)

// sayings are what Exim's processes log about themselves, and its complaints about the system and its configuration. The form is
// that of a remark.  src/exim.c, src/daemon.c, src/queue.c, src/log.c
var sayings = [...]remark{
	{"Start queue run: ", mail.Other},
	{"End queue run: ", mail.Other},
	{"Start '", mail.Other}, // 'name' queue run, 4.88
	{"End '", mail.Other},
	{"Abandon queue run: ", mail.Other},
	{"Abandon '", mail.Other},
	{"... ", mail.Other}, // the rest of an argument list
	{"pid ", mail.Other}, // … SIGHUP received: re-exec daemon
	{"notify triggered queue run", mail.Other},
	{"daemon: ", mail.Warning},
	{"Warning: ", mail.Warning},
	{"Exim configuration error", mail.Warning},
	{"Exim configuration error ", mail.Warning},
	{"socket bind() to port ", mail.Warning},
	{"socket ", mail.Warning},
	{"Failed to ", mail.Warning},
	{"failed to ", mail.Warning},
	{"Cannot open ", mail.Warning},
	{"Unable to ", mail.Warning},
	{"unable to ", mail.Warning},
	{"Couldn't ", mail.Warning},
	{"Tainted ", mail.Warning},
	{"exim user lost privilege for using ", mail.Warning},
	{"spam acl condition: ", mail.Warning},
	{"malware acl condition: ", mail.Warning},
	{"ACL for ", mail.Warning}, // … QUIT returned ERROR
	{"ACL \"", mail.Warning},   // … "warn" with "message" setting found in a non-message (…) ACL
	{"DNS list lookup defer ", mail.Warning},
	{"DNS list lookup timeout ", mail.Warning},
	{"host lookup ", mail.Warning},
	{"**** SPOOL", mail.Warning},
	{"Message is frozen", mail.Other}, // in a run that selects ("-R", "-S"): 4.96 leaves out the ID
}

// called parses a command line whose directory has no blank: there is one for each delivery.
func called(s string, ev *mail.Event) bool {
	if s[0] != 'c' || !strings.HasPrefix(s, "cwd=") {
		return false
	}
	directory, rest := cutToken(s[len("cwd="):])
	n := 1
	for n < len(rest) && rest[n]-'0' < 10 {
		n++
	}
	if n < 2 || !strings.HasPrefix(rest[n:], args) {
		return false
	}
	return commandLine(directory, rest[n+len(args):], ev)
}

// processed parses the lines of processes that handle no message.
func processed(s string, ev *mail.Event) bool {
	if after, ok := strings.CutPrefix(s, "cwd="); ok {
		if directory, arguments, ok := cutArgs(after); ok {
			return commandLine(directory, arguments, ev)
		}
		ev.Kind, ev.Directory = mail.CommandLine, after
		ev.Flags |= mail.Incomplete
		return true
	}
	for i := range sayings {
		if r := &sayings[i]; r.text[0] == s[0] && r.begins(s) {
			if s[0] == '.' {
				ev.Flags |= mail.Incomplete
			}
			return note(s, ev, r.kind)
		}
	}
	if s[0] == '"' { // src/acl.c: acl_check_internal
		_, rest, ok := cutString(s)
		return ok && strings.HasPrefix(rest, " verb not allowed in ") && note(s, ev, mail.Warning)
	}
	if s[0] == 'e' && strings.HasPrefix(s, "exim ") && strings.Contains(s, " daemon started: ") {
		return note(s, ev, mail.Other)
	}
	return false
}

// commandLine parses "directory N args: arguments" (+arguments). The directory is logged as it is: without a count after it, the
// entry is the first half of one that contains a line feed, and the next line in the file is its second half. The arguments stay
// one string: those with blanks are quoted, but quotes in them are not escaped.
//
// A process that delivers, runs the queue or listens accepts no message; only the others are command lines from which the next
// arrival may come.
func commandLine(directory, arguments string, ev *mail.Event) bool {
	ev.Kind, ev.Directory, ev.Script = mail.CommandLine, directory, arguments
	_, options := cutToken(arguments)
	switch {
	case strings.HasPrefix(options, " -Mc ") && len(options) < 32, strings.HasPrefix(options, " -bd"), strings.HasPrefix(options, " -bw"),
		strings.HasPrefix(options, " -q") && strings.Count(options, " ") == 1:
		ev.Kind = mail.Other
	}
	return true
}

const args = " args: "

// cutArgs cuts "before N args: after".
func cutArgs(s string) (before, after string, ok bool) {
	at := argsAt(s)
	n := at
	for n > 0 && s[n-1] >= '0' && s[n-1] <= '9' {
		n--
	}
	if n == at || n > 0 && s[n-1] != ' ' {
		return s, "", false
	}
	return s[:max(n-1, 0)], s[at+len(args):], true
}

// argsAt returns the place of " args: "; -1: there is none. It looks for the rarest letters first.
func argsAt(s string) int {
	from := 0
	for range tries {
		n := strings.Index(s[from:], "gs: ")
		if n < 0 {
			break
		}
		if from += n; strings.HasSuffix(s[:from], " ar") {
			return from - len(" ar")
		}
		from += len("gs: ")
	}
	return -1
}
