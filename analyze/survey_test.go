package analyze

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mailforensics/mail"
)

// surveyed returns the site that is learned from messages and events.
func surveyed(pass *Pass, messages []mail.Message, events []mail.Event) *Site {
	if pass.Thresholds == (Thresholds{}) {
		pass.Thresholds = DefaultThresholds()
	}
	s := NewSurvey(pass)
	for i := range events {
		s.Event(&events[i])
	}
	for i := range messages {
		s.Message(&messages[i])
	}
	return s.Site()
}

// inbound returns a stranger's message that was delivered on a host, over other hosts if these are given.
func inbound(to string, hosts ...string) mail.Message {
	return mail.Message{
		Time: at("10:00:00"), Host: hosts[0], Hosts: hosts, Client: mail.Client{IP: netip.MustParseAddr("192.0.2.1")}, Sender: "a@b.example",
		Recipients: []mail.Recipient{{Address: to, Disposition: mail.Delivered, Local: true}},
	}
}

func times[T any](n int, m T) (all []T) {
	for range n {
		all = append(all, m)
	}
	return all
}

func TestLocalDomainsAreLearnedFromDeliveries(t *testing.T) {
	away := inbound("x@elsewhere.example", "mx1")
	away.Recipients[0].Local = false
	failed := inbound("x@given-up.example", "mx1")
	failed.Recipients[0].Disposition = mail.Bounced
	exim := inbound("susan", "mx1")
	exim.Recipients[0].Original = "susan@Virtual.Example"
	site := surveyed(&Pass{Local: []string{"given.example"}}, []mail.Message{inbound("x@Site.Example", "mx1"), away, failed, exim}, []mail.Event{
		{Kind: mail.Reject, Host: "mx1", Recipient: "x@probed.example", Reply: "User unknown in local recipient table", Time: at("10:00:00")},
	})
	for domain, want := range map[string]bool{
		"site.example": true, "virtual.example": true, "given.example": true,
		"elsewhere.example": false, "given-up.example": false, "probed.example": false,
	} {
		if site.IsLocal(domain) != want {
			t.Errorf("%s: local is %v", domain, !want)
		}
	}
	if !site.KnownRecipient("X@site.example") || site.KnownRecipient("x@elsewhere.example") || site.KnownRecipient("x@given-up.example") {
		t.Error("known recipients are wrong")
	}
}

func TestRoles(t *testing.T) {
	refused := inbound("x@site.example", "mx2")
	refused.Recipients[0] = mail.Recipient{Address: "x@site.example", Disposition: mail.Bounced, Relay: "mx1.site.example"}
	messages := slices.Concat(times(20, inbound("x@site.example", "mx1")), times(10, inbound("x@site.example", "mx2", "mx1")), times(5, refused))
	site := surveyed(&Pass{}, messages, nil)
	if got := site.Roles["mx2"]; got.Role != Secondary || got.Why != "passed 15 of 15 messages from strangers to mx1" {
		t.Errorf("mx2: got %v, %q", got.Role, got.Why)
	}
	if got := site.Roles["mx1"]; got.Role != Primary {
		t.Errorf("mx1: got %v, %q", got.Role, got.Why)
	}
	if !site.IsOurs("site.example") || !site.HasSecondary() || !site.IsSecondary("mx2") {
		t.Error("the site is not told right")
	}
}

// A secondary knows the primary by an address that is not in the primary's log, and half of what it gets is for users that are none. What
// another host takes for the same domain shows that it is a gateway of several.
func TestRolesBehindAnAddress(t *testing.T) {
	for _, tt := range []struct {
		disposition mail.Disposition
		want        Role
	}{{mail.Bounced, Secondary}, {mail.Deferred, Secondary}, {mail.Delivered, UnknownRole}} {
		other := inbound("x@site.example", "mx2")
		other.Recipients[0] = mail.Recipient{Address: "x@site.example", Disposition: tt.disposition, Relay: "192.0.2.10"}
		site := surveyed(&Pass{}, slices.Concat(times(20, inbound("x@site.example", "mx1")), times(10, inbound("x@site.example", "mx2", "mx1")), times(10, other)), nil)
		if got := site.Roles["mx2"]; got.Role != tt.want {
			t.Errorf("%v: got %v, %q, want %v", tt.disposition, got.Role, got.Why, tt.want)
		}
	}
}

func TestRolesThatTheLogContradicts(t *testing.T) {
	pass := &Pass{Roles: map[string]Role{"mx1.site.example": Secondary, "mx9": Primary}}
	site := surveyed(pass, times(20, inbound("x@site.example", "mx1")), nil)
	if got := site.Roles["mx1"].Role; got != Primary {
		t.Errorf("got %v: the log is to be believed", got)
	}
	notes := strings.Join(site.Notes, "\n")
	for _, want := range []string{"mx1 was given as secondary, but behaves as primary", "--mx names mx9, of which there is no line"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note %q in %q", want, notes)
		}
	}
}

// A domain given with --local-domain whose mail goes on to an inner server is ours, but mail is not delivered here.
func TestGivenDomainThatGoesOn(t *testing.T) {
	m := inbound("x@site.example", "gate")
	m.Recipients[0].Local, m.Recipients[0].Relay = false, "exchange.site.internal"
	site := surveyed(&Pass{Local: []string{"Site.Example"}}, times(5, m), nil)
	if site.IsLocal("site.example") || !site.IsOurs("site.example") || len(site.Notes) != 1 {
		t.Errorf("local %v, ours %v, notes %q", site.IsLocal("site.example"), site.IsOurs("site.example"), site.Notes)
	}
}

func TestOwnAddresses(t *testing.T) {
	handIn := func(ip, name, account, clock string) mail.Message {
		return mail.Message{Time: at(clock), Host: "mx1", Account: account, Client: mail.Client{IP: netip.MustParseAddr(ip), Name: name}}
	}
	messages := times(20, inbound("x@site.example", "mx1"))
	for _, account := range strings.Split("abcdefg", "") {
		messages = append(messages,
			handIn("192.0.2.40", "webmail.site.example", account, "11:00:00"),
			handIn("192.0.2.50", "", account, "12:00:00"),        // a thief with seven accounts, for a minute
			handIn("192.0.2.60", "dsl.example", "x", "13:00:00")) // one account
	}
	for i, account := range strings.Split("hijklmn", "") {
		messages = append(messages, handIn("192.0.2.70", "", account, []string{"10:00:00", "22:00:00"}[i%2])) // a gateway, all day
	}
	// The other host has no name that tells: the queue ID that mx1 gave it does.
	messages = append(messages, mail.Message{Time: at("10:00:00"), Host: "mx3", Hosts: []string{"mx3", "mx1"},
		Client: mail.Client{IP: netip.MustParseAddr("192.0.2.1")}, PassedFrom: netip.MustParseAddr("192.0.2.90")})
	connect := mail.Event{Kind: mail.Connect, Host: "mx1", Time: at("10:00:00"), Client: mail.Client{IP: netip.MustParseAddr("192.0.2.80"), Name: "mx2.site.example"}}
	stranger := connect // whose host has the same first label
	stranger.Client = mail.Client{IP: netip.MustParseAddr("192.0.2.81"), Name: "mx2.firm.example"}
	full := connect
	full.Client = mail.Client{IP: netip.MustParseAddr("192.0.2.82"), Name: "mx4.provider.example"}
	site := surveyed(&Pass{}, messages, []mail.Event{{Kind: mail.Connect, Host: "mx2", Time: at("09:00:00")}, {Kind: mail.Connect, Host: "mx4.provider.example", Time: at("09:00:00")},
		connect, stranger, full, connect})
	for ip, want := range map[string]bool{
		"127.0.0.1": true, "10.1.2.3": true, "::1": true, "::ffff:192.168.1.1": true, "fe80::1": true,
		"192.0.2.40": true, "192.0.2.70": true, "192.0.2.80": true, "192.0.2.90": true,
		"192.0.2.81": false, "192.0.2.82": true,
		"192.0.2.1": false, "192.0.2.50": false, "192.0.2.60": false,
	} {
		if site.IsOwn(netip.MustParseAddr(ip)) != want {
			t.Errorf("%s: own is %v (%v)", ip, !want, site.Own)
		}
	}
}

// If no client has a name, names are not looked up, and a missing name means nothing.
func TestLooksUpNames(t *testing.T) {
	for _, c := range []struct {
		strangers, named int
		want             bool
	}{{0, 0, true}, {60, 0, true}, {500, 0, false}, {4000, 400, true}, {4000, 3, false}} {
		p := Population{Strangers: c.strangers, Named: c.named}
		if got := p.LooksUpNames(); got != c.want {
			t.Errorf("%d of %d have names: got %v, want %v", c.named, c.strangers, got, c.want)
		}
	}
}

func TestSpan(t *testing.T) {
	site := surveyed(&Pass{}, []mail.Message{inbound("x@site.example", "mx1")}, []mail.Event{{Host: "mx1", Time: at("08:30:00")}, {Host: "mx1", Time: at("12:00:00")}})
	if site.First != at("08:30:00") || site.Last != at("12:00:00") || site.Span() != 210 {
		t.Errorf("got %v to %v, %g", site.First, site.Last, site.Span())
	}
}

// Domains that a gateway passes to a host on a private address are ours, unless all mail leaves through that host.
func TestDomainsBehindAGateway(t *testing.T) {
	passed := func(to, by, client string) mail.Message {
		m := inbound(to, "gw")
		m.Client.IP = netip.MustParseAddr(client)
		m.Recipients[0].Local, m.Recipients[0].RelayIP = false, netip.MustParseAddr(by)
		return m
	}
	ours := times(20, passed("susan@site.example", "10.0.0.2", "192.0.2.1"))
	out := func(by string) (all []mail.Message) {
		for _, domain := range []string{"a.example", "b.example", "c.example", "d.example"} {
			all = append(all, passed("x@"+domain, by, "10.0.0.2"))
		}
		return all
	}
	var world []mail.Message
	for i := range 40 {
		world = append(world, passed("x@w"+string(rune('a'+i%20))+".example", "10.0.0.2", "192.0.2.1"))
	}
	for _, tt := range []struct {
		name     string
		messages []mail.Message
		want     bool
	}{
		{"and our own mail leaves elsewhere", slices.Concat(ours, out("198.51.100.1")), true},
		{"by which our own mail leaves, too", slices.Concat(ours, out("10.0.0.2")), false},
		{"a relay for a company's public addresses", slices.Concat(ours, world), false},
		{"on a public address", times(20, passed("susan@site.example", "198.51.100.1", "192.0.2.1")), false},
		{"once", ours[:1], false},
	} {
		if got := surveyed(&Pass{}, tt.messages, nil).IsOurs("site.example"); got != tt.want {
			t.Errorf("%s: ours is %v", tt.name, got)
		}
		half := len(tt.messages) / 2
		a, b := NewSurvey(&Pass{Thresholds: DefaultThresholds()}), NewSurvey(&Pass{Thresholds: DefaultThresholds()})
		for i := range tt.messages {
			if s := a; i < half {
				s.Message(&tt.messages[i])
			} else {
				b.Message(&tt.messages[i])
			}
		}
		a.Merge(b)
		if got := a.Site().IsOurs("site.example"); got != tt.want {
			t.Errorf("%s: merged, ours is %v", tt.name, got)
		}
	}
}
