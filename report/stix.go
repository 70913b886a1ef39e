package report

import (
	"crypto/sha1"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// STIX writes the clients of the findings that are at least medium as a bundle of indicators (STIX 2.1, OASIS Standard of
// 10 June 2021), one for each address, for others to import. Clients of accounts and users are left out, because their
// owners are among them, and so are our own addresses. The IDs are made from what they name (RFC 4122, version 5), so that
// the same findings give the same bundle, and others give other objects instead of other versions of the same.
func STIX(w io.Writer, r *Report) error {
	all := indicators(r)
	name := "bundle"
	for i := range all {
		name += "\n" + all[i].name()
	}
	o := object{zone: time.UTC}
	o.open("")
	o.str("type", "bundle")
	o.str("id", "bundle--"+uuid5(name))
	if len(all) > 0 { // an empty list is not allowed (section 2.10)
		o.openList("objects")
		for i := range all {
			o.indicator(&all[i])
		}
		o.closeList()
	}
	o.close()
	o.buf = append(o.buf, '\n')
	_, err := w.Write(o.buf)
	return err
}

// indicator is an address and the findings that it is in.
type indicator struct {
	ip       netip.Addr
	findings []*analyze.Finding
}

// name is what its ID is made from.
func (in *indicator) name() string {
	name := "indicator\n" + in.ip.String()
	for _, f := range in.findings {
		name += "\n" + f.ID
	}
	return name
}

// indicators are the addresses to name, in their order.
func indicators(r *Report) []indicator {
	byIP := make(map[netip.Addr][]*analyze.Finding)
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity < analyze.Medium || f.Subject.Kind == analyze.Account || f.Subject.Kind == analyze.UID {
			continue
		}
		for j := range f.Clients {
			ip := f.Clients[j].IP.Unmap().WithZone("")
			if !ip.IsValid() || isOurs(r.Site, ip) || slices.Contains(byIP[ip], f) {
				continue
			}
			byIP[ip] = append(byIP[ip], f)
		}
	}
	all := make([]indicator, 0, len(byIP))
	for ip, findings := range byIP {
		all = append(all, indicator{ip, findings})
	}
	slices.SortFunc(all, func(a, b indicator) int { return a.ip.Compare(b.ip) })
	return all
}

// isOurs reports whether an address is of this site, or means nothing outside of it.
func isOurs(site *analyze.Site, ip netip.Addr) bool {
	if site != nil {
		return site.IsOwn(ip)
	}
	return mail.IsInside(ip)
}

// stixTime is the timestamp type of STIX (section 2.14): UTC, with milliseconds here.
func stixTime(t mail.Instant) string { return t.In(time.UTC).Format("2006-01-02T15:04:05.000Z") }

// indicator writes an indicator (section 4.7).
func (o *object) indicator(in *indicator) {
	kind := "ipv4-addr"
	if in.ip.Is6() {
		kind = "ipv6-addr"
	}
	start, end := in.findings[0].Start, in.findings[0].End
	var titles, labels []string
	var score float64
	worst := in.findings[0].Severity
	for _, f := range in.findings {
		start, end = min(start, f.Start), max(end, f.End)
		score, worst = max(score, f.Score), max(worst, f.Severity)
		titles = append(titles, f.Title)
		if !slices.Contains(labels, f.Detector) {
			labels = append(labels, f.Detector)
		}
	}
	slices.Sort(labels)
	o.open("")
	o.str("type", "indicator")
	o.str("spec_version", "2.1")
	o.str("id", "indicator--"+uuid5(in.name()))
	o.str("created", stixTime(end))
	o.str("modified", stixTime(end))
	o.str("name", in.ip.String())
	o.str("description", strings.Join(titles, "; "))
	o.strs("indicator_types", []string{"malicious-activity"})
	o.str("pattern", fmt.Sprintf("[%s:value = '%s']", kind, stixString(in.ip.String())))
	o.str("pattern_type", "stix")
	o.str("valid_from", stixTime(start))
	o.strs("labels", append(labels, worst.String()))
	o.num("confidence", int64(100*min(score, 1)+0.5))
	o.close()
}

// stixString is the inside of a string literal of a STIX pattern (section 9.3).
func stixString(s string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s)
}

// nameSpace is this program's own for its UUIDs: the one that STIX has set aside is for other objects (section 2.9).
var nameSpace = [16]byte{0x2c, 0x5d, 0x6f, 0x0e, 0x91, 0x3b, 0x4a, 0x7c, 0x8e, 0x14, 0xd2, 0x60, 0xb7, 0x3f, 0x58, 0xa9}

// uuid5 is a name-based UUID (RFC 4122, section 4.3).
func uuid5(name string) string {
	sum := sha1.Sum(append(nameSpace[:], name...))
	id := sum[:16]
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
