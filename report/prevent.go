package report

import (
	"slices"
	"strings"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// remedy is what keeps a kind of abuse from coming again, with the setting for each mail server. The settings are those of
// postconf(5) and of the Exim specification (its chapters on access control lists and on the main configuration).
type remedy struct {
	detectors []string
	why       string
	postfix   string
	exim      string
}

var remedies = [...]remedy{
	{[]string{"account"}, "one login should not be able to send without limit",
		"a policy service that counts by sasl_username (check_policy_service in smtpd_end_of_data_restrictions)",
		acl("acl_smtp_rcpt", "deny", "authenticated = *", "ratelimit = 200 / 1h / per_rcpt / strict / $authenticated_id")},
	{[]string{"account"}, "a login should send in its own name only",
		"smtpd_sender_login_maps = …, and reject_authenticated_sender_login_mismatch in smtpd_sender_restrictions",
		acl("acl_smtp_mail", "deny", "authenticated = *", "!condition = ${if or{{eqi{$authenticated_id}{$sender_address}}{eqi{$authenticated_id}{$sender_address_local_part}}}}")},
	{[]string{"guessing"}, "clients that guess passwords should be blocked after a few attempts",
		"fail2ban: the jails postfix-sasl and dovecot; dovecot.conf: auth_failure_delay",
		"fail2ban: the jails exim and dovecot"},
	{[]string{"phish"}, "users should be warned, and answers to the phish's addresses should be rejected",
		"check_recipient_access with the phish's addresses in smtpd_recipient_restrictions",
		acl("acl_smtp_rcpt", "deny", "recipients = the phish's addresses")},
	{[]string{"script"}, "mail from scripts should name the script, and only users who need it should be able to hand in mail",
		"php.ini: mail.add_x_header = On; main.cf: authorized_submit_users",
		"php.ini: mail.add_x_header = On; exim.conf: log_selector = +arguments"},
	{[]string{"open-relay"}, "only our own hosts and logins may send to the outside; a sender's domain proves nothing",
		"smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination",
		acl("acl_smtp_rcpt", "require", "message = relay not permitted", "domains = +local_domains : +relay_to_domains")},
	{[]string{"secondary-mx", "mangled"}, "a secondary MX must know the recipients and filter as the primary does; else it is better to have none",
		"relay_recipient_maps = …, or reject_unverified_recipient",
		acl("acl_smtp_rcpt", "require", "verify = recipient/callout")},
	{[]string{"burst", "campaign"}, "the rate of unknown clients should be limited, and their HELO should be a host name",
		"smtpd_client_message_rate_limit; smtpd_helo_required = yes, reject_non_fqdn_helo_hostname; postscreen_dnsbl_sites",
		acl("acl_smtp_connect", "defer", "ratelimit = 60 / 10m / per_conn / strict") + "\n" + acl("acl_smtp_rcpt", "deny", "dnslists = …")},
	{[]string{"own-name"}, "nobody outside should write in the name of our own domains without a login (forwarded mail keeps its sender and would be rejected, too: SPF and DMARC are milder)",
		"smtpd_sender_restrictions = permit_mynetworks, permit_sasl_authenticated, check_sender_access hash:FILE, with a line \"DOMAIN REJECT\" for each",
		acl("acl_smtp_mail", "deny", "sender_domains = +local_domains", "!authenticated = *", "!hosts = +relay_from_hosts")},
	{[]string{"backscatter"}, "mail that cannot be delivered should be rejected, not accepted and bounced to a forged sender",
		"local_recipient_maps, relay_recipient_maps", acl("acl_smtp_rcpt", "require", "verify = recipient")},
}

// acl is a statement in one of Exim's access control lists. Each condition has a line of its own: a second one on the line of
// the first becomes a part of its value, and the statement never applies, without a word of complaint.
func acl(list, verb string, conditions ...string) string {
	return list + ":\n  " + verb + " " + strings.Join(conditions, "\n    ")
}

// prevention is what keeps the kinds of abuse of a story from coming again.
func prevention(r *Report, s *story) []analyze.Advice {
	kinds := make(map[string]bool)
	for _, f := range s.findings() {
		kinds[f.Detector] = true
		if f.Detector == "campaign" && inOurName(r, f) {
			kinds["own-name"] = true
		}
	}
	if s.main.Subject.Kind == analyze.Account {
		kinds["account"] = true
		delete(kinds, "burst") // which is about strangers
	}
	if kinds["script"] || kinds["open-relay"] {
		delete(kinds, "burst")
	}
	var all []analyze.Advice
	for _, x := range remedies {
		if !slices.ContainsFunc(x.detectors, func(d string) bool { return kinds[d] }) {
			continue
		}
		for _, of := range []struct {
			mta     mail.MTA
			setting string
		}{{mail.Postfix, x.postfix}, {mail.Exim, x.exim}} {
			if wrote(r, of.mta) {
				all = append(all, analyze.Advice{Why: x.why, Setting: of.setting})
			}
		}
	}
	return all
}

// inOurName reports whether most senders of a finding are of domains of ours.
func inOurName(r *Report, f *analyze.Finding) bool {
	ours, all := 0, 0
	for _, s := range f.Senders {
		all++
		if r.Site != nil && r.Site.IsOurs(mail.Domain(s.Value)) {
			ours++
		}
	}
	return 2*ours > all
}
