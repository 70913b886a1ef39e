// Package filter parses the lines of programs that work with an MTA and write into the same log: content filters (amavis,
// MailScanner, rspamd, spamd, clamsmtpd, Proxmox Mail Gateway), milters (opendkim, opendmarc, clamav-milter), policy servers (SPF, postgrey,
// cbpolicyd, policyd-weight), the login servers of Cyrus and Courier, saslauthd; and the log daemons, where they
// tell that lines were lost.
//
// It is one of the formats of package parse. What a filter says of a message is a FilterResult: QueueID is the one that the filter
// was given, Child the one under which it put the message back (queued_as); MessageID, Sender, Recipient; Text is its verdict. A
// refusal by a policy server is logged by the MTA, too, and only that line is the Reject. An AuthFailed with Service "auth" is the
// reply of an authentication server: the session that asked it logs the same failure.
//
// A sender can imitate parts of any of these grammars: fields are cut in the writer's order, from the side that no stranger
// controls, and if two readings are possible, the event is Doubtful and has neither.
package filter

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// Format parses the lines of filters, milters, policy servers and other neighbours of an MTA.
var Format = parse.Format{Name: "filter", Parse: parseLine}

func parseLine(body string, ev *mail.Event) parse.Verdict {
	read := reader(ev.Process)
	if read == nil {
		return parse.Foreign
	}
	read(body, ev)
	if ev.MTA == mail.UnknownMTA {
		return parse.Foreign
	}
	return parse.Parsed
}

// is sets what a line of a filter is about. A reader that does not call it leaves the line to others.
func is(ev *mail.Event, kind mail.Kind) { ev.MTA, ev.Kind = mail.Filter, kind }

// reader returns the function that parses the lines of the program with that tag; nil: it is not one of ours.
func reader(tag string) func(string, *mail.Event) {
	switch tag {
	case "amavis", "amavisd", "amavisd-new":
		return amavis
	case "opendkim", "opendmarc", "dkim-filter", "dk-filter", "openarc", "sid-filter", "milter-greylist", "spamass-milter", "dkimpy-milter", "dkim-milter-python", "pyspf-milter":
		return milter
	case "clamav-milter":
		return clamavMilter
	case "policyd-spf":
		return spf
	case "postfix/policy-spf", "postfix/policyd-spf-perl", "policy-spf":
		return spfPerl
	case "postgrey":
		return postgrey
	case "cbpolicyd", "policyd":
		return cbpolicyd
	case "postfix/policyd-weight", "policyd-weight":
		return policydWeight
	case "spamd":
		return spamd
	case "rspamd", "rspamd_proxy", "rspamd_normal":
		return rspamd
	case "MailScanner":
		return mailScanner
	case "pmg-smtp-filter":
		return proxmox
	case "clamsmtpd":
		return clamsmtpd
	case "saslauthd":
		return saslauthd
	case "plesk_saslauthd", "plesk-saslauthd":
		return pleskSASL
	case "vpopmail":
		return vpopmail
	case "imapd", "imapd-ssl", "pop3d", "pop3d-ssl", "imaplogin", "pop3login", "courierpop3login", "courierpop3d", "authdaemond",
		"courier-imapd", "courier-imaps", "courier-pop3d", "courier-pop3s": // the last four below Plesk
		return courier
	case "imap", "imaps", "pop3", "pop3s", "lmtpunix", "lmtp", "timsieved", "sieve":
		return cyrus
	case "rsyslogd", "systemd-journald", "systemd-journal", "journal", "syslog-ng", "newsyslog":
		return logDaemon
	}
	if strings.HasPrefix(tag, "rsyslogd-") {
		return logDaemon
	}
	if strings.HasPrefix(tag, "cyrus/") {
		return cyrus
	}
	return nil
}

// queueID cuts "4F2A91C0D3: " off the front of a line.
func queueID(body string) (id, rest string, ok bool) {
	id, rest, ok = strings.Cut(body, ": ")
	return id, rest, ok && isQueueID(id)
}

// isQueueID reports whether a word can be a queue ID of Postfix or Exim. Ordinary words have letters only; so has one in some
// thousand of Postfix's short IDs, and these have only A to F.
func isQueueID(word string) bool {
	if len(word) < 6 || len(word) > 25 {
		return false
	}
	number, hexadecimal := false, true
	for i := range len(word) {
		switch c := word[i]; {
		case '0' <= c && c <= '9':
			number = true
		case 'A' <= c && c <= 'F':
		case 'G' <= c && c <= 'Z', 'a' <= c && c <= 'z', c == '-':
			hexadecimal = false
		default:
			return false
		}
	}
	return number || hexadecimal
}

// cutAngle cuts "<…>" off the front of text: it returns what is between, and what follows. In a quoted local part a ">" is text.
// Lines of Exim, in which any character may be escaped, have a rule of their own.
func cutAngle(text string) (addr, rest string, ok bool) {
	if !strings.HasPrefix(text, "<") {
		return "", text, false
	}
	at := 1
	if strings.HasPrefix(text[at:], `"`) {
		for at++; at < len(text) && text[at] != '"'; at++ {
			if text[at] == '\\' {
				at++
			}
		}
		if at >= len(text) {
			return "", text, false
		}
	}
	end := strings.IndexByte(text[at:], '>')
	if end < 0 {
		return "", text, false
	}
	return text[1 : at+end], text[at+end+1:], true
}

// between returns what is after the first open and before the next end; "": either is missing.
func between(s, open, end string) string {
	_, s, ok := strings.Cut(s, open)
	if !ok {
		return ""
	}
	s, _, ok = strings.Cut(s, end)
	if !ok {
		return ""
	}
	return s
}

// portOf returns the number at the beginning of s, up to that of a port.
func portOf(s string) (n uint16) {
	for i := 0; i < len(s) && i < 5 && '0' <= s[i] && s[i] <= '9'; i++ {
		n = n*10 + uint16(s[i]-'0')
	}
	return n
}
