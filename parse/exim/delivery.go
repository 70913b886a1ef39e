package exim

import (
	"cmp"
	"strings"
	"time"

	"mailforensics/mail"
	"mailforensics/parse"
)

// outcome is what follows the addresses of a delivery, a deferral or a failure. It is collected apart from the event, because the
// end of the addresses is found by trying.
type outcome struct {
	sender, router, transport string
	iface, reply              string
	host                      host
	relayed                   bool // there is an H=
	size                      int64
	onQueue, delivering       time.Duration
	timed                     bool   // one of the two is known
	reason                    string // "**": the text after the fields; "==": what follows "defer"
	failing                   bool   // a reason may follow the fields
	cut                       bool
}

// delivery parses what follows "=>", "->", ">>" and "*>".
func delivery(s string, ev *mail.Event) parse.Verdict {
	if s == "" {
		return parse.Damaged
	}
	ev.Kind = mail.Delivery
	if discarded(s, ev) {
		return parse.Parsed
	}
	final, original, rest := addresses(s)
	var o outcome
	if left := o.fields(rest); (left != "" || blank(original)) && !finalBefore(s, &final, &original, &o) {
		loose(left, ev)
	}
	if final == "" {
		return parse.Damaged
	}
	ev.Recipient, ev.Original = final, original
	o.store(ev)
	ev.Disposition = mail.Delivered
	switch {
	case o.transport == "" && (final == ":blackhole:" || final == "discarded" || final == "blackhole"), o.transport == "**bypassed**":
		ev.Disposition = mail.Discarded
	case o.transport != "" && !o.host.ip.IsValid() && ev.Flags&mail.Incomplete == 0:
		ev.Flags |= mail.LocalTarget
	}
	if o.reply != "" {
		answer(o.reply, ev)
	}
	return parse.Parsed
}

// discarded parses the deliveries that have no address: an ACL or the system filter discarded the message. src/receive.c
// (blackholed_by), src/deliver.c
func discarded(s string, ev *mail.Event) bool {
	if s[0] != 'd' && s[0] != 'b' {
		return false
	}
	if s != "discarded (system filter)" {
		after, ok := strings.CutPrefix(s, "blackhole (")
		if !ok || !strings.Contains(after, " ACL discarded recipients)") {
			return false
		}
		_, ev.Reply, _ = strings.Cut(after, "): ")
	}
	ev.Kind, ev.Disposition, ev.Text = mail.Discard, mail.Discarded, s
	return true
}

// loose marks a delivery whose fields are out of order.
func loose(left string, ev *mail.Event) {
	if halved(left) {
		ev.Flags |= mail.Doubtful
	}
	ev.Flags |= mail.Incomplete
}

// addresses parses "final (parents) <original>"; the parents and the original may be missing. It is correct only if the final
// address has no blank: it is printed without its quotes.
func addresses(s string) (final, original, rest string) {
	final, rest = cutToken(s)
	original, rest = cutOriginal(rest)
	return final, original, rest
}

// blank reports whether an address has a blank outside of quotes: then it is no address, but begins in the middle of a quoted
// one.
func blank(address string) bool {
	if strings.IndexByte(address, ' ') < 0 {
		return false
	}
	_, rest := cutAddress(address)
	return rest != ""
}

func cutOriginal(s string) (original, rest string) {
	rest = s
	if strings.HasPrefix(rest, " (") {
		if end := strings.IndexByte(rest, ')'); end > 0 {
			rest = rest[end+1:]
		}
	}
	if strings.HasPrefix(rest, " <") {
		if address, after, ok := cutAngle(rest[1:]); ok {
			return address, after
		}
	}
	return "", rest
}

// finalBefore finds the addresses of a delivery from the right, because the left is what a sender chose (a quoted local part) or
// a user wrote (a pipe): the last <original> from which the fields follow their order to the end. src/deliver.c: delivery_log,
// string_log_address
func finalBefore(s string, final, original *string, o *outcome) bool {
	for at, n := len(s), 0; n < tries; n++ {
		if at = lastIndex(s[:at], " <"); at < 0 {
			break
		}
		address, rest, ok := cutAngle(s[at+1:])
		if !ok {
			continue
		}
		if trial := (outcome{}); trial.fields(rest) == "" {
			*final, *original, *o = beforeParents(s[:at]), address, trial
			return true
		}
	}
	at := 0
	for range tries { // no original: a pipe or file of the system filter
		next := strings.Index(s[at:], " T=")
		if next < 0 {
			break
		}
		at += next
		if trial := (outcome{}); trial.fields(s[at:]) == "" {
			*final, *original, *o = s[:at], "", trial
			return true
		}
		at++
	}
	return false
}

func lastIndex(s, two string) int {
	for i := len(s) - 2; i >= 0; i-- {
		if s[i] == two[0] && s[i+1] == two[1] {
			return i
		}
	}
	return -1
}

// beforeParents cuts " (parent, parent)" off the end.
func beforeParents(s string) string {
	if strings.HasSuffix(s, ")") {
		if open := strings.LastIndex(s, " ("); open > 0 && strings.IndexByte(s[open:], '@') > 0 {
			return s[:open]
		}
	}
	return s
}

// fields parses the fields in their order, and returns what does not follow it. Those of a failure end with the reason, which is
// stored.  src/deliver.c: delivery_log, failure_log, d_hostlog
func (o *outcome) fields(s string) (rest string) {
	at := dNone
	if !o.failing {
		at, s = o.usual(s)
	}
	for s != "" {
		if o.failing {
			if reason, ok := reasonAfter(s); ok {
				o.failed(reason)
				return ""
			}
		}
		if s[0] != ' ' {
			return s
		}
		r, after := dUnknown, ""
		if len(s) > 3 && s[2] == '=' && deliveryLetters[s[1]] != dUnknown { // most names are a letter
			r, after = deliveryLetters[s[1]], s[3:]
		} else {
			var name string
			name, after = cutName(s[1:])
			r = deliveryRank(name)
		}
		switch {
		case r == dInterface && at == dNone: // 4.86 puts it first
		case r > at:
			at = r
		case r == dUnknown && after != "" && after[0] != ' ': // of a version that is not known
		default:
			return s
		}
		next, ok := o.field(r, after)
		if !ok {
			return s
		}
		s = next
	}
	return ""
}

// usual cuts the fields that most deliveries have, as long as nothing is between them, without looking up what each may be.
func (o *outcome) usual(s string) (at deliveredRank, rest string) {
	at = dNone
	if after, ok := strings.CutPrefix(s, " F="); ok {
		if sender, rest, ok := cutAngle(after); ok {
			o.sender, at, s = mail.SenderOf(sender), dSender, rest
		}
	}
	if after, ok := strings.CutPrefix(s, " R="); ok {
		if value, rest, plain := cutPlain(after); plain {
			o.router, at, s = value, dRouter, rest
		}
	}
	if after, ok := strings.CutPrefix(s, " T="); ok {
		if value, rest, plain := cutPlain(after); plain {
			o.transport, at, s = value, dTransport, rest
		}
	}
	return at, s
}

// field stores one field, and returns what follows it.
func (o *outcome) field(r deliveredRank, s string) (rest string, ok bool) {
	switch r {
	case dHost:
		return o.cutRelay(s)
	case dReply:
		return o.cutReply(s)
	case dSender:
		o.sender, rest, ok = cutAngle(s)
		o.sender = mail.SenderOf(o.sender)
		return rest, ok
	case dReturnPath, dSRS:
		_, rest, ok = cutAngle(s)
		return rest, ok
	case dDN:
		return skipDN(s)
	}
	value, rest, ok := cutPlain(s)
	if n := len(value) - 1; o.failing && n >= 0 && value[n] == ':' {
		value, rest = value[:n], s[n:]
	}
	switch r {
	case dRouter:
		o.router = value
	case dTransport:
		o.transport = value
	case dInterface:
		o.iface = strings.TrimSuffix(value, "*") // a used connection, up to 4.94
	case dSize:
		o.size, ok = number(value)
	case dOnQueue:
		o.onQueue, ok = duration(value)
		o.timed = true
	case dDelivering:
		o.delivering, ok = duration(value)
		o.timed = true
	case dShadow:
		rest = skipParentheses(rest)
	}
	return rest, ok
}

// cutRelay cuts "name [ip]:port*", or the list of names that a local delivery has. The name may be an address in brackets, too
// (src/routers/ipliteral.c).
func (o *outcome) cutRelay(s string) (rest string, ok bool) {
	o.relayed = true
	name, after := cutToken(s)
	if strings.HasPrefix(after, " DS [") {
		after = after[3:]
	}
	if strings.IndexByte(name, '"') >= 0 {
		return s, false
	}
	o.host.name = strings.TrimSuffix(name, ":")
	if !strings.HasPrefix(after, " [") {
		return s[len(o.host.name):], true
	}
	if o.host.ip, o.host.port, after, ok = cutBrackets(after[1:]); !ok {
		return s, false
	}
	return strings.TrimPrefix(after, "*"), true
}

// cutReply cuts C="…": the remote server's reply, with quotes and backslashes escaped.
func (o *outcome) cutReply(s string) (rest string, ok bool) {
	if o.reply, rest, ok = cutString(s); ok {
		return rest, rest == "" || strings.HasPrefix(rest, " QT=") || strings.HasPrefix(rest, " DT=")
	}
	if strings.HasPrefix(s, `"`) && !strings.Contains(s, " <") && !strings.Contains(s, "> ") {
		o.reply, o.cut = s[1:], true
		return "", true
	}
	return s, false
}

func skipParentheses(s string) string {
	if strings.HasPrefix(s, " (") {
		if end := strings.IndexByte(s, ')'); end > 0 {
			return s[end+1:]
		}
	}
	return s
}

// skipDN finds the end of DN="…": the quote before a later field, a colon, or the end.
func skipDN(s string) (rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return s, false
	}
	inner := s[1:]
	for range tries {
		end := strings.IndexByte(inner, '"')
		if end < 0 {
			break
		}
		inner = inner[end+1:]
		switch {
		case inner == "", inner[0] == ':', strings.HasPrefix(inner, " : "):
			return inner, true
		case inner[0] == ' ':
			if name, _ := cutName(inner[1:]); deliveryRank(name) > dDN {
				return inner, true
			}
		}
	}
	return s, false
}

func (o *outcome) store(ev *mail.Event) {
	ev.Sender, ev.Router, ev.Transport, ev.Interface, ev.Size = o.sender, o.router, o.transport, o.iface, o.size
	if o.relayed {
		o.host.relay(ev)
	}
	if o.timed {
		ev.Delay = cmp.Or(o.onQueue, o.delivering)
		ev.Flags |= mail.HasDelay
	}
	if o.cut {
		ev.Flags |= mail.Incomplete
	}
}

// deliveredRank is the place of a field in the order of a delivery line.
type deliveredRank uint8

const (
	dUnknown deliveredRank = iota
	dNone
	dSender
	dQueue
	dSRS
	dReturnPath
	dRouter
	dTransport
	dSize
	dHost
	dProxy
	dInterface
	dTFO
	dShadow
	dPhases
	dCipher
	dVerified
	dDN
	dAuth
	dPipelining
	dPRDR
	dChunking
	dDKIM
	dReply
	dOnQueue
	dDelivering
)

// deliveryLetters are the fields whose name is a letter.
var deliveryLetters = [256]deliveredRank{
	'R': dRouter, 'T': dTransport, 'H': dHost, 'F': dSender, 'C': dReply, 'X': dCipher, 'S': dSize, 'I': dInterface,
	'P': dReturnPath, 'A': dAuth, 'K': dChunking, 'L': dPipelining, 'Q': dQueue,
}

func deliveryRank(name string) deliveredRank {
	if len(name) == 1 {
		return deliveryLetters[name[0]]
	}
	switch name {
	case "CV":
		return dVerified
	case "QT":
		return dOnQueue
	case "DT":
		return dDelivering
	case "L-", "L.", "L.-", "L*":
		return dPipelining
	case "DN":
		return dDN
	case "ST":
		return dShadow
	case "PS":
		return dPhases
	case "PRX":
		return dProxy
	case "TFO", "TFO*":
		return dTFO
	case "SRS":
		return dSRS
	case "PRDR":
		return dPRDR
	case "DKIM":
		return dDKIM
	}
	return dUnknown
}

// answer parses the code, the status and the remote queue ID in the remote server's last reply.
func answer(reply string, ev *mail.Event) {
	ev.Reply = reply
	ev.Code, ev.DSN = replyCode(reply)
	last := strings.LastIndexByte(reply, ' ')
	if last < 0 {
		return
	}
	switch word := reply[last+1:]; {
	case strings.HasSuffix(reply[:last], "queued as"): // Postfix
		ev.Child = word
	case strings.HasPrefix(word, "id="): // Exim
		ev.Child = word[len("id="):]
	case strings.HasSuffix(reply, " Message accepted for delivery"): // Sendmail: "250 2.0.0 ID Message accepted …"
		if words := reply[:len(reply)-len(" Message accepted for delivery")]; strings.Count(words, " ") == 2 {
			ev.Child = words[strings.LastIndexByte(words, ' ')+1:]
		}
	}
}

// replyCode parses "550 5.1.1 …" or "550-5.1.1 …"; 0: a text does not begin so.
func replyCode(s string) (code int, dsn string) {
	if len(s) < 3 || s[0] < '2' || s[0] > '5' || !parse.AllDigits(s[:3]) || len(s) > 3 && s[3] != ' ' && s[3] != '-' {
		return 0, ""
	}
	code = int(s[0]-'0')*100 + int(s[1]-'0')*10 + int(s[2]-'0')
	if len(s) > 4 {
		dsn = status(s[4:])
	}
	return code, dsn
}

// status returns the RFC 3463 code at the front of s: class, subject, detail.
func status(s string) string {
	if len(s) < 5 || s[0] != '2' && s[0] != '4' && s[0] != '5' || s[1] != '.' {
		return ""
	}
	n, dots := 2, 1
	for n < len(s) && n < 9 && (s[n] >= '0' && s[n] <= '9' || s[n] == '.' && dots == 1 && s[n-1] != '.') {
		if s[n] == '.' {
			dots++
		}
		n++
	}
	if dots != 2 || s[n-1] == '.' {
		return ""
	}
	return s[:n]
}
