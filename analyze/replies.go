package analyze

import "mailforensics/mail"

// providerOf is the registered domain of a relay, folded: Postfix logs a relay as its MX record is written (ASPMX.L.GOOGLE.COM). It is the
// last two labels, where the list of public suffixes need not be asked.
func providerOf(relay string) string {
	relay = mail.FoldDomain(relay)
	tail := lastLabels(relay)
	switch {
	case tail == "":
		return relay
	case maySuffix(tail):
		return organisation(relay)
	}
	return tail
}
