package report

import (
	"net/netip"
	"strings"
)

// --redact in free text: sentences of our own, and log lines.

// text replaces what identifies in a text of our own.
func (x *redactor) text(s string) string {
	return x.words(x.withoutPhrases(s), func(before, w, _ string) string { return x.known(before, w) })
}

// known is a word without its identity, as far as the word itself or what was met before tells.
func (x *redactor) known(before, w string) string {
	if x.given[w] || isFile(w) && strings.HasSuffix(before, "/") && !strings.HasSuffix(before, "//") {
		return w
	}
	if p, ok := x.locals[strings.ToLower(w)]; ok && len(w) > 3 && !plainNames[strings.ToLower(w)] {
		return p // Exim names local mailboxes without their domain
	}
	return x.word(w)
}

// withoutPhrases replaces the subjects, and the names that are more than a word, of which the report knows.
func (x *redactor) withoutPhrases(s string) string {
	for _, phrase := range x.longest {
		if len(phrase) > 2 && strings.Contains(s, phrase) {
			s = strings.ReplaceAll(s, phrase, x.phrases[phrase])
		}
	}
	return s
}

// line replaces what identifies in a log line, where a place can tell what a word is.
func (x *redactor) line(s string) string {
	// The password that somebody mistyped, which may be anything: Dovecot's auth_verbose_passwords, auth_debug_passwords.
	if before, _, ok := strings.Cut(s, "(given password: "); ok {
		s = before + "(given password: redacted)"
	}
	told := x.told(s)
	s = x.quoted(x.bracketed(x.withoutPhrases(x.withoutSubject(withoutCertificate(s)))))
	s = told.replace(s)
	return x.words(s, func(before, w, after string) string {
		if p := x.known(before, w); p != w || x.given[w] || isAddress(w) {
			return p
		}
		if p, ok := told.words[strings.ToLower(w)]; ok {
			return p
		}
		switch {
		case mailbox(before):
			return x.pseudonym(x.locals, strings.ToLower(w), "user")
		case !names(before, after):
			return w
		}
		if kind, name, ok := strings.Cut(w, ":"); ok { // A=login:maria
			return kind + ":" + x.name(name)
		}
		return x.name(w)
	})
}

// withoutSubject replaces the subject that Exim (T="…", quotes escaped) or header_checks of Postfix wrote.
func (x *redactor) withoutSubject(s string) string {
	if before, rest, ok := strings.Cut(s, "header Subject: "); ok {
		end := len(rest)
		if i := strings.LastIndex(rest, "; from=<"); i >= 0 {
			end = i
		}
		if i := strings.LastIndex(rest[:end], " from "); i > 0 {
			return before + "header Subject: " + x.subject(rest[:i]) + rest[i:]
		}
	}
	if before, rest, ok := strings.Cut(s, ` T="`); ok {
		for i := 0; i < len(rest); i++ {
			if rest[i] == '\\' {
				i++
			} else if rest[i] == '"' {
				return before + ` T="` + x.subject(rest[:i]) + rest[i:]
			}
		}
	}
	return s
}

// bracketed replaces what stands in angle brackets, or in the parentheses of a HELO, and is more than a word: an address
// whose local part has blanks or signs, a login or a HELO with blanks.
func (x *redactor) bracketed(s string) string {
	var out strings.Builder
	for at := 0; at < len(s); {
		open := strings.IndexAny(s[at:], "<(")
		if open < 0 {
			out.WriteString(s[at:])
			break
		}
		open += at
		closing := byte('>')
		if s[open] == '(' {
			closing = ')'
		}
		n := strings.IndexByte(s[open:], closing)
		inner := ""
		if n > 0 {
			inner = s[open+1 : open+n]
		}
		helo := s[open] == '(' && n > 0 && strings.HasPrefix(s[open+n:], ") [")
		switch keyed := strings.HasSuffix(s[:open], "="); {
		case oneWord(inner), s[open] == '(' && !helo, !helo && !keyed && strings.IndexByte(inner, '@') < 0, strings.HasPrefix(inner, "="), strings.IndexByte(inner, '<') >= 0:
			out.WriteString(s[at : open+1])
			at = open + 1
			continue
		case helo:
			out.WriteString(s[at:open+1] + x.name(strings.Trim(inner, "[]")))
		default:
			out.WriteString(s[at:open+1] + x.address(inner))
		}
		at = open + n
	}
	return out.String()
}

// quoted replaces addresses with a quoted local part, which Exim writes without brackets.
func (x *redactor) quoted(s string) string {
	for from := 0; ; {
		end := strings.Index(s[from:], `"@`)
		if end < 0 {
			return s
		}
		end += from
		open := max(strings.LastIndex(s[:end], ` "`), strings.LastIndex(s[:end], `="`))
		if from = end + 2; open < 0 {
			continue
		}
		n := from
		for n < len(s) && wordByte(s[n]) {
			n++
		}
		p := x.address(s[open+1 : n])
		s = s[:open+1] + p + s[n:]
		from = open + 1 + len(p)
	}
}

// oneWord reports whether a text is read as one word.
func oneWord(s string) bool {
	for i := range len(s) {
		if !wordByte(s[i]) {
			return false
		}
	}
	return true
}

func isAddress(w string) bool {
	_, err := netip.ParseAddr(w)
	return err == nil
}

// names reports whether a word that stands there is a login, a local user, a host or a HELO: <maria>, U=maria, H=(laptop),
// login for maria, relay=backend[192.0.2.1], or a folder of the directory that Exim was called from.
func names(before, after string) bool {
	for _, mark := range [...]string{"U=", "A=", "H=", "SNI=", `SNI="`, "user=", " host=", "sasl_username=", "set_id=", "ruser=", "login for ", "login: by ", " -f "} {
		if strings.HasSuffix(before, mark) {
			return true
		}
	}
	if address, _, ok := strings.Cut(strings.TrimPrefix(after, "["), "]"); ok && len(address) < len(after)-1 && isAddress(address) {
		return true
	}
	if strings.HasSuffix(before, "/") && strings.HasPrefix(before[strings.LastIndexByte(before, ' ')+1:], "cwd=") {
		return true
	}
	return strings.HasSuffix(before, "<") && strings.HasPrefix(after, ">") || strings.HasSuffix(before, "(") && strings.HasPrefix(after, ") [")
}

// mailbox reports whether a word that stands there is a mailbox of an Exim delivery.
func mailbox(before string) bool {
	for _, flag := range [...]string{" => ", " -> ", " ** ", " == ", " >> "} {
		if strings.HasSuffix(before, flag) {
			return true
		}
	}
	return false
}

// words writes a text with each word as of has it, which is told what stands around it.
func (x *redactor) words(s string, of func(before, w, after string) string) string {
	var out strings.Builder
	for at := 0; at < len(s); {
		n := at
		for n < len(s) && wordByte(s[n]) {
			n++
		}
		if n == at {
			out.WriteByte(s[at])
			at++
			continue
		}
		if isAddress(s[at:n]) {
			n += lengthOf(s[n:])
		} else if m := addressAt(s, at, n); m > n {
			out.WriteString(x.address(s[at:m]))
			at = m
			continue
		}
		end := n
		for end > at && strings.IndexByte(".:-", s[end-1]) >= 0 { // the end of a sentence is not of the name
			end--
		}
		if end > at {
			out.WriteString(of(s[:at], s[at:end], s[end:]))
		}
		out.WriteString(s[end:n])
		at = n
	}
	return out.String()
}

// addressAt is the end of the address that begins with the word s[at:n], where its local part has signs that are of no
// word: o'brien@x, and bounces+maria=club.example@x. What stands before a sign of equality may be the name of a field, too.
func addressAt(s string, at, n int) int {
	if n == len(s) || strings.IndexByte(localSigns, s[n]) < 0 || s[n] == '=' && fieldNames[s[at:n]] || s[n] == '/' {
		return n
	}
	m := n
	for m < len(s) && (wordByte(s[m]) || strings.IndexByte(localSigns, s[m]) >= 0) {
		m++
	}
	host := strings.LastIndexByte(s[n:m], '@') + n
	if host < n || host+1 == m {
		return n
	}
	for m > host && strings.IndexByte(localSigns+".:-", s[m-1]) >= 0 {
		m--
	}
	return m
}

const localSigns = "!#$&'*/=?^`{|}~" // RFC 5322, section 3.2.3, but for those of words

// fieldNames are the names of fields behind which an address may stand without brackets.
var fieldNames = map[string]bool{
	"from": true, "to": true, "id": true, "A": true, "F": true, "P": true, "S": true, "U": true, "i": true, "user": true, "sasl_username": true, "set_id": true,
	"sasl_sender": true, "ruser": true, "msgid": true, "message-id": true, "resent-message-id": true, "sender": true, "recipient": true, "rcpt": true, "login": true,
	"account": true, "orig_to": true, "ctladdr": true, "mailfrom": true, "envelope-from": true, "smtp.mailfrom": true, "header.from": true, "identity": true,
	"client_address": true, "helo": true, "email": true, "address": true, "username": true, "mbox": true, "mail": true, "p": true, "r": true, "s": true,
}

// lengthOf is how much of a text is the length of a network: "/24".
func lengthOf(s string) int {
	digits := strings.TrimPrefix(s, "/")
	rest := strings.TrimLeft(digits, "0123456789")
	if len(digits) == len(s) || len(rest) == len(digits) {
		return 0
	}
	return len(s) - len(rest)
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80 || strings.IndexByte(".@_%+:-", c) >= 0
}
