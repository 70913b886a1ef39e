package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// cleanup parses the lines of the daemon through which every new message goes (cleanup/*.c). All have a queue ID.
func cleanup(body string, ev *mail.Event) parse.Verdict {
	id, rest, ok := cutID(body)
	if !ok {
		return parse.Unfamiliar
	}
	setID(id, ev)
	if value, ok := strings.CutPrefix(rest, "message-id="); ok {
		return messageID(value, ev)
	}
	switch {
	case strings.HasPrefix(rest, "to=<"): // bounced here, before it reached qmgr
		return delivery(rest, ev)
	case strings.HasPrefix(rest, "resent-message-id="):
		return remark(rest, ev)
	case strings.HasPrefix(rest, "removed"):
		return removed(rest, ev)
	case strings.HasPrefix(rest, "masquerade_exceptions map lookup problem"): // no warning, though it means the same
		return warnedMail(rest, ev)
	}
	if v := header(rest, ev); v != parse.Unfamiliar {
		return v
	}
	if v := action(id, rest, ev); v != parse.Unfamiliar {
		return v
	}
	ev.QueueID = ""
	return parse.Unfamiliar
}

// messageID parses the value of a Message-ID header, which runs to the end of the line and may contain anything. Only a value
// that is nothing but an ID loses its angle brackets.
func messageID(value string, ev *mail.Event) parse.Verdict {
	ev.Kind, ev.MessageID = mail.MessageID, value
	if n := len(value); n >= 2 && value[0] == '<' && strings.IndexByte(value, '>') == n-1 {
		ev.MessageID = value[1 : n-1]
	}
	if longLine(len(value)) {
		ev.Flags |= mail.Incomplete
	}
	return parse.Parsed
}

// longLine reports whether a text is so long that Postfix may have cut it: at 2000 bytes, queue ID included
// (util/msg_output.c).
func longLine(n int) bool { return n >= 2000-60 }

// removed parses "removed", and since 3.10 "removed (canceled)" and "removed (discarded)".
func removed(rest string, ev *mail.Event) parse.Verdict {
	why := strings.TrimPrefix(rest, "removed")
	if why != "" {
		inner, ok := strings.CutPrefix(why, " (")
		if !ok {
			return parse.Unfamiliar
		}
		ev.Reply = strings.TrimSuffix(inner, ")")
	}
	ev.Kind = mail.Remove
	return parse.Parsed
}

// headerText is how many bytes of a header or body line are logged (cleanup/cleanup_message.c, "%.200s").
const headerText = 200

// header parses "ACTION: header TEXT from ORIGIN; from=<…> to=<…> proto=… helo=<…>: words of the table" (header_checks,
// body_checks), with "milter-header-" before the action for milter_header_checks, and "reject: mime-error …".
//
// TEXT is the author's, who may write a whole block of this kind into a Subject. The genuine block is the last " from ORIGIN;
// from=<" that parses to the end of the line and begins within the 200 bytes that TEXT may have. The words after it may repeat a
// part of the header, but the block never begins in them.
func header(rest string, ev *mail.Event) parse.Verdict {
	word, rest, ok := strings.Cut(rest, ": ")
	if !ok {
		return parse.Unfamiliar
	}
	word = strings.TrimPrefix(strings.TrimPrefix(word, "milter-header-"), "milter-body-")
	kind, ok := checkKind(word)
	if !ok {
		return parse.Unfamiliar
	}
	class, text, ok := strings.Cut(rest, " ")
	if !ok || class != "header" && class != "body" && class != "mime-error" {
		return parse.Unfamiliar
	}
	ev.Kind, ev.Stage = kind, ""
	text, words, ok := cutBlock(text, ev)
	if !ok {
		ev.Flags |= mail.Incomplete
	}
	switch class {
	case "header":
		setHeader(text, ev)
	default:
		ev.HeaderValue = text
	}
	setWords(words, ev)
	return parse.Parsed
}

// checkKind returns what an action of a header or body check means (cleanup/cleanup_message.c, cleanup_act).
func checkKind(word string) (kind mail.Kind, ok bool) {
	switch word {
	case "reject":
		return mail.Reject, true
	case "discard":
		return mail.Discard, true
	case "hold":
		return mail.Hold, true
	case "warning", "info", "filter", "pass", "delay", "prepend", "replace", "redirect", "bcc", "strip":
		return mail.Header, true
	}
	return mail.Other, false
}

// setHeader splits "Name: value".
func setHeader(text string, ev *mail.Event) {
	name, value, ok := strings.Cut(text, ":")
	if !ok {
		ev.HeaderValue = text
		return
	}
	value = strings.Trim(value, " ")
	ev.HeaderName, ev.HeaderValue = name, value
	if len(text) >= headerText {
		ev.Flags |= mail.Incomplete
	}
	switch {
	case strings.EqualFold(name, "Subject"):
		ev.Subject = value
	case strings.EqualFold(name, "X-PHP-Originating-Script"):
		ev.Script = value
	}
}

// setWords keeps the words of the table: they are the reason, if the action changed the fate of the message.
func setWords(words string, ev *mail.Event) {
	if ev.Kind == mail.Header {
		ev.Text = words
		return
	}
	ev.DSN, ev.Reply = cutDSN(words)
	if ev.Kind == mail.Reject && ev.Client.IP.IsValid() {
		ev.Stage = "END-OF-MESSAGE" // cleanup's verdict is the reply to the end of DATA
	}
}

// cutBlock cuts " from ORIGIN; from=<…> to=<…> proto=… helo=<…>: words" off the end, and keeps its fields.
func cutBlock(s string, ev *mail.Event) (text, words string, ok bool) {
	end := len(s)
	if limit := headerText + len(" from ") + 300; end > limit { // 300: the longest name, address and port
		end = limit
	}
	for range 16 { // blocks that 200 bytes can hold
		i := parse.LastIndex(s[:end], "; from=<")
		if i < 0 {
			break
		}
		if start := origin(s[:i], ev); start >= 0 && start <= headerText {
			if words, ok := block(s[i+2:], ev); ok {
				return s[:start], words, true
			}
		}
		ev.Client = mail.Client{}
		ev.Flags &^= mail.Verified
		end = i
	}
	return cutOldBlock(s, ev)
}

// cutOldBlock cuts the block of Postfix 1.1 and 2.0, which did not log the origin: "; from=<…> to=<…>: words".
func cutOldBlock(s string, ev *mail.Event) (text, words string, ok bool) {
	i := parse.LastIndex(s[:min(len(s), headerText+len("; from=<"))], "; from=<")
	if i < 0 {
		return s, "", false
	}
	words, ok = block(s[i+2:], ev)
	if !ok {
		return s, "", false
	}
	return s[:i], words, true
}

// origin returns where " from ORIGIN" at the end of s begins; -1: nowhere. ORIGIN is a client, which it keeps, "local" for
// pickup's mail, or "unknown".
func origin(s string, ev *mail.Event) int {
	blank := strings.LastIndexByte(s, ' ')
	if blank < 0 || !strings.HasSuffix(s[:blank], " from") {
		return -1
	}
	switch word := s[blank+1:]; {
	case word == "local" || word == "unknown":
	default:
		if rest, ok := cutClient(word, ev); !ok || rest != "" {
			return -1
		}
	}
	return blank - len(" from")
}

// block parses "from=<…> to=<…> proto=… helo=<…>", which ends with the line or with ": " and the words of the table. Only the
// sender is always there.
func block(s string, ev *mail.Event) (words string, ok bool) {
	from, s, ok := cutAddress(s[len("from="):])
	if !ok {
		return "", false
	}
	var to, proto, helo string
	if to, s, ok = cutBlockField(s, " to="); !ok {
		return "", false
	}
	if p, found := strings.CutPrefix(s, " proto="); found {
		n := 0
		for n < len(p) && p[n] != ' ' && p[n] != ':' {
			n++
		}
		proto, s = p[:n], p[n:]
	}
	if helo, s, ok = cutBlockField(s, " helo="); !ok {
		return "", false
	}
	if s != "" && !strings.HasPrefix(s, ": ") {
		return "", false
	}
	ev.Sender, ev.Recipient, ev.Protocol, ev.Client.HELO = mail.SenderOf(from), to, proto, helo
	return strings.TrimPrefix(s, ": "), true
}

// cutBlockField cuts an optional field in angle brackets.
func cutBlockField(s, key string) (value, rest string, ok bool) {
	rest, found := strings.CutPrefix(s, key)
	if !found {
		return "", s, true
	}
	return cutAddress(rest)
}
