package postfix

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"mailforensics/mail"
	"mailforensics/parse"
	"mailforensics/parse/parsetest"
)

// The oracles read two families of lines with one regular expression each, as Postfix 3.5 and later writes them: slow, and
// obvious. Where an oracle reads a line, the parser must read the same; what it does not read is older, cut or odd.

const (
	quotedAddress = `"(?:[^"\\]|\\.)*"@[^ <>"@]+`
	plainAddress  = `[^ <>"(),;:\\@\[\]]*(?:@[^ <>"@]+)?`
	anAddress     = `<(` + quotedAddress + `|` + plainAddress + `)>`
)

var deliveryLine = regexp.MustCompile(`^([0-9A-Za-z.]+): to=` + anAddress + `(?:, orig_to=` + anAddress + `)?, relay=([^,]*)` +
	`(?:, conn_use=[^,]*)?(?:, delay=[^,]*)?(?:, delays=[^,]*)?(?:, tls=[^,]*)?(?:, dsn=([^,]*))?` +
	`, status=(sent|deferred|bounced|SOFTBOUNCE|deliverable|undeliverable) \(((?s:.*))$`)

func deliveryOracle(body string) (ev mail.Event, ok bool) {
	m := deliveryLine.FindStringSubmatch(body)
	if m == nil {
		return ev, false
	}
	ev.QueueID, ev.Recipient, ev.Original, ev.DSN = m[1], m[2], m[3], m[5]
	ev.Disposition = map[string]mail.Disposition{"sent": mail.Delivered, "deferred": mail.Deferred, "bounced": mail.Bounced,
		"SOFTBOUNCE": mail.Deferred, "deliverable": mail.Probed, "undeliverable": mail.Probed}[m[6]]
	ev.Reply = strings.TrimSuffix(m[7], ")")
	return ev, true
}

// masked reports whether Postfix logs "?" for a character (util/printable.c).
func masked(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }

func compareDelivery(t *testing.T, body string) {
	t.Helper()
	want, ok := deliveryOracle(body)
	if !ok || strip(body) != body || strings.ContainsFunc(body, masked) {
		return
	}
	got := mail.Event{Process: "postfix/smtp"}
	v := Format.Parse(body, &got)
	if want.QueueID == noQueue {
		want.QueueID = ""
	}
	if v != parse.Parsed || got.Kind != mail.Delivery || got.QueueID != want.QueueID || got.Recipient != want.Recipient ||
		got.Original != want.Original || got.DSN != want.DSN || got.Disposition != want.Disposition || got.Reply != want.Reply {
		t.Errorf("%s\n got %v %+v\nwant %+v", body, v, got, want)
	}
}

var rejectLine = regexp.MustCompile(`^([0-9A-Za-z.]+): reject: RCPT from ([A-Za-z0-9._-]+)\[([0-9.]+)\](?::([0-9]+))?: ((?s:.*)); from=` +
	anAddress + ` to=` + anAddress + ` proto=(SMTP|ESMTP) helo=<([^ <>()";\\@]*)>$`)

var replyStart = regexp.MustCompile(`^([2-5][0-9][0-9]) (?:([245]\.[0-9]+\.[0-9]+)(?: |$))?`)

func rejectOracle(body string) (ev mail.Event, ok bool) {
	m := rejectLine.FindStringSubmatch(body)
	if m == nil {
		return ev, false
	}
	ev.QueueID, ev.Client.Name, ev.Reply, ev.Sender, ev.Recipient, ev.Protocol, ev.Client.HELO = m[1], m[2], m[5], m[6], m[7], m[8], m[9]
	if ev.Client.IP = mail.ParseIP(m[3]); !ev.Client.IP.IsValid() {
		return ev, false
	}
	if port, err := strconv.ParseUint(m[4], 10, 16); err == nil {
		ev.Client.Port = uint16(port)
	} else if m[4] != "" {
		return ev, false
	}
	if ev.Sender == "" {
		ev.Sender = mail.NullSender
	}
	r := replyStart.FindStringSubmatch(ev.Reply)
	if r == nil {
		return ev, false
	}
	ev.Code, _ = strconv.Atoi(r[1])
	ev.DSN, ev.Reply = r[2], ev.Reply[len(r[0]):]
	return ev, true
}

func compareReject(t *testing.T, body string) {
	t.Helper()
	want, ok := rejectOracle(body)
	if !ok || strip(body) != body || strings.ContainsFunc(body, masked) {
		return
	}
	got := mail.Event{Process: "postfix/smtpd"}
	v := Format.Parse(body, &got)
	if want.QueueID == noQueue {
		want.QueueID = ""
	}
	if v != parse.Parsed || got.Kind != mail.Reject || got.QueueID != want.QueueID || got.Client != want.Client || got.Sender != want.Sender ||
		got.Recipient != want.Recipient || got.Protocol != want.Protocol || got.Code != want.Code || got.DSN != want.DSN || got.Reply != want.Reply {
		t.Errorf("%s\n got %v %+v\nwant %+v", body, v, got, want)
	}
}

func bodies(t testing.TB, pattern string) []string {
	var all []string
	for _, s := range parsetest.Read(t, pattern) {
		if _, body, ok := strings.Cut(s.Line, "]: "); ok {
			all = append(all, body)
		}
	}
	return all
}

func TestOracles(t *testing.T) {
	var deliveries, rejects int
	for _, body := range bodies(t, "testdata/*.txt") {
		if _, ok := deliveryOracle(body); ok {
			deliveries++
		}
		if _, ok := rejectOracle(body); ok {
			rejects++
		}
		compareDelivery(t, body)
		compareReject(t, body)
	}
	if deliveries < 30 || rejects < 10 {
		t.Errorf("the oracles read %d deliveries and %d rejects only", deliveries, rejects)
	}
}

func FuzzDelivery(f *testing.F) {
	for _, body := range bodies(f, "testdata/delivery.txt") {
		f.Add(body)
	}
	f.Fuzz(compareDelivery)
}

func FuzzReject(f *testing.F) {
	for _, body := range bodies(f, "testdata/reject.txt") {
		f.Add(body)
	}
	f.Fuzz(compareReject)
}

// FuzzHostileReject builds a line as smtpd does, from text that a client may choose: the event must have what was put in.
func FuzzHostileReject(f *testing.F) {
	f.Add("z> to=<v@v>; q@far.example", `a> b from=<q@q>`, `z> to=<v@v>; q`, "[a?b]??x")
	f.Add("x", `\"`, `; from=<`, "h")
	f.Add("0", "0", "; to=<", "0")
	f.Add(`; from=<a@b> to=<c@d> proto=ESMTP helo=<e>`, ``, ` proto=SMTP`, "")
	f.Fuzz(func(t *testing.T, inner, from, to, helo string) {
		from, to = quote(from)+"@x.example", quote(to)+"@far.example"
		helo = strings.Map(maskHELO, helo)
		body := "NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 554 5.7.1 <" + inner + ">: Relay access denied; from=<" + from + "> to=<" + to +
			"> proto=ESMTP helo=<" + helo + ">"
		ev := mail.Event{Process: "postfix/smtpd"}
		v := Format.Parse(body, &ev)
		if v != parse.Parsed || ev.Sender != from || ev.Recipient != to || ev.Client.HELO != helo || ev.Reply != "<"+inner+">: Relay access denied" {
			t.Errorf("%s: got %v %+v", body, v, ev)
		}
	})
}

// quote returns a local part between quotes, as smtpd writes it (global/quote_822_local.c).
func quote(local string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
}

// maskHELO is smtpd's mask for characters that must not be in a HELO (smtpd/smtpd.c).
func maskHELO(r rune) rune {
	if strings.ContainsRune(" <>()\\\";@", r) {
		return '?'
	}
	return r
}

// FuzzHostileDelivery does the same for the recipient and the reply of a delivery.
func FuzzHostileDelivery(f *testing.F) {
	f.Add(`x>, relay=none, delay=0, status=sent (y)`, `250 2.0.0 Ok (x=<y>, status=bounced (z))`)
	f.Add(`x>, orig_to=<`, `queued as `)
	f.Fuzz(func(t *testing.T, to, reply string) {
		to = quote(to) + "@far.example"
		body := "4F2A91C0D3: to=<" + to + ">, relay=mx.far.example[192.0.2.25]:25, delay=0.1, delays=0/0/0/0.1, dsn=5.1.1, status=bounced (" + reply + ")"
		ev := mail.Event{Process: "postfix/smtp"}
		v := Format.Parse(body, &ev)
		if v != parse.Parsed || ev.Recipient != to || ev.Reply != reply || ev.Disposition != mail.Bounced || ev.Relay != "mx.far.example" {
			t.Errorf("%s: got %v %+v", body, v, ev)
		}
	})
}

// FuzzHostileHeader does the same for a header check's line: a subject of at most 200 bytes with its name.
func FuzzHostileHeader(f *testing.F) {
	f.Add(`one? two from evil[192.0.2.4]; from=<a@b> to=<c@d> proto=ESMTP helo=<e>: foo`, "host.example")
	f.Add(`x from local; from=<a@b>`, "[192.0.2.1]")
	f.Fuzz(func(t *testing.T, subject, helo string) {
		if subject = strings.Trim(subject, " "); len(subject) > headerText-len("Subject: ") {
			return
		}
		helo = strings.Map(maskHELO, helo)
		body := "42D45E7: warning: header Subject: " + subject + " from host.example[192.0.2.9]; from=<real@example.net> to=<x@example.org> proto=ESMTP helo=<" + helo + ">"
		ev := mail.Event{Process: "postfix/cleanup"}
		v := Format.Parse(body, &ev)
		if v != parse.Parsed || ev.Subject != subject || ev.Sender != "real@example.net" || ev.Client.HELO != helo || ev.Client.Name != "host.example" {
			t.Errorf("%s: got %v %+v", body, v, ev)
		}
	})
}

// FuzzHostileGreeting does the same for a HELO that was refused at once, and is not masked.
func FuzzHostileGreeting(f *testing.F) {
	f.Add(`<x>: Helo command rejected: y; from=<spoof@spoof> to=<a@a> proto=ESMTP helo=<z>`)
	f.Add(`b>; proto=SMTP helo=<b`)
	f.Add(`a; proto=SMTP helo=<b>`)
	f.Fuzz(func(t *testing.T, helo string) {
		if len(helo) > 100 || strings.ContainsAny(helo, "\r") {
			return
		}
		body := "NOQUEUE: reject: EHLO from unknown[192.0.2.66]: 501 5.5.2 <" + helo + ">: Helo command rejected: Invalid name; proto=SMTP helo=<" + helo + ">"
		ev := mail.Event{Process: "postfix/smtpd"}
		v := Format.Parse(body, &ev)
		if v != parse.Parsed || ev.Client.HELO != helo || ev.Reply != "<"+helo+">: Helo command rejected: Invalid name" || ev.Sender != "" {
			t.Errorf("%s: got %v %+v", body, v, ev)
		}
	})
}
