package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// pickup parses "QID: uid=33 from=<www-data>": a local user's message (pickup/pickup.c). The sender is as given, perhaps without
// a domain. With " orig_id=" it is a message that "postsuper -r" put back: then the uid is Postfix's own.
func pickup(body string, ev *mail.Event) parse.Verdict {
	id, rest, ok := cutID(body)
	if !ok {
		return parse.Unfamiliar
	}
	rest, ok = strings.CutPrefix(rest, "uid=")
	if !ok {
		return parse.Unfamiliar
	}
	uid, rest, ok := cutNumber(rest)
	if !ok {
		return parse.Damaged
	}
	rest, ok = strings.CutPrefix(rest, " from=")
	if !ok {
		return parse.Damaged
	}
	if i := strings.LastIndex(rest, "> orig_id="); i >= 0 && !strings.HasSuffix(rest, ">") {
		ev.Parent, rest = rest[i+len("> orig_id="):], rest[:i+1]
	}
	if len(rest) < 2 || rest[0] != '<' || rest[len(rest)-1] != '>' {
		return parse.Damaged
	}
	ev.Kind, ev.UID, ev.Sender = mail.LocalSubmit, int(uid), mail.SenderOf(rest[1:len(rest)-1])
	ev.Flags |= mail.HasUID
	setID(id, ev)
	return parse.Parsed
}
