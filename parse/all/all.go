// Package all is the list of the formats that exist. It stands above them, for the command that reads whatever a log holds.
package all

import (
	"mailforensics/parse"
	"mailforensics/parse/dovecot"
	"mailforensics/parse/exim"
	"mailforensics/parse/filter"
	"mailforensics/parse/postfix"
	"mailforensics/parse/webmail"
)

// Formats is every format, those of the MTAs first, since most lines are theirs.
func Formats() []parse.Format {
	return []parse.Format{
		postfix.Format,
		exim.Format,
		dovecot.Format,
		webmail.Format,
		filter.Format,
	}
}
