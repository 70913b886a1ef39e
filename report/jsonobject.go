package report

import (
	"math"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"mailforensics/mail"
)

// object writes JSON by hand: fields come in the order of the calls, absent is absent, and a million messages cost no
// reflection. Its buffer may be reused. Members whose names end in "If" are left out when they are zero.
type object struct {
	buf  []byte
	zone *time.Location
}

func (o *object) reset() { o.buf = o.buf[:0] }

// key begins a member, or with "" an element of a list.
func (o *object) key(name string) {
	if n := len(o.buf); n > 0 && o.buf[n-1] != '{' && o.buf[n-1] != '[' && o.buf[n-1] != '\n' {
		o.buf = append(o.buf, ',')
	}
	if name != "" {
		o.buf = append(o.buf, '"')
		o.buf = append(o.buf, name...)
		o.buf = append(o.buf, '"', ':')
	}
}

func (o *object) open(name string)     { o.key(name); o.buf = append(o.buf, '{') }
func (o *object) close()               { o.buf = append(o.buf, '}') }
func (o *object) openList(name string) { o.key(name); o.buf = append(o.buf, '[') }
func (o *object) closeList()           { o.buf = append(o.buf, ']') }

func (o *object) str(name, v string) {
	o.key(name)
	o.buf = appendString(o.buf, v)
}

func (o *object) strIf(name, v string) {
	if v != "" {
		o.str(name, v)
	}
}

func (o *object) num(name string, v int64) {
	o.key(name)
	o.buf = strconv.AppendInt(o.buf, v, 10)
}

func (o *object) numIf(name string, v int64) {
	if v != 0 {
		o.num(name, v)
	}
}

// float writes v with as many digits as it needs, at most four after the point: scores and rates claim no more.
func (o *object) float(name string, v float64) {
	o.key(name)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	o.buf = strconv.AppendFloat(o.buf, math.Round(v*10000)/10000, 'f', -1, 64)
}

func (o *object) bool(name string, v bool) {
	o.key(name)
	o.buf = strconv.AppendBool(o.buf, v)
}

func (o *object) seconds(name string, d time.Duration) {
	o.key(name)
	o.buf = strconv.AppendFloat(o.buf, math.Round(d.Seconds()*1e6)/1e6, 'f', -1, 64)
}

func (o *object) ipIf(name string, ip netip.Addr) {
	if ip.IsValid() {
		o.key(name)
		o.buf = append(o.buf, '"')
		o.buf = ip.Unmap().WithZone("").AppendTo(o.buf)
		o.buf = append(o.buf, '"')
	}
}

func (o *object) timeIf(name string, t mail.Instant) {
	if t != 0 {
		o.key(name)
		o.buf = append(o.buf, '"')
		o.buf = appendTime(o.buf, t, o.zone)
		o.buf = append(o.buf, '"')
	}
}

func (o *object) strs(name string, vs []string) {
	o.openList(name)
	for _, v := range vs {
		o.str("", v)
	}
	o.closeList()
}

func (o *object) strsIf(name string, vs []string) {
	if len(vs) > 0 {
		o.strs(name, vs)
	}
}

// appendTime appends t as RFC 3339 with an offset, and with as much of a fraction as it has.
func appendTime(dst []byte, t mail.Instant, zone *time.Location) []byte {
	return t.In(zone).AppendFormat(dst, time.RFC3339Nano)
}

// appendString appends s as a JSON string. Everything that is not harmless is written as \uXXXX, so that a file that is
// shown on a terminal does nothing; a byte that is not UTF-8, which JSON cannot hold, as the four letters \xff. There is
// no HTML escaping: < is <.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = appendControl(append(dst, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(append(dst, s[start:i]...), '\\', '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			start = i + size
		case !harmless(r):
			dst = appendEscape(append(dst, s[start:i]...), r)
			start = i + size
		}
		i += size
	}
	return append(append(dst, s[start:]...), '"')
}

func appendControl(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return appendEscape(dst, rune(c))
}
