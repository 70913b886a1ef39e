// Package all lists the formats that exist, for the command, which parses whatever a log contains.
package all

import (
	"mailforensics/parse"
	"mailforensics/parse/dovecot"
	"mailforensics/parse/exim"
	"mailforensics/parse/filter"
	"mailforensics/parse/postfix"
	"mailforensics/parse/webmail"
)

// Formats returns all formats, those of the MTAs first, because most lines are theirs.
func Formats() []parse.Format {
	return []parse.Format{
		postfix.Format,
		exim.Format,
		dovecot.Format,
		webmail.Format,
		filter.Format,
	}
}
