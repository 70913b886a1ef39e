package report

import (
	"strings"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// holdActions have the mail server keep in its queue what the client of a finding hands in: unlike what is refused, honest mail
// among it can be let go.
func holdActions(r *Report, f *analyze.Finding, why string) []Action {
	if f.Subject.Kind == analyze.Sender {
		return holdSender(r, f, why)
	}
	ip := firstIP(f)
	switch {
	case wrote(r, mail.Postfix): // access(5); inline tables are of Postfix 3.0
		return []Action{{why + "; postsuper -H releases honest mail. (smtpd_client_message_rate_limit spares mynetworks, unless smtpd_client_event_limit_exceptions is set)",
			`postconf -e "smtpd_client_restrictions = check_client_access inline:{` + ip + `=HOLD}, $(postconf -h smtpd_client_restrictions)" && postfix reload`, f.ID}}
	case wrote(r, mail.Exim):
		return []Action{{why + ": first in the ACL of acl_smtp_rcpt, warn hosts = " + strings.ReplaceAll(ip, ":", "::") + ", and on a line of its own control = freeze (exim -Mt releases honest mail); or slow it down: defer hosts = " +
			strings.ReplaceAll(ip, ":", "::") + ", and on a line of its own ratelimit = 60 / 1h / strict", "", f.ID}}
	}
	return nil
}

// holdSender does so with what is sent in one name. What a sender writes stands in the command only where it can be nothing else there.
func holdSender(r *Report, f *analyze.Finding, why string) []Action {
	v := f.Subject.Value
	if strings.Trim(v, "abcdefghijklmnopqrstuvwxyz0123456789@._-") != "" || strings.HasPrefix(v, "-") {
		return nil
	}
	switch {
	case wrote(r, mail.Postfix):
		return []Action{{why + " in this name; postsuper -H releases honest mail",
			`postconf -e "smtpd_sender_restrictions = check_sender_access inline:{` + v + `=HOLD}, $(postconf -h smtpd_sender_restrictions)" && postfix reload`, f.ID}}
	case wrote(r, mail.Exim):
		return []Action{{why + " in this name: first in the ACL of acl_smtp_rcpt, warn senders = " + v + " with control = freeze (exim -Mt releases honest mail)", "", f.ID}}
	}
	return nil
}
