package exim

import (
	"strings"

	"mailforensics/mail"
)

// sayings are what Exim's processes say of themselves, and its complaints about the system and its configuration. The form
// is that of a remark.  src/exim.c, src/daemon.c, src/queue.c, src/log.c
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
	{"spam acl condition: ", mail.Warning},
	{"malware acl condition: ", mail.Warning},
	{"DNS list lookup defer ", mail.Warning},
	{"DNS list lookup timeout ", mail.Warning},
	{"host lookup ", mail.Warning},
	{"**** SPOOL", mail.Warning},
}

// processed reads the lines of processes that handle no message.
func processed(s string, ev *mail.Event) bool {
	if s[0] == 'c' && strings.HasPrefix(s, "cwd=") {
		return commandLine(s[len("cwd="):], ev)
	}
	for i := range sayings {
		if r := &sayings[i]; r.text[0] == s[0] && r.begins(s) {
			if s[0] == '.' {
				ev.Flags |= mail.Incomplete
			}
			return note(s, ev, r.kind)
		}
	}
	if s[0] == 'e' && strings.HasPrefix(s, "exim ") && strings.Contains(s, " daemon started: ") {
		return note(s, ev, mail.Other)
	}
	return false
}

// commandLine reads "directory N args: arguments" (+arguments). The directory is logged raw: without a count behind it, the
// entry is the first half of one that holds a line feed, and what follows in the file is its second. The arguments stay one
// string: those with blanks are quoted, but their quotes are not escaped.
//
// A process that delivers, runs the queue or listens accepts no message; only the others are command lines that the next
// arrival may come from.
func commandLine(s string, ev *mail.Event) bool {
	ev.Kind = mail.CommandLine
	directory, arguments, ok := cutArgs(s)
	if !ok {
		ev.Directory = s
		ev.Flags |= mail.Incomplete
		return true
	}
	ev.Directory, ev.Script = directory, arguments
	_, options := cutToken(arguments)
	switch {
	case strings.HasPrefix(options, " -Mc ") && len(options) < 32, strings.HasPrefix(options, " -bd"), options == " -bw",
		strings.HasPrefix(options, " -q") && strings.Count(options, " ") == 1:
		ev.Kind = mail.Other
	}
	return true
}

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
	return s[:max(n-1, 0)], s[at+len(" args: "):], true
}

// argsAt is the place of " args: "; -1: there is none. It looks for the rarest letters.
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
