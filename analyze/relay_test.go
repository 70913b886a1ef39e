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

// A rule that trusts the name of our own domain lets strangers in. The company's application, which relays by its address all the
// time, is not one of them.
func TestRelayLeavesRegularsAside(t *testing.T) {
	e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	line := int64(0)
	send := func(at time.Duration, ip, sender, recipient string, d mail.Disposition) {
		line++
		m := mail.Message{Origin: mail.Origin{Line: line}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(at),
			Client: mail.Client{IP: netip.MustParseAddr(ip)}, Sender: sender, Completed: true}
		to(&m, recipient, d)
		e.Message(&m)
	}
	for i := range 90 {
		send(time.Duration(i)*48*time.Minute, "192.0.2.7", "shop@site.example", fmt.Sprintf("buyer%d@p%d.example", i, i%30), bouncing(i, 60))
	}
	for i := range 150 {
		sender := fmt.Sprintf("%c%c%cxq%dzkv@site.example", 'a'+i%26, 'b'+i%24, 'c'+i%22, i)
		send(30*time.Hour+time.Duration(i)*time.Minute, fmt.Sprintf("203.0.%d.9", i%4), sender, fmt.Sprintf("x%d@r%d.example", i, i%9), bouncing(i, 4))
	}
	findings, _ := e.Findings()
	if len(findings) != 1 || findings[0].Counts.Messages != 150 || len(findings[0].Clients) != 4 || findings[0].Severity != High {
		t.Fatalf("got %+v, want what four strangers sent", findings)
	}
	if got := findings[0].Start.Sub(start); got != 30*time.Hour {
		t.Errorf("it begins after %v, want 30 h", got)
	}
}

// Neither are a few people of that domain who send a message or two on the same days, each from a home line, even if one message
// was not accepted.
func TestRelayLeavesOwnersAside(t *testing.T) {
	for _, tt := range []struct {
		name             string
		sender           func(i int) string
		messages, client int // told
	}{
		{"a run in made-up names", func(i int) string { return fmt.Sprintf("xq%dzkv@site.example", i) }, 160, 8},
		{"a run in the names of people here", func(i int) string { return fmt.Sprintf("staff%d@site.example", i%9) }, 165, 11},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		line := int64(0)
		send := func(at time.Duration, ip, sender, recipient string, d mail.Disposition, local bool) {
			line++
			m := mail.Message{Origin: mail.Origin{Line: line}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(at),
				Client: mail.Client{IP: netip.MustParseAddr(ip)}, Sender: sender, Completed: true}
			to(&m, recipient, d)
			m.Recipients[0].Local = local
			e.Message(&m)
		}
		for i := range 90 {
			send(time.Duration(i)*48*time.Minute, fmt.Sprintf("198.51.100.%d", i), fmt.Sprintf("partner%d@p%d.example", i, i%30), fmt.Sprintf("staff%d@site.example", i%9), mail.Delivered, true)
		}
		for i := range 5 {
			d := mail.Delivered
			if i == 3 {
				d = mail.Bounced
			}
			send(time.Duration(10+9*i)*time.Hour, fmt.Sprintf("192.0.2.%d", i%3), fmt.Sprintf("staff%d@site.example", i%3), fmt.Sprintf("partner%d@p%d.example", i, i), d, false)
		}
		for i := range 160 {
			send(30*time.Hour+time.Duration(i)*time.Minute, fmt.Sprintf("203.0.%d.9", i%8), tt.sender(i), fmt.Sprintf("x%d@r%d.example", i, i%9), bouncing(i, 4), false)
		}
		findings, _ := e.Findings()
		if len(findings) == 0 || findings[0].Counts.Messages != tt.messages || len(findings[0].Clients) != tt.client {
			t.Errorf("%s: got %+v, want %d messages from %d clients", tt.name, findings, tt.messages, tt.client)
		}
	}
}

// Neither is the office, whose address is trusted: many people who receive mail here.
func TestRelayLeavesOfficeAside(t *testing.T) {
	e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	line := int64(0)
	send := func(at time.Duration, ip, sender, recipient string, local bool) {
		line++
		m := mail.Message{Origin: mail.Origin{Line: line}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(at),
			Client: mail.Client{IP: netip.MustParseAddr(ip)}, Sender: sender, Completed: true}
		to(&m, recipient, mail.Delivered)
		m.Recipients[0].Local = local
		e.Message(&m)
	}
	for i := range 90 {
		who := fmt.Sprintf("staff%d@site.example", i%9)
		send(time.Duration(i)*48*time.Minute, "192.0.2.7", who, fmt.Sprintf("partner%d@p%d.example", i, i%30), false)
		send(time.Duration(i)*48*time.Minute, fmt.Sprintf("198.51.100.%d", i), fmt.Sprintf("partner%d@p%d.example", i, i%30), who, true)
	}
	for i := range 150 {
		sender := fmt.Sprintf("%c%c%cxq%dzkv@site.example", 'a'+i%26, 'b'+i%24, 'c'+i%22, i)
		send(30*time.Hour+time.Duration(i)*time.Minute, fmt.Sprintf("203.0.%d.9", i%4), sender, fmt.Sprintf("x%d@r%d.example", i, i%9), false)
	}
	findings, _ := e.Findings()
	if len(findings) == 0 || findings[0].Counts.Messages != 150 || len(findings[0].Clients) != 4 {
		t.Fatalf("got %+v, want what four strangers sent", findings)
	}
}

// A thousand messages from one address at once are high if neither client nor senders are known. If the server has a name, the
// list is maintained, or the sender is ours, it may be a customer's newsletter.
func TestRelayOfOneUnknownClient(t *testing.T) {
	for _, c := range []struct {
		name, host, sender string
		every              int // which of them bounces
		high               bool
	}{
		{"nobody's", "", "noreply@billing.example", 4, true},
		{"a customer's line", "84-60-208-31.dsl.isp.example", "noreply@billing.example", 4, true},
		{"a server with a name", "mail.customer.example", "news@customer.example", 4, false},
		{"a list that is kept", "", "news@customer.example", 50, false},
		{"in our own name", "", "shop@site.example", 4, false},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		line := int64(0)
		send := func(at time.Duration, client mail.Client, sender, recipient string, local bool, d mail.Disposition) {
			line++
			m := mail.Message{Origin: mail.Origin{Line: line}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(at),
				Client: client, Sender: sender, Completed: true}
			if client.Name != "" {
				m.Flags = mail.Verified
			}
			to(&m, recipient, d)
			m.Recipients[0].Local = local
			e.Message(&m)
		}
		for i := range 90 {
			partner := mail.Client{IP: netip.MustParseAddr(fmt.Sprintf("198.51.100.%d", i)), Name: fmt.Sprintf("mx.p%d.example", i)}
			send(time.Duration(i)*48*time.Minute, partner, fmt.Sprintf("a@p%d.example", i), fmt.Sprintf("staff%d@site.example", i%9), true, mail.Delivered)
		}
		for i := range 1200 {
			client := mail.Client{IP: netip.MustParseAddr("84.60.208.31"), Name: c.host}
			send(30*time.Hour+time.Duration(i)*5*time.Second, client, c.sender, fmt.Sprintf("x%d@r%d.example", i, i%40), false, bouncing(i, c.every))
		}
		findings, _ := e.Findings()
		if len(findings) != 1 || findings[0].Severity == High != c.high {
			t.Errorf("%s: got %+v, want one finding, high: %t", c.name, findings, c.high)
			continue
		}
		// What may well be a customer is called no open relay.
		if f := &findings[0]; strings.HasPrefix(f.Title, "Open relay: ") != (f.Severity > Low) {
			t.Errorf("%s: %s is called %q", c.name, f.Severity, f.Title)
		}
	}
}

// Two machines that nobody named relay in three names at once, to a good list: that is one open relay, and high. In one name, from servers with
// a name, all day, or as programs do it (one local part), it may be a customer's.
func TestRelayInTurnToAGoodList(t *testing.T) {
	const hours = 48
	for _, tt := range []struct {
		what, host, local string
		domains           int
		over              time.Duration
		high              bool
	}{
		{"a run", "", "service", 3, 3 * time.Hour, true},
		{"in one name", "", "service", 1, 3 * time.Hour, false},
		{"servers with a name", "out%d.customer.example", "service", 3, 3 * time.Hour, false},
		{"all day", "", "service", 3, 40 * time.Hour, false},
		{"an office's day", "", "service", 3, 10 * time.Hour, false},
		{"a web server's sites", "", "wordpress", 3, 3 * time.Hour, false},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		line := int64(0)
		send := func(at time.Duration, c mail.Client, sender, recipient string, local bool, d mail.Disposition) {
			line++
			m := mail.Message{Origin: mail.Origin{Line: line}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(at), Client: c, Sender: sender, Completed: true}
			if c.Name != "" {
				m.Flags = mail.Verified
			}
			to(&m, recipient, d)
			m.Recipients[0].Local = local
			e.Message(&m)
		}
		for i := range hours {
			partner := mail.Client{IP: netip.MustParseAddr(fmt.Sprintf("198.51.100.%d", i)), Name: fmt.Sprintf("mx.p%d.example", i)}
			send(time.Duration(i)*time.Hour, partner, fmt.Sprintf("a@p%d.example", i), "staff@site.example", true, mail.Delivered)
		}
		const n = 600
		for i := range n {
			c := mail.Client{IP: netip.MustParseAddr(fmt.Sprintf("203.0.113.%d", 7+i/3%2))}
			if tt.host != "" {
				c.Name = fmt.Sprintf(tt.host, i/3%2)
			}
			which := i % tt.domains
			local := tt.local
			if local == "service" {
				local = []string{"service", "news", "account"}[which]
			}
			send(4*time.Hour+time.Duration(i)*tt.over/n, c, fmt.Sprintf("%s@n%d.example", local, which), fmt.Sprintf("x%d@r%d.example", i, i%40), false, bouncing(i, 20))
		}
		findings, _ := e.Findings()
		high := len(findings) == 1 && findings[0].Severity == High && findings[0].Counts.Messages == n && says(&findings[0], "names-in-turn")
		if high != tt.high || !high && slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == High }) {
			t.Errorf("%s: got %+v, want one high finding: %v", tt.what, findings, tt.high)
		}
	}
}

// What a spammer sent to recipients of ours that do not exist was not relayed, and is not counted.
func TestRelayedIsNotWhatBouncedHere(t *testing.T) {
	e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
	start := mail.InstantOf(time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC))
	for i := range 40 {
		m := mail.Message{Origin: mail.Origin{Line: int64(i + 1)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(time.Duration(i) * time.Minute),
			Client: mail.Client{IP: netip.MustParseAddr("203.0.113.9")}, Sender: fmt.Sprintf("maria%d@d%d.example", i, i), Direction: mail.Relayed, Completed: true}
		if to(&m, fmt.Sprintf("x%d@r%d.example", i, i), bouncing(i, 4)); i%4 == 3 {
			m.Recipients, m.Direction = nil, mail.Inbound
			to(&m, fmt.Sprintf("nobody%d@site.example", i), mail.Bounced)
		}
		e.Message(&m)
	}
	if findings, _ := e.Findings(); len(findings) != 1 || findings[0].Counts.Messages != 30 || !strings.Contains(findings[0].Title, "30 messages to 30 recipients, none of them ours") {
		t.Errorf("got %+v, want 30 of 40", findings)
	}
}

// A customer's web server that relays by its address for many sites, with the same role as sender at each site, is low, even if
// some of it bounces. With a person's name at each site it is medium.
func TestRelayOfAWebServer(t *testing.T) {
	for _, c := range []struct {
		name   string
		sender func(i int) string
		want   Severity
	}{
		{"sites", func(i int) string { return fmt.Sprintf("Info@site%d.example", i) }, Low},
		{"persons", func(i int) string { return fmt.Sprintf("maria%d@site%d.example", i, i) }, Medium},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
		start := mail.InstantOf(time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC))
		for i := range 9 {
			m := mail.Message{Origin: mail.Origin{Line: int64(i + 1)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(time.Duration(i) * time.Hour),
				Client: mail.Client{IP: netip.MustParseAddr("203.0.113.9")}, Sender: c.sender(i), Completed: true}
			to(&m, fmt.Sprintf("x%d@r%d.example", i, i), bouncing(i, 4))
			e.Message(&m)
		}
		if findings, _ := e.Findings(); len(findings) != 1 || findings[0].Severity != c.want {
			t.Errorf("%s: got %+v, want one finding, %v", c.name, findings, c.want)
		}
	}
}

// Thirty messages are a run, too, if each has another sender, and no client sent enough to be reported alone. Customers who relay
// by their addresses, or a server with many bouncing users, are not.
func TestRelayOfAHandful(t *testing.T) {
	for _, c := range []struct {
		name    string
		clients int
		gap     time.Duration
		sender  func(i, client int) string
		every   int // which of them bounces
		want    bool
	}{
		{"in any name", 9, 20 * time.Second, func(i, _ int) string { return fmt.Sprintf("qzxw%dkv@d%d.example", i, i) }, 3, true},
		{"in any name, from two", 2, 20 * time.Second, func(i, _ int) string { return fmt.Sprintf("qzxw%dkv@d%d.example", i, i) }, 3, true},
		{"in any name, over two days", 9, 2 * time.Hour, func(i, _ int) string { return fmt.Sprintf("qzxw%dkv@d%d.example", i, i) }, 3, true},
		{"in any name, once each", 27, 20 * time.Second, func(i, _ int) string { return fmt.Sprintf("qzxw%dkv@d%d.example", i, i) }, 3, true},
		{"customers, once each", 27, 20 * time.Second, func(i, _ int) string { return fmt.Sprintf("maria.silva%d@customer%d.example", i%3, i) }, 3, false},
		{"in people's names", 9, 20 * time.Second, func(i, _ int) string { return fmt.Sprintf("maria.silva%d@d%d.example", i, i) }, 3, true},
		{"sites on customers' web servers", 9, 20 * time.Minute, func(i, _ int) string { return fmt.Sprintf("maria.silva%d@d%d.example", i, i) }, 3, false},
		{"the same program at night, on customers' web servers", 9, 20 * time.Second, func(i, _ int) string { return fmt.Sprintf("wordpress@d%d.example", i) }, 3, false},
		{"customers", 9, 20 * time.Second, func(i, client int) string { return fmt.Sprintf("staff%d@customer%d.example", i, client) }, 3, false},
		{"to people who exist", 9, 20 * time.Second, func(i, _ int) string { return fmt.Sprintf("someone%d@d%d.example", i, i) }, 30, false},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		for i := range 27 {
			m := mail.Message{Origin: mail.Origin{Line: int64(i + 1)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(30*time.Hour + time.Duration(i)*c.gap),
				Client: mail.Client{IP: netip.AddrFrom4([4]byte{203, byte(i % c.clients), 113, 9})}, Sender: c.sender(i, i%c.clients), Completed: true}
			to(&m, fmt.Sprintf("x%d@r%d.example", i, i%20), bouncing(i, c.every))
			e.Message(&m)
		}
		findings, _ := e.Findings()
		i := slices.IndexFunc(findings, func(f Finding) bool { return f.Subject.Kind == Host && f.Severity >= Medium })
		if i >= 0 != c.want || i >= 0 && (findings[i].Counts.Messages != 27 || len(findings[i].Clients) != c.clients) {
			t.Errorf("%s: got %+v", c.name, findings)
		}
	}
}

// The command that clears the queue names the bounces that the relayed spam caused, and no others: not those of a customer who
// writes with the same sender, of a message with the same short queue ID, or those that were delivered. A host that took over the
// spam makes its own.
func TestRelayNamesItsNotices(t *testing.T) {
	e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	line := int64(0)
	message := func(at time.Duration, id string) mail.Message {
		line++
		return mail.Message{Origin: mail.Origin{Line: line}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(at), End: start.Add(at + time.Minute),
			QueueIDs: []string{id}, Completed: true}
	}
	send := func(at time.Duration, id, ip, sender, recipient string, d mail.Disposition) {
		m := message(at, id)
		m.Client, m.Sender = mail.Client{IP: netip.MustParseAddr(ip)}, sender
		if id == "R5" { // passed on to another host, which refuses it
			m.QueueIDs, m.HopHosts = append(m.QueueIDs, "PASSED"), []string{"mx1", "out"}
		}
		to(&m, recipient, d)
		e.Message(&m)
	}
	notice := func(at time.Duration, id, parent, recipient string, completed bool, d mail.Disposition) {
		m := message(at, id)
		m.Sender, m.Notice, m.Parent, m.Completed = mail.NullSender, true, parent, completed
		to(&m, recipient, d)
		e.Message(&m)
	}
	send(0, "FIRST", "192.0.2.1", "a@elsewhere.example", "b@other.example", mail.Deferred)
	for i := range 150 {
		sender := fmt.Sprintf("%c%c%cxq%dzkv@site.example", 'a'+i%26, 'b'+i%24, 'c'+i%22, i)
		send(30*time.Hour+time.Duration(i)*time.Minute, fmt.Sprintf("R%d", i), fmt.Sprintf("203.0.%d.9", i%4), sender, fmt.Sprintf("x%d@r%d.example", i, i%9), mail.Bounced)
		notice(30*time.Hour+time.Duration(i)*time.Minute+time.Second, fmt.Sprintf("N%d", i), fmt.Sprintf("R%d", i), sender, i >= 2, mail.Bounced)
	}
	notice(30*time.Hour, "DELIVERED", "R3", "c@site.example", false, mail.Delivered)
	notice(90*time.Hour, "USED-AGAIN", "R4", "d@site.example", false, mail.Deferred)
	notice(2*time.Second, "STRANGERS", "FIRST", "a@elsewhere.example", false, mail.Deferred)
	bounce := message(30*time.Hour+5*time.Minute+time.Second, "N0")
	bounce.Host, bounce.Sender, bounce.Notice, bounce.Parent, bounce.Completed = "out", mail.NullSender, true, "PASSED", false
	to(&bounce, "f@site.example", mail.Deferred)
	e.Message(&bounce)
	notice(40*time.Hour, "NOT-SEEN", "GONE", "e@site.example", false, mail.Deferred)
	findings, _ := e.Findings()
	if len(findings) != 1 {
		t.Fatalf("got %+v, want one", findings)
	}
	if f := &findings[0]; !slices.Equal(f.NoticeIDs, []string{"N0", "N0", "N1"}) || !slices.Equal(f.NoticeHosts, []string{"mx1", "out", "mx1"}) || f.Notices != 3 {
		t.Errorf("got %d: %q on %q, want N0 and N1 of mx1, N0 of out", f.Notices, f.NoticeIDs, f.NoticeHosts)
	}
}

// If the same clients use several senders in turn, that is one open relay, and one finding. Two clients with one sender each are
// two findings, and so is a domain of ours that a rule trusts.
func TestRelayInSomeNames(t *testing.T) {
	for _, tt := range []struct {
		name    string
		senders []string
		apart   bool // each client writes one of them
		want    []Subject
		first   int // messages of the first finding
	}{
		{"in turn", []string{"bank.example", "post.example"}, false, []Subject{{Host, "mx1"}}, 400},
		{"three in turn", []string{"bank.example", "post.example", "tax.example"}, false, []Subject{{Host, "mx1"}}, 400},
		{"one of ours", []string{"site.example", "post.example"}, false, []Subject{{SenderDomain, "post.example"}, {SenderDomain, "site.example"}}, 200},
		{"one of ours beside others", []string{"site.example", "post.example", "bank.example"}, false, []Subject{{Host, "mx1"}}, 400},
		{"each its own", []string{"bank.example", "post.example"}, true, []Subject{{SenderDomain, "bank.example"}, {SenderDomain, "post.example"}}, 200},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{openRelay})
		start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
		for i := range 400 {
			which := i % len(tt.senders)
			ip := fmt.Sprintf("203.0.%d.9", i/len(tt.senders)%4)
			if tt.apart {
				ip = fmt.Sprintf("203.%d.%d.9", which, i/len(tt.senders)%4)
			}
			m := mail.Message{Origin: mail.Origin{Line: int64(i + 1)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, Time: start.Add(time.Duration(i) * 20 * time.Second),
				Client: mail.Client{IP: netip.MustParseAddr(ip)}, Sender: fmt.Sprintf("%c%c%cxq%dzkv@%s", 'a'+i%26, 'b'+i%24, 'c'+i%22, i, tt.senders[which]), Completed: true}
			to(&m, fmt.Sprintf("x%d@r%d.example", i, i%9), bouncing(i, 4))
			e.Message(&m)
		}
		findings, _ := e.Findings()
		var got []Subject
		for _, f := range findings {
			got = append(got, f.Subject)
		}
		slices.SortFunc(got, func(a, b Subject) int { return strings.Compare(a.Value, b.Value) })
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
			continue
		}
		if n := findings[0].Counts.Messages; n != tt.first {
			t.Errorf("%s: got %d messages, want %d", tt.name, n, tt.first)
		}
	}
}
