package analyze

import (
	"testing"

	"mailforensics/mail"
)

// A client that asks about an address sends nothing: a refused VRFY is no refused attempt.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name              string
		ev                mail.Event
		rejected, queries int
	}{
		{"a recipient", mail.Event{Kind: mail.Reject, Stage: "RCPT"}, 1, 0},
		{"a connection", mail.Event{Kind: mail.Reject, Stage: "CONNECT"}, 1, 0},
		{"Exim names no stage", mail.Event{Kind: mail.Reject}, 1, 0},
		{"VRFY", mail.Event{Kind: mail.Reject, Stage: "VRFY"}, 0, 1},
		{"EXPN", mail.Event{Kind: mail.Reject, Stage: "EXPN"}, 0, 1},
		{"ETRN", mail.Event{Kind: mail.Reject, Stage: "ETRN"}, 0, 1},
		{"a warning", mail.Event{Kind: mail.Reject, Stage: "RCPT", Flags: mail.WarnOnly}, 0, 0},
		{"a warning about a query", mail.Event{Kind: mail.Reject, Stage: "VRFY", Flags: mail.WarnOnly}, 0, 0},
		{"a forged line", mail.Event{Kind: mail.Reject, Stage: "RCPT", Flags: mail.Doubtful}, 0, 0},
	} {
		var one, sum Totals
		one.Event(&c.ev)
		sum.Merge(&one)
		if sum.Rejected != c.rejected || sum.RejectedQueries != c.queries {
			t.Errorf("%s: got %d rejected and %d queries, want %d and %d", c.name, sum.Rejected, sum.RejectedQueries, c.rejected, c.queries)
		}
	}
}
