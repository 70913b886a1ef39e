package postfix

import (
	"strings"

	"mailforensics/mail"
)

// tag is a syslog tag, split: syslog_name/program (global/mail_task.c). The first part is the instance of Postfix, to which queue
// IDs belong; the part in the middle is a service to which master.cf gave a syslog_name of its own. A service has no queue of its
// own: postfix/submission/smtpd hands over to postfix/cleanup.
type tag struct {
	instance, service, daemon string
	family                    family
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
	t.family = familyOf(t.daemon)
	return t, t.family != stranger && t.instance != "cyrus"
}

// cutUnit is cutTag for a tag that names no daemon: "postfix", one of the units that Debian and others make, "postfix@-", or the
// syslog_name of an instance, "postfix-out". Other programs have such names, too: see tag.doubted.
func cutUnit(process string) (t tag, ok bool) {
	t = tag{"postfix", "", "postfix", untoldFamily}
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
	if t.family == untoldFamily {
		return process != "postfix" && t.instance == process
	}
	return !t.own() && ambiguous(t.daemon)
}

func (t tag) stamp(ev *mail.Event) {
	ev.MTA, ev.Instance, ev.Service, ev.Daemon = mail.Postfix, t.instance, t.service, t.daemon
}

// own reports whether the instance has Postfix's name: postfix, postfix-out …
func (t tag) own() bool { return strings.HasPrefix(t.instance, "postfix") }

// family is the daemons whose lines one function parses.
type family uint8

const (
	stranger family = iota // not of Postfix
	smtpdFamily
	cleanupFamily
	qmgrFamily
	agentFamily
	bounceFamily
	pickupFamily
	postscreenFamily
	dnsblogFamily
	tlsproxyFamily
	postsuperFamily
	postlogFamily
	serviceFamily // the daemons and commands that serve the others
	untoldFamily  // the tag does not say which: see untold
)

// familyOf returns the family of a program. Policy servers log as postfix/… as well (postfix/policy-spf), but are not Postfix's.
func familyOf(program string) family {
	switch program {
	case "smtpd", "qmqpd":
		return smtpdFamily
	case "cleanup":
		return cleanupFamily
	case "qmgr", "oqmgr", "nqmgr":
		return qmgrFamily
	case "smtp", "lmtp", "local", "virtual", "pipe", "error", "discard":
		return agentFamily
	case "bounce":
		return bounceFamily
	case "pickup":
		return pickupFamily
	case "postscreen":
		return postscreenFamily
	case "dnsblog":
		return dnsblogFamily
	case "tlsproxy":
		return tlsproxyFamily
	case "postsuper":
		return postsuperFamily
	case "postlog":
		return postlogFamily
	case "anvil", "flush", "master", "nbdb_reindexd", "postlogd", "proxymap", "scache", "showq", "spawn", "tlsmgr", "trivial-rewrite",
		"verify", "mailq", "newaliases", "postalias", "postcat", "postconf", "postdrop", "postfix", "postfix-script",
		"postfix-tls-script", "post-install", "postkick", "postlock", "postmap", "postmulti", "postmulti-script", "postqueue",
		"posttls-finger", "sendmail", "smtp-sink", "smtp-source":
		return serviceFamily
	}
	return stranger
}

// ambiguous reports whether other programs have the same name.
func ambiguous(name string) bool {
	switch name {
	case "anvil", "bounce", "discard", "error", "flush", "lmtp", "local", "master", "pipe", "sendmail", "smtp", "spawn", "verify", "virtual":
		return true
	}
	return false
}
