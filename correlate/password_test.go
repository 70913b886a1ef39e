package correlate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"mailforensics/mail"
)

// The authentication server's name and Postfix's address of one failed login complete each other, if no other login can be meant.
func TestNamesOfFailedLogins(t *testing.T) {
	const (
		name    = "Mar  7 04:12:%s plesk_saslauthd[9]: failed mail authentication attempt for user '%s' (password len=10)"
		refused = "Mar  7 04:12:%s postfix/smtpd[20114]: warning: unknown[%s]: SASL LOGIN authentication failed: authentication failure"
		connect = "Mar  7 04:12:%s postfix/smtpd[20115]: connect from unknown[192.0.2.9]"
	)
	eva, ann := fmt.Sprintf(name, "09 mx", "eva@a.example"), fmt.Sprintf(name, "09 mx", "ann@a.example")
	by7, by8 := fmt.Sprintf(refused, "09 mx", "192.0.2.7"), fmt.Sprintf(refused, "09 mx", "192.0.2.8")
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"one", []string{eva, by7}, []string{"auth eva@a.example 192.0.2.7", " eva@a.example 192.0.2.7"}},
		{"another client comes in between", []string{eva, fmt.Sprintf(connect, "09 mx"), by7}, []string{"auth eva@a.example 192.0.2.7", " eva@a.example 192.0.2.7"}},
		{"two in turn", []string{eva, by7, ann, by8}, []string{"auth eva@a.example 192.0.2.7", " eva@a.example 192.0.2.7", "auth ann@a.example 192.0.2.8", " ann@a.example 192.0.2.8"}},
		{"two at once", []string{eva, ann, by7, by8}, []string{"auth eva@a.example -", "auth ann@a.example -", "  192.0.2.7", "  192.0.2.8"}},
		{"and a third before it is clear again", []string{eva, ann, by7, eva, by8}, []string{"auth eva@a.example -", "auth ann@a.example -", "  192.0.2.7", "auth eva@a.example -", "  192.0.2.8"}},
		{"who names it himself", []string{eva, by7 + ", sasl_username=eva@a.example"}, []string{"auth eva@a.example 192.0.2.7", " eva@a.example 192.0.2.7"}},
		{"who names another", []string{eva, by7 + ", sasl_username=ann@a.example", by8}, []string{"auth eva@a.example -", " ann@a.example 192.0.2.7", "  192.0.2.8"}},
		{"the mailbox server asked", []string{eva, "Mar  7 04:12:09 mx pop3d: LOGIN FAILED, user=eva@a.example, ip=[::ffff:192.0.2.9]", by8},
			[]string{"auth eva@a.example -", "pop3 eva@a.example 192.0.2.9", "  192.0.2.8"}},
		{"much later", []string{eva, fmt.Sprintf(refused, "14 mx", "192.0.2.7")}, []string{"auth eva@a.example -", "  192.0.2.7"}},
		{"of another host", []string{eva, fmt.Sprintf(refused, "09 mx2", "192.0.2.7")}, []string{"  192.0.2.7", "auth eva@a.example -"}},
		{"a client that is gone", []string{eva, fmt.Sprintf(refused, "09 mx", "unknown")}, []string{"auth eva@a.example -", "  -"}},
		{"no name at all", []string{"Mar  7 04:12:09 mx saslauthd[9]: do_auth         : auth failure: [user=] [service=smtp] [realm=] [mech=pam] [reason=PAM auth error]", by7},
			[]string{"auth  -", "  192.0.2.7"}},
		{"at the end", []string{eva}, []string{"auth eva@a.example -"}},
	} {
		var got []string
		tracker := New(Options{}, Sink{Event: func(ev *mail.Event) {
			if ev.Kind == mail.AuthFailed {
				ip := "-"
				if ev.Client.IP.IsValid() {
					ip = ev.Client.IP.String()
				}
				got = append(got, ev.Service+" "+ev.Account+" "+ip)
			}
		}})
		events := eventsOf(t, []txtar.File{{Name: "mx.log", Data: []byte(strings.Join(tt.lines, "\n"))}})
		tracker.Events(events)
		tracker.Close()
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		for i := range events {
			if ev := &events[i]; ev.Service == "auth" && ev.Client.IP.IsValid() || ev.MTA == mail.Postfix && !strings.Contains(ev.Raw, ev.Account) {
				t.Errorf("%s: an event of the reader was changed", tt.name)
			}
		}
	}
}
