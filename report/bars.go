package report

import (
	"strconv"
	"strings"

	"mailforensics/analyze"
)

var (
	sparks   = []rune("▁▂▃▄▅▆▇█")
	eighths  = []rune("▏▎▍▌▋▊▉█")
	noSpark  = '·' // nothing at all, which is not the same as little
	perSpark = float64(len(sparks))
)

// sparkline draws counts as one mark each. What is not zero is never drawn as nothing.
func sparkline(counts []int) string {
	most := 0
	for _, n := range counts {
		most = max(most, n)
	}
	var b strings.Builder
	for _, n := range counts {
		if n <= 0 {
			b.WriteRune(noSpark)
			continue
		}
		b.WriteRune(sparks[min(int(float64(n)/float64(most)*perSpark), len(sparks)-1)])
	}
	return b.String()
}

// bar draws n as a bar that is width wide when n is most.
func bar(n, most, width int) string {
	if n <= 0 || most <= 0 || width <= 0 {
		return ""
	}
	full := n * width * len(eighths) / most
	full = max(full, 1)
	text := strings.Repeat(string(eighths[len(eighths)-1]), full/len(eighths))
	if rest := full % len(eighths); rest > 0 {
		text += string(eighths[rest-1])
	}
	return text
}

// series is a timeline as evenly spaced counts, at most marks of them, and how many minutes one of them is.
func series(bs []analyze.Bucket, marks int) (counts []int, minutes int) {
	if len(bs) == 0 {
		return nil, 0
	}
	first, last := bs[0].Time.Minute(), bs[len(bs)-1].Time.Minute()
	all := int(last-first) + 1
	minutes = stepOf((all + marks - 1) / marks)
	counts = make([]int, (all+minutes-1)/minutes)
	for _, b := range bs {
		counts[int(b.Time.Minute()-first)/minutes] += b.Messages + b.Rejected
	}
	return counts, minutes
}

// stepOf is the smallest step of a clock that is not less than n minutes.
func stepOf(n int) int {
	for _, step := range []int{1, 2, 5, 10, 15, 30, 60, 2 * 60, 3 * 60, 6 * 60, 12 * 60, 24 * 60, 7 * 24 * 60} {
		if n <= step {
			return step
		}
	}
	return (n + 24*60 - 1) / (24 * 60) * 24 * 60
}

// step says a number of minutes: "1 min", "2 h".
func step(minutes int) string {
	switch {
	case minutes%(24*60) == 0:
		return strconv.Itoa(minutes/(24*60)) + " d"
	case minutes%60 == 0:
		return strconv.Itoa(minutes/60) + " h"
	}
	return strconv.Itoa(minutes) + " min"
}
