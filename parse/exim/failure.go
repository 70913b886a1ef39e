package exim

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// failure parses what follows "**": a recipient that cannot get the message. So is a retry timeout: Exim bounces then, and logs
// the last deferral just before, with "==".  src/deliver.c: post_process_one
func failure(s string, ev *mail.Event) parse.Verdict {
	return unhappy(s, mail.Bounced, ev)
}

// deferral parses what follows "==": "addresses Q= R= T= defer (errno): strerror H= DT=: message".  src/deliver.c: deferral_log
func deferral(s string, ev *mail.Event) parse.Verdict {
	return unhappy(s, mail.Deferred, ev)
}

func unhappy(s string, d mail.Disposition, ev *mail.Event) parse.Verdict {
	if s == "" {
		return parse.Damaged
	}
	ev.Kind, ev.Disposition = mail.Delivery, d
	final, original, rest := unhappyAddresses(s)
	o := outcome{failing: true}
	left := o.fields(rest)
	if after, ok := deferReason(left); ok && d == mail.Deferred {
		o.deferred(after)
	} else if left != "" {
		o.reason = left[1:]
		loose(left, ev)
	}
	if final == "" {
		return parse.Damaged
	}
	ev.Recipient, ev.Original = final, original
	o.store(ev)
	if strings.IndexByte(final, '@') < 0 && !o.host.ip.IsValid() {
		ev.Flags |= mail.LocalTarget // for a local delivery, Exim shows the local part alone
	}
	explain(o.reason, ev)
	if halved(o.reason) {
		ev.Flags |= mail.Doubtful
	}
	return parse.Parsed
}

// unhappyAddresses parses the addresses of a failure or a deferral. Free text follows, so they are parsed from the left; only if
// a quoted original shows that the final address may have blanks, or if that is a pipe or a file, the original is looked for, and
// must match what is before it.
func unhappyAddresses(s string) (final, original, rest string) {
	switch {
	case s[0] == '|' || s[0] == '/':
		if final, original, rest, ok := originalAfter(s, fieldFollows); ok {
			return final, original, rest
		}
	case quotedOriginal(s):
		if final, original, rest, ok := originalAfter(s, sameMailbox); ok {
			return final, original, rest
		}
	}
	final, original, rest = addresses(s)
	if n := len(final) - 1; n > 0 && original == "" && final[n] == ':' {
		return final[:n], "", s[n:]
	}
	return final, original, rest
}

// quotedOriginal reports whether s has an address in angle brackets that may be quoted: with a quote at its front, or a backslash
// somewhere after it.
func quotedOriginal(s string) bool {
	for at := 0; ; {
		n := strings.IndexByte(s[at:], '<')
		if n < 0 {
			return false
		}
		at += n + 1
		if at > 1 && s[at-2] == ' ' {
			return s[at:] != "" && s[at] == '"' || strings.Contains(s[at:], ` <"`) || strings.IndexByte(s[at:], '\\') >= 0
		}
	}
}

// originalAfter tries every " <address>" as the original, from the left.
func originalAfter(s string, fits func(final, original, rest string) bool) (final, original, rest string, ok bool) {
	at := 0
	for range tries {
		next := strings.Index(s[at:], " <")
		if next < 0 {
			break
		}
		at += next + 1
		original, rest, ok = cutAngle(s[at:])
		if final = beforeParents(s[:at-1]); ok && fits(final, original, rest) {
			return final, original, rest, true
		}
	}
	return "", "", "", false
}

func fieldFollows(_, _, rest string) bool {
	name, _ := cutName(strings.TrimPrefix(rest, " "))
	return deliveryRank(name) > dNone // R= and T= are always there
}

// sameMailbox reports whether original, a quoted address, is final (a whole address or a local part) with quotes.
func sameMailbox(final, original, _ string) bool {
	i, open := 0, false
	for n := 0; n < len(original); n++ {
		c := original[n]
		switch {
		case c == '"':
			open = !open
			continue
		case c == '\\' && n+1 < len(original):
			n++
			c = original[n]
		case c == '@' && !open && i == len(final):
			return true
		}
		if i >= len(final) || lower(final[i]) != lower(c) {
			return false
		}
		i++
	}
	return i == len(final)
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// reasonAfter returns the text after the fields of a failure. The separator is ": " up to 4.98, without a blank before it, and "
// : " since.
func reasonAfter(s string) (reason string, ok bool) {
	switch {
	case s[0] == ':':
		return strings.TrimPrefix(s[1:], " "), true
	case strings.HasPrefix(s, " : "):
		return s[3:], true
	case s == " :":
		return "", true
	}
	return "", false
}

// failed splits the text of a failure: " DT=" ends it since 4.94.
func (o *outcome) failed(reason string) {
	if i := strings.LastIndexByte(reason, ' '); i >= 0 && strings.HasPrefix(reason[i:], " DT=") {
		if d, ok := duration(reason[i+4:]); ok {
			o.delivering, o.timed, reason = d, true, reason[:i]
		}
	}
	o.reason = reason
}

// deferReason finds "defer (" after the fields; "routing" is before it if no router ran.
func deferReason(s string) (after string, ok bool) {
	s = strings.TrimPrefix(s, " routing")
	after, ok = strings.CutPrefix(s, " defer (")
	if !ok {
		return "", false
	}
	_, after, ok = strings.Cut(after, ")")
	return after, ok
}

// deferred parses ": strerror H=host PRX= I= TFO DT=: message", each part optional. Exim's own strerror never contains " H=".
func (o *outcome) deferred(s string) {
	strerror := ""
	if after, ok := strings.CutPrefix(s, ": "); ok {
		at := strings.Index(after, " H=")
		if at < 0 {
			o.reason = after
			return
		}
		if _, _, ok := cutHost(after[at+3:]); !ok {
			o.reason = after
			return
		}
		strerror, s = after[:at], after[at:]
	}
	if o.fields(s); o.reason == "" {
		o.reason = strerror
	}
}

// explain parses the text of a failure: the remote server's code if there is one, and the server if the text names it (up to
// 4.82: "…: host mx.example [192.0.2.1]: 550 …").
func explain(s string, ev *mail.Event) {
	ev.Reply = s
	if !strings.HasPrefix(s, "SMTP error from remote mail") && !strings.HasPrefix(s, "LMTP error after ") {
		return
	}
	for range tries {
		_, after, ok := strings.Cut(s, ": ")
		if !ok {
			return
		}
		if named, ok := strings.CutPrefix(after, "host "); ok && !ev.RelayIP.IsValid() {
			if h, _, ok := cutHost(named); ok {
				h.relay(ev)
			}
		}
		if ev.Code, ev.DSN = replyCode(after); ev.Code != 0 {
			return
		}
		s = after
	}
}
