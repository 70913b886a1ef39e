package logfile

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Family is the path of the live log that path is a rotation of: that of maillog, maillog.1, maillog.2.gz,
// maillog-20151111.gz and mail-20240131.log is maillog (mail.log). A path that is no rotation is its own family.
func Family(path string) string { return rotationOf(path).family }

// Order sorts inputs into the order of time as far as names tell it: each family from its oldest file to the live one, the
// families in the order in which they come. It is what to go by when the content does not tell.
//
// Dated names sort by date, numbered ones down to 1. Where both kinds stand side by side, because rotation was configured
// anew, one kind came after the other: which, their modification times tell, and if those are equal, dated files are older.
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

// A rotation is what the name of a log says about its age.
type rotation struct {
	family string
	date   string // digits of the date, and of the time if there is one
	number int    // from 1; 0: none, which is the live log if there is no date either
}

func (r rotation) rank(datedLast bool) int {
	switch {
	case r.date != "" && datedLast, r.date == "" && r.number > 0 && !datedLast:
		return 1
	case r.date == "" && r.number == 0:
		return 2
	}
	return 0
}

// rotationOf takes the name of path apart: logrotate's numbers and dates (dateext, dateformat), with its "extension" behind
// them or not, newsyslog's .0, exicyclog's .01 (exim, src/exicyclog.src), and a suffix of a compressor.
func rotationOf(path string) rotation {
	dir, name := filepath.Split(path)
	for _, suffix := range [...]string{".gz", ".bz2", ".xz", ".zst", ".zstd", ".Z"} {
		name = strings.TrimSuffix(name, suffix)
	}
	stem, extension := name, ""
	r, ok := marked(stem)
	if !ok {
		extension = filepath.Ext(name)
		r, ok = marked(strings.TrimSuffix(stem, extension))
	}
	if !ok {
		return rotation{family: filepath.Clean(dir + name)}
	}
	r.family = filepath.Clean(dir + r.family + extension)
	return r
}

// marked splits a number or a date off the end of a name.
func marked(name string) (rotation, bool) {
	at := strings.LastIndexFunc(name, func(c rune) bool { return !isMark(c) })
	if at < 0 {
		return rotation{}, false
	}
	stem, mark := name[:at+1], name[at+1:]
	if mark == "" || mark[0] != '-' && mark[0] != '.' && mark[0] != '_' {
		return rotation{}, false
	}
	digits := strings.Map(digitsOnly, mark)
	if isDate(digits) {
		return rotation{family: stem, date: digits}, true
	}
	if mark[0] == '.' && mark[1:] == digits && len(digits) > 0 && len(digits) <= 4 {
		n, _ := strconv.Atoi(digits)
		return rotation{family: stem, number: n + 1}, true // newsyslog begins with 0
	}
	return rotation{}, false
}

func isMark(c rune) bool { return c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == 'T' }

func digitsOnly(c rune) rune {
	if c >= '0' && c <= '9' {
		return c
	}
	return -1
}

// isDate reports whether digits begin with a date from 1990 to 2099, or are a Unix time (dateformat -%s) of 2001 to 2099.
func isDate(digits string) bool {
	if len(digits) == 10 && digits[0] >= '1' && digits[0] <= '4' && !isDay(digits[:8]) {
		return true
	}
	return len(digits) >= 8 && len(digits) <= 14 && isDay(digits[:8])
}

func isDay(s string) bool {
	t, err := time.Parse("20060102", s)
	return err == nil && t.Year() >= 1990 && t.Year() < 2100
}
