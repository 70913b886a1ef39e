package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// postscreen parses the lines of the server in front of smtpd since 2.8 (postscreen/*.c). One process serves all clients: a
// session is identified by [address]:port, without a host name.
func postscreen(body string, ev *mail.Event) parse.Verdict {
	switch {
	case strings.HasPrefix(body, "CONNECT from "): // since 2.9 with " to [address]:port"
		rest, ok := cutFrom(body[len("CONNECT"):], ev)
		ev.Kind, ev.Interface = mail.Connect, strings.TrimPrefix(rest, " to ")
		return clientFound(ok)
	case strings.HasPrefix(body, "DISCONNECT "):
		_, ok := cutClient(body[len("DISCONNECT "):], ev)
		ev.Kind = mail.Disconnect
		return clientFound(ok)
	case strings.HasPrefix(body, "PREGREET "):
		return pregreet(body, ev)
	case strings.HasPrefix(body, "reject: "):
		return action(noQueue, body, ev)
	}
	if id, rest, ok := cutID(body); ok {
		if v := action(id, rest, ev); v != parse.Unfamiliar {
			return v
		}
	}
	if rest, ok := passed(body); ok {
		_, ok = cutClient(rest, ev)
		ev.Kind, ev.Text = mail.Other, body
		return clientFound(ok)
	}
	return misbehaved(body, ev)
}

func clientFound(ok bool) parse.Verdict {
	if !ok {
		return parse.Damaged
	}
	return parse.Parsed
}

// pregreet parses "PREGREET 14 after 0.05 from [a]:p: EHLO ylmf-pc\r\n": the client talked before its turn. What it sent is
// escaped, and often its HELO.
func pregreet(body string, ev *mail.Event) parse.Verdict {
	_, after, ok := strings.Cut(body, " after ")
	if !ok {
		return parse.Damaged
	}
	delay, rest, _ := strings.Cut(after, " ")
	said, ok := strings.CutPrefix(rest, "from ")
	if !ok {
		return parse.Damaged
	}
	if said, ok = cutClient(said, ev); !ok {
		return parse.Damaged
	}
	said = strings.TrimPrefix(said, ": ")
	if len(said) > 5 && (strings.EqualFold(said[:5], "EHLO ") || strings.EqualFold(said[:5], "HELO ")) {
		ev.Client.HELO, _, _ = strings.Cut(said[5:], `\`)
	}
	ev.Kind, ev.Text = mail.Warning, body
	delayed(delay, ev)
	return parse.Parsed
}

// passed parses that a client passed the tests, or had passed them before.
func passed(body string) (client string, ok bool) {
	for _, word := range [...]string{
		"PASS NEW ", "PASS OLD ", "ALLOWLISTED ", "DENYLISTED ", "ALLOWLIST VETO ", "WHITELISTED ", "BLACKLISTED ", "WHITELIST VETO ",
	} {
		if rest, ok := strings.CutPrefix(body, word); ok {
			return rest, true
		}
	}
	return "", false
}

// misbehaved parses what postscreen found wrong with a client. The commands that follow are the client's, escaped.
func misbehaved(body string, ev *mail.Event) parse.Verdict {
	if rest, ok := strings.CutPrefix(body, "DNSBL rank "); ok {
		_, rest, _ = cutNumber(rest)
		_, ok = cutClient(strings.TrimPrefix(rest, " for "), ev)
		ev.Kind, ev.Text = mail.Warning, body
		return clientFound(ok)
	}
	if rest, ok := strings.CutPrefix(body, "HANGUP after "); ok {
		delay, rest, _ := strings.Cut(rest, " ")
		_, ok = cutClient(strings.TrimPrefix(rest, "from "), ev)
		ev.Kind, ev.Text = mail.Warning, body
		delayed(delay, ev)
		return clientFound(ok)
	}
	for _, word := range [...]string{
		"NON-SMTP COMMAND", "COMMAND PIPELINING", "BARE NEWLINE", "COMMAND TIME LIMIT", "COMMAND COUNT LIMIT", "COMMAND LENGTH LIMIT",
		"DATA without valid RCPT", "BDAT without valid RCPT",
	} {
		if rest, ok := strings.CutPrefix(body, word); ok {
			_, ok = cutFrom(rest, ev)
			ev.Kind, ev.Text = mail.Warning, body
			return clientFound(ok)
		}
	}
	if rest, ok := cutClient(body, ev); ok && (strings.HasPrefix(rest, ": replacing command ") || strings.HasPrefix(rest, ": discarding EHLO keywords: ")) {
		return remark(body, ev)
	}
	if strings.HasPrefix(body, "entering STRESS mode ") || strings.HasPrefix(body, "leaving STRESS mode ") {
		return warn(body, ev)
	}
	return parse.Unfamiliar
}

// dnsblog parses "addr 192.0.2.77 listed by domain zen.example as 127.0.0.4", one line for each record (dnsblog/dnsblog.c).
func dnsblog(body string, ev *mail.Event) parse.Verdict {
	rest, ok := strings.CutPrefix(body, "addr ")
	if !ok {
		return parse.Unfamiliar
	}
	address, rest, _ := strings.Cut(rest, " ")
	if ev.Client.IP = mail.ParseIP(address); !ev.Client.IP.IsValid() || !strings.HasPrefix(rest, "listed by domain ") {
		return parse.Damaged
	}
	ev.Kind, ev.Text = mail.FilterResult, rest
	return parse.Parsed
}

// tlsproxy parses the lines of the process that encrypts for postscreen and smtp (tlsproxy/tlsproxy.c).
func tlsproxy(body string, ev *mail.Event) parse.Verdict {
	if v := tls(body, ev); v != parse.Unfamiliar {
		return v
	}
	rest, ok := strings.CutPrefix(body, "CONNECT ")
	if !ok {
		rest, ok = strings.CutPrefix(body, "DISCONNECT ")
	}
	if ok {
		_, ok = cutClient(strings.TrimPrefix(strings.TrimPrefix(rest, "from "), "to "), ev)
		ev.Kind, ev.Text = mail.Other, body
		return clientFound(ok)
	}
	if rest, ok = strings.CutPrefix(body, "SSL_accept error"); ok {
		_, ok = cutFrom(rest, ev)
		ev.Kind, ev.Text = mail.Warning, body
		return clientFound(ok)
	}
	if _, ok := uncertified(body); ok || strings.HasPrefix(body, "TLS handshake failed for ") {
		return warn(body, ev)
	}
	return parse.Unfamiliar
}
