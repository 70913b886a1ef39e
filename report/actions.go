package report

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// Action is something to do now: why, and a command to copy. This program runs none of them.
type Action struct {
	Why     string
	Command string // one line of a POSIX shell, everything from the log quoted; "" where there is none
	Finding string // ID of the finding that asks for it
}

// Actions are what to do about the findings of an incident, the most urgent first: stop it, hold what is in the queue, keep
// them out. What several findings ask for stands there once, of the first that does.
func Actions(r *Report, inc *analyze.Incident) []Action {
	whole := r.findingsOf(inc)
	findings := slices.DeleteFunc(slices.Clone(whole), func(f *analyze.Finding) bool { return f.Severity < analyze.Medium })
	if len(findings) == 0 {
		return nil
	}
	customer := findings[0] == whole[0] && mayBeCustomer(r, whole[0])
	var all []Action
	for _, f := range findings {
		if customer && f.Detector == "open-relay" && f != whole[0] && f.Subject == whole[0].Subject {
			continue // the rule is told with the burst
		}
		all = append(all, stopActions(r, f)...)
		if customer && f == whole[0] {
			all = append(all, customerActions(r, f)...)
		}
	}
	all = append(all, accountActions(whole, findings[0])...)
	all = append(all, queueActions(r, findings)...)
	for _, f := range findings {
		all = append(all, ownHostActions(r, f)...)
	}
	all = append(all, blockActions(r, findings, customer)...)
	for _, f := range findings {
		if lists := facts(f, "lists to ask for removal"); len(lists) > 0 {
			all = append(all, Action{"when the cause is gone, and not before, ask these lists for removal: " + strings.TrimPrefix(lists[0].Text, "lists to ask for removal: "), "", f.ID})
		}
	}
	return onceAsked(all)
}

// onceAsked is the actions, each once: of the first finding that asks for it.
func onceAsked(all []Action) []Action {
	var once []Action
	for _, a := range all {
		if !slices.ContainsFunc(once, func(b Action) bool { return b.Why == a.Why && b.Command == a.Command }) {
			once = append(once, a)
		}
	}
	return once
}

// accountActions are what to do about accounts that no finding of weight is about: those that were used from the same addresses as
// an abused one, and those of users who answered a phish. A run that looked like honest mail does so no longer when the login of
// one who answered was stolen.
func accountActions(whole []*analyze.Finding, first *analyze.Finding) []Action {
	var all []Action
	if shared := usedAlike(whole); len(shared) > 0 {
		all = append(all, Action{"check whether these accounts are compromised, too; they were used from the same addresses: " + some(shared, 50, len(shared)), "", first.ID})
	}
	if users := answeredBy(whole); len(users) > 0 {
		i := slices.IndexFunc(whole, func(f *analyze.Finding) bool { return f.Detector == "phish" })
		all = append(all, Action{"have these users set new passwords, and check from where they have logged in since: " + some(users, 50, len(users)), "", whole[i].ID})
	}
	return all
}

// ownHostActions are what to do where a host of ours handed it in, for somebody whom this log does not show.
func ownHostActions(r *Report, f *analyze.Finding) []Action {
	own := ownHost(r, f)
	if own == "" {
		return nil
	}
	why := "check " + own + ", a host of ours that handed it in: its own log (webmail, web server) shows for whom"
	if f.Subject.Kind == analyze.Sender {
		why = "check " + own + ", a host of ours that handed it in: its own log shows who was logged in, and from where"
	}
	if behindIt(f) {
		why += "; a PC that does this by itself is infected, and belongs off the network; if strangers come in through it (a router, a proxy, Docker's gateway), the mail server sees only its address, and must not relay for it (mynetworks, +relay_from_hosts)"
		return []Action{{why, "", f.ID}}
	}
	return append([]Action{{why, "", f.ID}}, holdActions(r, f, "until that is known, hold what it hands in")...)
}

// mayBeCustomer reports whether a finding may be about somebody who may relay here by his address, and whose server or users are
// abused: one client, which did not log in, and wrote to others than us. That the rest of the story is about a door that is open
// to many shows in the finding that stands at its head.
func mayBeCustomer(r *Report, f *analyze.Finding) bool {
	return (f.Detector == "burst" || f.Detector == "open-relay") && f.Subject.Kind == analyze.IP && len(f.Clients) == 1 && len(f.Accounts) == 0 &&
		!isOwn(r, &f.Clients[0]) && forOthers(r, f)
}

// customerActions are what to do about such a client: to block it takes the honest mail of the customer, too.
func customerActions(r *Report, f *analyze.Finding) []Action {
	ip := firstIP(f)
	why := "see which rule lets " + ip + " relay; if you do not know whose it is, remove it from that rule"
	show := ""
	switch {
	case wrote(r, mail.Postfix):
		why += " (mynetworks, an access list)"
		show = showRelayRules
	case wrote(r, mail.Exim): // option -bh of the Exim specification: nothing is taken and nothing sent
		why += " (+relay_from_hosts, an access list)"
		show = "exim -bh " + ip
	}
	all := []Action{
		{why, show, f.ID},
		{"if it is a customer or a partner, call them: their server, or a login there, is abused, and their own log shows which", "", f.ID},
	}
	if f.Detector == "open-relay" { // which is told to mend the rule
		all = all[1:]
	}
	return append(all, holdActions(r, f, "until they have fixed it, hold what it hands in")...)
}

// showRelayRules shows who may relay, without the other settings.
const showRelayRules = "postconf mynetworks smtpd_relay_restrictions smtpd_recipient_restrictions"

// usedAlike are accounts that gave little cause for suspicion by themselves, but were used from an address of one that was abused.
func usedAlike(findings []*analyze.Finding) []string {
	abused := make(map[netip.Addr]bool)
	locked := make(map[string]bool)
	isAccount := func(f *analyze.Finding) bool { return f.Detector == "account" }
	for _, f := range findings {
		if !isAccount(f) || f.Severity < analyze.Medium {
			continue
		}
		locked[strings.ToLower(f.Subject.Value)] = true
		for _, c := range f.Clients {
			abused[c.IP] = true
		}
	}
	var all []string
	for _, f := range findings {
		if isAccount(f) && !locked[strings.ToLower(f.Subject.Value)] && slices.ContainsFunc(f.Clients, func(c analyze.ClientCount) bool { return abused[c.IP] }) {
			all = append(all, f.Subject.Value)
		}
	}
	return all
}

// findingsOf are the findings of an incident, the main one first.
func (r *Report) findingsOf(inc *analyze.Incident) []*analyze.Finding {
	var all []*analyze.Finding
	for _, id := range inc.Findings {
		for i := range r.Findings {
			if r.Findings[i].ID == id {
				all = append(all, &r.Findings[i])
			}
		}
	}
	return all
}

// stopActions stop what a finding is about.
func stopActions(r *Report, f *analyze.Finding) []Action {
	var all []Action
	// An account that was only tried needs no new password, and locking it is what an attacker may want.
	if f.Subject.Kind == analyze.Account && (f.Detector != "guessing" || len(f.Opened) > 0) {
		all = append(all, lockAction(r, f, f.Subject.Value))
	}
	for _, account := range f.Opened {
		all = append(all, lockAction(r, f, account))
	}
	switch {
	case f.Detector == "burst" && f.Subject.Kind == analyze.Sender:
		all = append(all, Action{"find out whose mailbox " + f.Subject.Value + " is, lock it where its owner logs in, and set a new password there", "", f.ID})
	case f.Detector == "burst" && f.Subject.Kind == analyze.IP && isLoopback(f):
		all = append(all, Action{"stop the program on this machine that hands it in by SMTP; as root, while it is sending, this shows its name; if it is a web server's worker, see that server's access log",
			"ss -tnp '( dst 127.0.0.1:25 or dst [::1]:25 )'", f.ID})
	case f.Detector == "script":
		all = append(all, scriptActions(r, f)...)
	case f.Detector == "open-relay":
		all = append(all, relayAction(r, f))
	}
	return all
}

// lockAction locks a login. Dovecot's cache takes the old password for an hour (auth_cache_ttl) where one is set up; without one
// nothing is flushed. Cyrus SASL and Exim's own lookups have neither cache nor sessions.
func lockAction(r *Report, f *analyze.Finding, account string) Action {
	then := "then have Dovecot"
	if !wrote(r, mail.Dovecot) {
		then = "if Dovecot checks the passwords, have it"
	}
	return Action{"lock the login " + account + " and set a new password in the user database; " + then + " forget the old one, and end its sessions",
		"doveadm auth cache flush " + argument(account) + "; doveadm kick " + mask(account), f.ID}
}

// scriptActions stop a program on this machine.
func scriptActions(r *Report, f *analyze.Finding) []Action {
	where := f.Subject.Value
	switch f.Subject.Kind {
	case analyze.Directory:
		if analyze.IsWebmail(where) && len(f.Senders) > 0 { // people need it, and it is not what is broken
			return []Action{{"see in the webmail's log who logged in at that time and sent as " + f.Senders[0].Value + "; lock that login and set a new password", "", f.ID}}
		}
		return []Action{{"see which files are new in " + where + ", then make it inaccessible to the web server",
			"find " + quote(where) + " -newermt " + quote(f.Start.In(r.Zone).AddDate(0, 0, -7).Format(time.DateOnly)) + " -ls", f.ID}}
	case analyze.Script:
		file := analyze.ScriptFile(where)
		if file == "" {
			return nil
		}
		why := "find the script and remove its permissions: chmod 000 stops it and keeps it as evidence"
		if wrote(r, mail.Postfix) {
			why += "; until it is found, authorized_submit_users = !USER, static:all in main.cf refuses all mail that its user hands in"
		}
		// Sites are often on a file system of their own, so that -xdev would not find them.
		return []Action{{why, "find / -path /proc -prune -o -name " + quote(literal.Replace(file)) + " -ls", f.ID}}
	}
	return []Action{{"see what runs as that user", "ps -fu " + quote(where), f.ID}}
}

// relayAction closes an open relay. What exim -bh is told is not taken and not sent (option -bh of the Exim specification).
func relayAction(r *Report, f *analyze.Finding) Action {
	why := "fix the rule that lets strangers relay: only our own hosts (mynetworks, +relay_from_hosts) and logins may; never trust the sender's domain"
	switch ip := firstIP(f); {
	case wrote(r, mail.Postfix):
		return Action{why, showRelayRules, f.ID}
	case wrote(r, mail.Exim) && ip != "":
		return Action{why + "; exim -bh simulates a session from its busiest client and shows which rule accepts it", "exim -bh " + ip, f.ID}
	}
	return Action{why, "", f.ID}
}

// firstIP is the address of the busiest client of a finding.
func firstIP(f *analyze.Finding) string {
	for i := range f.Clients {
		if ip := f.Clients[i].IP; ip.IsValid() {
			return ip.Unmap().String()
		}
	}
	return ""
}

// wrote reports whether lines of that mail server were read.
func wrote(r *Report, mta mail.MTA) bool {
	if r.Ledger == nil {
		return false
	}
	for i := range r.Ledger.Files {
		if slices.Contains(r.Ledger.Files[i].MTA, mta.String()) {
			return true
		}
	}
	return false
}
