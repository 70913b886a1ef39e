package correlate

import (
	"net/netip"
	"testing"

	"mailforensics/mail"
)

func TestDirection(t *testing.T) {
	const here, there = "bob@here.example", "ann@there.example"
	stranger, ours := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("192.168.1.9")
	tests := []struct {
		name       string
		message    mail.Message
		origin     origin
		recipients []mail.Recipient
		want       mail.Direction
	}{
		{"a stranger to us", mail.Message{Client: mail.Client{IP: stranger}}, bySMTP, []mail.Recipient{{Address: here}}, mail.Inbound},
		{"in another case", mail.Message{Client: mail.Client{IP: stranger}}, bySMTP, []mail.Recipient{{Address: "bob@HERE.example."}}, mail.Inbound},
		{"a stranger to a stranger", mail.Message{Client: mail.Client{IP: stranger}}, bySMTP, []mail.Recipient{{Address: there}}, mail.Relayed},
		{"a stranger to both", mail.Message{Client: mail.Client{IP: stranger}}, bySMTP, []mail.Recipient{{Address: there}, {Address: here}}, mail.Inbound},
		{"a stranger to one of us and many strangers", mail.Message{Client: mail.Client{IP: stranger}}, bySMTP, []mail.Recipient{{Address: there}, {Address: here}, {Address: "x@far.example"}}, mail.Relayed},
		{"an alias that leads out", mail.Message{Client: mail.Client{IP: stranger}}, bySMTP, []mail.Recipient{{Address: there, Original: here}}, mail.Inbound},
		{"a login", mail.Message{Client: mail.Client{IP: stranger}, Account: "eva"}, bySMTP, []mail.Recipient{{Address: there}, {Address: here}}, mail.Outbound},
		{"a login to us", mail.Message{Client: mail.Client{IP: stranger}, Account: "eva"}, bySMTP, []mail.Recipient{{Address: here}}, mail.Local},
		{"our network", mail.Message{Client: mail.Client{IP: ours}}, bySMTP, []mail.Recipient{{Address: there}}, mail.Outbound},
		{"a local user", mail.Message{}, byUser, []mail.Recipient{{Address: there}}, mail.Outbound},
		{"a local user to another", mail.Message{}, byUser, []mail.Recipient{{Address: "root"}}, mail.Local},
		{"a mailbox of an unknown domain", mail.Message{Client: mail.Client{IP: stranger}}, bySMTP, []mail.Recipient{{Address: "x@new.example", Local: true}}, mail.Inbound},
		{"a bounce", mail.Message{Notice: true}, internal, []mail.Recipient{{Address: there}}, mail.Outbound},
		{"nobody", mail.Message{Client: mail.Client{IP: stranger}}, bySMTP, nil, mail.UnknownDirection},
		{"birth not seen", mail.Message{}, unseen, []mail.Recipient{{Address: there}}, mail.UnknownDirection},
	}
	for _, test := range tests {
		tr := New(Options{Local: []string{"Here.example"}}, Sink{})
		m := &message{Message: test.message}
		m.Recipients = test.recipients
		m.first = hop{message: m, origin: test.origin}
		m.hops = []*hop{&m.first}
		if got := tr.direction(m); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// A delivery into a mailbox makes its domain local for the mail that follows; one to a filter, or one that bounced, does not.
func TestLearned(t *testing.T) {
	var l localDomains
	l.learn(nil)
	l.learnFrom(&mail.Recipient{Address: "a@one.example", Local: true, Disposition: mail.Delivered})
	l.learnFrom(&mail.Recipient{Address: "bob", Original: "bob@Two.example", Local: true, Disposition: mail.Delivered})
	l.learnFrom(&mail.Recipient{Address: "a@three.example", Local: true, Disposition: mail.Filtered})
	l.learnFrom(&mail.Recipient{Address: "a@four.example", Local: true, Disposition: mail.Bounced})
	l.learnFrom(&mail.Recipient{Address: "a@five.example", Disposition: mail.Delivered})
	for address, want := range map[string]bool{"x@one.example": true, "x@two.example": true, "x@three.example": false, "x@four.example": false, "x@five.example": false, "root": true} {
		if got := l.has(address); got != want {
			t.Errorf("has(%s) = %v, want %v", address, got, want)
		}
	}
}
