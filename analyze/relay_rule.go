package analyze

import (
	"net/netip"
	"strings"

	"mailforensics/mail"
)

// usual counts what access rules say of mail that was not relayed.
func (w *relayWatch) usual(m *mail.Message) {
	if !m.Client.IP.IsValid() {
		return
	}
	w.others++
	for _, text := range m.ACL {
		w.said.Add(maskRule(text), 1)
	}
}

// maskRule replaces what is an address or a number by "…", so that a rule's words are the same for every message.
func maskRule(text string) string {
	words := strings.Fields(text)
	for i, word := range words {
		bare := strings.Trim(word, "[](),:;<>")
		if host, _, found := strings.Cut(bare, "]:"); found {
			bare = host
		}
		if _, err := netip.ParseAddr(bare); err == nil || isMailbox(bare) || isNumber(bare) {
			words[i] = strings.Replace(word, bare, "…", 1)
		}
	}
	return strings.Join(words, " ")
}

func isMailbox(word string) bool { return mail.LocalPart(word) != "" && mail.Domain(word) != "" }

func isNumber(word string) bool {
	return strings.Trim(word, ".") != "" && strings.Trim(word, "0123456789.") == ""
}

// letInBy is what the rule says that let most of it in, and how often; "" where none can be told from those that speak of all mail: a
// scanner's, a counter's.
func (w *relayWatch) letInBy(r *relayed) (text string, n int) {
	least := 0.5 // of them, beyond what it is of the others
	for _, rule := range r.acl.Top(topMost) {
		here := float64(rule.Messages) / float64(r.messages)
		there := float64(w.said.Of(rule.Value)) / float64(max(1, w.others))
		if beyond := here - there; beyond >= least && (text == "" || beyond > least) {
			text, n, least = rule.Value, rule.Messages, beyond
		}
	}
	return text, n
}
