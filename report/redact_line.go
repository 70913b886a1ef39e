package report

import (
	"strings"

	"mailforensics/mail"
)

// told is what a log line says of somebody, as the formats read it, with its pseudonyms.
type told struct {
	words   map[string]string // in small letters
	of      map[string]string // those that are more than a word
	phrases *phrases          // the same, made ready
}

// told reads a line. A login or a local part of a line is replaced wherever it stands in it: in a reply that names a mailbox, too.
func (x *redactor) told(line string) *told {
	var ev mail.Event
	t := &told{words: make(map[string]string), of: make(map[string]string)}
	if x.read == nil || !x.read(line, &ev) {
		return t
	}
	t.name(x, ev.Account)
	t.name(x, ev.User)
	t.name(x, ev.Client.Name)
	t.name(x, strings.Trim(ev.Client.HELO, "[]"))
	for _, a := range [...]string{ev.Sender, ev.Recipient, ev.Original, ev.MessageID} {
		t.address(x, a)
	}
	for list := ev.Recipients; list != ""; {
		if list[0] == '"' && !strings.Contains(list, `"@`) { // the line was cut within a quoted local part
			t.name(x, strings.Trim(list, `"`))
			break
		}
		var a string
		if a, list, _ = strings.Cut(list, " "); strings.IndexByte(a, '"') < 0 { // those with quotes are found by them
			t.address(x, a)
		}
	}
	subject := ev.Subject
	if strings.EqualFold(ev.HeaderName, "subject") {
		subject = ev.HeaderValue
	}
	t.add(subject, x.subject(subject))
	t.phrases = newPhrases(t.of)
	return t
}

func (t *told) name(x *redactor, name string) {
	if strings.IndexByte(name, '@') > 0 {
		t.address(x, name)
	} else if name != "" && !roles[strings.ToLower(name)] {
		t.add(name, x.name(name))
	}
}

func (t *told) address(x *redactor, address string) {
	switch {
	case address == "" || address == mail.NullSender || address[0] == '|' || roles[strings.ToLower(address)]:
		return
	case address[0] == '/': // a mailbox as a file
		t.add(address, x.path(address))
		return
	}
	t.add(address, x.address(address))
	if at := strings.LastIndexByte(address, '@'); at > 0 {
		local := strings.Trim(address[:at], `"`)
		t.add(local, x.pseudonym(x.locals, strings.ToLower(address[:at]), "user"))
	}
}

// roles are words that mail servers and people use for anybody's mailbox.
var roles = map[string]bool{
	"user": true, "mailbox": true, "account": true, "recipient": true, "sender": true, "client": true, "host": true, "info": true, "error": true,
	"warning": true, "status": true, "message": true, "from": true, "login": true, "list": true, "test": true, "for": true, "the": true, "sent": true,
	"postmaster": true, "abuse": true, "mailer-daemon": true, "noreply": true, "no-reply": true, "admin": true, "sales": true, "contact": true, "x": true,
}

// add notes what is to be replaced in the line: a word, or more than one.
func (t *told) add(value, p string) {
	folded := strings.ToLower(value)
	switch {
	case value == p || len(value) < 3 || plainNames[folded] || roles[folded]:
	case oneWord(value):
		t.words[folded] = p
	default:
		t.of[value] = p
	}
}

// certificates marks the names in certificates, which are of people and firms: DN="…" and cert=… of Exim, in which quotes are not
// escaped, and subject_CN= and issuer= of Postfix.
func certificates(s string, marks []replacement) []replacement {
	const redacted = "redacted"
	if _, rest, ok := strings.Cut(s, ` DN="`); ok {
		at := len(s) - len(rest)
		marks = append(marks, replacement{at, at + endOfName(rest), redacted})
	}
	if before, _, ok := strings.Cut(s, " cert="); ok {
		marks = append(marks, replacement{len(before) + len(" cert="), len(s), redacted})
	}
	for _, field := range [...]string{"subject_CN=", "issuer_CN=", "issuer=", "untrusted issuer "} {
		if _, rest, ok := strings.Cut(s, field); ok {
			name, _, _ := strings.Cut(rest, ", ")
			at := len(s) - len(rest)
			marks = append(marks, replacement{at, at + len(name), redacted})
		}
	}
	return marks
}

// endOfName is the place of the quote that ends the name in a certificate: the last one that something of Exim's stands behind.
func endOfName(s string) int {
	end := -1
	for i := range len(s) {
		if s[i] != '"' {
			continue
		}
		after := s[i+1:]
		for _, field := range [...]string{" SNI=", " A=", " PRDR", " PRX=", " K ", " S=", " F=<", " rejected ", " temporarily ", ` C="`, " DT=", " QT=", ": "} {
			if strings.HasPrefix(after, field) {
				end = i
				break
			}
		}
		if strings.HasPrefix(after, " S=") || after == "" {
			break
		}
	}
	if end < 0 {
		return len(s)
	}
	return end
}
