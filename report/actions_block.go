package report

import (
	"slices"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// blockActions keep the clients of the first finding that has some to block out, and those of all others with them: the command
// lists them all.
func blockActions(r *Report, findings []*analyze.Finding, customer bool) []Action {
	i := slices.IndexFunc(findings, func(f *analyze.Finding) bool { return mayBlock(r, f) })
	if i < 0 {
		return nil
	}
	why := keepOut(findings)
	switch {
	case customer:
		why = "if nobody takes responsibility for it, block it"
	case cameOnce(findings[i]):
		why += ", which helps little against a run whose clients come once each"
	}
	return []Action{{why + "; save this list and name it " + blockSetting(r), command(r, "block", "--format", blockForm(r)), findings[i].ID}}
}

// mayBlock reports whether a block list would hold clients of f.
func mayBlock(r *Report, f *analyze.Finding) bool {
	return f.Subject.Kind != analyze.Account && f.Subject.Kind != analyze.UID &&
		slices.ContainsFunc(f.Clients, func(c analyze.ClientCount) bool { return !isOwn(r, &c) })
}

func blockForm(r *Report) string {
	if wrote(r, mail.Exim) && !wrote(r, mail.Postfix) {
		return "exim"
	}
	return "postfix-cidr"
}

// blockSetting is where the list of blockForm is used: beside what stands there, and before anything that permits.
func blockSetting(r *Report) string {
	if blockForm(r) == "exim" {
		return "in the ACL of acl_smtp_connect: deny hosts = net-iplsearch;FILE"
	}
	return "first in smtpd_client_restrictions of main.cf: check_client_access cidr:FILE; then postfix reload"
}

// keepOut says whom a block list keeps out. It has no clients of an account, since its owner sits there, too (analyze.Blocks).
func keepOut(findings []*analyze.Finding) string {
	if slices.ContainsFunc(findings, func(f *analyze.Finding) bool { return f.Subject.Kind == analyze.Account }) {
		return "block its clients, except those of the login: the new password stops them"
	}
	return "block its clients"
}

// cameOnce reports whether a finding is about clients of which none comes again: the next run is of others.
func cameOnce(f *analyze.Finding) bool {
	return slices.ContainsFunc(f.Reasons, func(r analyze.Reason) bool { return r.Code == "one-visit-each" })
}
