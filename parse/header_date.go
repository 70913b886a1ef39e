package parse

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// traditional reads "Mar  7 04:12:09 host tag[pid]: " (RFC 3164, section 4.1.2), with a day that is padded with a blank, a zero
// (journalctl, postlogd) or nothing, with a fraction (journalctl -o short-precise), or with a year after the day.
func (r *HeaderReader) traditional(line string, ev *mail.Event) (string, bool) {
	if line[:7] != r.month.text && !r.dayOfMonth(line) {
		return r.unpadded(line, ev)
	}
	sod, ok := secondOfDay(line[7:15])
	if !ok {
		return r.yearBehind(line, ev)
	}
	r.moment(&r.month, sod, ev)
	r.Style, r.Yearless, r.Zoneless = Traditional, true, true
	return r.afterTime(line[15:], ev)
}

// dayOfMonth reads "Mar  7 " or "Mar 07 ", and remembers the day.
func (r *HeaderReader) dayOfMonth(line string) bool {
	mday, ok := twoDigits(line[4:6])
	month := monthOf(line)
	if !ok || line[6] != ' ' || mday < 1 || mday > monthDays(2000, month) {
		return false
	}
	r.month, r.before = dayOfStamp{text: line[:7], month: month, mday: mday, yearless: true}, lineBefore{}
	midnight := r.clock.complete(month, mday, 0)
	// On the newest day itself, what is later than the newest time is a year older.
	r.clock.begin(&r.month, midnight, midnight+day-1 <= r.clock.newest)
	return true
}

// unpadded reads "Mar 7 04:12:09 …".
func (r *HeaderReader) unpadded(line string, ev *mail.Event) (string, bool) {
	if !isDigit(line[4]) || line[5] != ' ' {
		return "", false
	}
	sod, ok := secondOfDay(line[6:])
	r.month, r.before = dayOfStamp{month: monthOf(line), mday: int(line[4] - '0'), yearless: true}, lineBefore{}
	if !ok || r.month.mday == 0 {
		return "", false
	}
	r.moment(&r.month, sod, ev)
	r.Style, r.Yearless, r.Zoneless = Traditional, true, true
	return r.afterTime(line[14:], ev)
}

// yearBehind reads "Mar  7 2026 04:12:09 …".
func (r *HeaderReader) yearBehind(line string, ev *mail.Event) (string, bool) {
	month, mday := r.month.month, r.month.mday
	year, ok := fourDigits(line[7:])
	if !ok || len(line) < 20 || line[11] != ' ' {
		return "", false
	}
	return r.dated(year, month, mday, line[12:], ev)
}

// yearInFront reads "2026 Mar 07 04:12:09.123 …".
func (r *HeaderReader) yearInFront(line string, ev *mail.Event) (string, bool) {
	year, ok := fourDigits(line)
	if !ok || len(line) < 21 || line[8] != ' ' || line[11] != ' ' {
		return "", false
	}
	mday, ok := twoDigits(line[9:11])
	if !ok {
		return "", false
	}
	return r.dated(year, monthOf(line[5:]), mday, line[12:], ev)
}

// astaro reads "2026:03:07-04:12:09 host tag[pid]: ", as Sophos UTM, formerly Astaro, stamps its lines.
func (r *HeaderReader) astaro(line string, ev *mail.Event) (string, bool) {
	year, ok1 := fourDigits(line)
	month, ok2 := twoDigits(line[5:7])
	mday, ok3 := twoDigits(line[8:10])
	if !ok1 || !ok2 || !ok3 || len(line) < 21 || line[19] != ' ' {
		return "", false
	}
	return r.dated(year, month, mday, line[11:], ev)
}

// dated reads what follows a full date: "04:12:09.123 host …", in the style of RFC 3164.
func (r *HeaderReader) dated(year, month, mday int, rest string, ev *mail.Event) (string, bool) {
	sod, ok := secondOfDay(rest)
	if !ok || !r.fullDay("", year, month, mday) {
		return "", false
	}
	r.moment(&r.full, sod, ev)
	r.Style, r.Zoneless = Traditional, true
	return r.afterTime(rest[8:], ev)
}

// fullDay remembers a day whose year is known. text is how it is written, to recognise it; "": it is not recognised.
func (r *HeaderReader) fullDay(text string, year, month, mday int) bool {
	r.full, r.before = dayOfStamp{}, lineBefore{}
	if mday < 1 || mday > monthDays(year, month) || year < 1970 || year > 2200 {
		return false
	}
	r.full.text = text
	r.clock.begin(&r.full, civilDay(year, month, mday), true)
	return true
}

// begin sets the midnight of a day. sameYear: all of the day is in one year.
func (c *Clock) begin(d *dayOfStamp, midnight civil, sameYear bool) {
	d.midnight = midnight
	d.utc = c.utc(midnight)
	d.even = sameYear && c.even(midnight)
}

// moment sets the time to a second of a day, in the clock's zone.
func (r *HeaderReader) moment(d *dayOfStamp, sod int, ev *mail.Event) {
	if d.even {
		r.local = d.midnight + civil(sod)
		ev.Time = mail.Instant(d.utc+int64(sod)) * mail.Instant(time.Second)
		return
	}
	midnight := d.midnight
	if d.yearless {
		midnight = r.clock.complete(d.month, d.mday, sod)
	}
	r.local = midnight + civil(sod)
	ev.Time = mail.Instant(r.clock.utc(r.local)) * mail.Instant(time.Second)
	_, r.Twice = r.clock.twice(r.local)
}

// shown sets the time to a second of the full day, at the offset in the stamp.
func (r *HeaderReader) shown(sod int, offset int64, ev *mail.Event) {
	r.local = r.full.midnight + civil(sod)
	ev.Time = mail.Instant(int64(r.local)-offset) * mail.Instant(time.Second)
}

// iso reads "2026-03-07T04:12:09", and what may follow it. With a blank instead of the T it is usually Exim's own stamp.
func (r *HeaderReader) iso(line string, ev *mail.Event) (string, bool) {
	if len(line) < 20 || !r.isoDay(line) {
		return "", false
	}
	sod, ok := secondOfDay(line[11:])
	if !ok {
		return "", false
	}
	switch line[10] {
	case 'T', 't':
		return r.rfc3339(line, sod, ev)
	case ' ':
		return r.exim(line, sod, ev)
	case '_':
		return r.svlogd(line, ev)
	}
	return "", false
}

// shortFull reads "2026-03-07 04:12:09 CET host tag[pid]: ", journalctl -o short-full, after the weekday. The name of the zone is
// ignored, because names are ambiguous, except UTC.
func (r *HeaderReader) shortFull(line string, ev *mail.Event) (string, bool) {
	if len(line) < 24 || line[4] != '-' || line[10] != ' ' || !r.isoDay(line) {
		return "", false
	}
	sod, ok := secondOfDay(line[11:])
	nano, n := fraction(line[19:])
	rest := line[19+n:]
	if !ok || rest == "" || rest[0] != ' ' {
		return "", false
	}
	r.moment(&r.full, sod, ev)
	zone, rest, _ := strings.Cut(rest[1:], " ")
	r.Zoneless = true
	if offset, n := signedOffset(zone); zone == "UTC" || zone == "GMT" || n > 0 {
		ev.Time = mail.Instant(int64(r.local)-offset) * mail.Instant(time.Second)
		r.Zoneless, r.Twice = false, false
	}
	ev.Time += nano
	r.Style = ISO
	body, ok := r.hostAndTag(rest, ev)
	ev.Process = strings.TrimSuffix(ev.Process, ".service") // journalctl -o with-unit
	return body, ok
}

// isoDay reads "2026-03-07", and remembers the day.
func (r *HeaderReader) isoDay(line string) bool {
	if line[:10] == r.full.text {
		return true
	}
	year, ok1 := fourDigits(line)
	month, ok2 := twoDigits(line[5:7])
	mday, ok3 := twoDigits(line[8:10])
	return ok1 && ok2 && ok3 && line[4] == '-' && line[7] == '-' && line[5] != ' ' && line[8] != ' ' &&
		r.fullDay(line[:10], year, month, mday)
}

// rfc3339 reads what follows the seconds: fraction, offset, host. Without an offset, the clock's zone is used.
func (r *HeaderReader) rfc3339(line string, sod int, ev *mail.Event) (string, bool) {
	rest := line[19:]
	nano, n := fraction(rest)
	rest = rest[n:]
	offset, n := offsetOf(rest)
	if n > 0 {
		r.shown(sod, offset, ev)
	} else {
		r.moment(&r.full, sod, ev)
		r.Zoneless = true
	}
	ev.Time += nano
	rest = rest[n:]
	r.Style = ISO
	if rest == "" || rest[0] != ' ' {
		if strings.HasPrefix(rest, "\t") { // "STAMP\tsystem.mail\t{…}", a file of fluentd
			_, object, _ := strings.Cut(rest[1:], "\t")
			return r.shippedObject(object, ev)
		}
		return "", rest == ""
	}
	return r.afterISO(rest[1:], ev)
}

// afterISO reads what follows an RFC 3339 stamp and a blank: a host, or, if a container runtime wrote the stamp, any header.
func (r *HeaderReader) afterISO(rest string, ev *mail.Event) (string, bool) {
	if r.inner {
		return r.hostAndTag(rest, ev)
	}
	if strings.HasPrefix(rest, "std") && (strings.HasPrefix(rest, "stdout ") || strings.HasPrefix(rest, "stderr ")) {
		return r.cri(rest[len("stdout "):], ev)
	}
	if beginsHeader(rest) {
		r.Style = Docker // its stamp is UTC, and proves nothing about the zone of the machine
		return r.wrapped(rest, ev)
	}
	return r.hostAndTag(rest, ev)
}

// beginsHeader reports whether s begins like a header. Of a line that was cut, too: what begins it is no host, and must not be remembered
// as one.
func beginsHeader(s string) bool {
	if len(s) < 2 {
		return false
	}
	switch c := s[0]; {
	case c >= 'A' && c <= 'Z':
		return len(s) > 3 && s[3] == ' ' && monthOf(s) != 0
	case c == '2':
		return len(s) > 7 && s[4] == '-' && s[7] == '-'
	}
	return s[0] == '<' && isDigit(s[1])
}

// afterTime reads what follows the seconds of a stamp in the style of RFC 3164, perhaps with a fraction.
func (r *HeaderReader) afterTime(rest string, ev *mail.Event) (string, bool) {
	if rest != "" && rest[0] == '.' {
		nano, n := fraction(rest)
		ev.Time += nano
		rest = rest[n:]
	}
	if rest == "" || rest[0] != ' ' {
		return "", rest == ""
	}
	return r.hostAndTag(rest[1:], ev)
}
