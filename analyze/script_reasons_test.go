package analyze

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// Each reason about the senders of a script is given in the scene that has it, and not in a scene that differs in one point only.
func TestScriptSenderReasons(t *testing.T) {
	const list, ours, many, user, reporter = "bounce+x%d=r@lists.example", "shop@site.example", "a%d@b.example", "www-data@web1.example", "opendmarc@site.example"
	for _, tt := range []struct {
		code           string
		has, neighbour string // sender, %d: the message's number
	}{
		{"list-server", list, many},
		{"one-local-sender", ours, many},
		{"forged-senders", many, ours},
		{"forged-senders", many, "wordpress@site%d.example"}, // a host of many sites
		{"web-servers-user", user, ours},
		{"replies", mail.NullSender, ours},
		{"reports", reporter, ours},
	} {
		for _, side := range []struct {
			sender string
			want   bool
		}{{tt.has, true}, {tt.neighbour, false}} {
			limits := DefaultThresholds()
			limits.Score.Low = -1 // also what is too weak to be told
			e := newTwiceTold(t, &Pass{Thresholds: limits, Local: []string{"site.example"}}, []Detector{script})
			start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
			for i := range 400 {
				sender := side.sender
				if strings.Contains(sender, "%d") {
					sender = fmt.Sprintf(sender, i)
				}
				m := mail.Message{Origin: mail.Origin{Line: int64(i + 1)}, Line: fmt.Sprint("line ", i), Host: "web1", Hosts: []string{"web1"}, Time: start.Add(time.Duration(i) * 5 * time.Second),
					MTA: mail.Exim, User: "www", Directory: "/srv/www/uploads", Sender: sender, Completed: true, Direction: mail.Outbound, QueueIDs: []string{fmt.Sprint("Q", i)}}
				to(&m, fmt.Sprintf("x%d@r%d.example", i, i%40), mail.Delivered)
				if sender == reporter {
					to(&m, fmt.Sprintf("dmarc%d@r%d.example", i, i%40), mail.Delivered)
				}
				e.Message(&m)
			}
			findings, _ := e.Findings()
			if len(findings) == 0 {
				t.Errorf("%s: %s: nothing was found", tt.code, side.sender)
			}
			for i := range findings {
				if got := says(&findings[i], tt.code); got != side.want {
					t.Errorf("%s: %s: got %v, want %v: %v", tt.code, side.sender, got, side.want, findings[i].Reasons)
				}
			}
		}
	}
}

// Who writes to all customers in the name that he always uses is told from who does so in another, or to whom some object.
func TestUsualSenderOfScript(t *testing.T) {
	const portal = "portal@site.example"
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	for _, tt := range []struct {
		name     string
		messages []mail.Message
		want     bool
	}{
		{"always in that name", program(monday, portal, portal, 2000, 8), true},
		{"in another name", program(monday, "shop@site.example", portal, 2000, 8), false},
		{"some object", minded(program(monday, portal, portal, 2000, 8), 30), false},
	} {
		for _, f := range inThreeDays(tt.messages, nil) {
			if f.Detector == script.Name && says(&f, "usual-sender") != tt.want {
				t.Errorf("%s: %v", tt.name, f.Reasons)
			}
		}
	}
}

// What a directory is for is said as it is: nobody uploads style sheets.
func TestOddPlace(t *testing.T) {
	for dir, want := range map[string]string{
		"/home/a/public_html/wp-content/uploads/2019": " is in a directory for files that visitors or programs write",
		"/home/a/public_html/wp-includes/js":          " is in a directory for parts of WordPress, which are never called directly",
		"/srv/www/css":                                " is in a directory for style sheets",
		"/home/a/public_html":                         "",
	} {
		if want != "" {
			want = dir + want
		}
		if got := oddPlace(localOrigin{"a", Directory, dir}); got != want {
			t.Errorf("%s: got %q, want %q", dir, got, want)
		}
	}
}

// A script that a header names is a place whichever mail server logged it; the call of sendmail is none.
func TestPlaceOf(t *testing.T) {
	for _, tt := range []struct {
		script, directory string
		want              localOrigin
	}{
		{"33:mail.php", "", localOrigin{"www", Script, "33:mail.php"}},
		{"33:mail.php", "/srv/www/shop", localOrigin{"www", Directory, "/srv/www/shop"}},
		{"/usr/sbin/sendmail -t -i -fann@site.example", "", localOrigin{"www", UID, "www"}},
	} {
		for _, mta := range []mail.MTA{mail.Postfix, mail.Exim} {
			if got := placeOf(&mail.Message{MTA: mta, User: "www", Script: tt.script, Directory: tt.directory}); got != tt.want {
				t.Errorf("%v, %q in %q: got %+v, want %+v", mta, tt.script, tt.directory, got, tt.want)
			}
		}
	}
}

func TestIsWebmail(t *testing.T) {
	for dir, want := range map[string]bool{
		"/var/www/roundcube":                        true,
		"/var/lib/roundcube/public_html":            true,
		"/usr/local/cpanel/base/3rdparty/roundcube": true,
		"/srv/www/webmail.site.example":             true,
		"/var/www/html/wp-content/plugins/mailer":   false,
		"/home/shop/public_html":                    false,
	} {
		if got := IsWebmail(dir); got != want {
			t.Errorf("%s: got %v", dir, got)
		}
	}
}

// A few dozen messages are a run if each is in another stranger's name and they come within minutes; a form with which visitors tell their
// friends sends such messages, too, but seldom. Forms that write to the owners of their sites in the visitors' names do so all at once where
// the mail server was down; whoever has found a hole in one writes to others.
func TestScriptInBorrowedNames(t *testing.T) {
	const site, visitors, list, owner = "info@site.example", "ann%d@b%[1]d.example", "x%d@r%[1]d.example", "owner%d@shop.example"
	for _, tt := range []struct {
		name, usual, sender, to string // usual: at other times, to owners
		over                    time.Duration
		want                    Severity
	}{
		{"a run", site, visitors, list, 4 * time.Minute, Medium},
		{"visitors", site, visitors, list, 40 * time.Hour, Low},
		{"of one domain", site, "ann%d@b.example", list, 4 * time.Minute, Low},
		{"forms that had to wait", visitors, visitors, owner, 4 * time.Minute, Low},
		{"through a form", visitors, visitors, list, 4 * time.Minute, Medium},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{script})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		line := 0
		send := func(at time.Duration, sender, recipient string, which int) {
			line++
			if strings.Contains(sender, "%") {
				sender = fmt.Sprintf(sender, line)
			}
			m := mail.Message{Origin: mail.Origin{Line: int64(line)}, Line: fmt.Sprint("line ", line), Host: "web1", Hosts: []string{"web1"}, Time: start.Add(at), MTA: mail.Exim, User: "shop",
				Sender: sender, Completed: true, Direction: mail.Outbound, QueueIDs: []string{fmt.Sprint("Q", line)}}
			to(&m, fmt.Sprintf(recipient, which), mail.Delivered)
			e.Message(&m)
		}
		for i := range 20 {
			send(time.Duration(i)*3*time.Hour, tt.usual, owner, i)
		}
		for i := range 75 {
			send(20*time.Hour+time.Duration(i)*tt.over/75, tt.sender, tt.to, i)
		}
		findings, _ := e.Findings()
		if len(findings) != 1 || findings[0].Severity != tt.want {
			t.Errorf("%s: got %+v, want one finding, %v", tt.name, findings, tt.want)
		}
	}
}

// The sites of a web server, of which the log names only the user, send for weeks what a run sends in an hour: orders and forms, in hundreds of
// names, to people who exist.
func TestScriptsOfManySites(t *testing.T) {
	for _, tt := range []struct {
		name string
		over time.Duration
		dead int // one in so many recipients
		want Severity
	}{
		{"all the time", 6 * oneDay, 50, Low},
		{"at once", time.Hour, 50, Medium},
		{"all the time, to a list", 6 * oneDay, 8, Medium},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{script})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		line := int64(0)
		send := func(at time.Duration, user int, sender, recipient string, d mail.Disposition) {
			line++
			m := mail.Message{Origin: mail.Origin{Line: line}, Line: fmt.Sprint("line ", line), Host: "web1", Hosts: []string{"web1"}, Time: start.Add(at), MTA: mail.Postfix, UID: user,
				Sender: sender, Flags: mail.HasUID, Completed: true, Direction: mail.Outbound, QueueIDs: []string{fmt.Sprint("Q", line)}}
			to(&m, recipient, d)
			e.Message(&m)
		}
		for i := range 12 {
			send(time.Duration(i)*12*time.Hour, 1000, "cron@site.example", "admin@far.example", mail.Delivered)
		}
		const n = 600
		for i := range n {
			send(time.Duration(i)*tt.over/n, 33, fmt.Sprintf("ann%d@b%d.example", i, i%90), fmt.Sprintf("x%d@r%d.example", i, i%40), bouncing(i, tt.dead))
		}
		findings, _ := e.Findings()
		if len(findings) != 1 || findings[0].Severity != tt.want {
			t.Errorf("%s: got %+v, want one finding, %v", tt.name, findings, tt.want)
		}
	}
}
