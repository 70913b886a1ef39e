package postfix

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// noQueue is written instead of a queue ID as long as there is no queue file.
const noQueue = "NOQUEUE"

// cutID cuts "QID: " off the front. It says only that there is a word of letters and digits: it is a queue ID if what follows has
// the daemon's grammar, not because it looks like one.
func cutID(s string) (id, rest string, ok bool) {
	i := 0
	for i < len(s) && idBytes[s[i]] {
		i++
	}
	if i == 0 || i+1 >= len(s) || s[i] != ':' || s[i+1] != ' ' {
		return "", s, false
	}
	return s[:i], s[i+2:], true
}

// idByte reports whether a queue ID may contain the byte. MailScanner appends a dot and five digits.
func idByte(c byte) bool { return idBytes[c] }

// idBytes has an entry for every byte: one load tells, where comparisons with each range take six steps.
var idBytes = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '.'
	}
	return table
}()

func setID(id string, ev *mail.Event) {
	if id != noQueue {
		ev.QueueID = id
	}
}

// queueID reports whether a word is a queue ID by its own grammar (global/mail_queue.h), for the few lines that could have any
// word there. Short: hexadecimal, in upper case, the first five digits being microseconds, hence at most F423F. Long: at least
// ten digits base 52, a "z", digits base 51.
func queueID(s string) bool {
	if len(s) < 6 || len(s) > 40 {
		return false
	}
	return shortID(s) || strings.LastIndexByte(s, 'z') >= 10 && longID(s)
}

func shortID(s string) bool {
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && c-'A' > 'F'-'A' {
			return false
		}
	}
	return s[:5] <= "F423F"
}

func longID(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if !idByte(s[i]) || s[i] == '.' || c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' {
			return false
		}
	}
	return true
}

// cutAddress cuts "<ADDR>" off the front. Since 3.5 an address is quoted as RFC 5322 demands, so the first ">" outside of the
// quotes ends it; for older versions, see cutRecipient.
func cutAddress(s string) (address, rest string, ok bool) {
	if !strings.HasPrefix(s, "<") {
		return "", s, false
	}
	start := 1
	if len(s) > 1 && s[1] == '"' {
		if n := quoted(s[1:]); n > 0 && len(s) > n+1 && (s[n+1] == '@' || s[n+1] == '>') {
			start += n
		}
	}
	end := strings.IndexByte(s[start:], '>')
	if end < 0 {
		return "", s, false
	}
	return s[1 : start+end], s[start+end+1:], true
}

// quoted returns the length of the quoted string at the front of s; 0: it does not end.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// cutNumber cuts decimal digits off the front; ok is whether there are any, and not more than fit.
func cutNumber(s string) (n int64, rest string, ok bool) {
	i := 0
	for ; i < len(s) && s[i]-'0' <= 9 && i < 18; i++ {
		n = n*10 + int64(s[i]-'0')
	}
	return n, s[i:], i > 0
}

// delayed stores a delay, "12" or "0.02". Anything else is ignored.
func delayed(s string, ev *mail.Event) {
	whole, rest, ok := cutNumber(s)
	if !ok || whole > 1e9 {
		return
	}
	d := time.Duration(whole) * time.Second
	if len(rest) > 1 && rest[0] == '.' {
		unit := time.Second / 10
		for i := 1; i < len(rest) && rest[i]-'0' <= 9; i++ {
			d += time.Duration(rest[i]-'0') * unit
			unit /= 10
		}
	}
	ev.Delay = d
	ev.Flags |= mail.HasDelay
}

// cutCode cuts an SMTP reply code and a blank off the front (RFC 5321, section 4.2).
func cutCode(s string) (code int, rest string) {
	if len(s) < 4 || s[0]-'2' > 3 || s[1]-'0' > 9 || s[2]-'0' > 9 || s[3] != ' ' && s[3] != '-' {
		return 0, s
	}
	return int(s[0]-'0')*100 + int(s[1]-'0')*10 + int(s[2]-'0'), s[4:]
}

// cutDSN cuts an enhanced status code and a blank off the front (RFC 3463, section 2).
func cutDSN(s string) (dsn, rest string) {
	if len(s) < 5 || s[1] != '.' || s[0] != '2' && s[0] != '4' && s[0] != '5' {
		return "", s
	}
	end := strings.IndexByte(s, ' ')
	if end < 0 {
		end = len(s)
	}
	dots := 0
	for i := 1; i < end; i++ {
		switch {
		case s[i] == '.' && s[i-1] != '.' && dots < 2:
			dots++
		case s[i]-'0' > 9:
			return "", s
		}
	}
	if dots != 2 || s[end-1] == '.' {
		return "", s
	}
	return s[:end], s[min(end+1, len(s)):]
}

// setReply keeps code, status and text of a refusal.
func setReply(text string, ev *mail.Event) {
	ev.Code, text = cutCode(text)
	ev.DSN, ev.Reply = cutDSN(text)
	if ev.Code/100 == 4 || ev.Code == 0 && strings.HasPrefix(ev.DSN, "4.") {
		ev.Flags |= mail.Temporary
	}
}

// cutFrom cuts " from name[address]:port" off the front.
func cutFrom(s string, ev *mail.Event) (rest string, ok bool) {
	s, ok = strings.CutPrefix(s, " from ")
	if !ok {
		return s, false
	}
	return cutClient(s, ev)
}

// cutClient cuts name[address]:port off the front, and keeps it.
func cutClient(s string, ev *mail.Event) (rest string, ok bool) {
	rest, ok = ev.Recent.Cut(s, ev.PID, &ev.Client)
	if !ok {
		return s, false
	}
	if ev.Client.IP.IsValid() && ev.Client.Name != "" && ev.Client.Name != "unknown" {
		ev.Flags |= mail.Verified // smtpd/smtpd_peer.c: the name is shown only if it resolves back
	}
	return rest, true
}
