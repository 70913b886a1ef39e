package analyze

import (
	"testing"

	"mailforensics/mail"
)

func TestUnknownRecipient(t *testing.T) {
	for _, tt := range []struct {
		dsn, reply string
		want       bool
	}{
		{"5.1.1", "550 5.1.1 <x@b.example>: Recipient address rejected: User unknown in local recipient table", true},
		{"", "550 Unknown user", true},
		{"", "550 No Such User Here", true},
		{"", "550 No such person at this address", true},
		{"", "550 Unrouteable address", true},
		{"", "550 Recipient rejected", true},
		{"", "550 Requested action not taken: mailbox unavailable", true},
		{"", "550 The email account that you tried to reach does not exist", true},
		{"5.1.8", "553 5.1.8 <a@b.example>... Domain of sender address a@b.example does not exist", false},
		{"", "553 <a@b.example>... Domain of sender address a@b.example does not exist", false},
		{"5.2.2", "552 5.2.2 mailbox full", false},
		{"5.7.1", "554 5.7.1 message refused as spam", false},
	} {
		if got := unknownRecipient(tt.dsn, tt.reply); got != tt.want {
			t.Errorf("%q %q: got %v, want %v", tt.dsn, tt.reply, got, tt.want)
		}
	}
}

func TestBlockedReply(t *testing.T) {
	for _, tt := range []struct {
		dsn, reply string
		want       bool
	}{
		{"5.7.1", "554 5.7.1 message content rejected", true},
		{"4.7.1", "450 4.7.1 Greylisted, try again", false},
		{"4.7.0", "421 4.7.0 try again later", true},
		{"", "550 your host is on a BLACKLIST", true},
		{"", "554 IP address blocked", true},
		{"", "550 listed in a blocklist", true},
		{"", "451 rate limit exceeded", true},
		{"", "554 poor reputation of the sender", true},
		{"5.1.1", "550 5.1.1 user unknown", false},
	} {
		if got := blockedReply(tt.dsn, tt.reply); got != tt.want {
			t.Errorf("%q %q: got %v, want %v", tt.dsn, tt.reply, got, tt.want)
		}
	}
}

func TestIsListed(t *testing.T) {
	header := func(pairs ...string) (all []mail.HeaderLine) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, mail.HeaderLine{Name: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	for _, tt := range []struct {
		headers []mail.HeaderLine
		want    bool
	}{
		{header("List-Id", "<a.b.example>"), true},
		{header("list-unsubscribe:", "<mailto:a@b.example>"), true},
		{header("Precedence", "bulk"), true},
		{header("Precedence:", "LIST"), true},
		{header("Precedence", "normal"), false},
		{header("Precedence", "normal", "List-Id", "<a.b.example>"), true},
		{header("Lists", "none"), false},
		{header("Date", "List-Id: x"), false},
		{nil, false},
	} {
		if got := isListed(tt.headers); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.headers, got, tt.want)
		}
	}
}
