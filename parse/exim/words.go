package exim

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
)

// ruled keeps a text that no line of Exim's own fits: the words of an access rule or a filter (logwrite, log_message). Where
// a client's address stands in them, it is what ties them to a message.
func ruled(s string, ev *mail.Event) {
	ev.Client.IP = addressIn(s)
	note(s, ev, mail.FilterResult)
}

// addressIn is the first address of a text: one in brackets of its own before a bare one, as brackets within parentheses
// are a HELO.
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

func plausible(word string) bool {
	return len(word) > 2 && (word[0] >= '0' && word[0] <= '9' || strings.IndexByte(word, ':') >= 0)
}

// bare is a word without the punctuation around it.
func bare(word string) string {
	for word != "" && !alphanumeric(word[0]) && word[0] != ':' {
		word = word[1:]
	}
	for word != "" && !alphanumeric(word[len(word)-1]) {
		word = word[:len(word)-1]
	}
	return word
}
