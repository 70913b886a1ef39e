package exim

import (
	"strings"

	"mailforensics/mail"
)

// guessed parses a failed login: "driver authenticator failed for host: 535 text (set_id=account)", since 4.99 with "H=" before
// the host. The account is what the client sent, so the host is the first one with a code after it. src/smtp_in.c: smtp_in_auth
func guessed(s string, ev *mail.Event) bool {
	method, rest := cutToken(s)
	named, ok := strings.CutPrefix(rest, " authenticator failed for ")
	if !ok {
		return false
	}
	named = strings.TrimPrefix(named, "H=")
	for at, n := 0, 0; n < tries; n++ {
		if h, tail, ok := hostAt(named, at); ok {
			reply, ok := strings.CutPrefix(hostFields(tail, ev), ": ")
			if code, dsn := replyCode(reply); ok && code != 0 {
				h.client(ev)
				ev.Code, ev.DSN = code, dsn
				return failedLogin(method, reply, ev)
			}
		}
		next := strings.Index(named[at:], " [")
		if next < 0 {
			break
		}
		at += next + 1
	}
	h, _, ok := cutHost(named)
	if ok {
		h.client(ev)
	}
	return ok && failedLogin(method, "", ev)
}

func failedLogin(method, reply string, ev *mail.Event) bool {
	ev.Kind, ev.AuthMethod, ev.Reply, ev.Stage = mail.AuthFailed, method, reply, "AUTH"
	if ev.Code/100 == 4 {
		ev.Flags |= mail.Temporary
	}
	_, account, ok := strings.Cut(reply, "(set_id=")
	if !ok {
		return true
	}
	end := len(account) // cut short
	if account != "" && account[end-1] == ')' {
		end--
	} else if i := strings.LastIndex(account, "): "); i >= 0 {
		end = i
	}
	ev.Account = account[:end]
	return true
}
