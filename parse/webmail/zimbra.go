package webmail

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// zimbra reads two of the lines of Zimbra's mailboxd, which serves web, IMAP and POP3 and hands in what is written in the web
// (audit.log and mailbox.log; ZimbraLog.java, SmtpTransport in MailSender.java)
//
//	INFO  [thread] [name=U;⟨mid=N;⟩ip=ADDR;oip=ADDR;…] security - cmd=Auth; account=U; protocol=soap;⟨ error=WORDS;⟩
//	INFO  [thread] [name=U;mid=N;oip=ADDR;…] smtp - Sending message to MTA at HOST: Message-ID=<ID>, …
//
// The context has the address of the connection (ip), and, if that is a proxy's, the client's (oip), which mailboxd believes only
// from its own proxies. What the client says of itself follows.
func zimbra(body string, ev *mail.Event) parse.Verdict {
	ev.MTA, ev.Kind = mail.Webmail, mail.Other
	_, rest, ok := strings.Cut(body, "] [")
	if !ok {
		return parse.Parsed
	}
	if context, words, ok := strings.Cut(rest, "] security - cmd="); ok {
		zimbraLogin(known(context), words, ev)
		words, _, _ = strings.Cut(words, "error=")
		pretended(words, ev)
	} else if context, words, ok := strings.Cut(rest, "] smtp - Sending message to MTA at "); ok {
		zimbraHandIn(known(context), words, ev)
		pretended(words, ev)
	}
	return parse.Parsed
}

// known returns a context without what the client says of itself.
func known(context string) string {
	if agent := strings.Index(context, ";ua="); agent >= 0 {
		context = context[:agent+1]
	}
	return context
}

// pretended marks a line whose context continues after these words: the client sent them.
func pretended(words string, ev *mail.Event) {
	if strings.Contains(words, "] ") {
		ev.Flags |= mail.Doubtful
	}
}

func zimbraLogin(context, words string, ev *mail.Event) {
	what, words, ok := strings.Cut(words, "; account=")
	if !ok || what != "Auth" && what != "AdminAuth" {
		return
	}
	protocol := ""
	user, rest, ok := strings.Cut(words, "; protocol=")
	if ok {
		protocol, words, _ = strings.Cut(rest, ";")
	} else { // AdminAuth names none
		user, words, _ = strings.Cut(words, ";")
	}
	ev.Kind, ev.Account, ev.Service = mail.Auth, user, "webmail"
	switch protocol {
	case "imap", "pop3":
		ev.Service = protocol
	}
	zimbraContext(context, ev)
	if _, why, ok := strings.Cut(words, "error="); ok {
		ev.Kind, ev.Text = mail.AuthFailed, strings.TrimSuffix(why, ";")
	}
	if strings.Contains(context, ";oproto=smtp;") { // the MTA asked: its own log has the login
		ev.Service = "auth"
		if ev.Kind == mail.Auth {
			ev.Kind = mail.Other
		}
	}
}

func zimbraHandIn(context, words string, ev *mail.Event) {
	_, id, ok := strings.Cut(words, "Message-ID=<")
	id, _, found := strings.Cut(id, ">")
	user, _ := field(context, "name=")
	if !ok || !found || id == "" || user == "" {
		return
	}
	ev.Kind, ev.Account, ev.MessageID = mail.FilterResult, user, id
	zimbraContext(context, ev)
}

// zimbraContext returns the client's address. If there are two of a kind, one of them was sent by the client.
func zimbraContext(context string, ev *mail.Event) {
	where, twice := field(context, "oip=")
	if where == "" {
		where, twice = field(context, "ip=")
	}
	ev.Client.IP = outermost(where)
	if twice {
		ev.Flags |= mail.Doubtful
	}
}

// field returns the value of the first "name=value;" of a context, and whether there is another one.
func field(context, name string) (value string, twice bool) {
	found := 0
	for context != "" {
		var part string
		part, context, _ = strings.Cut(context, ";")
		if text, ok := strings.CutPrefix(part, name); ok {
			if found++; found == 1 {
				value = text
			}
		}
	}
	return value, found > 1
}

// snappymail reads what RainLoop and SnappyMail note of a login that failed, in a file of their own or through syslog
// (Actions.php, LoggerAuth):
//
//	Auth failed: ip=ADDR user=U⟨ host=HOST port=N⟩
func snappymail(body string, ev *mail.Event) parse.Verdict {
	ev.MTA, ev.Kind = mail.Webmail, mail.Other
	rest, ok := strings.CutPrefix(body, "Auth failed: ip=")
	if !ok {
		return parse.Parsed
	}
	where, user, ok := strings.Cut(rest, " user=")
	if !ok {
		return parse.Damaged
	}
	if name, _, ok := parse.CutLast(user, " host="); ok {
		user = name
	}
	ev.Kind, ev.Service, ev.Account, ev.Client.IP = mail.AuthFailed, "webmail", user, browser(where)
	return parse.Parsed
}
