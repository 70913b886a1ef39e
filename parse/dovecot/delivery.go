package dovecot

import (
	"strings"

	"mailforensics/mail"
)

// delivery parses what lmtp, lda and sieve did with a message (deliver_log_format, by default "msgid=%m: %$";
// src/lib-lda/mail-deliver.c): the folder, and what an attacker with access to the account wants: redirects. The delivery itself
// is counted by the MTA's line; this one is a remark about it, tied by its Message-ID.
func (l *line) delivery(ev *mail.Event) bool {
	text := l.text
	for range 3 { // "session: ", "sieve: "
		if strings.HasPrefix(text, "msgid=") {
			break
		}
		head, rest, ok := strings.Cut(text, ": ")
		if !ok || strings.IndexByte(head, ' ') >= 0 {
			return false
		}
		text = rest
	}
	text, ok := strings.CutPrefix(text, "msgid=")
	if !ok {
		return false
	}
	id, words := messageID(text)
	if words == "" {
		return false
	}
	if id != "unspecified" {
		ev.MessageID = mail.TrimMessageID(id)
	}
	ev.Kind, ev.Recipient, ev.Text = mail.FilterResult, l.user, words
	return true
}

// messageID separates the Message-ID, which its sender chose and which may contain ">: ", from the text after it.
func messageID(text string) (id, words string) {
	sep := ": "
	if strings.HasPrefix(text, "<") {
		sep = ">: "
	}
	first := strings.Index(text, sep)
	if first < 0 {
		return "", ""
	}
	end := first + len(sep) - 2
	for at := first; ; {
		if done(text[at+len(sep):]) {
			end = at + len(sep) - 2
		}
		next := strings.Index(text[at+1:], sep)
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return text[:end], text[end+2:]
}

// done reports whether a text is one of Dovecot's about a delivery.
func done(words string) bool {
	for _, verb := range [...]string{"saved mail to ", "stored mail into ", "save failed to ", "forwarded to ", "discard", "marked message", "sent vacation", "sent response",
		"rejected", "fileinto action", "redirect action", "keep action", "failed to ", "left message", "message moved", "executing", "notify action", "sent notification",
		"reject action", "vacation action", "discard action"} {
		if strings.HasPrefix(words, verb) {
			return true
		}
	}
	return false
}
