package exim

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
)

// ruled keeps a text that no line of Exim's own matches: that of an access rule or a filter (logwrite, log_message). A client's
// address in it ties it to a message.
func ruled(s string, ev *mail.Event) {
	ev.Client.IP = addressIn(s)
	ev.Script = scriptIn(s)
	note(s, ev, mail.FilterResult)
}

// scriptIn returns what an access rule logs of PHP's header about the script that made a message: the rest of the text. "33:mail.php(1) :
// eval()'d code" has blanks.
func scriptIn(s string) string {
	const header = "X-PHP-Originating-Script"
	at := strings.Index(s, header)
	if at < 0 {
		return ""
	}
	return strings.Trim(s[at+len(header):], ":= \"")
}

// addressIn returns the first address in a text: preferably one in brackets, because brackets within parentheses are a HELO.
func addressIn(s string) netip.Addr {
	if strings.IndexByte(s, '[') >= 0 {
		if h, _, ok := cutHost(s); ok {
			return h.ip
		}
	}
	const words = 48
	for range words {
		word, rest := cutToken(s)
		word = word[strings.LastIndexByte(word, '=')+1:]
		if word = bare(word); plausible(word) {
			if ip, ok := address(word); ok {
				return ip
			}
		}
		if rest == "" {
			break
		}
		s = rest[1:]
	}
	return netip.Addr{}
}

// plausible reports whether a bare word, which begins with a letter, a digit or a colon, may be an address.
func plausible(word string) bool {
	return len(word) > 2 && (word[0] <= '9' || strings.IndexByte(word, ':') >= 0)
}

// bare returns a word without the punctuation around it.
func bare(word string) string {
	for word != "" && !alphanumeric(word[0]) && word[0] != ':' {
		word = word[1:]
	}
	for word != "" && !alphanumeric(word[len(word)-1]) {
		word = word[:len(word)-1]
	}
	return word
}
