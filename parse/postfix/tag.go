package postfix

import (
	"strings"

	"mailforensics/mail"
)

// tag is a syslog tag, taken apart: syslog_name/program (global/mail_task.c). The first part names the instance of
// Postfix, to which queue IDs belong; what stands between is a service that master.cf gave a syslog_name of its own. A
// service makes no other queue: postfix/submission/smtpd hands over to postfix/cleanup.
type tag struct{ instance, service, daemon string }

// cutTag takes a tag apart; ok is whether the program is one of Postfix's.
func cutTag(process string) (t tag, ok bool) {
	last := strings.LastIndexByte(process, '/')
	if last < 0 {
		return tag{"postfix", "", "postfix"}, process == "postfix"
	}
	t.daemon = process[last+1:]
	first := strings.IndexByte(process, '/')
	t.instance = process[:first]
	if first < last {
		t.service = process[first+1 : last]
	}
	return t, program(t.daemon) && t.instance != "cyrus" && t.instance != "dovecot"
}

func (t tag) stamp(ev *mail.Event) {
	ev.MTA, ev.Instance, ev.Service, ev.Daemon = mail.Postfix, t.instance, t.service, t.daemon
}

// own reports whether the instance has Postfix's name: postfix, postfix-out …
func (t tag) own() bool { return strings.HasPrefix(t.instance, "postfix") }

// program reports whether a program belongs to Postfix. Policy servers log below postfix/ as well (postfix/policy-spf):
// they are not of this family.
func program(name string) bool {
	switch name {
	case "anvil", "bounce", "cleanup", "discard", "dnsblog", "error", "flush", "lmtp", "local", "master", "nbdb_reindexd",
		"nqmgr", "oqmgr", "pickup", "pipe", "postlogd", "postscreen", "proxymap", "qmgr", "qmqpd", "scache", "showq", "smtp",
		"smtpd", "spawn", "tlsmgr", "tlsproxy", "trivial-rewrite", "verify", "virtual",
		"mailq", "newaliases", "postalias", "postcat", "postconf", "postdrop", "postfix", "postfix-script", "postfix-tls-script",
		"post-install", "postkick", "postlock", "postlog", "postmap", "postmulti", "postmulti-script", "postqueue",
		"postsuper", "posttls-finger", "sendmail", "smtp-sink", "smtp-source":
		return true
	}
	return false
}

// ambiguous reports whether other programs have the name as well.
func ambiguous(name string) bool {
	switch name {
	case "anvil", "bounce", "discard", "error", "flush", "lmtp", "local", "master", "pipe", "sendmail", "smtp", "spawn", "verify", "virtual":
		return true
	}
	return false
}
