package exim

import (
	"regexp"
	"strings"
	"testing"

	"mailforensics/mail"
	"mailforensics/parse"
	"mailforensics/parse/parsetest"
)

// The oracles are slow and obvious: one pattern with the fields in the order of Exim's source, every value as greedy or
// reluctant as its author allows. They know the lines of honest hosts; where one matches, the parser must agree.

const (
	anAddress = `<>|(?:"(?:[^"\\]|\\.)*"|[^\s"\\<>])+`
	aHost     = `(?:(?P<name>[A-Za-z0-9.-]+) )?(?:\((?P<helo>[A-Za-z0-9._:\[\]-]*)\) )?\[(?P<ip>[0-9a-fA-F.:]+)\](?::(?P<port>\d+))?`
	aWord     = `[^\s"]+`
)

var arrivalOracle = regexp.MustCompile(`^(?P<sender>` + anAddress + `)(?: R=(?P<parent>` + aWord + `))?(?: DS)?(?P<host> H=` + aHost + `)?` +
	`(?: I=(?P<interface>` + aWord + `))?(?: TFO\*?)?(?: U=(?P<user>` + aWord + `))?(?: Ci=\d+)?(?: P=(?P<protocol>` + aWord + `))` +
	`(?: L[-.*]*)?(?: X=(?P<tls>` + aWord + `?)\*?)?(?: CV=\w+)?(?: DN="[^"]*")?(?: SNI=` + aWord + `)?` +
	`(?: A=(?P<method>[^\s":]+)(?::(?P<account>[^\s":]+))?)?(?: PRDR)?(?: PRX=` + aWord + `)?(?: K)?(?: S=(?P<size>\d+))` +
	`(?: M8S=\d)?(?: DKIM=` + aWord + `)?(?: RT=` + aWord + `)?(?: Q=` + aWord + `)?(?: id\*?=(?P<id>` + anAddress + `))?` +
	`(?: T="(?P<subject>(?:[^"\\]|\\.)*)")?(?: from <[^>"\\]*>)?(?: for (?P<recipients>[^\[\]"\\()]+))?$`)

var deliveryOracle = regexp.MustCompile(`^(?P<final>[^\s"|/:<>]+)(?: \([^()]*\))?(?: <(?P<original>[^\s>"\\]+)>)?(?: F=<(?P<sender>[^>"\\]*)>)?(?: Q=` + aWord + `)?` +
	`(?: P=<[^>"\\]*>)?(?: R=(?P<router>` + aWord + `))?(?: T=(?P<transport>` + aWord + `))?(?: S=(?P<size>\d+))?` +
	`(?: H=(?P<name>[A-Za-z0-9.-]+)(?: DS)? \[(?P<ip>[0-9a-fA-F.:]+)\](?::(?P<port>\d+))?\*?)?(?: I=(?P<interface>` + aWord + `?)\*?)?(?: TFO)?(?: PS=\w+)?` +
	`(?: X=` + aWord + `)?(?: CV=\w+)?(?: DN="[^"]*")?(?: A=` + aWord + `)?(?: L)?(?: PRDR)?(?: K)?(?: DKIM=` + aWord + `)?` +
	`(?: C="(?P<reply>(?:[^"\\]|\\.)*)")?(?: QT=[0-9wdhms.]+)?(?: DT=[0-9wdhms.]+)?$`)

func TestArrivalOracle(t *testing.T) {
	seen := compare(t, "<= ", checkArrival)
	if seen < 30 {
		t.Errorf("the oracle knew %d arrivals only", seen)
	}
}

func TestDeliveryOracle(t *testing.T) {
	seen := compare(t, "=> ", checkDelivery)
	if seen < 20 {
		t.Errorf("the oracle knew %d deliveries only", seen)
	}
}

// compare passes the specimens with the given flag to check, and counts those that the oracle knew.
func compare(t *testing.T, flag string, check func(t *testing.T, s string) bool) (known int) {
	for _, s := range parsetest.Read(t, "testdata/*.txt") {
		if strings.HasSuffix(s.File, "hostile.txt") {
			continue
		}
		if _, text, ok := strings.Cut(s.Line, " "+flag); ok && check(t, text) {
			known++
		}
	}
	return known
}

const someID = "1s6n4v-0000000017h-1Cr6"

func checkArrival(t *testing.T, s string) bool {
	t.Helper()
	want := match(arrivalOracle, s)
	if want == nil || want["host"] != "" && want["method"] != "" && withoutLogin(want["protocol"]) { // no line of Exim's
		return false
	}
	ev := mail.Event{Process: "exim"}
	if v := Format.Parse(someID+" <= "+s, &ev); v != parse.Parsed {
		t.Errorf("%s: %v", s, v)
		return true
	}
	helo, user := want["helo"], want["user"]
	if helo == "" && (strings.Contains(want["protocol"], "esmtp") || strings.Contains(want["protocol"], "essmtp") || want["protocol"] == "asmtp") {
		helo = want["name"]
	}
	if want["host"] != "" {
		user = ""
	}
	subject := want["subject"]
	if strings.Contains(subject, `\`) {
		subject = ev.Subject // unescaping has its own test
	}
	agree(t, s, map[string][2]string{
		"sender": {ev.Sender, want["sender"]}, "parent": {ev.Parent, want["parent"]}, "name": {ev.Client.Name, want["name"]},
		"helo": {ev.Client.HELO, helo}, "interface": {ev.Interface, want["interface"]}, "user": {ev.User, user},
		"protocol": {ev.Protocol, want["protocol"]}, "tls": {ev.TLS, want["tls"]}, "method": {ev.AuthMethod, want["method"]},
		"account": {ev.Account, want["account"]}, "id": {ev.MessageID, want["id"]}, "subject": {ev.Subject, subject},
		"recipients": {strings.TrimSuffix(ev.Recipients, "<trunc>"), strings.TrimSuffix(want["recipients"], "<trunc>")},
		"ip":         {ipOf(ev.Client.IP.String()), ipOf(want["ip"])},
	})
	return true
}

func checkDelivery(t *testing.T, s string) bool {
	t.Helper()
	want := match(deliveryOracle, s)
	if want == nil {
		return false
	}
	ev := mail.Event{Process: "exim"}
	if v := Format.Parse(someID+" => "+s, &ev); v != parse.Parsed {
		t.Errorf("%s: %v", s, v)
		return true
	}
	if ev.Kind == mail.Discard {
		return false
	}
	sender := want["sender"]
	if sender == "" && strings.Contains(s, " F=<>") {
		sender = mail.NullSender
	}
	agree(t, s, map[string][2]string{
		"final": {ev.Recipient, want["final"]}, "original": {ev.Original, want["original"]}, "sender": {ev.Sender, sender},
		"router": {ev.Router, want["router"]}, "transport": {ev.Transport, want["transport"]}, "relay": {ev.Relay, want["name"]},
		"interface": {ev.Interface, want["interface"]}, "reply": {ev.Reply, want["reply"]},
		"ip": {ipOf(ev.RelayIP.String()), ipOf(want["ip"])},
	})
	return true
}

func ipOf(s string) string {
	ip, ok := address(s)
	if !ok {
		return ""
	}
	return ip.String()
}

func match(re *regexp.Regexp, s string) map[string]string {
	m := re.FindStringSubmatch(s)
	if m == nil {
		return nil
	}
	fields := make(map[string]string)
	for i, name := range re.SubexpNames() {
		if name != "" && m[i] != "" {
			fields[name] = m[i]
		}
	}
	if strings.Count(s, " P=") > 1 || strings.Count(s, " S=") > 1 {
		return nil // a HELO, an ident or a certificate's name imitates fields: in which the line begins anew, no pattern tells
	}
	escaped := func(r rune) bool { return r < ' ' || r == 0x7f }
	if fields["ip"] != "" && ipOf(fields["ip"]) == "" || len(fields["port"]) > 4 || len(fields["size"]) > 18 || strings.ContainsFunc(s, escaped) {
		return nil // no line of Exim's
	}
	return fields
}

func agree(t *testing.T, s string, fields map[string][2]string) {
	t.Helper()
	for name, f := range fields {
		if f[0] != f[1] {
			t.Errorf("%s\n%s: got %q want %q", s, name, f[0], f[1])
		}
	}
}

func FuzzArrival(f *testing.F)  { fuzz(f, "<= ", checkArrival) }
func FuzzDelivery(f *testing.F) { fuzz(f, "=> ", checkDelivery) }

func fuzz(f *testing.F, flag string, check func(t *testing.T, s string) bool) {
	for _, s := range parsetest.Read(f, "testdata/*.txt") {
		if _, text, ok := strings.Cut(s.Line, " "+flag); ok {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, s string) { check(t, s) })
}
