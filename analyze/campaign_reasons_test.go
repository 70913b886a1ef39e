package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// comers is what twenty-four clients do in an ordinary day, once each, unless they are made to come again.
type comers struct {
	kind    seedKind // what joins them
	each    func(i int, m *mail.Message)
	refused string        // the reply, "": they were accepted
	daemon  string        // that refused
	gap     time.Duration // between two; 0: forty seconds
	again   time.Duration // after which each comes again, with another subject where it is negative; 0: never
	other   string        // what each other one is told
	unknown int           // recipients that somebody else guesses meanwhile
	lines   int           // how many clients; 0: twenty-four

	bystander bool // somebody writes meanwhile who has their marks in one message, and not in others
}

// judged returns what the detector says of all hands that the comers can be, joined by their kind, however weak.
func (v comers) judged() (said [][]Reason) {
	for _, c := range v.hands() {
		said = append(said, c.Reasons)
	}
	return said
}

// hands returns these.
func (v comers) hands() (all []*cluster) {
	e := NewEngine(&Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example", "ours.example"}}, []Detector{campaign})
	day := honestDay(1500)
	for i := range day {
		e.Message(&day[i])
	}
	start := day[0].Time.Add(8 * time.Hour)
	refuse := func(m *mail.Message, reply string) {
		e.Event(&mail.Event{Kind: mail.Reject, MTA: mail.Postfix, Host: "mx1", Time: m.Time, Origin: m.Origin, Raw: "line", Stage: "RCPT", Code: 554, DSN: reply[4:9], Daemon: v.daemon,
			Client: m.Client, Sender: m.Sender, Recipient: m.Recipients[0].Address, Reply: reply})
	}
	come := func(i, line int, at mail.Instant) {
		m := mail.Message{Origin: mail.Origin{Line: int64(100_000 + line)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Flags: mail.Verified, Completed: true,
			Time: at, Client: mail.Client{IP: netip.AddrFrom4([4]byte{41, byte(7 * i), byte(i), 9})}, Sender: fmt.Sprintf("jo%d@x%d.example", i, i)}
		to(&m, user(line), mail.Delivered)
		v.each(i, &m)
		if at < start {
			m.Subject = fmt.Sprint("letter ", i)
		}
		if v.refused != "" {
			if v.other != "" && i%2 > 0 {
				refuse(&m, v.other)
				return
			}
			refuse(&m, v.refused)
			return
		}
		e.Message(&m)
	}
	lines := v.lines
	if lines == 0 {
		lines = 24
	}
	if v.gap == 0 {
		v.gap = 40 * time.Second
	}
	for i := range lines {
		at := start.Add(time.Duration(i) * v.gap)
		come(i, i, at)
		if v.again != 0 {
			come(i, lines+i, at.Add(v.again))
		}
	}
	for i := range 7 {
		if !v.bystander {
			break
		}
		m := mail.Message{Origin: mail.Origin{Line: int64(300_000 + i)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Flags: mail.Verified, Completed: true, Time: start.Add(time.Duration(1+i) * time.Minute)}
		m.Sender = fmt.Sprintf("ann@b%d.example", i)
		to(&m, user(i), mail.Delivered)
		if i == 3 {
			v.each(i, &m)
		}
		m.Client.IP, m.Client.Name = netip.MustParseAddr("198.18.7.7"), "mail.friend.example"
		if m.Client.HELO == "" {
			m.Client.HELO = "mail.friend.example"
		}
		e.Message(&m)
	}
	for i := range v.unknown {
		m := mail.Message{Origin: mail.Origin{Line: int64(200_000 + i)}, Time: start.Add(time.Duration(i) * time.Second), Client: client("198.18.0.9", "mx.guess.example", "mx.guess.example"), Sender: "a@other.example"}
		to(&m, fmt.Sprintf("zq%dw@site.example", i), mail.Bounced)
		refuse(&m, "550 5.1.1 User unknown in local recipient table")
	}
	w := e.watches[0].(*campaignWatch)
	var words []*seen
	for i := range w.kept {
		words = append(words, w.kept[i].words())
	}
	for s := range w.ring.oldestFirst {
		words = append(words, s.words())
	}
	h := newHunt(w, e.survey.Site(), words)
	for key, list := range h.groups(v.kind) {
		all = append(all, h.runs(v.kind, key, list)...)
	}
	return all
}

// What is printed to select a campaign's messages is its mark; where that selects a bystander's, too, the addresses are named.
func TestCampaignSignature(t *testing.T) {
	bot := func(i int, m *mail.Message) { m.Client.HELO = "ylmf-pc" }
	titled := func(i int, m *mail.Message) { m.Client.HELO, m.Subject = fmt.Sprint("host-", i), "unpaid invoice" }
	net := func(i int, m *mail.Message) { m.Client.IP = netip.AddrFrom4([4]byte{41, 1, 1, byte(i)}) }
	number := func(i int, m *mail.Message) { m.Client.HELO = fmt.Sprint(100 + i) }
	for _, tt := range []struct {
		comers
		want, beside string // beside a bystander
	}{
		{comers{kind: seedSubject, each: titled}, `subject == "unpaid invoice"`, "ip in ["},
		{comers{kind: seedHELO, each: bot}, `lower(helo) == "ylmf-pc"`, "ip in ["},
		{comers{kind: seedNumber, each: number}, `helo matches "^[0-9]+$"`, "ip in ["},
		{comers{kind: seedNet, each: net}, `within(ip, "41.1.1.0/24")`, ""},
	} {
		for _, bystander := range []bool{false, true} {
			tt.bystander = bystander
			all := tt.hands()
			if len(all) != 1 {
				t.Fatalf("%s: %d hands", tt.want, len(all))
			}
			got := all[0].signature().Terms
			if !strings.Contains(got, tt.want) || strings.Contains(got, "ip in [") != (bystander && tt.beside != "") {
				t.Errorf("%s, with a bystander %v: got %s", tt.want, bystander, got)
			}
		}
	}
}

// Each reason of a campaign is given in the scene that has it, and not in a scene that differs in one point only. Some reasons
// lower the score so far that nothing is reported, so the reasons are read from the hands, not from the findings.
func TestCampaignReasons(t *testing.T) {
	const listed = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
	letter := func(name, helo string) func(int, *mail.Message) {
		return func(i int, m *mail.Message) {
			m.Subject = "unpaid invoice"
			if m.Client.HELO = fmt.Sprint("host-", i); helo != "" {
				m.Client.HELO = fmt.Sprintf(helo, i)
			}
			if name != "" {
				m.Client.Name = fmt.Sprintf(name, i)
			}
		}
	}
	and := func(each func(int, *mail.Message), more func(i int, m *mail.Message)) func(int, *mail.Message) {
		return func(i int, m *mail.Message) { each(i, m); more(i, m) }
	}
	plain := letter("", "")
	bot := func(_ int, m *mail.Message) { m.Client.HELO = "ylmf-pc" }
	scans := comers{kind: seedHELO, each: bot, refused: listed, gap: 2 * time.Hour}
	run := comers{kind: seedHELO, each: bot, refused: listed}
	named := comers{kind: seedSubject, each: letter("mail.firm%d.example", "")}
	pool := comers{kind: seedSubject, each: letter("mta%d.mailer.example", "")}
	inName := func(domain string) func(int, *mail.Message) {
		return and(plain, func(i int, m *mail.Message) {
			if domain != "" {
				m.Sender = fmt.Sprintf("jo%d@%s", i, domain)
			}
		})
	}
	damaged := comers{kind: seedDamaged, each: func(i int, m *mail.Message) { to(m, "smtp"+user(i), mail.Bounced) }}
	amid := damaged
	amid.unknown = 90
	nobody := func(name string) comers {
		v := comers{kind: seedFamily, gap: 2 * time.Hour, each: and(letter(name, ""), func(i int, m *mail.Message) {
			to(m, fmt.Sprintf("zq%dw@site.example", i), mail.Bounced)
			m.Recipients[0].DSN = "5.1.1"
		})}
		if name == "" {
			v.kind = seedSubject
		}
		return v
	}
	const line = "%d-2-3-4.pool.isp.example"
	pooled, lettered, fast, fastLetters := nobody(line), nobody(""), nobody(line), nobody("")
	fast.gap, fastLetters.gap = 0, 0
	few := fast
	few.lines = fewTried - 1
	for _, tt := range []struct {
		code           string
		has, neighbour comers
	}{
		{"all-the-time", scans, run},
		{"all-the-time", pooled, fast},
		{"all-the-time", lettered, fastLetters},
		{"all-the-time", comers{kind: seedFamily, gap: 2 * time.Hour, each: letter(line, "")}, comers{kind: seedFamily, each: letter(line, "")}}, // taken
		{"mostly-refused", run, scans},
		{"reached-nobody", few, fast},
		{"widespread-helo", comers{kind: seedHELO, each: bot, refused: listed, gap: 17 * time.Minute}, run},
		{"widespread-helo", comers{kind: seedHELO, each: bot, refused: listed, other: "554 5.7.1 Relay access denied"}, run},
		{"no-names", comers{kind: seedHELO, each: bot, refused: listed, daemon: "smtpd"}, comers{kind: seedHELO, each: bot, refused: listed, daemon: "postscreen"}}, // that asks for no name
		{"one-mark", comers{kind: seedHELO, each: bot, refused: "554 5.7.1 not wanted"}, run},
		{"by-chance", amid, damaged},
		{"one-network", comers{kind: seedNet, each: and(plain, func(i int, m *mail.Message) { m.Client.IP = netip.AddrFrom4([4]byte{41, 1, 1, byte(i)}) })}, comers{kind: seedSubject, each: plain}},
		{"one-network", comers{kind: seedNet, each: and(plain, func(i int, m *mail.Message) {
			m.Client.IP = netip.MustParseAddr(fmt.Sprintf("2a0d:5600:772f:%x::%x", i, 2+i%7)) // each in a /64 of its own
		})}, comers{kind: seedSubject, each: plain}},
		{"one-sender-domain", comers{kind: seedDomain, each: inName("lottery.example")}, comers{kind: seedSubject, each: inName("")}},
		{"named-servers", named, pool},
		{"verp", comers{kind: seedSubject, each: and(plain, func(i int, m *mail.Message) { m.Sender = fmt.Sprintf("b-user%d=site.example@x%d.example", i, i) })}, comers{kind: seedSubject, each: plain}},
		{"to-few", comers{kind: seedSubject, each: and(inName("x.example"), func(i int, m *mail.Message) { to(m, user(i%2), mail.Delivered) })}, comers{kind: seedSubject, each: inName("x.example")}},
		{"one-recipient-domain", comers{kind: seedSubject, each: plain}, comers{kind: seedSubject, each: and(plain, func(i int, m *mail.Message) {
			if i%3 == 0 {
				to(m, fmt.Sprintf("user%d@ours.example", i), mail.Delivered)
			}
		})}},
		{"one-provider", pool, named},
		{"helo-of-sender", comers{kind: seedSubject, each: letter("", "mail.x%d.example")}, comers{kind: seedSubject, each: letter("", "mail.y%d.example")}},
		{"helo-of-sender", comers{kind: seedSubject, each: letter("", "mail.x%d.example")}, comers{kind: seedSubject, each: and(inName("x.example"), func(i int, m *mail.Message) { m.Client.HELO = "mail.x.example" })}}, // borrowed
		{"helo-forged", comers{kind: seedSubject, each: and(plain, func(i int, m *mail.Message) { m.Client.HELO = []string{"smtp.gmail.com", "mail.yahoo.com"}[i%2] })}, comers{kind: seedSubject, each: and(plain, func(i int, m *mail.Message) { m.Client.HELO = []string{"smtp.gmal.example", "mail.yaho.example"}[i%2] })}},
		{"seen-at-other-times", comers{kind: seedSubject, each: and(plain, func(i int, m *mail.Message) { to(m, user(i%30), mail.Delivered) }), again: 14 * time.Hour}, comers{kind: seedSubject, each: plain, again: 14 * time.Hour}}, // a second wave, to others
		{"seen-at-other-times", comers{kind: seedSubject, each: plain, again: -20 * time.Hour}, comers{kind: seedSubject, each: plain, again: -5 * time.Hour}},
		{"day-after-day", comers{kind: seedSubject, each: plain, gap: 50 * time.Minute, again: 21 * time.Hour}, comers{kind: seedSubject, each: plain, gap: 50 * time.Minute, again: 5 * time.Hour}},
		{"each-to-its-own", comers{kind: seedSubject, each: and(plain, func(i int, m *mail.Message) { to(m, user(i), mail.Delivered) }), again: time.Hour}, comers{kind: seedSubject, each: plain, again: time.Hour}},
	} {
		for want, v := range map[bool]comers{true: tt.has, false: tt.neighbour} {
			said := v.judged()
			got := slices.ContainsFunc(said, func(reasons []Reason) bool {
				return slices.ContainsFunc(reasons, func(r Reason) bool { return r.Code == tt.code })
			})
			if got != want || len(said) == 0 {
				t.Errorf("%s: got %v, want %v, of %d hands: %v", tt.code, got, want, len(said), said)
			}
		}
	}
}
