package analyze

import (
	"strings"

	"mailforensics/mail"
)

// isGuess reports whether a failed login was a try with a password: not one that the server could not look at, nor one that
// never came so far.
func isGuess(ev *mail.Event) bool {
	if ev.Has(mail.Temporary) {
		return false
	}
	said := ev.Reply
	if said == "" {
		said = ev.Text
	}
	for _, sign := range [...]string{"Invalid authentication mechanism", "plaintext auth", "cleartext auth", "cleartext_auth", "Connection lost to authentication server", "Temporary"} {
		if strings.Contains(said, sign) {
			return false
		}
	}
	return true
}

// attemptsOf is how many tries a line stands for: Dovecot's login processes write "auth failed, 3 attempts in 17 secs" when
// the client leaves (src/login-common/client-common.c).
func attemptsOf(ev *mail.Event) int {
	_, rest, ok := strings.Cut(ev.Text, "auth failed, ")
	if !ok {
		return 1
	}
	n := 0
	for i := 0; i < len(rest) && i < 5 && rest[i] >= '0' && rest[i] <= '9'; i++ {
		n = 10*n + int(rest[i]-'0')
	}
	return max(1, n)
}
