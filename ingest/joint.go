package ingest

import (
	"fmt"
	"strings"
	"time"

	"mailforensics/mail"
)

// joint is where somebody put the logs of two hosts together, one behind the other: there time goes back. Messages that pass from
// one of these hosts to the other are not found to be the same, since the first is done with long before the second begins.
type joint struct {
	newest mail.Instant // of the mail programs' lines so far
	host   string       // that begins there; "" none: only the first is told
	from   mail.Instant // the newest time before it
	to     mail.Instant
}

// jointAtLeast is by how much the lines of a host begin earlier: more than clocks and zones that are wrong mostly make.
const jointAtLeast = mail.Instant(3 * time.Hour)

// note takes down that the lines of a host begin at a time, behind lines of another time.
func (j *joint) note(host string, at, behind mail.Instant) {
	if j.host == "" && at < behind-jointAtLeast {
		if host == "" {
			host = "an unnamed host"
		}
		j.host, j.from, j.to = strings.Clone(host), behind, at
	}
}

func (j *joint) warning(zone *time.Location) string {
	if j.host == "" {
		return ""
	}
	return fmt.Sprintf("lines of %s begin at %s, behind lines of %s: if these are the logs of several hosts, put together, give each as a file of its own; "+
		"messages that pass from one host to the other are counted twice here", j.host, j.to.In(zone).Format(time.DateTime), j.from.In(zone).Format(time.DateTime))
}
