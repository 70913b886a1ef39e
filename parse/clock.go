package parse

import (
	"sort"
	"time"

	"mailforensics/mail"
)

// Clock completes stamps that lack the zone or the year. There is one for each file; it never changes, so the lines of a file can
// be read in any order, by many goroutines.
//
// A stamp without a year is the latest such moment that is not after the newest line that the file can have. This needs no
// counting of years, hence no order: 31 December, 23:59:59, and 1 January, 0:00:00, are a second apart, whichever is read first.
type Clock struct {
	YearRule string // how the year was found, in words; "": every stamp has one
	ZoneRule string // how the zone was found, in words; "": every stamp has an offset

	zone   *time.Location
	spans  []span            // by time; the first one is for everything before the second
	hosts  map[string]*Clock // of hosts in other zones; nil: none
	newest civil             // no stamp without a year is after this local time
}

// civil is a local time, as calendar and clock show it: seconds since 1970, as if the zone were UTC.
type civil int64

const day = 24 * 60 * 60

// span is a time in which a zone has one offset from UTC.
type span struct {
	since  int64 // the UTC second at which it begins; 0 for the first span
	begins civil // the same in local time before the change
	folds  civil // the local time from begins-folds to begins was repeated; 0: none was
	offset int64 // seconds east of UTC
}

// NewClock returns a clock for a zone. No stamp without a year is after newest.
func NewClock(zone *time.Location, newest mail.Instant) *Clock {
	c := &Clock{zone: zone, spans: spansOf(zone, newest)}
	c.newest = c.civilAt(newest)
	return c
}

// Location returns the zone of stamps without an offset.
func (c *Clock) Location() *time.Location { return c.zone }

// spansOf returns the spans of a zone, from 1990, before the first mail logs, to a year after newest.
func spansOf(zone *time.Location, newest mail.Instant) []span {
	at := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).In(zone)
	_, offset := at.Zone()
	spans := []span{{offset: int64(offset)}}
	last := newest.In(time.UTC).AddDate(1, 0, 0)
	for {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.After(last) {
			return spans
		}
		if !end.After(at) {
			// Of zones that give a rule for all years to come, as most systems and Go's own tzdata write them now, ZoneBounds takes
			// 31 December of a leap year for the end of the year and does not get over it. time/zoneinfo.go, tzset (Go 1.26)
			at = at.Add(time.Hour)
			continue
		}
		_, after := end.Zone()
		if before := spans[len(spans)-1].offset; int64(after) != before {
			spans = append(spans, change(end.Unix(), before, int64(after)))
		}
		at = end
	}
}

// change returns the span that begins at a UTC second. A local time that is repeated belongs to the span before.
func change(at, before, after int64) span {
	s := span{since: at, begins: civil(at + before), offset: after}
	if after < before {
		s.folds = civil(before - after)
	}
	return s
}

// spanAt returns the span of a local time.
func (c *Clock) spanAt(local civil) *span {
	if len(c.spans) == 1 {
		return &c.spans[0]
	}
	next := 1 + sort.Search(len(c.spans)-1, func(i int) bool { return c.spans[i+1].begins > local })
	return &c.spans[next-1]
}

// utc returns the UTC second of a local time.
func (c *Clock) utc(local civil) int64 { return int64(local) - c.spanAt(local).offset }

// twice reports whether a local time was repeated, and after how many seconds.
func (c *Clock) twice(local civil) (after int64, ok bool) {
	for i := range c.spans[1:] {
		if s := &c.spans[i+1]; local < s.begins && local >= s.begins-s.folds {
			return int64(s.folds), true
		}
	}
	return 0, false
}

// even reports whether the whole day that begins at midnight has one offset.
func (c *Clock) even(midnight civil) bool {
	first, last := c.spanAt(midnight), c.spanAt(midnight+day-1)
	if first != last {
		return false
	}
	for i := range c.spans {
		if c.spans[i].folds != 0 && c.spans[i].begins > midnight && c.spans[i].begins-c.spans[i].folds < midnight+day {
			return false
		}
	}
	return true
}

// civilAt returns the local time at a moment.
func (c *Clock) civilAt(t mail.Instant) civil {
	return civil(int64(t)/int64(time.Second) + c.offsetAt(t))
}

// offsetAt returns the zone's offset at a moment, in seconds east of UTC.
func (c *Clock) offsetAt(t mail.Instant) int64 {
	sec := int64(t) / int64(time.Second)
	i := len(c.spans) - 1
	for i > 0 && c.spans[i].since > sec {
		i--
	}
	return c.spans[i].offset
}

// complete returns the midnight of a day without a year. sod is the second of the day.
func (c *Clock) complete(month, mday, sod int) civil { return latest(c.newest, month, mday, sod) }

// latest returns the midnight of the latest such moment that is not after newest. The day must be one of the calendar's.
func latest(newest civil, month, mday, sod int) civil {
	year, _, _ := newest.date()
	for range 9 { // 29 February: 1897 to 1903 had none; in any nine years there is one
		if mday <= monthDays(year, month) {
			midnight := civilDay(year, month, mday)
			if midnight+civil(sod) <= newest {
				return midnight
			}
		}
		year--
	}
	return 0
}

// civilDay returns the midnight at which a day of our era begins. The formula is Howard Hinnant's days_from_civil.
func civilDay(year, month, mday int) civil {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	yoe := year - era*400
	doy := (153*(month-3)+2)/5 + mday - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return civil(era*146097+doe-719468) * day
}

// date returns the day of a local time.
func (t civil) date() (year, month, mday int) {
	at := time.Unix(int64(t), 0).UTC()
	return at.Year(), int(at.Month()), at.Day()
}

// monthDays returns the number of days of a month; 0: there is no such month.
func monthDays(year, month int) int {
	switch month {
	case 1, 3, 5, 7, 8, 10, 12:
		return 31
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 0
}

// Twice reports whether the local time at t was repeated, and how much later. A stamp without an offset in such an hour is taken
// for the first of the two.
func (c *Clock) Twice(t mail.Instant) (later time.Duration, ok bool) {
	local := civil(int64(t)/int64(time.Second) + c.offsetAt(t))
	after, ok := c.twice(local)
	return time.Duration(after) * time.Second, ok && c.utc(local) == int64(t)/int64(time.Second)
}
