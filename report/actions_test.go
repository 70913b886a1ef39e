package report

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mailforensics/analyze"
	"mailforensics/ingest"
	"mailforensics/mail"
)

// A queue ID that two findings have is held once, and an action of one finding is not repeated for the next.
func TestActionsOnce(t *testing.T) {
	r := investigation()
	all := Actions(r, &r.Incidents[0])
	for i, a := range all {
		if slices.ContainsFunc(all[:i], func(b Action) bool { return a.Command != "" && a.Command == b.Command }) {
			t.Errorf("twice: %s", a.Command)
		}
		if n := strings.Count(a.Command, "4TKgZ02"); n > 1 {
			t.Errorf("a queue ID %d times in %s", n, a.Command)
		}
	}
	if got, want := all[len(all)-1].Why, "Spamhaus 45"; !strings.HasSuffix(got, want) {
		t.Errorf("last: got %q, want %q", got, want)
	}
	var words []string
	for _, a := range all {
		words = append(words, a.Why)
	}
	text := strings.Join(words, "\n")
	for _, want := range []string{"lock the login", "new passwords", "jo@club.example", "2 messages of it may still be in the queue, on mx2: hold", "delete"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A login that succeeded after guesses is locked; one that was only tried is not, because locking it may be what the attacker
// wants.
func TestActionsAfterGuesses(t *testing.T) {
	f := analyze.Finding{ID: "guessing/network/x", Detector: "guessing", Severity: analyze.High, Subject: analyze.Subject{Kind: analyze.Network, Value: "198.51.100.0/24"},
		Accounts: []string{"eva", "jo", "mia"}, Opened: []string{"eva", "mia"}}
	only := analyze.Finding{ID: "guessing/account/jo", Detector: "guessing", Severity: analyze.Medium, Subject: analyze.Subject{Kind: analyze.Account, Value: "jo"}}
	r := &Report{Findings: []analyze.Finding{f, only}}
	var got []string
	for _, a := range Actions(r, &analyze.Incident{Findings: []string{f.ID, only.ID}}) {
		got = append(got, a.Command)
	}
	if want := []string{"doveadm auth cache flush eva; doveadm kick eva", "doveadm auth cache flush mia; doveadm kick mia"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The names of an attacker's files and logins are neither options nor patterns in the commands to be copied.
func TestActionsNameWhatTheyMean(t *testing.T) {
	for _, tt := range []struct {
		detector string
		subject  analyze.Subject
		want     string
	}{
		{"account", analyze.Subject{Kind: analyze.Account, Value: "*"}, `doveadm auth cache flush '*'; doveadm kick '?'`},
		{"account", analyze.Subject{Kind: analyze.Account, Value: "-A"}, `doveadm auth cache flush -- -A; doveadm kick -- -A`},
		{"account", analyze.Subject{Kind: analyze.Account, Value: "$(reboot)"}, `doveadm auth cache flush '$(reboot)'; doveadm kick '$(reboot)'`},
		{"account", analyze.Subject{Kind: analyze.Account, Value: `CLUB\eva[1]`}, `doveadm auth cache flush 'CLUB\eva[1]'; doveadm kick 'CLUB?eva[1]'`},
		{"script", analyze.Subject{Kind: analyze.Script, Value: "33:copy (2).php"}, `find / -path /proc -prune -o -name 'copy (2).php' -ls`},
		{"script", analyze.Subject{Kind: analyze.Script, Value: "33:*[a]?.php"}, `find / -path /proc -prune -o -name '\*\[a]\?.php' -ls`},
	} {
		f := analyze.Finding{ID: "x", Detector: tt.detector, Severity: analyze.High, Subject: tt.subject}
		all := Actions(&Report{Findings: []analyze.Finding{f}}, &analyze.Incident{Findings: []string{f.ID}})
		if len(all) == 0 || all[0].Command != tt.want {
			t.Errorf("%s: got %q, want %s", tt.subject.Value, all, tt.want)
		}
	}
}

// If an account itself shows little, the action is to look at where the attacker's address used it.
func TestActionsForTheSameHands(t *testing.T) {
	at := []analyze.ClientCount{{Client: mail.Client{IP: netip.MustParseAddr("198.51.100.7")}}}
	of := func(name string, s analyze.Severity) analyze.Finding {
		return analyze.Finding{ID: "account/account/" + name, Detector: "account", Severity: s, Subject: analyze.Subject{Kind: analyze.Account, Value: name}, Clients: at}
	}
	r := &Report{Findings: []analyze.Finding{of("rita", analyze.High), of("nils", analyze.Low), of("Rita", analyze.Low)}}
	all := Actions(r, &analyze.Incident{Findings: []string{r.Findings[0].ID, r.Findings[1].ID, r.Findings[2].ID}})
	if last := all[len(all)-1].Why; len(all) != 2 || !strings.HasSuffix(last, ": nils") {
		t.Errorf("got %v", all)
	}
}

// A message that was passed on waits on another host: its queue ID is held there.
func TestActionsNameTheHostOfTheQueue(t *testing.T) {
	f := analyze.Finding{ID: "account/account/eva", Detector: "account", Severity: analyze.High, Hosts: []string{"webmail"},
		QueueIDs: []string{"4A01", "4B02", "4B03"}, QueueHosts: []string{"webmail", "mx", "mx"}}
	var got []string
	for _, a := range Actions(&Report{Findings: []analyze.Finding{f}}, &analyze.Incident{Findings: []string{f.ID}}) {
		got = append(got, a.Why+" "+a.Command)
	}
	want := []string{
		`1 message of it may still be in the queue, on webmail: hold printf '%s\n' 4A01 | postsuper -h -`,
		`… and when you are sure, delete printf '%s\n' 4A01 | postsuper -d -`,
		`2 messages of it may still be in the queue, on mx: hold printf '%s\n' 4B02 4B03 | postsuper -h -`,
		`… and when you are sure, delete printf '%s\n' 4B02 4B03 | postsuper -d -`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Two hosts may give the same queue ID to two messages: each is held on its own host, whichever finding names it.
func TestActionsTellOneQueueIDOfTwoHosts(t *testing.T) {
	a := analyze.Finding{ID: "account/account/eva", Detector: "account", Severity: analyze.High, Hosts: []string{"mx1", "mx2"},
		QueueIDs: []string{"4A01"}, QueueHosts: []string{"mx1"}}
	b := analyze.Finding{ID: "open-relay/ip/192.0.2.7", Detector: "open-relay", Severity: analyze.High, Hosts: []string{"mx2"},
		QueueIDs: []string{"4A01"}, QueueHosts: []string{"mx2"}, NoticeIDs: []string{"4B02"}, NoticeHosts: []string{"mx1"}}
	var got []string
	for _, a := range queueActions(&Report{}, []*analyze.Finding{&a, &b}) {
		got = append(got, a.Why+" "+a.Command)
	}
	want := []string{
		`2 messages of it may still be in the queue, on mx1: hold printf '%s\n' 4A01 4B02 | postsuper -h -`,
		`… and when you are sure, delete printf '%s\n' 4A01 4B02 | postsuper -d -`,
		`1 message of it may still be in the queue, on mx2: hold printf '%s\n' 4A01 | postsuper -h -`,
		`… and when you are sure, delete printf '%s\n' 4A01 | postsuper -d -`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := queuedNames(queuedOf([]*analyze.Finding{&a, &b})), []string{"4A01@mx1", "4A01@mx2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A customer who may relay and was abused is called, and his mail is held: blocking him would stop his honest mail, too. A relay
// that is open to many is closed.
func TestActionsForACustomer(t *testing.T) {
	client := func(ip string) analyze.ClientCount {
		return analyze.ClientCount{Client: mail.Client{IP: netip.MustParseAddr(ip), Name: "mail.customer.example"}, Messages: 900}
	}
	f := analyze.Finding{ID: "burst/ip/192.0.2.20", Detector: "burst", Severity: analyze.High, Subject: analyze.Subject{Kind: analyze.IP, Value: "192.0.2.20"},
		Counts: analyze.Counts{Messages: 900}, Clients: []analyze.ClientCount{client("192.0.2.20")}, RecipientDomains: []analyze.Count{{Value: "elsewhere.example", Messages: 900}}}
	relay := analyze.Finding{ID: "open-relay/host/mx", Detector: "open-relay", Severity: analyze.High, Subject: analyze.Subject{Kind: analyze.Host, Value: "mx"},
		Counts: analyze.Counts{Messages: 9000}, Clients: []analyze.ClientCount{client("192.0.2.20"), client("198.51.100.7")}, RecipientDomains: f.RecipientDomains}
	site := &analyze.Site{LocalDomains: map[string]analyze.Known{"site.example": {}}}
	actions := func(mta string, findings ...analyze.Finding) (all string) {
		r := &Report{Ledger: &ingest.Ledger{Files: []ingest.FileLedger{{MTA: []string{mta}}}}, Findings: findings, Site: site}
		inc := &analyze.Incident{}
		for i := range findings {
			inc.Findings = append(inc.Findings, findings[i].ID)
		}
		for _, a := range Actions(r, inc) {
			all += a.Why + "\n\t" + a.Command + "\n"
		}
		return all
	}
	has := func(got string, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(got, w) {
				t.Errorf("no %q in\n%s", w, got)
			}
		}
	}
	has(actions("postfix", f), "call them", "postconf mynetworks", `check_client_access inline:{192.0.2.20=HOLD}, $(postconf -h smtpd_client_restrictions)" && postfix reload`, "if nobody takes responsibility for it, block it")
	has(actions("exim", f), "call them", "exim -bh 192.0.2.20", "warn hosts = 192.0.2.20, and on a line of its own control = freeze")
	alone := relay
	alone.Subject, alone.Clients = f.Subject, f.Clients
	has(actions("exim", alone), "fix the rule", "call them", "control = freeze")
	if got := actions("postfix", f, alone); strings.Contains(got, "fix the rule") || strings.Count(got, "postconf mynetworks") != 1 {
		t.Errorf("the burst of a customer who relays every day: the rule is told twice:\n%s", got)
	}
	f.Clients[0].IP, f.Subject.Value = netip.MustParseAddr("2001:db8::20"), "2001:db8::20"
	has(actions("exim", f), "warn hosts = 2001::db8::::20, and on a line of its own control = freeze") // in Exim's lists a colon separates
	many := actions("postfix", relay, f)
	has(many, "fix the rule", "block its clients")
	if strings.Contains(many, "call them") || strings.Contains(many, "HOLD") || strings.Contains(many, "helps little") {
		t.Errorf("an open door:\n%s", many)
	}
	relay.Detector, relay.Argument.Reasons = "campaign", []analyze.Reason{{Code: "one-visit-each"}}
	has(actions("postfix", relay), "block its clients, which helps little against a run whose clients come once each")
	f.RecipientDomains = []analyze.Count{{Value: "site.example", Messages: 900}}
	if got := actions("postfix", f); strings.Contains(got, "call them") {
		t.Errorf("a stranger who wrote to us:\n%s", got)
	}
}

// What one mailbox sent through a host of ours is held by its sender, not with everything from that host; and a sender with
// characters that a shell interprets is in no command.
func TestActionsForASenderBehindOurHost(t *testing.T) {
	f := analyze.Finding{ID: "burst/sender/x", Detector: "burst", Severity: analyze.High, Subject: analyze.Subject{Kind: analyze.Sender, Value: "eva.berg@site.example"},
		Clients: []analyze.ClientCount{{Client: mail.Client{IP: netip.MustParseAddr("10.20.1.9"), Name: "ex01.site.example"}, Messages: 200}}}
	r := &Report{Ledger: &ingest.Ledger{Files: []ingest.FileLedger{{MTA: []string{"postfix"}}}}, Findings: []analyze.Finding{f},
		Site: &analyze.Site{LocalDomains: map[string]analyze.Known{"site.example": {}}}}
	words := func() string {
		text := ""
		for _, a := range Actions(r, &analyze.Incident{Findings: []string{f.ID}}) {
			text += a.Why + "\n" + a.Command + "\n"
		}
		return text
	}
	text := words()
	for _, want := range []string{"whose mailbox eva.berg@site.example is", "check ex01.site.example, a host of ours", "check_sender_access inline:{eva.berg@site.example=HOLD}"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "10.20.1.9") || strings.Contains(text, "keep") {
		t.Errorf("the host is held or kept out:\n%s", text)
	}
	r.Findings[0].Subject.Value = "$(reboot)@site.example"
	if text = words(); strings.Contains(text, "inline:") {
		t.Errorf("in a command:\n%s", text)
	}
}

// A host of ours is not blocked: it handed in what somebody wrote there.
func TestActionsSpareOurNamedHosts(t *testing.T) {
	f := analyze.Finding{ID: "burst/ip/192.0.2.20", Detector: "burst", Severity: analyze.High, Subject: analyze.Subject{Kind: analyze.IP, Value: "192.0.2.20"},
		Clients: []analyze.ClientCount{{Client: mail.Client{IP: netip.MustParseAddr("192.0.2.20"), Name: "webmail.site.example"}, Messages: 200}}}
	r := &Report{Ledger: &ingest.Ledger{}, Findings: []analyze.Finding{f}, Site: &analyze.Site{LocalDomains: map[string]analyze.Known{"site.example": {}}}}
	all := Actions(r, &analyze.Incident{Findings: []string{f.ID}})
	if len(all) != 1 || !strings.HasPrefix(all[0].Why, "check webmail.site.example, a host of ours") || all[0].Command != "" {
		t.Errorf("got %v", all)
	}
	r.Findings[0].Clients[0].Name = "mail.other.example"
	if all = Actions(r, &analyze.Incident{Findings: []string{f.ID}}); len(all) != 1 || !strings.HasPrefix(all[0].Why, "block its clients; save this list") {
		t.Errorf("a stranger: got %v", all)
	}
	// Behind Docker's gateway every stranger has the same address, and it is one that is trusted.
	r.Findings[0].Clients[0].Client = mail.Client{IP: netip.MustParseAddr("172.22.1.1"), Name: "unknown"}
	r.Site.Own = map[netip.Addr]analyze.Known{netip.MustParseAddr("172.22.1.1"): {}}
	if all = Actions(r, &analyze.Incident{Findings: []string{f.ID}}); len(all) != 1 || !strings.Contains(all[0].Why, "must not relay for it") || !strings.Contains(all[0].Why, "a PC that does this by itself is infected") {
		t.Errorf("a gateway or a PC: got %v", all)
	}
}

// The action for a relay is a test of the rule that let strangers in, with the mail server that wrote the log.
func TestActionsForARelay(t *testing.T) {
	f := analyze.Finding{ID: "x", Detector: "open-relay", Severity: analyze.High, Subject: analyze.Subject{Kind: analyze.SenderDomain, Value: "club.example"},
		Clients: []analyze.ClientCount{{Client: mail.Client{IP: netip.MustParseAddr("::ffff:203.0.113.9")}}}}
	for mta, want := range map[string]string{"exim": "exim -bh 203.0.113.9", "postfix": "postconf mynetworks smtpd_relay_restrictions smtpd_recipient_restrictions"} {
		r := &Report{Ledger: &ingest.Ledger{Files: []ingest.FileLedger{{MTA: []string{mta}}}}, Findings: []analyze.Finding{f}}
		if all := Actions(r, &analyze.Incident{Findings: []string{f.ID}}); all[0].Command != want {
			t.Errorf("%s: got %q, want %q", mta, all[0].Command, want)
		}
	}
}

// reportOf is a report of findings in the logs of one mail server, and the incident that they are.
func reportOf(mta string, findings ...analyze.Finding) (*Report, *analyze.Incident) {
	r := &Report{Zone: berlin, Ledger: &ingest.Ledger{Files: []ingest.FileLedger{{MTA: strings.Fields(mta)}}}, Findings: findings}
	inc := &analyze.Incident{}
	for i := range findings {
		inc.Findings = append(inc.Findings, findings[i].ID)
	}
	return r, inc
}

// A login that was only tried is not locked: that is what an attacker may want.
func TestActionsForATriedLogin(t *testing.T) {
	f := analyze.Finding{ID: "guessing/account/eva", Detector: "guessing", Severity: analyze.Medium, Subject: analyze.Subject{Kind: analyze.Account, Value: "eva"}}
	if all := Actions(reportOf("dovecot", f)); len(all) != 0 {
		t.Errorf("only tried: %v", all)
	}
	f.Opened = []string{"eva"}
	if all := Actions(reportOf("dovecot", f)); len(all) != 1 || all[0].Command != "doveadm auth cache flush eva; doveadm kick eva" || !strings.Contains(all[0].Why, "then have Dovecot forget") {
		t.Errorf("opened: %v", all)
	}
	if all := Actions(reportOf("postfix", f)); !strings.Contains(all[0].Why, "if Dovecot checks the passwords") {
		t.Errorf("opened, no line of Dovecot: %v", all)
	}
}

// A directory is searched for what is newer than a week before the abuse.
func TestActionsForScripts(t *testing.T) {
	for _, tt := range []struct {
		mta       string
		subject   analyze.Subject
		why, want string
	}{
		{"exim", analyze.Subject{Kind: analyze.Directory, Value: "/var/www/roundcube/public_html"}, "sent as ann@site.example; lock that login", ""},
		{"exim", analyze.Subject{Kind: analyze.Directory, Value: "/srv/www/my shop"}, "new in /srv/www/my shop", `find '/srv/www/my shop' -newermt 2024-01-17 -ls`},
		{"exim", analyze.Subject{Kind: analyze.Script, Value: "33:mail.php"}, "keeps it as evidence", `find / -path /proc -prune -o -name mail.php -ls`},
		{"postfix", analyze.Subject{Kind: analyze.Script, Value: "33:mail.php"}, "authorized_submit_users", `find / -path /proc -prune -o -name mail.php -ls`},
		{"exim", analyze.Subject{Kind: analyze.UID, Value: "www-data"}, "runs as that user", `ps -fu www-data`},
	} {
		f := analyze.Finding{ID: "script/x", Detector: "script", Severity: analyze.High, Subject: tt.subject, Start: at("14:44:11"), Senders: []analyze.Count{{Value: "ann@site.example", Messages: 9}}}
		all := Actions(reportOf(tt.mta, f))
		if len(all) != 1 || all[0].Command != tt.want || !strings.Contains(all[0].Why, tt.why) {
			t.Errorf("%s of %s: got %q, want %s", tt.subject.Value, tt.mta, all, tt.want)
		}
	}
	f := analyze.Finding{ID: "script/x", Detector: "script", Severity: analyze.High, Subject: analyze.Subject{Kind: analyze.Script, Value: "33:mail.php"}}
	if all := Actions(reportOf("exim", f)); strings.Contains(all[0].Why, "authorized_submit_users") {
		t.Errorf("a setting of Postfix for Exim: %v", all)
	}
}

// Who is kept out, by which kind of list, and what is said of those who come once.
func TestActionsToBlock(t *testing.T) {
	f := analyze.Finding{ID: "burst/network/203.0.113.0/24", Detector: "burst", Severity: analyze.High, Subject: analyze.Subject{Kind: analyze.Network, Value: "203.0.113.0/24"},
		Clients: []analyze.ClientCount{{Client: mail.Client{IP: netip.MustParseAddr("203.0.113.9")}}}}
	account := analyze.Finding{ID: "account/account/eva", Detector: "account", Severity: analyze.High, Subject: analyze.Subject{Kind: analyze.Account, Value: "eva"}, Clients: f.Clients}
	for _, tt := range []struct {
		mta       string
		findings  []analyze.Finding
		why, want string
	}{
		{"postfix", []analyze.Finding{f}, "block its clients; save this list and name it first in smtpd_client_restrictions", "mailforensics block --format postfix-cidr"},
		{"postfix dovecot exim", []analyze.Finding{f}, "block its clients; save", "mailforensics block --format postfix-cidr"},
		{"exim", []analyze.Finding{f}, "block its clients; save this list and name it in the ACL of acl_smtp_connect", "mailforensics block --format exim"},
		{"postfix", []analyze.Finding{account, f}, "block its clients, except those of the login", "mailforensics block --format postfix-cidr"},
		{"postfix", []analyze.Finding{account}, "", ""},
	} {
		all := Actions(reportOf(tt.mta, tt.findings...))
		last := all[len(all)-1:]
		if len(all) == 1 && tt.want == "" { // to lock the login alone
			continue
		}
		if last[0].Command != tt.want || !strings.HasPrefix(last[0].Why, tt.why) {
			t.Errorf("%s: got %q, want %s: %s", tt.mta, last, tt.why, tt.want)
		}
	}
}

// What a sender writes stands in a command only where it can be nothing else there.
func TestHoldSender(t *testing.T) {
	for _, tt := range []struct {
		sender string
		held   bool
	}{
		{"eva.berg-1_x@site.example", true}, {"-eva@site.example", false}, {"eva berg@site.example", false}, {"eva;x@site.example", false},
		{"eva$x@site.example", false}, {"eva}@site.example", false}, {"eva=ok@site.example", false}, {"Eva@site.example", false}, {`"e"@site.example`, false},
	} {
		for _, mta := range []string{"postfix", "exim"} {
			f := analyze.Finding{ID: "x", Subject: analyze.Subject{Kind: analyze.Sender, Value: tt.sender}}
			r, _ := reportOf(mta, f)
			if all := holdActions(r, &f, "hold"); (len(all) == 1) != tt.held {
				t.Errorf("%s, %s: %q", tt.sender, mta, all)
			}
		}
	}
}

// Only who has a private address and no name may be a router or a proxy, behind which strangers come in.
func TestBehindIt(t *testing.T) {
	for _, tt := range []struct {
		ip, name string
		want     bool
	}{
		{"172.22.1.1", "", true}, {"172.22.1.1", "unknown", true}, {"fd00::1", "", true}, {"172.22.1.1", "ex01.site.example", false}, {"192.0.2.9", "unknown", false},
	} {
		f := analyze.Finding{Clients: []analyze.ClientCount{{Client: mail.Client{IP: netip.MustParseAddr(tt.ip), Name: tt.name}}}}
		if got := behindIt(&f); got != tt.want {
			t.Errorf("%s %q: %v", tt.ip, tt.name, got)
		}
	}
}
