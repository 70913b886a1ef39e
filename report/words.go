package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// The words and numbers that Terminal, Markdown and tables share.

// Commas is a number as a person reads it: 4,012.
func Commas(n int) string { return humanize.Comma(int64(n)) }

// Bytes is a size as a person reads it: 1.2 GB.
func Bytes(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// Counted is "1 message", "36 messages".
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Commas(n) + " " + many
}

// span is a duration in its two largest units: "7 min 44 s".
func span(d time.Duration) string {
	switch {
	case d <= 0: // the stamps of most logs are whole seconds
		return "under 1 s"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	units := [...]struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, " d"}, {time.Hour, " h"}, {time.Minute, " min"}, {time.Second, " s"}}
	var parts []string
	for _, u := range units {
		if n := d / u.of; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+u.name)
			d -= n * u.of
		} else if len(parts) > 0 {
			break // 2 d 3 s is 2 d
		}
		if len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, " ")
}

const (
	dayLayout    = "Mon 2006-01-02 15:04:05"
	clockLayout  = "15:04:05"
	minuteLayout = "15:04"
)

// percent is a score: "97 %".
func percent(score float64) string { return strconv.Itoa(int(score*100+0.5)) + " %" }

// per is a rate: "4.7 a minute".
func per(x float64) string {
	if x >= 10 {
		return Commas(int(x + 0.5))
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

func nonzero(ns []named) []string {
	ns = slices.DeleteFunc(ns, func(n named) bool { return n.n == 0 })
	slices.SortStableFunc(ns, func(a, b named) int { return cmp.Compare(b.n, a.n) })
	texts := make([]string, len(ns))
	for i, n := range ns {
		texts[i] = Commas(n.n) + " " + n.name
	}
	return texts
}

// some joins the first few of many values and says how many more there are.
func some(vs []string, few, all int) string {
	if len(vs) > few {
		vs = vs[:few]
	}
	text := strings.Join(vs, ", ")
	if more := all - len(vs); more > 0 {
		text += " and " + Commas(more) + " more"
	}
	return text
}

// shown is a value for a person.
func shown(v Value, zone *time.Location) string {
	switch v.kind {
	case textValue:
		return v.text
	case intValue:
		return humanize.Comma(v.whole)
	case momentValue:
		return instant(v).In(zone).Format("2006-01-02 15:04:05")
	case durationValue:
		return span(duration(v))
	case seriesValue:
		return sparkline(v.series)
	}
	return ""
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
