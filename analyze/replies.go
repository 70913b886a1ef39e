package analyze

import "strings"

// blocklists are the operators of DNS blocklists that replies name, by what identifies them in the text, and what people call
// them. The first that fits is taken.
var blocklists = [...]struct{ sign, name string }{
	{"spamhaus", "Spamhaus"}, {"spamcop", "SpamCop"}, {"barracudacentral", "Barracuda"}, {"bbl.barracuda", "Barracuda"},
	{"sorbs", "SORBS"}, {"uceprotect", "UCEPROTECT"}, {"backscatterer", "Backscatterer"}, {"manitu", "NiX Spam"}, {"nixspam", "NiX Spam"},
	{"psbl.surriel", "PSBL"}, {"abuseat", "CBL"}, {"mailspike", "Mailspike"}, {"invaluement", "invaluement"}, {"spameatingmonkey", "SEM"},
	{"spamrats", "SpamRATS"}, {"truncate.gbudb", "GBUdb"}, {"dnswl", "dnswl"}, {"senderscore", "Sender Score"}, {"abusix", "Abusix"},
	{"proofpoint", "Proofpoint"}, {"cloudmark", "Cloudmark"}, {"trendmicro", "Trend Micro"}, {"hostkarma", "Hostkarma"}, {"njabl", "NJABL"},
	{"dsbl.org", "DSBL"}, {"rfc-ignorant", "RFC-Ignorant"}, {"lashback", "LashBack"}, {"s5h.net", "s5h"}, {"blocklist.de", "blocklist.de"},
	{"inps.de", "inps.de"}, {"spfbl", "SPFBL"}, {"dronebl", "DroneBL"},
}

// blocklistIn is the blocklist that a reply names: by the name people know it by, else by the zone that stands behind "blocked
// using", as reject_rbl_client writes it (Postfix, smtpd/smtpd_check.c); "" where it names none.
func blocklistIn(reply string) string {
	if len(reply) < 12 {
		return ""
	}
	// Every reply that names a list has one of these; most replies have none.
	if at := indexFold(reply, "blocked using "); at >= 0 {
		zone := reply[at+len("blocked using "):]
		if end := strings.IndexAny(zone, "; ,)"); end >= 0 {
			zone = zone[:end]
		}
		return knownBlocklist(zone, strings.Trim(zone, ".:"))
	}
	if containsFold(reply, "list") || containsFold(reply, "block") || containsFold(reply, "rbl") || containsFold(reply, "dns") || containsFold(reply, "http") {
		return knownBlocklist(reply, "")
	}
	return ""
}

// knownBlocklist is the operator whose sign stands in a text, else other.
func knownBlocklist(text, other string) string {
	for _, b := range blocklists {
		if containsFold(text, b.sign) {
			return b.name
		}
	}
	return other
}

// indexFold is strings.Index without regard to the case of ASCII; sub is in lower case.
func indexFold(s, sub string) int {
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i]|0x20 == sub[0] && strings.EqualFold(s[i:i+len(sub)], sub) {
			return i
		}
	}
	return -1
}
