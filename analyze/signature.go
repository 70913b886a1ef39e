package analyze

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"mailforensics/mail"
)

// Signature selects the messages of a finding: what they share, and when they were taken. The zero value selects nothing.
type Signature struct {
	Terms       string // an expression for --where
	First, Last mail.Instant
}

// In is the signature as an expression for --where, with its times in a zone.
func (s Signature) In(zone *time.Location) string {
	if s.Terms == "" {
		return ""
	}
	stamp := func(t mail.Instant) string { return quoted(t.In(zone).Format(time.RFC3339Nano)) }
	return fmt.Sprintf("%s and time >= at(%s) and time <= at(%s)", s.Terms, stamp(s.First), stamp(s.Last))
}

// during selects what all terms select of the messages of a time.
func during(first, last mail.Instant, terms ...string) Signature {
	return Signature{strings.Join(terms, " and "), first, last}
}

// onHost is the term that selects a host's messages; none where its log has no name.
func onHost(host string) []string {
	if host == "" {
		return nil
	}
	return []string{"host == " + quoted(host)}
}

// Where selects the messages of a subject; "" where a subject is no property of messages.
func (s Subject) Where() string {
	v := quoted(s.Value)
	switch s.Kind {
	case IP:
		return "ip == " + v
	case Network:
		return "within(ip, " + v + ")"
	case ASN:
		return "asn == " + strings.TrimPrefix(s.Value, "AS")
	case Account: // which mail servers compare without regard to case
		return "lower(account) == " + quoted(strings.ToLower(s.Value))
	case UID: // Exim names the user
		if strings.Trim(s.Value, "0123456789") != "" {
			return "user == " + v
		}
		return "uid == " + s.Value
	case Script:
		return "script == " + v
	case Directory:
		return "directory == " + v
	case Sender:
		return "lower(sender) == " + quoted(strings.ToLower(s.Value))
	case SenderDomain:
		return "sender_domain == " + v
	case HELO:
		return "helo == " + v
	case Host:
		return strings.Join(onHost(s.Value), "")
	}
	return ""
}

// quoted is a string of the expression language, which has the escapes of JSON.
func quoted(s string) string {
	b, _ := json.Marshal(strings.ToValidUTF8(s, "\uFFFD")) // a string has no error
	return string(b)
}
