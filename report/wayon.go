package report

import (
	"strings"

	"mailforensics/analyze"
)

// The commands that a report offers to go on with. They are copied into a shell, and what they name came out of a log:
// quote is all that stands between an attacker's HELO and the postmaster's shell.

// traceCommand shows the messages of a finding.
func traceCommand(f *analyze.Finding, r *Report) string {
	if f.Signature != "" {
		return command(r, "trace", "--where", quote(f.Signature))
	}
	switch v := f.Subject.Value; f.Subject.Kind {
	case analyze.IP, analyze.Account, analyze.Sender:
		if !strings.HasPrefix(v, "-") {
			return command(r, "trace", quote(v))
		}
		return command(r, "trace", "--where", quote(whereExpression(f.Subject)))
	default:
		if w := whereExpression(f.Subject); w != "" {
			return command(r, "trace", "--where", quote(w))
		}
	}
	return command(r, "messages")
}

// whereExpression selects the messages of a subject, as the where package reads it.
func whereExpression(s analyze.Subject) string {
	v := expressionString(s.Value)
	switch s.Kind {
	case analyze.IP:
		return "ip == " + v
	case analyze.Network:
		return "within(ip, " + v + ")"
	case analyze.ASN:
		return "asn == " + strings.TrimPrefix(s.Value, "AS")
	case analyze.Account:
		return "account == " + v
	case analyze.UID:
		return "uid == " + s.Value
	case analyze.Script:
		return "script == " + v
	case analyze.Directory:
		return "directory == " + v
	case analyze.Sender:
		return "sender == " + v
	case analyze.SenderDomain:
		return "sender_domain == " + v
	case analyze.HELO:
		return "helo == " + v
	case analyze.Host:
		return "host == " + v
	}
	return ""
}

// expressionString is s as a string of the expression language, which has JSON's escapes.
func expressionString(s string) string { return string(appendString(nil, s)) }

// command is a command line of this program on the same logs.
func command(r *Report, name string, words ...string) string {
	line := append([]string{"mailforensics", name}, words...)
	for _, o := range r.Options {
		line = append(line, quote(o))
	}
	for _, f := range r.Files {
		line = append(line, quote(f))
	}
	return strings.Join(line, " ")
}

// quote is s as one word of a POSIX shell. Control characters cannot be typed and are shown as escapes by the writer; in
// single quotes they do nothing.
func quote(s string) string {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("@%+=:,./_-", c) >= 0 {
			continue
		}
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	if s == "" {
		return "''"
	}
	return s
}
