package analyze

// providerOf is the registered domain of a relay: the last two labels, where the list of public suffixes need not be asked.
func providerOf(relay string) string {
	tail := lastLabels(relay)
	switch {
	case tail == "":
		return relay
	case maySuffix(tail):
		return organisation(relay)
	}
	return tail
}
