package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// tag is a syslog tag, split: syslog_name/program (global/mail_task.c). The first part is the instance of Postfix, to which queue
// IDs belong; the part in the middle is a service to which master.cf gave a syslog_name of its own. A service has no queue of its
// own: postfix/submission/smtpd hands over to postfix/cleanup.
type tag struct {
	instance, service, daemon string
	grammar                   grammar
	untold                    bool // the tag does not say which daemon: see untold
}

// cutTag splits a tag; ok is whether the program is one of Postfix's.
func cutTag(process string) (t tag, ok bool) {
	last := strings.LastIndexByte(process, '/')
	if last < 0 {
		return cutUnit(process)
	}
	t.daemon = process[last+1:]
	first := strings.IndexByte(process, '/')
	t.instance = process[:first]
	if first < last {
		t.service = process[first+1 : last]
	}
	t.grammar = grammarOf(t.daemon)
	return t, t.grammar != nil && t.instance != "cyrus"
}

// cutUnit is cutTag for a tag that names no daemon: "postfix", one of the units that Debian and others make, "postfix@-", or the
// syslog_name of an instance, "postfix-out". Other programs have such names, too: see tag.doubted.
func cutUnit(process string) (t tag, ok bool) {
	t = tag{instance: "postfix", daemon: "postfix", untold: true}
	rest, ok := strings.CutPrefix(process, "postfix")
	if !ok || rest == "" {
		return t, ok
	}
	switch {
	case rest == "@" || strings.IndexByte("@-_.0123456789", rest[0]) < 0:
		return t, false
	case rest[0] != '@':
		t.instance = process
	case rest != "@-":
		t.instance = rest[1:]
	}
	return t, true
}

// doubted reports whether the tag may be another program's: one with the name of one of Postfix's, but another name before the slash,
// as cyrus/master, or one that is called after Postfix, as postfix-mta-sts-resolver.
func (t tag) doubted(process string) bool {
	if t.untold {
		return process != "postfix" && t.instance == process
	}
	return !t.own() && ambiguous(t.daemon)
}

func (t tag) stamp(ev *mail.Event) {
	ev.MTA, ev.Instance, ev.Service, ev.Daemon = mail.Postfix, t.instance, t.service, t.daemon
}

// own reports whether the instance has Postfix's name: postfix, postfix-out …
func (t tag) own() bool { return strings.HasPrefix(t.instance, "postfix") }

// grammar parses the informational lines of a daemon, or of several that write the same.
type grammar func(body string, ev *mail.Event) parse.Verdict

// grammarOf returns the grammar of a program; nil: it is not of Postfix. Policy servers log as postfix/… as well
// (postfix/policy-spf), but are not Postfix's.
func grammarOf(program string) grammar {
	switch program {
	case "smtpd", "qmqpd":
		return smtpd
	case "cleanup":
		return cleanup
	case "qmgr", "oqmgr", "nqmgr":
		return qmgr
	case "smtp", "lmtp", "local", "virtual", "pipe", "error", "discard":
		return agent
	case "bounce":
		return bounce
	case "pickup":
		return pickup
	case "postscreen":
		return postscreen
	case "dnsblog":
		return dnsblog
	case "tlsproxy":
		return tlsproxy
	case "postsuper":
		return postsuper
	case "postlog": // what an administrator's script logs
		return remark
	case "anvil", "flush", "master", "nbdb_reindexd", "postlogd", "proxymap", "scache", "showq", "spawn", "tlsmgr", "trivial-rewrite",
		"verify", "mailq", "newaliases", "postalias", "postcat", "postconf", "postdrop", "postfix", "postfix-script",
		"postfix-tls-script", "post-install", "postkick", "postlock", "postmap", "postmulti", "postmulti-script", "postqueue",
		"posttls-finger", "sendmail", "smtp-sink", "smtp-source": // the daemons and commands that serve the others
		return service
	}
	return nil
}

// ambiguous reports whether other programs have the same name.
func ambiguous(name string) bool {
	switch name {
	case "anvil", "bounce", "discard", "error", "flush", "lmtp", "local", "master", "pipe", "sendmail", "smtp", "spawn", "verify", "virtual":
		return true
	}
	return false
}
