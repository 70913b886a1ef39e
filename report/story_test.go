package report

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/analyze"
	"mailforensics/ingest"
	"mailforensics/mail"
)

// investigation is a report of an account that was phished, abused and complained about, and of a stranger's small burst.
func investigation() *Report {
	r := sample()
	r.Command, r.Notes = investigateCommand, nil
	r.Findings = []analyze.Finding{abuse(), burst(), phish(), complaints()}
	r.Findings[1].Severity, r.Findings[1].Score = analyze.Medium, 0.6
	r.Findings[0].Related = []string{"phish/sender/it@rented.example/2024-01-24T07:00:00Z", "reputation/host/mx2/2024-01-24T14:10:00Z"}
	r.Incidents = analyze.Incidents(r.Findings)
	r.Advice = []analyze.Advice{{Why: "the subject of messages, by which campaigns are recognised", Setting: "header_checks: /^Subject:/ INFO"}}
	r.Detectors = append(r.Detectors, analyze.Detector{Name: "account", Title: "a login that somebody else uses"},
		analyze.Detector{Name: "phish", Title: "runs of mail to many of our users"}, analyze.Detector{Name: "guessing", Title: "failed logins"})
	thresholds := analyze.DefaultThresholds()
	r.Thresholds, r.Course = &thresholds, course()
	for i := range r.Ledger.Files[:2] {
		r.Ledger.Files[i].SHA256 = strings.Repeat("0123456789abcdef", 4)
	}
	return r
}

func abuse() analyze.Finding {
	f := analyze.Finding{
		ID: "account/account/maria@club.example/2024-01-24T13:04:00Z", Detector: "account", Severity: analyze.High,
		Subject: analyze.Subject{Kind: analyze.Account, Value: "maria@club.example"}, Title: "account maria@club.example sent 2,339 messages in 2 h 31 min",
		Start: at("14:04:00"), End: at("16:35:00"), Accounts: []string{"maria@club.example"}, Hosts: []string{"mx2"},
		Counts:           analyze.Counts{Messages: 2339, Recipients: 2960, Delivered: 2120, Bounced: 744, Deferred: 96, Senders: 2, SenderDomains: 2, RecipientDomains: 3, Clients: 2, Logins: 3},
		Rate:             &analyze.Rate{PerMinute: 15.5, PeakPerMinute: 31, PeakAt: at("15:37:11")},
		Senders:          []analyze.Count{{Value: "office@award.example", Messages: 1287}, {Value: "claims@lotto.example", Messages: 1052}},
		RecipientDomains: []analyze.Count{{Value: "one.example", Messages: 1900}, {Value: "two.example", Messages: 1000}, {Value: "three.example", Messages: 60}},
		QueueIDs:         []string{"4TKgZ01", "4TKgZ02"},
		Facts:            []analyze.Fact{{Name: "strange logins", Text: "3 logins from 1 address"}},
		Argument:         analyze.Argument{Score: 1, Reasons: []analyze.Reason{{Code: "many", Text: "2339 messages in 2.5 hours", Weight: 0.5}}},
		Evidence: []analyze.Evidence{
			{Origin: mail.Origin{File: 1, Line: 3}, Time: at("12:47:14"), Role: "a look round", Text: "Jan 24 12:47:14 mx2 dovecot: imap-login: Login: user=<maria@club.example>, rip=203.0.113.9"},
			{Origin: mail.Origin{File: 0, Line: 100}, Time: at("14:04:00"), Role: "first", Text: "Jan 24 14:04:00 mx2 postfix/smtpd[1]: 4TKgZ01: client=webmail.club.example[192.0.2.7]"},
			{Origin: mail.Origin{File: 0, Line: 9000}, Time: at("16:35:00"), Role: "last", Text: "Jan 24 16:35:00 mx2 postfix/smtpd[1]: 4TKgZ02: client=webmail.club.example[192.0.2.7]"},
		},
	}
	webmail := analyze.ClientCount{Client: mail.Client{IP: netip.MustParseAddr("192.0.2.7"), Name: "webmail.club.example"}, Messages: 2300, First: at("14:04:00"), Last: at("16:30:00")}
	thief := analyze.ClientCount{Client: mail.Client{IP: netip.MustParseAddr("203.0.113.9"), Country: "NG", ASN: 64500}, Messages: 39, Logins: 3, First: at("15:00:00"), Last: at("16:35:00")}
	for t := at("14:04:00"); t < at("16:30:00"); t = t.Add(4 * time.Minute) {
		webmail.Lane.Add(t, 60)
		f.Timeline = append(f.Timeline, analyze.Bucket{Time: t, Messages: 60})
	}
	for t := at("15:00:00"); t < at("16:35:00"); t = t.Add(10 * time.Minute) {
		thief.Lane.Add(t, 4)
	}
	f.Clients = []analyze.ClientCount{webmail, thief}
	return f
}

func phish() analyze.Finding {
	return analyze.Finding{
		ID: "phish/sender/it@rented.example/2024-01-24T07:00:00Z", Detector: "phish", Severity: analyze.High, Argument: analyze.Argument{Score: 0.9},
		Subject: analyze.Subject{Kind: analyze.Sender, Value: "it@rented.example"}, Title: "it@rented.example wrote to 38 of our users; maria answered",
		Start: at("08:00:00"), End: at("08:07:00"), Accounts: []string{"maria@club.example", "jo@club.example"},
		Counts: analyze.Counts{Messages: 38, Recipients: 38, Delivered: 38, Clients: 1}, QueueIDs: []string{"4TKgZ02"},
		Clients:  []analyze.ClientCount{{Client: mail.Client{IP: netip.MustParseAddr("198.51.100.1"), Name: "unknown", HELO: "vps.rented.example"}, Messages: 38, First: at("08:00:00"), Last: at("08:07:00")}},
		Facts:    []analyze.Fact{{Name: "answered", Text: "maria@club.example to it@box.example"}},
		Evidence: []analyze.Evidence{{Origin: mail.Origin{File: 0, Line: 7}, Time: at("08:00:00"), Role: "first", Text: "Jan 24 08:00:00 mx2 postfix/smtpd[1]: 4TKgA01: client=unknown[198.51.100.1]"}},
	}
}

func complaints() analyze.Finding {
	return analyze.Finding{
		ID: "reputation/host/mx2/2024-01-24T14:10:00Z", Detector: "reputation", Severity: analyze.Medium, Argument: analyze.Argument{Score: 0.7},
		Subject: analyze.Subject{Kind: analyze.Host, Value: "mx2"}, Title: "other servers complain about mx2",
		Start: at("15:10:00"), End: at("16:40:00"), Counts: analyze.Counts{Messages: 300, Recipients: 300, Bounced: 300},
		Facts: []analyze.Fact{{Name: "lists to ask for removal", Text: "Spamhaus 45"}},
	}
}

// course is ordinary mail all day and the burst of the account.
func course() *analyze.Course {
	c := new(analyze.Course)
	add := func(t mail.Instant, d mail.Disposition) {
		m := mail.Message{Time: t, End: t.Add(2 * time.Second), Completed: d != mail.Deferred}
		m.Recipients = []mail.Recipient{{Disposition: d, Time: m.End}}
		c.Message(&m)
	}
	for t := at("05:10:14"); t < at("23:59:58"); t = t.Add(7 * time.Minute) {
		add(t, mail.Delivered)
		c.Event(&mail.Event{Kind: mail.Reject, Time: t})
	}
	for i := range 2339 {
		add(at("14:04:00").Add(time.Duration(i)*3870*time.Millisecond), [...]mail.Disposition{mail.Delivered, mail.Delivered, mail.Bounced, mail.Delivered, mail.Delivered, mail.Deferred}[i%6])
	}
	return c
}

func TestGoldenInvestigation(t *testing.T) {
	quiet := investigation()
	quiet.Findings, quiet.Incidents = nil, nil
	terminal := func(columns int) func(io.Writer, *Report) error {
		return func(w io.Writer, r *Report) error { return Terminal(w, r, Style{Width: columns}) }
	}
	for _, g := range []struct {
		name  string
		r     *Report
		write func(io.Writer, *Report) error
	}{
		{"investigate.txt", investigation(), terminal(0)},
		{"investigate--80-columns.txt", investigation(), terminal(80)},
		{"investigate--format-markdown.md", investigation(), Markdown},
		{"investigate--format-json.json", investigation(), JSON},
		{"investigate--nothing-found.txt", quiet, terminal(0)},
		{"investigate--nothing-found--format-markdown.md", quiet, Markdown},
	} {
		var got bytes.Buffer
		if err := g.write(&got, g.r); err != nil {
			t.Errorf("%s: %v", g.name, err)
		}
		golden(t, g.name, got.Bytes())
	}
}

// The first screen tells who, when, how much, how they got in and what to do, before anything else.
func TestFirstScreen(t *testing.T) {
	var out bytes.Buffer
	if err := Terminal(&out, investigation(), Style{Width: 80}); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(out.String(), "\n", 31)
	screen := strings.Join(lines[:30], "\n")
	for _, want := range []string{"maria@club.example", "14:04:00 to 16:35:00", "2,339 messages to 2,960", "way in", "doveadm kick maria@club.example", "192.0.2.7"} {
		if !strings.Contains(screen, want) {
			t.Errorf("no %q on the first screen:\n%s", want, screen)
		}
	}
	if n := strings.Count(out.String(), "see more "); n != 2 {
		t.Errorf("%d blocks for 2 incidents of 4 findings", n)
	}
}

func TestEntries(t *testing.T) {
	s := tell(investigation())[0]
	var got []string
	for _, e := range s.happened {
		got = append(got, e.Time.In(berlin).Format("15:04:05")+" "+strings.Join(e.Texts, " / "))
	}
	want := []string{
		"08:00:00 it@rented.example wrote to 38 of our users; maria answered",
		"08:07:00 it@rented.example: the last of 38 messages",
		"12:47:14 a look round",
		"14:04:00 it begins: the first of 2,339 messages",
		"15:10:00 other servers complain about mx2",
		"15:37:11 the peak: 31 in a minute",
		"16:35:00 the last of 2,339 messages",
		"16:40:00 reputation: the last of 300 messages",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if few := fewEntries(s.happened, s.main.ID, 5); len(few) != 5 || few[0].Texts[0] != s.happened[0].Texts[0] || few[4].Texts[0] != s.happened[7].Texts[0] {
		t.Errorf("few: %v", few)
	}
}

func TestSentence(t *testing.T) {
	for _, c := range []struct{ title, subject, want string }{
		{"account a@b.example sent 3 messages", "a@b.example", "Account a@b.example sent 3 messages, beginning on Wednesday, 24 January 2024, at 14:04"},
		{"192.0.2.1 sent 3 messages", "192.0.2.1", "192.0.2.1 sent 3 messages, beginning on Wednesday, 24 January 2024, at 14:04"},
		{"maria sent 3 messages", "maria", "maria sent 3 messages, beginning on Wednesday, 24 January 2024, at 14:04"},
		{"4 addresses, one hand; 64 messages", "x", "4 addresses, one hand, beginning on Wednesday, 24 January 2024, at 14:04; 64 messages"},
	} {
		f := analyze.Finding{Title: c.title, Subject: analyze.Subject{Value: c.subject}, Start: at("14:04:00")}
		if got := sentence(&f, berlin); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// If two logins were stolen, the one with the most messages comes first in the story; if the other one was abused first, the
// sentence says so.
func TestSentenceTellsWhoWasFirst(t *testing.T) {
	of := func(who string, messages int, start string) *analyze.Finding {
		return &analyze.Finding{Detector: "account", Title: "Account " + who + " was abused", Subject: analyze.Subject{Kind: analyze.Account, Value: who},
			Severity: analyze.High, Start: at(start), Counts: analyze.Counts{Messages: messages}}
	}
	for _, c := range []struct{ other, want string }{
		{"13:30:00", "; it began with b, at 13:30"},
		{"14:03:30", ""}, // in the same minute, or nearly
		{"15:00:00", ""},
	} {
		s := &story{main: of("a", 300, "14:04:00"), others: []*analyze.Finding{of("b", 200, c.other)}, Incident: &analyze.Incident{Title: "Account a was abused; likewise b"}}
		if got := earlier(s, berlin); got != c.want {
			t.Errorf("other at %s: got %q, want %q", c.other, got, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	r := investigation()
	r.Gaps = append(r.Gaps, Gap{Host: "mx2", From: at("15:00:00"), To: at("16:00:00")})
	r.Ledger.First, r.Ledger.Last = at("07:59:00"), at("16:36:00")
	got := strings.Join(tell(r)[0].limits, "\n")
	for _, want := range []string{"begins 1 min before the first sign", "The last of it is 1 min before the end", "mx2 logged nothing"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if all := tell(investigation())[0].limits; len(all) != 0 {
		t.Errorf("the log covers it: got %q", all)
	}
}

func TestShortNames(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"/var/log/mail.log /var/log/webmail.log", "mail.log webmail.log"},
		{"mx1/mail.log mx2/mail.log", "mx1/mail.log mx2/mail.log"},
		{"/a/mx1/mail.log /a/mx2/mail.log /a/mx2/mail.log", "mx1/mail.log mx2/mail.log mx2/mail.log"},
		{"mail.log -", "mail.log -"},
	} {
		if got := strings.Join(shortNames(strings.Fields(c.in)), " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.in, got, c.want)
		}
	}
}

// Of hundreds of incidents, a few are told, and the others are rows of a table.
func TestManyIncidents(t *testing.T) {
	r := investigation()
	r.Findings = nil
	for i := range 300 {
		f := burst()
		f.ID, f.Related = fmt.Sprintf("burst/%d", i), nil
		r.Findings = append(r.Findings, f)
	}
	r.Incidents = analyze.Incidents(r.Findings)
	var out bytes.Buffer
	if err := Terminal(&out, r, Style{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n > 350 {
		t.Errorf("%d lines", n)
	}
	if got, want := strings.Count(out.String(), "see more "), toldStories; got != want {
		t.Errorf("%d stories, want %d", got, want)
	}
	r.Told, out = 2, bytes.Buffer{}
	if err := Terminal(&out, r, Style{Width: 100}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "see more "); got != 2 {
		t.Errorf("--top 2: %d stories", got)
	}
}

// The names of thousands of files do not bury the answer.
func TestManyInputs(t *testing.T) {
	for _, tt := range []struct {
		files int
		more  string // "": all are named
	}{{toldInputs + 2, ""}, {toldInputs + 3, "and 3 more, which --format json names"}, {3000, "and 2,976 more, which"}} {
		r := investigation()
		r.Ledger.Files = nil
		for i := range tt.files {
			r.Ledger.Files = append(r.Ledger.Files, ingest.FileLedger{Path: fmt.Sprintf("maillog.%d", i), Lines: 1})
		}
		var out bytes.Buffer
		if err := Terminal(&out, r, Style{Width: 100}); err != nil {
			t.Fatal(err)
		}
		named := strings.Count(out.String(), ": 0 B, 1 line")
		if want := min(tt.files, toldInputs); tt.more != "" && named != want || tt.more == "" && named != tt.files || !strings.Contains(out.String(), tt.more) {
			t.Errorf("%d files: %d named, want %q after %d", tt.files, named, tt.more, want)
		}
	}
}

// Mail from this machine itself did not come in, and its address cannot be blocked.
func TestLoopback(t *testing.T) {
	r := investigation()
	f := burst()
	f.ID, f.Related = "burst/loopback", nil
	f.Subject = analyze.Subject{Kind: analyze.IP, Value: "127.0.0.1"}
	f.Clients = []analyze.ClientCount{{Client: mail.Client{IP: netip.MustParseAddr("127.0.0.1")}, Messages: 600}}
	r.Findings = []analyze.Finding{f}
	r.Incidents = analyze.Incidents(r.Findings)
	s := tell(r)[0]
	if len(s.ways) != 1 || !strings.HasPrefix(s.ways[0].Text, "From inside") {
		t.Errorf("way in: got %v", s.ways)
	}
	for _, a := range s.actions {
		if strings.Contains(a.Command, "mailforensics block") {
			t.Errorf("got %q", a.Command)
		}
	}
	if len(s.actions) == 0 || !strings.HasPrefix(s.actions[0].Why, "stop the program on this machine") || !strings.HasPrefix(s.actions[0].Command, "ss ") {
		t.Errorf("what stops it: got %v", s.actions)
	}
}

// What is low may be honest: nobody is accused of a theft, and no customer is called a stranger.
func TestWayInAccusesNobody(t *testing.T) {
	for _, tt := range []struct {
		detector string
		subject  analyze.Subject
		says     string
	}{
		{"open-relay", analyze.Subject{Kind: analyze.IP, Value: "192.0.2.7"}, "strangers"},
		{"script", analyze.Subject{Kind: analyze.Directory, Value: "/var/www/shop"}, "How the program got there"},
		{"script", analyze.Subject{Kind: analyze.Directory, Value: "/var/www/roundcube"}, "stolen"},
	} {
		for severity, want := range map[analyze.Severity]bool{analyze.Low: false, analyze.Medium: true} {
			f := abuse()
			f.Detector, f.Subject, f.Severity = tt.detector, tt.subject, severity
			r := investigation()
			r.Findings = []analyze.Finding{f}
			r.Incidents = analyze.Incidents(r.Findings)
			if got := tell(r)[0].ways[0].Text; strings.Contains(got, tt.says) != want {
				t.Errorf("%s %s: got %q, want %q in it: %v", severity, tt.subject.Value, got, tt.says, want)
			}
		}
	}
}

// If no address sent half of the mail, none is named as the one that sent most.
func TestWayInNamesWhoSentMost(t *testing.T) {
	for _, tt := range []struct {
		most int
		want string
	}{
		{51, "With the login maria@club.example, from 2 addresses, mostly 192.0.2.7 webmail.club.example"},
		{50, "With the login maria@club.example, from 2 addresses"},
	} {
		f := abuse()
		f.Counts.Messages, f.Clients[0].Messages, f.Clients[1].Messages = 100, tt.most, 100-tt.most
		r := investigation()
		r.Findings = []analyze.Finding{f}
		r.Incidents = analyze.Incidents(r.Findings)
		if got := tell(r)[0].ways[0].Text; got != tt.want {
			t.Errorf("%d of 100: got %q, want %q", tt.most, got, tt.want)
		}
	}
}

// What other hosts refused in the time of a story is told of the one whose mail it was: not of another of that time, and not where most of it
// was refused when it was tried again, later.
func TestRefusalsAreOfTheStory(t *testing.T) {
	for lost, want := range map[int]bool{10: false, 600: true, 840: true, 1600: false} { // 779 were refused while it lasted
		f := abuse()
		f.Counts.Bounced, f.Counts.Deferred = lost, 0
		r := investigation()
		r.Findings = []analyze.Finding{f}
		r.Incidents = analyze.Incidents(r.Findings)
		said := slices.ContainsFunc(tell(r)[0].damage, func(s statement) bool { return strings.HasPrefix(s.Text, "other hosts refused") })
		if said != want {
			t.Errorf("%d lost: told %v, want %v", lost, said, want)
		}
	}
}

// Where somebody tried the password of the account before, it is not said that nothing shows how it was stolen.
func TestWayInSaysThatSomebodyGuessed(t *testing.T) {
	for _, tt := range []struct {
		tries    int
		severity analyze.Severity
		want     string
	}{
		{0, analyze.High, "These logs do not show how its password was stolen"},
		{4, analyze.High, "These logs do not show how its password was stolen"},
		{5, analyze.High, "Its password may have been guessed: 5 failed logins"},
		{5, analyze.Low, "With the login "}, // the owner's telephone had the old one
	} {
		f := abuse()
		f.Facts, f.Counts.FailedLogins, f.Severity = nil, tt.tries, tt.severity
		if tt.tries > 0 {
			f.Facts = []analyze.Fact{{Name: "failed before", Text: fmt.Sprintf("%d failed logins", tt.tries)}}
		}
		r := investigation()
		r.Findings = []analyze.Finding{f}
		r.Incidents = analyze.Incidents(r.Findings)
		if ways := tell(r)[0].ways; !strings.HasPrefix(ways[len(ways)-1].Text, tt.want) {
			t.Errorf("%d tries, %v: got %v, want %q", tt.tries, tt.severity, ways, tt.want)
		}
	}
}

// Many bursts of the clients of one finding share one line of the timeline; a few have a line each; those of other clients stay.
func TestEntriesFoldBursts(t *testing.T) {
	for n, want := range map[int]int{fewBursts: fewBursts + 1, fewBursts + 1: 2} {
		main := &analyze.Finding{ID: "relay", Detector: "open-relay", Start: 0, End: 1000 * 1e9}
		s := &story{Incident: &analyze.Incident{}, main: main}
		burst := func(ip netip.Addr, i int) {
			f := &analyze.Finding{ID: "burst/" + ip.String(), Detector: "burst", Subject: analyze.Subject{Kind: analyze.IP, Value: ip.String()},
				Title: ip.String() + " sent", Start: mail.Instant(i) * 1e9, End: mail.Instant(i+90) * 1e9, Counts: analyze.Counts{Messages: 100 + i}}
			s.others = append(s.others, f)
			s.Steps = append(s.Steps, analyze.Step{Time: f.Start, Text: f.Title, Finding: f.ID})
		}
		for i := range n {
			ip := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			main.Clients = append(main.Clients, analyze.ClientCount{Client: mail.Client{IP: ip}})
			burst(ip, 10*i+1)
		}
		burst(netip.MustParseAddr("203.0.113.9"), 500)
		if n > fewBursts { // what the same clients sent in one name is of the same kind
			f := &analyze.Finding{ID: "burst/far.example", Detector: "burst", Subject: analyze.Subject{Kind: analyze.SenderDomain, Value: "far.example"},
				Title: "far.example sent", Start: 400e9, End: 430e9, Counts: analyze.Counts{Messages: 7}, Clients: main.Clients[2:5]}
			s.others = append(s.others, f)
			s.Steps = append(s.Steps, analyze.Step{Time: f.Start, Text: f.Title, Finding: f.ID})
		}
		got := entries(s)
		if len(got) != want {
			t.Errorf("%d bursts and another: %d lines, want %d", n, len(got), want)
		}
		if text := "the first of 10 bursts, each of one client or in one name: 7 to 181 messages"; n > fewBursts && got[0].Texts[0] != text {
			t.Errorf("got %q, want %q", got[0].Texts[0], text)
		}
	}
}

// In every format, who, when, how much, how they got in and what to do come first, then what happened and the reasons.
func TestAnswerComesFirst(t *testing.T) {
	for _, form := range []struct {
		name  string
		write func(*bytes.Buffer, *Report) error
		parts []string
	}{
		{"terminal", func(w *bytes.Buffer, r *Report) error { return Terminal(w, r, Style{Width: 100}) },
			[]string{"HIGH ", "  when ", "  how much ", "  way in ", "  client ", "  do now ", "  how fast ", "  timeline ", "  why ", "  lines ", "  see more "}},
		{"markdown", func(w *bytes.Buffer, r *Report) error { return Markdown(w, r) },
			[]string{"# ", "**when:**", "**how much:**", "**who:**", "### How they got in", "### What to do now", "### What happened", "### What went out", "### Why we say so", "**see more:**"}},
		{"html", func(w *bytes.Buffer, r *Report) error { return HTML(w, r) },
			[]string{"<h1", "<dt>when</dt>", "<dt>how much</dt>", "<dt>how they got in</dt>", "<dt>who</dt>", "<h3>What to do now</h3>", "<h3>What happened</h3>", "<h3>Why we say so</h3>", "To go on:"}},
	} {
		var out bytes.Buffer
		if err := form.write(&out, investigation()); err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, part := range form.parts {
			n := strings.Index(out.String()[at:], part)
			if n < 0 {
				t.Fatalf("%s: %q does not stand behind what comes before it", form.name, part)
			}
			at += n
		}
	}
}

// A rate below 0.1 an hour is given per day.
func TestHourly(t *testing.T) {
	for _, tt := range []struct {
		n    int
		in   time.Duration
		want string
	}{{746, 2 * time.Hour, "373 an hour"}, {7, 100 * time.Hour, "1.7 a day"}, {0, time.Hour, "0.0 an hour"}} {
		if got := hourly(tt.n, tt.in); got != tt.want {
			t.Errorf("%d in %s: got %q, want %q", tt.n, tt.in, got, tt.want)
		}
	}
}

// A client that was relayed for did not log in, a rule let it; mail for our own domains needs no such rule.
func TestRelayedWithoutALogin(t *testing.T) {
	f := &analyze.Finding{Clients: make([]analyze.ClientCount, 2), Counts: analyze.Counts{Messages: 10, RecipientDomains: 9},
		RecipientDomains: []analyze.Count{{Value: "other.example", Messages: 8}, {Value: "site.example", Messages: 2}}}
	r := &Report{Site: &analyze.Site{LocalDomains: map[string]analyze.Known{"site.example": {}}}}
	if got := fromOutside(r, f); !strings.HasPrefix(got, "Without a login: the server accepted mail for recipients elsewhere from 2 clients") {
		t.Errorf("got %q", got)
	}
	f.Counts.RecipientDomains = 2
	if got := fromOutside(&Report{Site: &analyze.Site{}}, f); !strings.Contains(got, "That is right for a secondary MX or a gateway") {
		t.Errorf("for one domain: got %q", got)
	}
	f.RecipientDomains[1].Messages = 9
	if got := fromOutside(r, f); got != "" {
		t.Errorf("mostly for us: got %q", got)
	}
	f.RecipientDomains[0].Messages, f.Accounts = 80, []string{"eva"}
	if got := fromOutside(r, f); got != "" {
		t.Errorf("with a login: got %q", got)
	}
}

// A client that several findings name is listed once, with what any of them knows, and the largest of the numbers: they count the
// same messages.
func TestClientsOf(t *testing.T) {
	one := analyze.ClientCount{Client: mail.Client{IP: netip.MustParseAddr("192.0.2.7"), HELO: "pc"}, Messages: 5, Rejected: 9, First: at("10:00:00"), Last: at("11:00:00")}
	same := analyze.ClientCount{Client: mail.Client{IP: netip.MustParseAddr("::ffff:192.0.2.7"), Name: "mail.firm.example", HELO: "other", Country: "DE"}, Messages: 7, Rejected: 2, Logins: 1,
		First: at("09:00:00"), Last: at("10:30:00")}
	other := analyze.ClientCount{Client: mail.Client{IP: netip.MustParseAddr("192.0.2.8")}, Messages: 8}
	got := clientsOf([]*analyze.Finding{{Clients: []analyze.ClientCount{one}}, {Clients: []analyze.ClientCount{same, other}}})
	if len(got) != 2 || got[0].IP != other.IP {
		t.Fatalf("got %+v, want two clients, the one with most messages first", got)
	}
	want := analyze.ClientCount{Client: mail.Client{IP: one.IP, Name: "mail.firm.example", HELO: "pc", Country: "DE"}, Messages: 7, Rejected: 9, Logins: 1, First: at("09:00:00"), Last: at("11:00:00")}
	if !reflect.DeepEqual(got[1], want) {
		t.Errorf("got %+v, want %+v", got[1], want)
	}
}

// A client that guessed the password is listed with its failed logins, not with rejected attempts.
func TestClientsOfGuesses(t *testing.T) {
	f := abuse()
	guess := analyze.Finding{ID: "guessing/ip/198.51.100.9/2024-01-24T06:00:00Z", Detector: "guessing", Severity: analyze.High, Argument: analyze.Argument{Score: 1},
		Subject: analyze.Subject{Kind: analyze.IP, Value: "198.51.100.9"}, Title: "198.51.100.9: 400 failed logins, then one that succeeded",
		Start: at("07:00:00"), End: at("07:30:00"), Counts: analyze.Counts{FailedLogins: 400, Clients: 1},
		Clients: []analyze.ClientCount{{Client: mail.Client{IP: netip.MustParseAddr("198.51.100.9")}, FailedLogins: 400}}}
	f.Related = []string{guess.ID}
	r := investigation()
	r.Findings = []analyze.Finding{f, guess}
	r.Incidents = analyze.Incidents(r.Findings)
	for _, c := range []struct {
		want  string
		write func(io.Writer, *Report) error
	}{
		{"400 failed logins", func(w io.Writer, r *Report) error { return Terminal(w, r, Style{Width: 100}) }},
		{"| 0 | 0 | 0 | 400 |", Markdown},
	} {
		var out bytes.Buffer
		if err := c.write(&out, r); err != nil || !strings.Contains(out.String(), c.want) || strings.Contains(out.String(), "400 rejected") {
			t.Errorf("%v, no %q in %s", err, c.want, out.String())
		}
	}
}

// A finding begins with a refused attempt only if refused attempts are counted.
func TestItBeginsWithWhatIsCounted(t *testing.T) {
	r := investigation()
	r.Findings[0].Counts.Rejected = 50
	s := tell(r)[0]
	i := slices.IndexFunc(s.happened, func(e entry) bool { return strings.HasPrefix(e.Texts[0], "it begins") })
	if want := "it begins: the first of 2,339 messages and 50 refused attempts"; i < 0 || s.happened[i].Texts[0] != want {
		t.Errorf("got %v, want %q", s.happened, want)
	}
}
