package exim

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// rank is the place of a field in the order in which Exim writes the fields of an arrival.  src/receive.c: receive_msg
type rank uint8

const (
	notAField rank = iota
	rHost          // R= DS H=: parsed before the others; a second one is part of a value that imitates them
	rInterface
	rTFO
	rIdent
	rConnection
	rProtocol
	rPipelining
	rSPF
	rCipher
	rVerified
	rDN
	rSNI
	rAuth
	rPRDR
	rProxy
	rChunking
	rSize
	r8Bit
	rDKIM
	rARC
	rDMARC
	rReception
	rQueue
	rMessageID
	rSubject
	rFrom
	rFor
)

// arrivalLetters are the fields whose name is a letter.
var arrivalLetters = [256]rank{
	'S': rSize, 'P': rProtocol, 'T': rSubject, 'X': rCipher, 'A': rAuth, 'I': rInterface, 'U': rIdent, 'R': rHost, 'H': rHost,
	'K': rChunking, 'L': rPipelining, 'Q': rQueue,
}

func arrivalRank(name string) rank {
	switch len(name) {
	case 1:
		return arrivalLetters[name[0]]
	case 2:
		switch name {
		case "id":
			return rMessageID
		case "CV":
			return rVerified
		case "DN":
			return rDN
		case "Ci":
			return rConnection
		case "RT":
			return rReception
		case "DS":
			return rHost
		case "L-", "L.", "L*":
			return rPipelining
		}
		return notAField
	}
	switch name {
	case "for":
		return rFor
	case "from":
		return rFrom
	case "SNI":
		return rSNI
	case "PRDR":
		return rPRDR
	case "PRX":
		return rProxy
	case "TFO", "TFO*":
		return rTFO
	case "SPF":
		return rSPF
	case "M8S":
		return r8Bit
	case "DKIM":
		return rDKIM
	case "ARC":
		return rARC
	case "DMARC":
		return rDMARC
	case "id*":
		return rMessageID
	case "L.-":
		return rPipelining
	}
	return notAField
}

// arrival parses what follows "<=" or "(=": the sender, then the host, then the fields in their order.
func arrival(s string, ev *mail.Event) parse.Verdict {
	sender, rest := cutAddress(s)
	if sender == "" {
		return parse.Damaged
	}
	ev.Kind, ev.Sender = mail.LocalSubmit, sender
	if after, ok := strings.CutPrefix(rest, " R="); ok {
		ev.Parent, rest = cutToken(after)
	}
	if strings.HasPrefix(rest, " DS ") {
		rest = rest[3:]
	}
	if after, ok := strings.CutPrefix(rest, " H="); ok {
		ev.Kind = mail.Accept
		rest = arrivalHost(after, ev)
	}
	if rest = arrivalFields(rest, ev); rest != "" {
		irregular(rest, ev)
	}
	if ev.Kind == mail.Accept {
		impliedHELO(ev)
		if withoutLogin(ev.Protocol) { // then A= is part of a certificate's name or SNI, which imitates it
			ev.Account, ev.AuthMethod = "", ""
		}
	}
	if ev.Protocol == "" {
		return parse.Damaged // P= is always there; without it, nobody knows whether the message came from inside or outside
	}
	return parse.Parsed
}

// impliedHELO fills in what host_and_ident leaves out: a HELO that equals the verified name. ESMTP requires an EHLO.
func impliedHELO(ev *mail.Event) {
	if ev.Client.HELO == "" && extended(ev.Protocol) {
		ev.Client.HELO = ev.Client.Name
	}
}

// withoutLogin reports whether a protocol is one of Exim's for sessions without a login (src/smtp_in.c, protocols; with "utf8"
// before it for SMTPUTF8).
func withoutLogin(protocol string) bool {
	switch strings.TrimPrefix(protocol, "utf8") {
	case "smtp", "smtps", "ssmtp", "esmtp", "esmtps", "essmtp":
		return true
	}
	return false
}

// extended reports whether the session began with EHLO, as one with a login did (asmtp, before 4.42).
func extended(protocol string) bool {
	return strings.HasPrefix(protocol, "esmtp") || strings.Contains(protocol, "esmtp") || strings.Contains(protocol, "essmtp") || protocol == "asmtp"
}

// arrivalHost parses the client, and returns the fields after it. With helo_accept_junk_hosts, a HELO may look like the end of
// the host and the fields that follow it. So the client's address is the last one after a parenthesis, which ends a HELO, from
// which the rest of the line follows the order of the fields to its end; except one in a Message-ID or a subject, which every
// sender can choose. In an ident or in the name of a certificate it may as well follow a HELO that imitates these: then nobody
// knows who the client is, and none is given. The rest of the line is the same in both readings, and the message counts, because
// nobody may get out of the count by imitating a field.
func arrivalHost(s string, ev *mail.Event) (fields string) {
	name, rest := cutToken(s)
	var h host
	ok := false
	if strings.HasPrefix(rest, " [") && s[0] != '[' { // most hosts are a name, or a HELO, and the address
		h, fields, ok = hostAt(s, len(name)+1)
	}
	if !ok {
		h, fields, ok = cutHost(s)
	}
	says := strings.HasPrefix(name, "(") || strings.HasPrefix(rest, " (") // a HELO
	if !ok || h.name != "" && h.name != name && !says {
		ev.Client.Name = name // the line was cut, or -oMs was given without -oMa
		return rest
	}
	if says && bracket(fields, 1) > 0 {
		last, after, only, ok := lastArrivalHost(s, len(s)-len(fields), ev)
		if ok {
			h, fields = last, after
		}
		if ok && !only {
			ev.Flags |= mail.Unclear
			return fields
		}
	}
	h.client(ev)
	return fields
}

// lastArrivalHost looks for the end of a HELO after the host that ends at s[from]; only says that the first host cannot be the
// client.
func lastArrivalHost(s string, from int, ev *mail.Event) (h host, fields string, only, ok bool) {
	follows := func(fields string) bool {
		trial := mail.Event{QueueID: ev.QueueID}
		return arrivalFields(fields, &trial) == "" && trial.Protocol != ""
	}
	regular := follows(s[from:])
	at := len(s)
	for range tries {
		if at = strings.LastIndexByte(s[:at], '['); at <= from {
			break
		}
		if s[at-1] != ' ' || s[at-2] != ')' {
			continue
		}
		// What is after it usually decides at once; what is before it is long if somebody makes up many of them.
		if h, fields, ok = hostAt(s, at); ok && follows(fields) && !(regular && inText(s[from:at], ev)) {
			return h, fields, !regular, true
		}
	}
	return host{}, "", false, false
}

// inText reports whether a part of the fields ends in the middle of a Message-ID or a subject. A HELO cannot make it look so if
// the whole line follows the order, because then a quote that it opens leaves a later one without a partner.
func inText(fields string, ev *mail.Event) bool {
	trial := mail.Event{QueueID: ev.QueueID}
	left := arrivalFields(fields, &trial)
	if left == "" || left[0] != ' ' {
		return false
	}
	name, _ := cutName(left[1:])
	r := arrivalRank(name)
	return r == rMessageID || r == rSubject
}

// arrivalFields parses the fields in their order, and returns what does not follow it.
func arrivalFields(s string, ev *mail.Event) (rest string) {
	at, s := usualFields(s, ev)
	return fieldsBehind(s, at, ev)
}

// usualFields parses the fields that most arrivals have, as long as nothing is between them, without looking up what each may be: it
// saves every second instruction of fieldsBehind, which goes on from there.
func usualFields(s string, ev *mail.Event) (at rank, rest string) {
	at = rHost
	if after, ok := strings.CutPrefix(s, " P="); ok {
		if value, rest, plain := cutPlain(after); plain && value != "" {
			ev.Protocol, at, s = value, rProtocol, rest
		}
	}
	if after, ok := strings.CutPrefix(s, " X="); ok {
		ev.TLS, s = cutToken(after)
		ev.TLS, at = strings.TrimSuffix(ev.TLS, "*"), rCipher // resumed
	}
	if after, ok := strings.CutPrefix(s, " CV="); ok {
		if _, rest, plain := cutPlain(after); plain {
			at, s = rVerified, rest
		}
	}
	if after, ok := strings.CutPrefix(s, " S="); ok {
		if size, rest, ok := cutNumber(after); ok {
			ev.Size, at, s = size, rSize, rest
		}
	}
	if after, ok := strings.CutPrefix(s, " id="); ok {
		if value, rest, plain := cutPlain(after); plain && !strings.HasSuffix(value, `\`) {
			ev.MessageID, at, s = value, rMessageID, rest
		}
	}
	if after, ok := strings.CutPrefix(s, " T="); ok {
		if rest, ok := subject(after, ev); ok {
			at, s = rSubject, rest
		}
	}
	if after, ok := strings.CutPrefix(s, " for "); ok && recipients(after, s, ev) == "" {
		return rFor, ""
	}
	return at, s
}

// fieldsBehind is arrivalFields after a field.
func fieldsBehind(s string, at rank, ev *mail.Event) (rest string) {
	auth, between := "", 0
	for s != "" {
		if s[0] != ' ' {
			return s
		}
		r, after := notAField, ""
		if len(s) > 3 && s[2] == '=' && arrivalLetters[s[1]] != notAField { // most names are a letter
			r, after = arrivalLetters[s[1]], s[3:]
		} else {
			r, after = cutArrivalName(s)
		}
		if auth != "" {
			if at == rAuth && r > rSize && strings.Contains(after, " S=") {
				r = notAField // of a login with blanks: the size is always there
			}
			if r == notAField && rAuth < at && at < rSize && (after == "" || after[0] == ' ') {
				at = rAuth // the field before was one of the login's words
			}
		}
		if r <= at {
			name, _ := cutName(s[1:])
			next, ok := wordBetween(r, at, name, after)
			if between++; !ok || between > wordsBetween {
				return s
			}
			if at == rAuth && (after == "" || after[0] == ' ' || !capitals(name)) { // not ID= and B= of cPanel
				splitAuth(auth[:len(auth)-len(next)], ev)
			}
			s = next
			continue
		}
		at = r
		next, ok := "", true
		switch r {
		case rDN, rSNI:
			next, ok = skipQuoted(after, r)
		case rMessageID:
			ev.MessageID, next = cutAddress(after)
			ok = strings.IndexByte(ev.MessageID, '"') < 0 || balanced(ev.MessageID)
		case rSubject:
			next, ok = subject(after, ev)
		case rFrom:
			_, next, ok = cutAngle(strings.TrimPrefix(after, " "))
		case rFor:
			return recipients(strings.TrimPrefix(after, " "), s, ev)
		case rProtocol:
			ev.Protocol, next, ok = cutPlain(after)
			ok = ok && ev.Protocol != ""
		case rSize:
			ev.Size, next, ok = cutNumber(after)
		case rCipher:
			ev.TLS, next = cutToken(after)
			ev.TLS = strings.TrimSuffix(ev.TLS, "*") // resumed
		case rInterface:
			ev.Interface, next = cutToken(after)
		case rAuth:
			auth = after
			var value string
			value, next, ok = cutPlain(after)
			splitAuth(value, ev)
		case rIdent:
			if ev.Kind == mail.LocalSubmit {
				ev.User, next = cutToken(after)
			} else {
				_, next = cutIdent(after)
			}
		default:
			_, next, ok = cutPlain(after)
		}
		if !ok {
			return s
		}
		s = next
	}
	return ""
}

// cutArrivalName returns the place of the field that s begins with, behind a blank, and what follows its name.
func cutArrivalName(s string) (r rank, after string) {
	if len(s) > 4 && s[3] == '=' {
		if r = arrivalRank(s[1:3]); r != notAField {
			return r, s[4:]
		}
	}
	name, after := cutName(s[1:])
	return arrivalRank(name), after
}

// cutIdent cuts at the first protocol from which the line follows the order to its end: an ident is what the client's host says,
// and may have blanks and quotes and look like fields.
func cutIdent(s string) (ident, rest string) {
	at := 0
	for range tries {
		next := strings.Index(s[at:], " P=")
		if next < 0 {
			break
		}
		at += next
		trial := mail.Event{}
		if arrivalFields(s[at:], &trial) == "" && !strings.Contains(trial.Recipients, " P=") {
			return s[:at], s[at:]
		}
		at++
	}
	return cutToken(s)
}

// wordsBetween bounds the number of blanks in an ident, which has at most 127 characters, or in a login.
const wordsBetween = 64

// wordBetween parses what is out of the order: the rest of an ident or of a login with blanks, and unknown fields such as ID= and
// B= of cPanel.
func wordBetween(r, at rank, name, after string) (next string, ok bool) {
	value, next := cutToken(after)
	if r != notAField || strings.IndexByte(name, '"') >= 0 || strings.IndexByte(value, '"') >= 0 {
		return after, false
	}
	return next, at == rAuth || at == rIdent || value != "" && at < rSubject
}

// capitals reports whether a word is of capital letters.
func capitals(s string) bool {
	for i := range len(s) {
		if s[i]-'A' >= 26 {
			return false
		}
	}
	return true
}

// cutName cuts the "name=" of a field, or the name of one without a value.
func cutName(s string) (name, after string) {
	if len(s) > 1 && s[1] == '=' && s[0] >= 'A' { // most names are a letter
		return s[:1], s[2:]
	}
	n := 0
	for n < len(s) && s[n] != '=' && s[n] != ' ' {
		n++
	}
	if n < len(s) && s[n] == '=' {
		return s[:n], s[n+1:]
	}
	return s[:n], s[n:]
}

// cutField cuts "name=value" or "name", up to the next blank.
func cutField(s string) (name, value, rest string) {
	name, after := cutName(s)
	value, rest = cutToken(after)
	return name, value, rest
}

// valueOf returns all that follows "name=".
func valueOf(s, name string) string { return strings.TrimPrefix(s[len(name):], "=") }

// splitAuth splits "driver:id" or, with +smtp_mailauth, "driver:id:sender".
func splitAuth(s string, ev *mail.Event) {
	method, account, _ := strings.Cut(s, ":")
	if strings.IndexByte(account, ':') >= 0 {
		last := strings.LastIndexByte(account, ':')
		if last > 0 && (strings.IndexByte(account[last:], '@') > 0 || account[last:] == ":<>") {
			account = account[:last]
		}
	}
	ev.AuthMethod, ev.Account = method, account
}

// skipQuoted finds the end of DN="…" and, up to 4.94, SNI="…" (since then a word). The client chose the value, and quotes in it
// are not escaped, so that what follows the first quote may be part of it. What Exim writes after it is certain: the end is the
// last quote before the size from which the line follows the order.
func skipQuoted(s string, r rank) (rest string, ok bool) {
	if s == "" || s[0] != '"' {
		_, rest := cutToken(s)
		return rest, r == rSNI || strings.IndexByte(s[:len(s)-len(rest)], '"') < 0
	}
	size, any := lastSize(s)
	for end, n := size, 0; end > 1 && n < tries; n++ {
		if end = 1 + strings.LastIndexByte(s[1:end], '"'); end == 0 {
			break
		}
		var trial mail.Event
		if fieldsBehind(s[end+1:size], r, &trial) == "" {
			return s[end+1:], true
		}
	}
	if any {
		_, rest := cutToken(s)
		return rest, size > 0 && r == rSNI
	}
	return firstEnd(s[1:], r)
}

// sizes bounds how many texts that look like a size are tried: all that fit into the hundred bytes of a subject.
const sizes = 64

// lastSize returns the place of the last S= from which the line follows the order to its end, and whether there is any text that
// looks like one. That S= is the one that Exim wrote: the sender chose Message-ID, subject and recipients, but there a blank is
// only between quotes, so that after an S= in them one quote has no partner. If the end was cut off, the only S= is it.
func lastSize(s string) (at int, any bool) {
	at = len(s)
	found := 0
	for ; found < sizes; found++ {
		next := strings.LastIndex(s[:at], " S=")
		if next < 0 {
			break
		}
		at = next
		var trial mail.Event
		if fieldsBehind(s[at:], rChunking, &trial) == "" {
			return at, true
		}
	}
	if found == 1 {
		return at, true
	}
	return -1, found > 0
}

// firstEnd finds the end of a quoted value in a line that was cut: the first quote before a later field.
func firstEnd(inner string, r rank) (rest string, ok bool) {
	for range tries {
		end := strings.IndexByte(inner, '"')
		if end < 0 {
			break
		}
		if inner = inner[end+1:]; inner == "" {
			return inner, true
		}
		if name, _ := cutName(inner[1:]); inner[0] == ' ' && arrivalRank(name) > r {
			return inner, true
		}
	}
	return inner, false
}

// subject parses the value of T=, whose quotes and backslashes are escaped; only "from" and "for" follow it.
func subject(s string, ev *mail.Event) (rest string, ok bool) {
	text, rest, ok := cutString(s)
	if !ok {
		return s, false
	}
	if strings.IndexByte(text, '\\') >= 0 {
		text = unescape(text)
	}
	ev.Subject = text
	return rest, true
}

// unescape undoes string_printing and the quoting of the subject.  src/receive.c, src/string.c: string_printing2
func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' || i+1 == len(s) {
			b.WriteByte(c)
			continue
		}
		i++
		switch c = s[i]; {
		case c == 'n':
			b.WriteByte('\n')
		case c == 't':
			b.WriteByte('\t')
		case c == 'r':
			b.WriteByte('\r')
		case c == 'b':
			b.WriteByte('\b')
		case c == 'v':
			b.WriteByte('\v')
		case c == 'f':
			b.WriteByte('\f')
		case i+2 < len(s) && octal(s[i:i+3]):
			b.WriteByte((c-'0')<<6 | (s[i+1]-'0')<<3 | (s[i+2] - '0'))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func octal(s string) bool {
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7'
}

// recipients takes the list after "for" as it is. It returns the whole text if that is no list: a text whose quotes do not match,
// or with an address in brackets, is the middle of another value.
func recipients(list, whole string, ev *mail.Event) (rest string) {
	if strings.IndexByte(list, '[') >= 0 || strings.IndexByte(list, ':') >= 0 || strings.IndexByte(list, '"') >= 0 {
		half := halved(list)
		if strings.IndexByte(list, '"') >= 0 && !balanced(list) || bareBracket(list) && !half {
			return whole
		}
		if half {
			ev.Flags |= mail.Doubtful
		}
	}
	list, cut := strings.CutSuffix(list, "<trunc>")
	if cut {
		ev.Flags |= mail.Incomplete
	}
	ev.Recipients = list
	return ""
}

// bareBracket reports whether a list has an address in brackets by itself: not the domain of a recipient, and not in the quotes
// of a local part.
func bareBracket(list string) bool {
	at := bracket(list, 1)
	if at < 0 || strings.IndexByte(list, '"') < 0 {
		return at > 0
	}
	open := false
	for i := 1; i < len(list); i++ {
		switch list[i-1] {
		case '\\':
			i++
		case '"':
			open = !open
		case ' ':
			if list[i] == '[' && !open {
				return true
			}
		}
	}
	return false
}

// irregular parses fields that do not follow the order: those of an unknown version or patch, of a line that was cut, or of one
// that somebody forged.
func irregular(s string, ev *mail.Event) {
	if halved(s) {
		ev.Flags |= mail.Doubtful
	}
	for range tries {
		name, value, next := cutField(strings.TrimPrefix(s, " "))
		size := -1
		r := arrivalRank(name)
		if r == rDN {
			size, _ = lastSize(s)
		}
		switch {
		case size > 0: // there is a quote in the login after the name
			next = s[size:]
		case strings.HasPrefix(value, `"`):
			ev.Flags |= mail.Incomplete // the closing quote is gone
			if r == rSubject {
				ev.Subject = s[strings.IndexByte(s, '"')+1:]
			}
			return
		case r == rFor:
			ev.Recipients = strings.TrimPrefix(next, " ")
			return
		}
		if s = arrivalFields(next, ev); s == "" {
			return
		}
	}
}
