package report

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

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
	var all []Action
	add := func(more ...Action) {
		for _, a := range more {
			if !slices.ContainsFunc(all, func(b Action) bool { return b.Why == a.Why && b.Command == a.Command }) {
				all = append(all, a)
			}
		}
	}
	customer := len(findings) > 0 && findings[0] == whole[0] && mayBeCustomer(r, whole[0])
	for _, f := range findings {
		if customer && f.Detector == "open-relay" && f != whole[0] && f.Subject == whole[0].Subject {
			continue // the rule is told with the burst
		}
		add(stopActions(r, f)...)
		if customer && f == whole[0] {
			add(customerActions(r, f)...)
		}
	}
	if shared := usedAlike(whole); len(shared) > 0 && len(findings) > 0 {
		add(Action{"check whether these accounts are compromised, too; they were used from the same addresses: " + some(shared, 50, len(shared)), "", findings[0].ID})
	}
	// A run that looked like honest mail does so no longer when the login of one who answered was stolen.
	if users := answeredBy(whole); len(users) > 0 && len(findings) > 0 {
		i := slices.IndexFunc(whole, func(f *analyze.Finding) bool { return f.Detector == "phish" })
		add(Action{"have these users set new passwords, and check from where they have logged in since: " + some(users, 50, len(users)), "", whole[i].ID})
	}
	add(queueActions(r, findings)...)
	for _, f := range findings {
		if own := ownHost(r, f); own != "" {
			why := "check " + own + ", a host of ours that handed it in: its own log (webmail, web server) shows for whom"
			if f.Subject.Kind == analyze.Sender {
				why = "check " + own + ", a host of ours that handed it in: its own log shows who was logged in, and from where"
			}
			if behindIt(f) {
				why += "; if strangers come in through it (a router, a proxy, Docker's gateway), the mail server sees only its address, and must not relay for it (mynetworks, +relay_from_hosts)"
			}
			add(Action{why, "", f.ID})
			if !behindIt(f) {
				add(holdActions(r, f, "until that is known, hold what it hands in")...)
			}
		}
	}
	for _, f := range findings {
		if mayBlock(r, f) {
			keepOut := keepOut(findings)
			switch {
			case customer:
				keepOut = "if nobody takes responsibility for it, block it"
			case cameOnce(f):
				keepOut += ", which helps little against a run whose clients come once each"
			}
			add(Action{keepOut + "; save this list and name it " + blockSetting(r), command(r, "block", "--format", blockForm(r)), f.ID})
			break
		}
	}
	for _, f := range findings {
		if lists := facts(f, "lists to ask for removal"); len(lists) > 0 {
			add(Action{"when the cause is gone, and not before, ask these lists for removal: " + strings.TrimPrefix(lists[0].Text, "lists to ask for removal: "), "", f.ID})
		}
	}
	return all
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

// keepOut says whom a block list keeps out. It has no clients of an account, since its owner sits there, too (analyze.Blocks).
func keepOut(findings []*analyze.Finding) string {
	if slices.ContainsFunc(findings, func(f *analyze.Finding) bool { return f.Subject.Kind == analyze.Account }) {
		return "block its clients, except those of the login: the new password stops them"
	}
	return "block its clients"
}

// cameOnce reports whether a finding is about clients of which none comes again: the next run is of others.
func cameOnce(f *analyze.Finding) bool {
	return slices.ContainsFunc(f.Reasons, func(r analyze.Reason) bool { return r.Code == "one-visit-each" })
}

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
	add := func(why string, command string) { all = append(all, Action{why, command, f.ID}) }
	lock := func(account string) {
		// Dovecot's cache takes the old password for an hour (auth_cache_ttl) where one is set up; without one nothing is flushed.
		// Cyrus SASL and Exim's own lookups have neither cache nor sessions.
		then := "then have Dovecot"
		if !wrote(r, mail.Dovecot) {
			then = "if Dovecot checks the passwords, have it"
		}
		add("lock the login "+account+" and set a new password in the user database; "+then+" forget the old one, and end its sessions",
			"doveadm auth cache flush "+argument(account)+"; doveadm kick "+mask(account))
	}
	// An account that was only tried needs no new password, and locking it is what an attacker may want.
	if f.Subject.Kind == analyze.Account && (f.Detector != "guessing" || len(f.Opened) > 0) {
		lock(f.Subject.Value)
	}
	for _, account := range f.Opened {
		lock(account)
	}
	if f.Detector == "burst" && f.Subject.Kind == analyze.Sender {
		add("find out whose mailbox "+f.Subject.Value+" is, lock it where its owner logs in, and set a new password there", "")
	}
	if f.Detector == "burst" && f.Subject.Kind == analyze.IP && isLoopback(f) {
		add("stop the program on this machine that hands it in by SMTP; as root, while it is sending, this shows its name; if it is a web server's worker, see that server's access log",
			"ss -tnp '( dst 127.0.0.1:25 or dst [::1]:25 )'")
	}
	if f.Detector == "script" {
		where := f.Subject.Value
		switch f.Subject.Kind {
		case analyze.Directory:
			add("see which files are new in "+where+", then make it inaccessible to the web server",
				"find "+quote(where)+" -newermt "+quote(f.Start.In(r.Zone).AddDate(0, 0, -7).Format("2006-01-02"))+" -ls")
		case analyze.Script:
			if file := analyze.ScriptFile(where); file != "" {
				why := "find the script and remove its permissions: chmod 000 stops it and keeps it as evidence"
				if wrote(r, mail.Postfix) {
					why += "; until it is found, authorized_submit_users = !USER, static:all in main.cf refuses all mail that its user hands in"
				}
				// Sites are often on a file system of their own, so that -xdev would not find them.
				add(why, "find / -path /proc -prune -o -name "+quote(literal.Replace(file))+" -ls")
			}
		default:
			add("see what runs as that user", "ps -fu "+quote(where))
		}
	}
	if f.Detector == "open-relay" {
		why := "fix the rule that lets strangers relay: only our own hosts (mynetworks, +relay_from_hosts) and logins may; never trust the sender's domain"
		show, ip := "", firstIP(f)
		switch {
		case wrote(r, mail.Postfix):
			show = showRelayRules
		case wrote(r, mail.Exim) && ip != "": // option -bh of the Exim specification: nothing is taken and nothing sent
			why += "; exim -bh simulates a session from its busiest client and shows which rule accepts it"
			show = "exim -bh " + ip
		}
		add(why, show)
	}
	return all
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

// literal takes their meaning from the characters of which find makes patterns.
var literal = strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`)

// anyByte stands for what doveadm may take for a part of a pattern. It knows no escape (2.3, lib/wildcard-match.c) but may yet
// learn one: a "?" for each is the narrowest pattern that matches the login.
var anyByte = strings.NewReplacer("*", "?", `\`, "?")

// mask is a login where doveadm takes a pattern: one that is called "*" is not everybody.
func mask(account string) string { return argument(anyByte.Replace(account)) }

// argument is a word that is no option.
func argument(word string) string {
	if strings.HasPrefix(word, "-") {
		return "-- " + quote(word)
	}
	return quote(word)
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

// mayBlock reports whether a block list would hold clients of f.
func mayBlock(r *Report, f *analyze.Finding) bool {
	return f.Subject.Kind != analyze.Account && f.Subject.Kind != analyze.UID &&
		slices.ContainsFunc(f.Clients, func(c analyze.ClientCount) bool { return !isOwn(r, &c) })
}

// isOwn reports whether a client is a host of ours, as far as the logs tell.
func isOwn(r *Report, c *analyze.ClientCount) bool {
	return c.IP.Unmap().IsLoopback() || r.Site != nil && r.Site.IsOwnClient(&c.Client)
}

// behindIt reports whether the one client of a finding may stand for all who come in by it: a router, a proxy, Docker's gateway.
func behindIt(f *analyze.Finding) bool {
	c := &f.Clients[0].Client
	return c.IP.IsPrivate() && (c.Name == "" || c.Name == "unknown")
}

// ownHost is the name of the one client of a finding that is about it, where that is a host of ours and another machine.
func ownHost(r *Report, f *analyze.Finding) string {
	if f.Subject.Kind != analyze.IP && f.Subject.Kind != analyze.Sender || len(f.Clients) != 1 || isLoopback(f) || !isOwn(r, &f.Clients[0]) {
		return ""
	}
	return cmp.Or(f.Clients[0].Name, f.Clients[0].IP.String())
}

func blockForm(r *Report) string {
	if wrote(r, mail.Exim) && !wrote(r, mail.Postfix) {
		return "exim"
	}
	return "postfix-cidr"
}

// blockSetting is where the list of blockForm is used: beside what stands there, and before anything that permits.
func blockSetting(r *Report) string {
	if blockForm(r) == "exim" {
		return "in the ACL of acl_smtp_connect: deny hosts = net-iplsearch;FILE"
	}
	return "first in smtpd_client_restrictions of main.cf: check_client_access cidr:FILE; then postfix reload"
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

// queueActions hold, and then delete, exactly the messages of findings that the log saw last in the queue, and the notices of
// ours that messages of them caused: bounces to senders who never wrote, which nobody waits for.
func queueActions(r *Report, findings []*analyze.Finding) []Action {
	messages, notices := queuedOf(findings), noticesOf(findings)
	at := slices.IndexFunc(findings, func(f *analyze.Finding) bool { return len(f.QueueIDs)+len(f.NoticeIDs) > 0 })
	if at < 0 {
		return nil
	}
	finding := findings[at]
	var hosts []string // in the order in which they are named
	on := make(map[string][]string)
	for _, q := range append(messages, notices...) {
		if on[q.host] == nil {
			hosts = append(hosts, q.host)
		}
		on[q.host] = append(on[q.host], q.id)
	}
	total := queuedWhy(findings, len(messages), len(notices))
	var all []Action
	for _, host := range hosts {
		why, where := total, onHosts(finding.Hosts)
		if len(hosts) > 1 {
			why = Counted(len(on[host]), "message", "messages") + " of it may"
		}
		if host != "" {
			where = onHosts([]string{host})
		}
		of := host
		if of == "" && len(finding.Hosts) == 1 {
			of = finding.Hosts[0]
		}
		all = append(all, queueIDActions(on[host], r.Instances[of], why+" still be in the queue"+where+": hold", finding.ID)...)
	}
	return all
}

// queueIDActions hold and delete the messages of queue IDs of one host. With instances of Postfix, each is asked: postsuper works on
// the queue of one, and says nothing of an ID that is not there. postmulti calls the first instance "-" where it has no name.
func queueIDActions(ids, instances []string, why, finding string) []Action {
	var postfix, exim []string
	for _, id := range ids {
		if strings.Contains(id, "-") { // an Exim message ID
			exim = append(exim, quote(id))
		} else {
			postfix = append(postfix, quote(id))
		}
	}
	var all []Action
	add := func(ids []string, before, hold, drop, after string) {
		if len(ids) == 0 {
			return
		}
		list := before + strings.Join(ids, " ")
		all = append(all,
			Action{why, hold + list + after, finding},
			Action{"… and when you are sure, delete", drop + list + strings.Replace(after, "-h", "-d", 1), finding})
	}
	if len(instances) < 2 {
		add(postfix, `printf '%s\n' `, "", "", " | postsuper -h -")
	} else {
		names := make([]string, len(instances))
		for i, name := range instances {
			if names[i] = quote(name); name == "postfix" {
				names[i] = "-"
			}
		}
		add(postfix, "for i in "+strings.Join(names, " ")+`; do printf '%s\n' `, "", "", ` | postmulti -i "$i" -x postsuper -h -; done`)
	}
	add(exim, "", "exim -Mf ", "exim -Mrm ", "")
	return all
}

// queuedWhy says of how many messages and notices the queue IDs are named, and of how many not: "95 messages of it may".
func queuedWhy(findings []*analyze.Finding, messages, notices int) string {
	allMessages, allNotices := stillQueued(findings)
	some := func(n, all int, one, many string) string {
		if n < all {
			return Commas(n) + " of the " + Commas(all) + " " + many + " that"
		}
		return Counted(n, one, many)
	}
	var parts []string
	if messages > 0 {
		parts = append(parts, some(messages, allMessages, "message of it", "messages of it"))
	}
	if notices > 0 {
		parts = append(parts, some(notices, allNotices, "bounce of ours to its senders", "bounces of ours to its senders"))
	}
	return strings.Join(parts, " and ") + " may"
}
