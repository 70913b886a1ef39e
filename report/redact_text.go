package report

import (
	"net/netip"
	"strings"
)

// --redact in free text: sentences of our own, and log lines.

// text replaces what identifies in a text of our own.
func (x *redactor) text(s string) string {
	return x.replaced(s, x.sought.find(s, nil))
}

// replaced is a text of our own with marks, and what identifies beside them.
func (x *redactor) replaced(s string, marks []replacement) string {
	return x.words(s, apart(marks), func(before, w, _ string) string { return x.known(before, w) })
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

// line replaces what identifies in a log line, where a place can tell what a word is. All that is more than a word is looked for in
// the line as it was written, so that nothing that was put in its place is taken for a part of it.
func (x *redactor) line(s string) string {
	// The password that somebody mistyped, which may be anything: Dovecot's auth_verbose_passwords, auth_debug_passwords.
	if before, _, ok := strings.Cut(s, "(given password: "); ok {
		s = before + "(given password: redacted)"
	}
	told := x.told(s)
	marks := x.logged(s, certificates(s, nil))
	marks = x.sought.find(s, marks)
	marks = x.quoted(s, x.bracketed(s, marks))
	marks = told.phrases.find(s, marks)
	return x.words(s, apart(marks), func(before, w, after string) string {
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

// logged marks the subject that Exim (T="…", quotes escaped) or header_checks of Postfix wrote.
func (x *redactor) logged(s string, marks []replacement) []replacement {
	if before, rest, ok := strings.Cut(s, "header Subject: "); ok {
		end := len(rest)
		if i := strings.LastIndex(rest, "; from=<"); i >= 0 {
			end = i
		}
		if i := strings.LastIndex(rest[:end], " from "); i > 0 {
			at := len(before) + len("header Subject: ")
			return append(marks, replacement{at, at + i, x.subject(rest[:i])})
		}
	}
	if before, rest, ok := strings.Cut(s, ` T="`); ok {
		for i := 0; i < len(rest); i++ {
			if rest[i] == '\\' {
				i++
			} else if rest[i] == '"' {
				at := len(before) + len(` T="`)
				return append(marks, replacement{at, at + i, x.subject(rest[:i])})
			}
		}
	}
	return marks
}

// bracketed marks what stands in angle brackets, or in the parentheses of a HELO, and is more than a word: an address whose local
// part has blanks or signs, a login or a HELO with blanks.
func (x *redactor) bracketed(s string, marks []replacement) []replacement {
	closing := -1 // the next parenthesis that closes
	for at := 0; at < len(s); {
		open := strings.IndexAny(s[at:], "<(")
		if open < 0 {
			break
		}
		open += at
		at = open + 1
		if s[open] == '<' {
			n := strings.IndexAny(s[at:], "<>")
			if n < 0 {
				continue
			}
			inner := s[at : at+n]
			keyed := open > 0 && s[open-1] == '='
			if s[at+n] == '<' || oneWord(inner) || inner[0] == '=' || !keyed && strings.IndexByte(inner, '@') < 0 {
				continue
			}
			marks = append(marks, replacement{at, at + n, x.address(inner)})
			at += n
			continue
		}
		if closing < open {
			if closing = strings.IndexByte(s[open:], ')') + open; closing < open {
				closing = len(s)
			}
		}
		if !strings.HasPrefix(s[closing:], ") [") {
			continue
		}
		if inner := s[at:closing]; !oneWord(inner) && inner[0] != '=' && strings.IndexByte(inner, '<') < 0 {
			marks = append(marks, replacement{at, closing, x.name(strings.Trim(inner, "[]"))})
			at = closing
		}
	}
	return marks
}

// quoted marks addresses with a quoted local part, which Exim writes without brackets.
func (x *redactor) quoted(s string, marks []replacement) []replacement {
	for from := 0; ; {
		end := strings.Index(s[from:], `"@`)
		if end < 0 {
			return marks
		}
		open := max(strings.LastIndex(s[from:from+end], ` "`), strings.LastIndex(s[from:from+end], `="`)) + from
		n := from + end + 2
		if open < from {
			from = n
			continue
		}
		for n < len(s) && wordByte(s[n]) {
			n++
		}
		marks = append(marks, replacement{open + 1, n, x.address(s[open+1 : n])})
		from = n
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
	if strings.HasPrefix(after, "[") {
		if n := strings.IndexByte(after[:min(len(after), 64)], ']'); n > 0 && isAddress(after[1:n]) {
			return true
		}
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

// words writes a text with what stands in the place of marks, which are apart, and with each other word as of has it, which is
// told what stands around it.
func (x *redactor) words(s string, marks []replacement, of func(before, w, after string) string) string {
	var out strings.Builder
	at := 0
	for _, m := range marks {
		x.between(&out, s, at, m.at, of)
		out.WriteString(m.to)
		at = m.end
	}
	x.between(&out, s, at, len(s), of)
	return out.String()
}

// between writes the words of s[at:to].
func (x *redactor) between(out *strings.Builder, s string, at, to int, of func(before, w, after string) string) {
	barren := 0 // no address begins before it
	for at < to {
		n := at
		for n < to && wordByte(s[n]) {
			n++
		}
		n = at + beforeAddress(s[at:n])
		if n == at {
			out.WriteByte(s[at])
			at++
			continue
		}
		if isAddress(s[at:n]) {
			n += lengthOf(s[n:to])
		} else if n > barren {
			m, far := addressAt(s[:to], at, n)
			if m > n {
				out.WriteString(x.address(s[at:m]))
				at = m
				continue
			}
			barren = far
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
}

// beforeAddress is how much of a word stands before the first colon that an IPv4 address follows, as in what vpopmail logs:
// "eva@club.example:192.0.2.66".
func beforeAddress(w string) int {
	if strings.IndexByte(w, ':') < 0 || isAddress(w) {
		return len(w)
	}
	for at := 0; at < len(w); at++ {
		if w[at] != ':' {
			continue
		}
		next, _, _ := strings.Cut(w[at+1:], ":")
		if strings.IndexByte(next, '.') > 0 && isAddress(next) {
			return at
		}
	}
	return len(w)
}

// addressAt is the end of the address that begins with the word s[at:n], where its local part has signs that are of no
// word: o'brien@x, and bounces+maria=club.example@x. What stands before a sign of equality may be the name of a field, too. Where
// there is none, far is how far none begins at all.
func addressAt(s string, at, n int) (end, far int) {
	if n == len(s) || strings.IndexByte(localSigns, s[n]) < 0 || s[n] == '=' && fieldNames[s[at:n]] || s[n] == '/' {
		return n, n
	}
	m := n
	for m < len(s) && (wordByte(s[m]) || strings.IndexByte(localSigns, s[m]) >= 0) {
		m++
	}
	host := strings.LastIndexByte(s[n:m], '@') + n
	if host < n || host+1 == m {
		return n, m
	}
	for m > host && strings.IndexByte(localSigns+".:-", s[m-1]) >= 0 {
		m--
	}
	return m, m
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
