package webmail

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// horde reads (imp/lib/Auth/imp.php and login.php of Horde 3, imp/lib/Auth.php and Horde_Core_Auth_Application of
// Horde 5)
//
//	[imp] Login success for U [ADDR]⟨ (forwarded for [ADDR])⟩ to HOST [pid N on line N of "FILE"]
//	[imp] Login success for U⟨ (Horde user V)⟩ (ADDR)⟨ (forwarded for [ADDR])⟩ to {imap://HOST/} [pid N on line N of "FILE"]
//	[horde] FAILED LOGIN for U to horde (ADDR)⟨ (forwarded for [ADDR])⟩ [pid N on line N of "FILE"]
func horde(body string, ev *mail.Event) parse.Verdict {
	ev.MTA, ev.Kind = mail.Webmail, mail.Other
	_, text, ok := strings.Cut(body, "] ")
	if !ok || body[0] != '[' {
		return parse.Parsed
	}
	if strings.HasPrefix(text, "[") { // the first was the severity
		_, text, _ = strings.Cut(text, "] ")
	}
	kind := mail.Auth
	who, ok := strings.CutPrefix(text, "Login success for ")
	if !ok {
		if who, ok = strings.CutPrefix(text, "FAILED LOGIN for "); !ok {
			return parse.Parsed
		}
		kind = mail.AuthFailed
	}
	for _, place := range [...]string{" [pid ", " [on line "} {
		if before, _, ok := parse.CutLast(who, place); ok {
			who = before
		}
	}
	user, ip, ok := hordeUser(who)
	if !ok {
		return parse.Damaged
	}
	ev.Kind, ev.Service, ev.Account, ev.Client.IP = kind, "webmail", user, ip
	if _, server, found := parse.CutLast(who, " to {"); found && kind == mail.AuthFailed && strings.Contains(server, "://") {
		ev.Service = "auth" // of IMP since Horde 5: Horde itself logs the same failure
	}
	return parse.Parsed
}

// hordeUser cuts the address off the end, or from before the last " to ".
func hordeUser(who string) (user string, ip netip.Addr, ok bool) {
	who, far := forwarded(who)
	if before, near, ok := parse.CutLast(who, " ("); ok && strings.HasSuffix(near, ")") {
		user, _, ok = parse.CutLast(before, " to ")
		return user, behind(mail.ParseIP(near[:len(near)-1]), far), ok
	}
	who, _, ok = parse.CutLast(who, " to ")
	if !ok {
		return "", netip.Addr{}, false
	}
	who, far = forwarded(who)
	if before, near, ok := parse.CutLast(who, " ("); ok && strings.HasSuffix(near, ")") {
		if name, horde, ok := parse.CutLast(before, " (Horde user "); ok && strings.HasSuffix(horde, ")") {
			before = name
		}
		return before, behind(mail.ParseIP(near[:len(near)-1]), far), true
	}
	user, near, ok := parse.CutLast(who, " [")
	return user, behind(mail.ParseIP(strings.TrimSuffix(near, "]")), far), ok
}

// forwarded cuts " (forwarded for [ADDR])" off the end.
func forwarded(who string) (before, far string) {
	before, far, ok := parse.CutLast(who, " (forwarded for [")
	if !ok || !strings.HasSuffix(far, "])") {
		return who, ""
	}
	return before, far[:len(far)-len("])")]
}

// behind returns the client's address as given by a proxy of our own; if there is none, the address of the connection.
func behind(near netip.Addr, far string) netip.Addr {
	if !mail.IsInside(near) {
		return near
	}
	if _, last, ok := parse.CutLast(far, ", "); ok {
		far = last
	}
	if ip := mail.ParseIP(far); ip.IsValid() {
		return ip
	}
	return near
}

// sogo reads (UI/MainUI/SOGoRootPage.m)
//
//	SOGoRootPage successful login from 'ADDR' for user 'U' - expire = -1  grace = -1
//	SOGoRootPage Login from 'ADDR' for user 'U' might not have worked - password policy: N  grace: N  expire: N  bound: N
func sogo(body string, ev *mail.Event) parse.Verdict {
	ev.MTA, ev.Kind = mail.Webmail, mail.Other
	who, ok := strings.CutPrefix(body, "SOGoRootPage ")
	if !ok {
		return parse.Parsed
	}
	kind, tail := mail.Auth, "' - expire"
	if where, ok := strings.CutPrefix(who, "successful login from '"); ok {
		who = where
	} else if who, ok = strings.CutPrefix(who, "Login from '"); ok {
		kind, tail = mail.AuthFailed, "' might not have worked"
	} else {
		return parse.Parsed
	}
	where, user, ok := strings.Cut(who, "' for user '")
	if !ok {
		return parse.Damaged
	}
	user, _, _ = parse.CutLast(user, tail)
	ev.Kind, ev.Service, ev.Account, ev.Client.IP = kind, "webmail", user, outermost(where)
	return parse.Parsed
}

// outermost returns the last address in "client, proxy, proxy" that is not one of ours. A proxy that writes "unknown" hides its
// client: what is before that word is what the client said.
func outermost(where string) (ip netip.Addr) {
	const hops = 8
	for range hops {
		rest, last, more := parse.CutLast(where, ", ")
		if !more {
			last = where
		}
		hop := mail.ParseIP(last)
		if !hop.IsValid() {
			break
		}
		if ip = hop; !more || !mail.IsInside(ip) {
			break
		}
		where = rest
	}
	return ip
}
