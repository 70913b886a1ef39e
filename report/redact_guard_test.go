package report

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// openFields hold this program's own words, or what tells nothing of anybody: numbers, codes, queue IDs, countries.
var openFields = []string{
	"Report.Schema", "Report.Command", "Report.Version", "Report.Detectors", "Report.Zone", "Report.Advice", "Report.Course", "Report.Thresholds",
	"Ledger.Zone", "Ledger.ZoneWhy", "FileLedger.SHA256", "FileLedger.MTA", "FileLedger.Numbering", "FileLedger.YearRule", "FileLedger.ZoneRule",
	"Finding.Detector", "Finding.QueueIDs", "Finding.NoticeIDs", "Subject.Kind", "Reason.Code", "Fact.Name", "Mangled.Kind",
	"Client.Country", "Column.Name", "Column.Title", "Table.Name", "Table.Empty",
}

// TestRedactKnowsEveryField fills every text of a report with an address and looks for one that is left. A field that is
// added to the report must be redacted, or be named above.
func TestRedactKnowsEveryField(t *testing.T) {
	n := 0
	secret := func() string { n++; return fmt.Sprintf("person%d@leak%d.test", n, n) }
	r := new(Report)
	fill(reflect.ValueOf(r).Elem(), "Report", secret)
	r.Site.Roles = map[string]analyze.RoleOf{secret(): {Known: analyze.Known{Value: secret(), Why: secret()}}}
	r.Site.LocalDomains = map[string]analyze.Known{secret(): {Value: secret(), Why: secret()}}
	r.Site.Own = map[netip.Addr]analyze.Known{netip.MustParseAddr("192.0.2.1"): {Value: secret()}}
	r.Tables[0].Rows = [][]Value{{Text(secret())}}
	r.Ledger.Files[0].Damage, r.Ledger.Files[0].Err = errors.New(secret()), errors.New(secret())
	r.Findings[0].Clients[0].IP = netip.MustParseAddr("203.0.113.77")
	if n < 40 {
		t.Fatalf("only %d fields were filled", n)
	}
	leaks(t, reflect.ValueOf(Redact(r, nil)).Elem(), "Report")
}

// fill puts a secret into every text below v, and one element into every list.
func fill(v reflect.Value, name string, secret func() string) {
	if !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(secret())
	case reflect.Pointer:
		if v.Type() != reflect.TypeFor[*time.Location]() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), name, secret)
		} else {
			v.Set(reflect.ValueOf(time.UTC))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name, secret)
	case reflect.Struct:
		for i := range v.NumField() {
			if field := fieldName(v, i); !slices.Contains(openFields, field) {
				fill(v.Field(i), field, secret)
			}
		}
	}
}

func fieldName(v reflect.Value, i int) string { return v.Type().Name() + "." + v.Type().Field(i).Name }

// leaks names every text below v that still holds a secret.
func leaks(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); strings.Contains(s, "leak") || strings.Contains(s, "person") {
			t.Errorf("%s is not redacted: %q", name, s)
		}
	case reflect.Pointer, reflect.Interface:
		if err, ok := v.Interface().(error); ok && err != nil {
			leaks(t, reflect.ValueOf(err.Error()), name)
		} else if !v.IsNil() {
			leaks(t, v.Elem(), name)
		}
	case reflect.Slice:
		for i := range v.Len() {
			leaks(t, v.Index(i), name)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			leaks(t, key, name)
			leaks(t, v.MapIndex(key), name)
		}
	case reflect.Struct:
		if ip, ok := readable(v).(netip.Addr); ok {
			if ip.String() == "203.0.113.77" {
				t.Errorf("%s is not redacted: %s", name, ip)
			}
			return
		}
		for i := range v.NumField() {
			if v.Type() == reflect.TypeFor[time.Location]() || v.Type() == reflect.TypeFor[analyze.Site]() && !v.Type().Field(i).IsExported() {
				continue
			}
			leaks(t, v.Field(i), fieldName(v, i))
		}
	}
}

// readable is v as a value, nil where it is a field that is not exported.
func readable(v reflect.Value) any {
	if !v.CanInterface() {
		return nil
	}
	return v.Interface()
}

// A log line shows by its form what a word is.
func TestRedactLines(t *testing.T) {
	r := sample()
	r.Findings[0].Subjects = nil
	r.Findings[0].Subject = analyze.Subject{Kind: analyze.Directory, Value: "/home/shopkeep/public_html/wp-content/mailer.php"}
	r.Findings[0].Scripts = []analyze.Count{{Value: "/srv/www/customer-x/htdocs", Messages: 3}}
	x := newRedactor(r)
	x.address("anna.berg@club.example")
	for _, tt := range []struct{ line, want string }{
		{"2024-05-14 10:00:05 1s6ox3-0001Cx-1T <= anna.berg@club.example U=shopkeep P=local S=812 T=\"Your new bill\" for b@c.example",
			"2024-05-14 10:00:05 1s6ox3-0001Cx-1T <= user-1@domain-1.example U=name-4 P=local S=812 T=\"subject-1\" for user-2@domain-2.example"},
		{"2024-05-14 10:00:05 cwd=/home/shopkeep/public_html 3 args: /usr/sbin/sendmail -t -i",
			"2024-05-14 10:00:05 cwd=/home/name-4/public_html 3 args: /usr/sbin/sendmail -t -i"},
		{"2024-05-14 10:00:05 1s6ox3-0001Cx-1T => anna.berg <anna.berg@club.example> R=local_user T=maildir_home",
			"2024-05-14 10:00:05 1s6ox3-0001Cx-1T => user-1 <user-1@domain-1.example> R=local_user T=maildir_home"},
		{"2024-05-14 10:00:05 1s6ox3-0001Cx-1T <= a@b.example H=(LAPTOP-77) [192.0.2.7]:4711 P=esmtpa A=login:hugo S=1",
			"2024-05-14 10:00:05 1s6ox3-0001Cx-1T <= user-3@domain-3.example H=(name-5) [198.18.1.1]:4711 P=esmtpa A=login:name-6 S=1"},
		{"Jan 24 14:44:11 mx9 postfix/smtpd[1]: 7DEDFA4D: client=x.pools.example[192.0.2.7], sasl_method=PLAIN, sasl_username=hugo",
			"Jan 24 14:44:11 mx9 postfix/smtpd[1]: 7DEDFA4D: client=domain-4.example[198.18.1.1], sasl_method=PLAIN, sasl_username=name-6"},
		{"Jan 24 14:44:11 mail postfix/cleanup[1]: 7DEDFA4D: info: header Subject: Dear Mr. Smith from x.pools.example[192.0.2.7]; from=<a@b.example> helo=<laptop-77>",
			"Jan 24 14:44:11 mail postfix/cleanup[1]: 7DEDFA4D: info: header Subject: subject-2 from domain-4.example[198.18.1.1]; from=<user-3@domain-3.example> helo=<name-5>"},
		{"Jan 24 14:44:11 mail dovecot: imap-login: Login: user=<Hugo>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=1, TLS, session=<aBc>",
			"Jan 24 14:44:11 mail dovecot: imap-login: Login: user=<name-6>, method=PLAIN, rip=198.18.1.2, lip=127.0.0.1, mpid=1, TLS, session=<name-7>"},
		{"[03-Jun-2024 07:07:24 +0200]: <ab12> Successful login for hugo (ID: 3) from 192.0.2.9 in session ab12",
			"[03-Jun-2024 07:07:24 +0200]: <name-8> Successful login for name-6 (ID: 3) from 198.18.1.2 in session name-8"},
	} {
		if got := x.line(tt.line); got != tt.want {
			t.Errorf("got\n%s\nwant\n%s", got, tt.want)
		}
	}
	if got, want := x.path("/srv/www/customer-x/htdocs"), "/srv/www/name-3/htdocs"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Names contain blanks, quotes, signs, and endings that script files have, too.
func TestRedactOddNames(t *testing.T) {
	r := sample()
	r.Findings[0].Accounts = []string{"secret07 berg"}
	r.Findings[0].Subjects = []analyze.Count{{Value: `Dear "Mr. secret08"`, Messages: 1}}
	r.Findings[0].Signature.Terms = `subject == "Dear \"Mr. secret08\""`
	red := Redact(r, nil)
	x := newRedactor(r)
	got := []string{red.Findings[0].Signature.Terms}
	for line := range strings.Lines(`2024-05-10 06:03:38 1s5HTX-000591-1P <= "anna secret01"@club.example H=secret02 [192.0.2.10]:4711 P=esmtps S=8850 T="Dear \"Mr. secret03\" and secret04" for o'secret05@club.example john#secret06@club.example
2024-05-10 06:03:38 1s5HTX-000591-1P => secret09 <secret09@club.example> R=dnslookup T=remote_smtp H=mail.secret10.pl [192.0.2.20]:25 C="250 ok from host.secret11.sh"
2024-05-10 06:03:39 H=(secret12 host) [192.0.2.11]:4711 F=<bounce+secret13=club.example@lists.example> rejected RCPT <secret14+tag@secret15.xn--p1ai>: relay not permitted
2024-05-10 06:03:40 1s5HTY-000591-1P <= bounce-secret16=club.example@lists.example H=relay.secret17.xn--p1ai [192.0.2.10]:4711 P=esmtps S=8850 id=<secret18@x.example> T="x" for a@club.example
Jan 24 14:44:11 mx9 postfix/cleanup[1]: 7DEDFA4D: warning: header Subject: Greetings from secret19 and from secret20 from x.pools.example[192.0.2.7]; from=<"secret21 space"@b.example> to=<secret22/x@b.example> proto=ESMTP helo=<secret23 helo name>
Jan 24 14:44:11 mx9 postfix/smtp[1]: 7DEDFA4D: to=<eva@b.example>, relay=secret24[10.0.0.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok secret25.pl)
Jan 24 14:44:11 mx9 postfix/smtpd[1]: 7DEDFA4D: client=secret26.firma.pl[192.0.2.7], sasl_method=PLAIN, sasl_username=secret07 berg
Jan 24 14:44:11 mx9 dovecot: imap-login: Login: user=<secret27 berg>, method=PLAIN, rip=192.0.2.9, lip=127.0.0.1, mpid=1, TLS, session=<aBc>
2024-05-10 06:00:00 cwd=/home/secret28/public_html 3 args: /usr/sbin/sendmail -t -i -f secret29
`) {
		got = append(got, x.line(line))
	}
	for _, text := range got {
		if strings.Contains(text, "secret") {
			t.Errorf("a name is left: %s", text)
		}
	}
	if got, want := x.line("2024-05-10 06:03:40 1s5HTY-000591-1P <= a=b.example@lists.example H=(x y) [192.0.2.10]:4711 P=esmtp id=<1@x.example> from=a@b.example\n"),
		"2024-05-10 06:03:40 1s5HTY-000591-1P <= user-"; !strings.HasPrefix(got, want) || !strings.Contains(got, "]:4711 P=esmtp id=<user-") || !strings.Contains(got, "from=user-") {
		t.Errorf("the line cannot be followed any more: %s", got)
	}
	if got, want := x.line("2024-05-14 10:00:05 cwd=/ 3 args: /srv/cgi/mailer.pl main.cf"), "2024-05-14 10:00:05 cwd=/ 3 args: /srv/cgi/mailer.pl main.cf"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Each network has a pseudonym of its own, however many there are.
func TestRedactManyNetworks(t *testing.T) {
	x := newRedactor(sample())
	seen := make(map[netip.Addr]netip.Addr)
	ip := netip.MustParseAddr("11.0.0.0")
	for range 70_000 {
		ip = mail.Client{IP: ip}.IP.Next()
		for range 40 {
			ip = ip.Next()
		}
		p := x.ip(ip)
		if other, twice := seen[p]; twice {
			t.Fatalf("%s and %s are both %s", ip, other, p)
		}
		seen[p] = ip
	}
}
