package logfile

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Family returns the path of the live log that path is a rotation of: maillog for maillog.1, maillog.2.gz and
// maillog-20151111.gz, mail.log for mail-20240131.log. A path that is no rotation is returned as it is.
func Family(path string) string { return rotationOf(path).family }

// Order sorts inputs by time as far as their names tell it: each family from its oldest file to the live one, the families in
// the order in which they first occur. It is for inputs whose content does not tell.
//
// Dated names sort by date, numbered ones from the highest number down. If a family has both kinds, rotation was reconfigured,
// and all files of one kind are older than those of the other: the kind with the latest modification time is the newer one; if
// they are equal, the numbered one.
func Order(inputs []*Input) []*Input {
	place := make(map[string]int)
	dated, numbered := make(map[string]time.Time), make(map[string]time.Time)
	for _, in := range inputs {
		r := rotationOf(in.Path)
		if _, ok := place[r.family]; !ok {
			place[r.family] = len(place)
		}
		switch {
		case r.date != "":
			dated[r.family] = later(dated[r.family], in.ModTime)
		case r.number > 0:
			numbered[r.family] = later(numbered[r.family], in.ModTime)
		}
	}
	return slices.SortedStableFunc(slices.Values(inputs), func(a, b *Input) int {
		r, q := rotationOf(a.Path), rotationOf(b.Path)
		datedLast := dated[r.family].After(numbered[r.family])
		return cmp.Or(
			cmp.Compare(place[r.family], place[q.family]),
			cmp.Compare(r.rank(datedLast), q.rank(datedLast)),
			cmp.Compare(r.date, q.date),
			cmp.Compare(q.number, r.number),
		)
	})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// A rotation is what the name of a log says about its age. Without a date and a number it is the live log.
type rotation struct {
	family string
	date   string // digits of the date, and of the time if there is one; "": none
	number int    // from 1; 0: none
}

// rank sorts the kinds of files in a family: the older kind (0), the newer kind (1), the live log (2). datedLast: dated files are
// newer than numbered ones.
func (r rotation) rank(datedLast bool) int {
	switch {
	case r.date != "" && datedLast, r.date == "" && r.number > 0 && !datedLast:
		return 1
	case r.date == "" && r.number == 0:
		return 2
	}
	return 0
}

// rotationOf takes the name of path apart: the numbers and dates of logrotate (dateext, dateformat), with or without an extension
// behind them ("extension"), newsyslog's .0, exicyclog's .01 (exim, src/exicyclog.src), and the suffix of a compressor.
func rotationOf(path string) rotation {
	dir, name := filepath.Split(uncompressed(path))
	stem, extension := name, ""
	r, ok := splitMark(stem)
	if !ok {
		extension = filepath.Ext(name)
		r, ok = splitMark(strings.TrimSuffix(stem, extension))
	}
	if !ok {
		return rotation{family: filepath.Clean(dir + name)}
	}
	r.family = filepath.Clean(dir + r.family + extension)
	return r
}

// uncompressed returns path without the suffix of a compressor.
func uncompressed(path string) string {
	for _, suffix := range [...]string{".gz", ".bz2", ".xz", ".zst", ".zstd", ".Z"} {
		if stem, ok := strings.CutSuffix(path, suffix); ok {
			return stem
		}
	}
	return path
}

// splitMark splits a number or a date off the end of a name; false: there is none.
func splitMark(name string) (rotation, bool) {
	at := strings.LastIndexFunc(name, func(c rune) bool { return !strings.ContainsRune("0123456789-._T", c) }) + 1
	for at < len(name) && name[at] == 'T' { // part of the name: the T between a date and a time has digits before it
		at++
	}
	stem, mark := name[:at], name[at:]
	if stem == "" {
		return rotation{}, false
	}
	if r, ok := markOf(stem, mark); ok {
		return r, true
	}
	number := len(mark) - len(strings.TrimLeft(mark, "0123456789")) // of a host: mx1-20240131, mx2.1
	return markOf(stem+mark[:number], mark[number:])
}

// markOf returns what a name is that consists of a stem and a mark; false: the mark is no number and no date.
func markOf(stem, mark string) (rotation, bool) {
	digits := strings.Map(digitsOnly, mark)
	if date := dateOf(digits); date != "" {
		return rotation{family: stem, date: date}, true
	}
	if mark == "."+digits && len(digits) > 0 && len(digits) <= 4 {
		n, _ := strconv.Atoi(digits)
		return rotation{family: stem, number: n + 1}, true // newsyslog begins with 0
	}
	return rotation{}, false
}

func digitsOnly(c rune) rune {
	if c >= '0' && c <= '9' {
		return c
	}
	return -1
}

// dateOf returns the digits of a date and perhaps a time, YYYYMMDDhhmmss, in a form that sorts: digits themselves, or what they
// are as a Unix time (dateformat -%s); "": they are no date.
func dateOf(digits string) string {
	if len(digits) >= 8 && len(digits) <= 14 {
		if t, err := time.Parse("20060102", digits[:8]); err == nil && t.Year() >= 1990 && t.Year() < 2100 {
			return digits
		}
	}
	if len(digits) == 10 && digits[0] >= '1' && digits[0] <= '4' {
		seconds, _ := strconv.ParseInt(digits, 10, 64)
		return time.Unix(seconds, 0).UTC().Format("20060102150405")
	}
	return ""
}
