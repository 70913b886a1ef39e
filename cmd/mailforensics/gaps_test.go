package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mailforensics/correlate"
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

// Whatever the tracker could not know, or did not keep, is said.
func TestTrackerNotes(t *testing.T) {
	for _, c := range []struct {
		stats correlate.Stats
		want  string
	}{
		{correlate.Stats{Unfinished: 2, Waiting: 1}, "2 messages and 1 notice of the mail server itself still in the queue"},
		{correlate.Stats{Unborn: 1}, "1 message whose beginning is not in the log, but counted anyway"},
		{correlate.Stats{Orphans: 1}, "1 message without a beginning in the log, and not counted"},
		{correlate.Stats{EndNotSeen: 1}, "1 message whose end was not seen"},
		{correlate.Stats{Outlived: 1}, "1 message open for more than 30 days"},
		{correlate.Stats{Evicted: 1}, "1 message counted before their end, to limit the memory used"},
		{correlate.Stats{Unclear: 1}, "1 message counted without a client"},
		{correlate.Stats{Doubtful: 1}, "1 message in lines that contradict themselves"},
		{correlate.Stats{Cut: 1}, "1 recipient, line or session left out, to limit the memory used"},
	} {
		if got := trackerNotes(&c.stats); len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%+v: got %q, want %q", c.stats, got, c.want)
		}
	}
}
