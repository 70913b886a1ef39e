package parse

import (
	"fmt"
	"strings"
	"time"

	"mailforensics/mail"
)

// Proof is a line that has a time twice: in its stamp, and in UTC in an ID that only the machine itself can have made. It tells
// the year and the zone of stamps that lack them.
type Proof struct {
	Host   string
	At     mail.Instant
	Offset time.Duration // of the host's local time, east of UTC, in quarters of an hour
	Kind   ProofKind
	Place  int // offset of the line in the text that was searched
}

// ProofKind is what contains the second time.
type ProofKind uint8

const (
	ByQueueID   ProofKind = iota // a long Postfix queue ID, in the line that begins its life
	ByMessageID                  // a Message-ID that this Postfix made: it contains the second, and the message's own queue ID
	ByEximID                     // an Exim message ID, in the line of the arrival
	ByStamp                      // a stamp with an offset
)

func (k ProofKind) String() string {
	return [...]string{"long queue ID", "Message-ID of Postfix's own", "Exim message ID", "stamp with an offset"}[k]
}

// number returns n proofs of a kind, in words.
func (k ProofKind) number(n int) string {
	if n == 1 {
		return "1 " + k.String()
	}
	return fmt.Sprintf("%d %s", n, [...]string{"long queue IDs", "Message-IDs of Postfix's own", "Exim message IDs", "stamps with an offset"}[k])
}

// Gather finds proofs in text, which must begin with a line; at most so many of each kind. It searches for the few places where
// one can be, and reads only the headers of these lines, which are laid out like that.
func Gather(text string, layout *Layout, most int) []Proof {
	g := gatherer{text: text, most: most, reader: undatedReader(layout)}
	g.find(": ", "client=", g.queueID)
	g.find(": ", "uid=", g.queueID)
	g.find(": ", "message-id=<2", g.messageID)
	g.find(" ", "<= ", g.eximID)
	return g.proofs
}

type gatherer struct {
	text   string
	most   int
	reader *HeaderReader
	proofs []Proof
}

// find calls prove for each place where word comes after lead, until there are enough proofs. It does not search for lead, which
// begins with a byte that is everywhere in a log.
func (g *gatherer) find(lead, word string, prove func(at int) bool) {
	found := 0
	for at := 0; found < g.most; {
		next := strings.Index(g.text[at:], word)
		if next < 0 {
			return
		}
		at += next
		if strings.HasSuffix(g.text[:at], lead) && prove(at-len(lead)) {
			found++
		}
		at += len(word)
	}
}

// queueID tries "QID: client=" and "QID: uid=", which Postfix logs within milliseconds of making the ID. smtpd/smtpd.c,
// pickup/pickup.c
func (g *gatherer) queueID(at int) bool {
	const longest = 40
	start := strings.LastIndexAny(g.text[max(0, at-longest):at], " \t\",;") + 1 + max(0, at-longest)
	id := g.text[start:at]
	moment, ok := LongQueueID(id)
	return ok && g.prove(ByQueueID, start, id, moment)
}

// messageID tries "QID: message-id=<20240124134411.QID@host>", which cleanup/cleanup_message.c makes of the arrival time in UTC
// and the message's own queue ID. A stranger cannot know the queue ID when he chooses his Message-ID.
func (g *gatherer) messageID(at int) bool {
	id, moment, ok := ownMessageID(g.text[at+len(": message-id=<"):])
	if !ok || at < len(id) || g.text[at-len(id):at] != id {
		return false
	}
	return g.prove(ByMessageID, at-len(id), id, moment)
}

// ownMessageID parses "20240124134411.QID@host" at the beginning of a text.
func ownMessageID(value string) (id string, moment mail.Instant, ok bool) {
	const digits = 14
	if len(value) < digits+1 || value[digits] != '.' || !AllDigits(value[:digits]) {
		return "", 0, false
	}
	end := strings.IndexByte(value[:min(len(value), 64)], '@')
	if end < digits+2 {
		return "", 0, false
	}
	moment, ok = compactTime(value)
	return value[digits+1 : end], moment, ok
}

// ProvenBy returns the time in an ID of an event that only its own machine can have made: the same IDs that Gather looks for in
// text. false: it has none.
func ProvenBy(ev *mail.Event) (moment mail.Instant, ok bool) {
	switch ev.Kind {
	case mail.Accept, mail.LocalSubmit:
		switch {
		case ev.Has(mail.Doubtful):
		case ev.MTA == mail.Exim:
			moment, ok = EximID(ev.QueueID)
		case ev.MTA == mail.Postfix:
			moment, ok = LongQueueID(ev.QueueID)
		}
	case mail.MessageID:
		var id string
		if id, moment, ok = ownMessageID(ev.MessageID); id != ev.QueueID {
			ok = false
		}
	}
	return moment, ok
}

// compactTime parses "20240124134411".
func compactTime(s string) (mail.Instant, bool) {
	year, _ := fourDigits(s)
	month, _ := twoDigits(s[4:6])
	mday, _ := twoDigits(s[6:8])
	hour, _ := twoDigits(s[8:10])
	minute, _ := twoDigits(s[10:12])
	second, _ := twoDigits(s[12:14])
	if year < 1970 || year > 2200 || mday < 1 || mday > monthDays(year, month) || hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	local := int64(civilDay(year, month, mday)) + int64(hour*3600+minute*60+second)
	return mail.Instant(local) * mail.Instant(time.Second), true
}

// eximID tries "ID <= ": the ID contains the second at which the reception began.
func (g *gatherer) eximID(at int) bool {
	for _, length := range [...]int{16, 23} {
		if at < length {
			continue
		}
		id := g.text[at-length : at]
		if moment, ok := EximID(id); ok {
			return g.prove(ByEximID, at-length, id, moment)
		}
	}
	return false
}

// prove reads the header of the line around at, and adds the proof if the text of the line begins with id.
func (g *gatherer) prove(kind ProofKind, at int, id string, moment mail.Instant) bool {
	start := strings.LastIndexByte(g.text[:at], '\n') + 1
	end := strings.IndexByte(g.text[at:], '\n')
	if end < 0 {
		return false // it may be cut
	}
	var ev mail.Event
	body, ok := g.reader.Read(strings.TrimSuffix(g.text[start:at+end], "\r"), &ev)
	if !ok || !g.reader.Zoneless || !strings.HasPrefix(body, id) {
		return false
	}
	offset, ok := offsetBetween(g.reader.local, g.reader.Yearless, moment)
	if ok {
		g.proofs = append(g.proofs, Proof{Host: strings.Clone(ev.Host), At: moment, Offset: offset, Kind: kind, Place: start})
	}
	return ok
}

// offsetBetween returns the offset of a clock that showed local at moment, or a little later. If the stamp has no year, the one
// with the smallest difference is taken.
func offsetBetween(local civil, yearless bool, moment mail.Instant) (time.Duration, bool) {
	const slack, east, west = time.Minute, 14 * time.Hour, -12 * time.Hour // zones go from -12:00 to +14:00
	utc := civil(int64(moment) / int64(time.Second))
	if yearless {
		local = nearest(local, utc)
	}
	difference := time.Duration(local-utc)*time.Second + slack
	offset := difference.Truncate(15 * time.Minute)
	if offset > difference {
		offset -= 15 * time.Minute
	}
	return offset, offset >= west && offset <= east
}

// nearest moves local to the year in which it is nearest to another local time.
func nearest(local, to civil) civil {
	_, month, mday := local.date()
	sod := local - local/day*day
	year, _, _ := to.date()
	best := local
	for y := year - 1; y <= year+1; y++ {
		if mday > monthDays(y, month) {
			continue
		}
		if t := civilDay(y, month, mday) + sod; (t - to).abs() < (best - to).abs() {
			best = t
		}
	}
	return best
}

func (t civil) abs() civil { return max(t, -t) }

// Proof returns what the stamp of the last line proves, if it has an offset; false: it proves nothing. Containers and journals
// write UTC, whatever the zone of the machine is.
func (r *HeaderReader) Proof(ev *mail.Event) (Proof, bool) {
	switch r.Style {
	case ISO, RFC5424, EximOwn, WebmailOwn, Traditional: // Traditional with Exim's own stamp after that of syslog
	default:
		return Proof{}, false
	}
	if r.Zoneless || ev.Time == 0 {
		return Proof{}, false
	}
	offset := time.Duration(int64(r.local)-int64(ev.Time.Second())/int64(time.Second)) * time.Second
	return Proof{Host: strings.Clone(ev.Host), At: ev.Time, Offset: offset, Kind: ByStamp}, true
}
