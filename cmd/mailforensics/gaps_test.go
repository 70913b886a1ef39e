package main

import (
	"fmt"
	"testing"
	"time"

	"mailforensics/mail"
)

// TestGaps: the longest silences of each host, and how many of an hour or more there were.
func TestGaps(t *testing.T) {
	noon := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
	event := func(host string, mta mail.MTA, after time.Duration) mail.Event {
		return mail.Event{Host: host, MTA: mta, Time: mail.InstantOf(noon.Add(after))}
	}
	for _, c := range []struct {
		name   string
		events []mail.Event
		count  int
		want   []string
	}{
		{"none", nil, 0, nil},
		{"under an hour", []mail.Event{event("mx1", mail.Postfix, 0), event("mx1", mail.Postfix, 59*time.Minute)}, 0, nil},
		{"each host has its own", []mail.Event{
			event("mx1", mail.Postfix, 0), event("mx2", mail.Postfix, 30*time.Minute), event("mx1", mail.Postfix, time.Hour),
			event("mx2", mail.Postfix, 150*time.Minute),
		}, 2, []string{"mx2 12:30 14:30", "mx1 12:00 13:00"}},
		{"a line that is late hides nothing", []mail.Event{
			event("mx1", mail.Postfix, 0), event("mx1", mail.Postfix, 2*time.Hour), event("mx1", mail.Postfix, time.Hour), event("mx1", mail.Postfix, 150*time.Minute),
		}, 1, []string{"mx1 12:00 14:00"}},
		{"an Exim log that names no host is of the only one that is named", []mail.Event{
			event("mx1", mail.Dovecot, 0), event("", mail.Exim, 90*time.Minute), event("", mail.Exim, 140*time.Minute), event("mx1", mail.Dovecot, 5*time.Hour),
		}, 2, []string{"mx1 14:20 17:00", "mx1 12:00 13:30"}},
		{"of two, it may be of either", []mail.Event{
			event("mx1", mail.Dovecot, 0), event("", mail.Exim, 0), event("mx2", mail.Postfix, 0), event("mx2", mail.Postfix, 10*time.Minute),
			event("mx1", mail.Dovecot, 2*time.Hour),
		}, 1, []string{"mx1 12:00 14:00"}},
		{"webmail is silent by night", []mail.Event{event("", mail.Webmail, 0), event("", mail.Webmail, 9*time.Hour)}, 0, nil},
		{"an event without a time", []mail.Event{event("mx1", mail.Postfix, 0), {Host: "mx1"}, event("mx1", mail.Postfix, 30*time.Minute)}, 0, nil},
	} {
		var g gapFinder
		g.add(c.events)
		gaps, count := g.longest()
		var got []string
		for _, x := range gaps {
			got = append(got, x.Host+x.From.In(time.UTC).Format(" 15:04")+x.To.In(time.UTC).Format(" 15:04"))
		}
		if count != c.count || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: got %d, %q, want %d, %q", c.name, count, got, c.count, c.want)
		}
	}
	var g gapFinder
	for i := range 2 * mostGaps {
		g.add([]mail.Event{event("mx1", mail.Exim, time.Duration(i*i+i)*time.Hour)})
	}
	if gaps, count := g.longest(); len(gaps) != mostGaps || count != 2*mostGaps-1 || gaps[0].To.Sub(gaps[0].From) != 2*(2*mostGaps-1)*time.Hour {
		t.Errorf("%d gaps: got %d of %d, the first %v", 2*mostGaps-1, len(gaps), count, gaps[0])
	}
}
