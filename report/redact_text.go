package report

import (
	"net/netip"
	"strings"
)

// --redact in free text: sentences of our own, and log lines.

// text replaces what identifies in a text of our own.
func (x *redactor) text(s string) string {
	return x.words(x.withoutSubjects(s), func(_, w, _ string) string { return x.known(w) })
}

// known is a word without its identity, as far as the word itself or what was met before tells.
func (x *redactor) known(w string) string {
	if x.given[w] {
		return w
	}
	if p, ok := x.locals[strings.ToLower(w)]; ok && len(w) > 3 && !plainNames[strings.ToLower(w)] {
		return p // Exim names local mailboxes without their domain
	}
	return x.word(w)
}

func (x *redactor) withoutSubjects(s string) string {
	for _, subject := range x.longest {
		if len(subject) > 2 && strings.Contains(s, subject) {
			s = strings.ReplaceAll(s, subject, x.subjects[subject])
		}
	}
	return s
}

// line replaces what identifies in a log line, where a place can tell what a word is.
func (x *redactor) line(s string) string {
	for _, place := range [...]struct{ before, after string }{{"header Subject: ", " from "}, {` T="`, `"`}} {
		before, rest, found := strings.Cut(s, place.before)
		subject, after, closed := strings.Cut(rest, place.after)
		if found && closed && subject != "" {
			s = before + place.before + x.subject(subject) + place.after + after
		}
	}
	return x.words(x.withoutSubjects(s), func(before, w, after string) string {
		if p := x.known(w); p != w || x.given[w] || isAddress(w) || !names(before, after) {
			return p
		}
		if kind, name, ok := strings.Cut(w, ":"); ok { // A=login:maria
			return kind + ":" + x.name(name)
		}
		return x.name(w)
	})
}

func isAddress(w string) bool {
	_, err := netip.ParseAddr(w)
	return err == nil
}

// names reports whether a word that stands there is a login, a local user or a HELO: <maria>, U=maria, H=(laptop), login for maria.
func names(before, after string) bool {
	for _, mark := range []string{"U=", "A=", "user=", "sasl_username=", "set_id=", "ruser=", "login for ", "login: by "} {
		if strings.HasSuffix(before, mark) {
			return true
		}
	}
	return strings.HasSuffix(before, "<") && strings.HasPrefix(after, ">") || strings.HasSuffix(before, "(") && strings.HasPrefix(after, ") [")
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
