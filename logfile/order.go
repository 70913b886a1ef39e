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
	dir, name := filepath.Split(uncompressed(path))
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

// uncompressed is path without the suffix of a compressor.
func uncompressed(path string) string {
	for _, suffix := range [...]string{".gz", ".bz2", ".xz", ".zst", ".zstd", ".Z"} {
		if stem, ok := strings.CutSuffix(path, suffix); ok {
			return stem
		}
	}
	return path
}

// marked splits a number or a date off the end of a name.
func marked(name string) (rotation, bool) {
	at := strings.LastIndexFunc(name, func(c rune) bool { return !strings.ContainsRune("0123456789-._T", c) }) + 1
	for at < len(name) && name[at] == 'T' { // of the name; the T of a date and time has digits before it
		at++
	}
	stem, mark := name[:at], name[at:]
	if stem == "" || mark == "" {
		return rotation{}, false
	}
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

// dateOf is the date, and the time behind it, that digits are: written out, or a Unix time (dateformat -%s); else "".
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
