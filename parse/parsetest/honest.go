package parsetest

import (
	"strings"

	"mailforensics/mail"
)

// escaped reports whether an MTA escaped something in the line: unescaping it may allocate, and the result need not be in the
// line.
func escaped(line string) bool { return strings.IndexByte(line, '\\') >= 0 }

// invented returns the first text field of the event that is not in the line.
func invented(line string, ev *mail.Event) (name, value string) {
	fields := [...]struct{ name, value string }{
		{"host", ev.Host}, {"process", ev.Process}, {"instance", ev.Instance}, {"service", ev.Service}, {"daemon", ev.Daemon},
		{"queue", ev.QueueID}, {"child", ev.Child}, {"parent", ev.Parent}, {"name", ev.Client.Name}, {"helo", ev.Client.HELO},
		{"protocol", ev.Protocol}, {"tls", ev.TLS}, {"interface", ev.Interface}, {"account", ev.Account},
		{"method", ev.AuthMethod}, {"sender", ev.Sender}, {"recipient", ev.Recipient}, {"original", ev.Original},
		{"recipients", ev.Recipients}, {"message-id", ev.MessageID}, {"subject", ev.Subject}, {"header", ev.HeaderName},
		{"value", ev.HeaderValue}, {"user", ev.User}, {"directory", ev.Directory}, {"script", ev.Script}, {"relay", ev.Relay},
		{"transport", ev.Transport}, {"router", ev.Router}, {"stage", ev.Stage}, {"dsn", ev.DSN}, {"reply", ev.Reply},
		{"text", ev.Text}, {"raw", ev.Raw},
	}
	for _, f := range fields {
		if f.value != "" && !strings.Contains(line, f.value) && !constant(f.value) && !(f.name == "daemon" && ofPostfix(f.value)) && !escaped(line) {
			return f.name, f.value
		}
	}
	return "", ""
}

// constant reports whether a format may set the value although the line does not have it.
func constant(value string) bool {
	switch value {
	case mail.NullSender, "exim", "roundcube", "squirrelmail", "zimbra", "snappymail", "webmail", "auth",
		"CONNECT", "HELO", "EHLO", "AUTH", "STARTTLS", "MAIL", "RCPT", "VRFY", "EXPN", "ETRN", "DATA", "BDAT", "QUIT", "END-OF-MESSAGE":
		return true
	}
	return false
}

// ofPostfix reports whether a daemon is one of Postfix's, which its words tell where the tag does not name it.
func ofPostfix(daemon string) bool {
	switch daemon {
	case "postscreen", "smtpd", "smtp", "lmtp", "qmgr", "cleanup", "bounce", "pickup", "dnsblog", "postsuper", "local", "virtual", "discard", "pipe":
		return true
	}
	return false
}
