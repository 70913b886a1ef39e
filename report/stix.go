package report

import (
	"crypto/sha1"
	"fmt"
	"io"
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// STIX writes the clients of the findings that are at least medium as a bundle of indicators (STIX 2.1, OASIS Standard of
// 10 June 2021), for others to import. Clients of accounts and users are left out: their owners are among them. The IDs are
// made from what they name (RFC 4122, version 5), so that the same findings give the same bundle.
func STIX(w io.Writer, r *Report) error {
	o := object{zone: time.UTC}
	o.open("")
	o.str("type", "bundle")
	o.str("id", "bundle--"+uuid5(bundleName(r)))
	o.openList("objects")
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity < analyze.Medium || f.Subject.Kind == analyze.Account || f.Subject.Kind == analyze.UID {
			continue
		}
		for j := range f.Clients {
			o.indicator(f, &f.Clients[j])
		}
	}
	o.closeList()
	o.close()
	o.buf = append(o.buf, '\n')
	_, err := w.Write(o.buf)
	return err
}

func bundleName(r *Report) string {
	name := "bundle"
	for i := range r.Findings {
		name += "\n" + r.Findings[i].ID
	}
	return name
}

// stixTime is the timestamp type of STIX (section 3.1): UTC, with milliseconds here.
func stixTime(t mail.Instant) string { return t.In(time.UTC).Format("2006-01-02T15:04:05.000Z") }

func (o *object) indicator(f *analyze.Finding, c *analyze.ClientCount) {
	kind := "ipv4-addr"
	if c.IP.Unmap().Is6() {
		kind = "ipv6-addr"
	}
	o.open("")
	o.str("type", "indicator")
	o.str("spec_version", "2.1")
	o.str("id", "indicator--"+uuid5(f.ID+"\n"+c.IP.String()))
	o.str("created", stixTime(f.End))
	o.str("modified", stixTime(f.End))
	o.str("name", c.IP.Unmap().String())
	o.str("description", f.Title)
	o.strs("indicator_types", []string{"malicious-activity"})
	o.str("pattern", fmt.Sprintf("[%s:value = '%s']", kind, stixString(c.IP.Unmap().String())))
	o.str("pattern_type", "stix")
	o.str("valid_from", stixTime(f.Start))
	o.strs("labels", []string{f.Detector, f.Severity.String()})
	o.num("confidence", int64(100*f.Score+0.5))
	o.close()
}

// stixString is the inside of a string literal of a STIX pattern (section 9.2).
func stixString(s string) string {
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s)
}

// uuid5 is a name-based UUID (RFC 4122, section 4.3) in a name space of this program's own.
func uuid5(name string) string {
	sum := sha1.Sum([]byte("mailforensics\n" + name))
	id := sum[:16]
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
