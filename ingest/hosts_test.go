package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// mainlog returns an hour of Exim's main log, which begins at a minute of the day. The letter is part of all its message IDs: logs
// with the same one have the same messages.
func mainlog(letter string, minute int) string {
	var b strings.Builder
	for i := range 12 {
		at := minute + 5*i
		fmt.Fprintf(&b, "2024-05-14 %02d:%02d:00 1s6n%sX-000%03d-2K <= a@b.example H=(c) [192.0.2.1] P=esmtp S=1\n", at/60, at%60, letter, i)
	}
	return b.String()
}

// longlog returns such a log until 20:00, longer than one chunk.
func longlog(letter string, from int) string {
	var b strings.Builder
	for i := from * 360; i < 20*360; i++ {
		fmt.Fprintf(&b, "2024-05-14 %02d:%02d:%02d 1s6n%sX-00%04d-2K <= a@b.example H=(c) [192.0.2.1] P=esmtp S=1\n", i/360, i/6%60, i%6*10, letter, i)
	}
	return b.String()
}

func TestHostsOfNamelessLogs(t *testing.T) {
	mx1, mx2 := mainlog("A", 600), mainlog("B", 610)
	for _, test := range []struct {
		why   string
		files []string
		want  string // the hosts of each file
	}{
		{"one directory each", []string{"mx1/mainlog", mx1, "mx2/mainlog", mx2}, "[[mx1] [mx2]]"},
		{"names in the file names", []string{"mx1.mainlog.gz", mx1, "mx2-exim_mainlog.1.gz", mx2, "mx1.rejectlog", mx1}, "[[mx1] [mx2] [mx1]]"},
		{"a folder below", []string{"mx1/log/exim4/mainlog", mx1, "mx2/log/exim4/mainlog", mx2}, "[[mx1] [mx2]]"},
		{"rotations", []string{"mx1/mainlog.1", mainlog("A", 540), "mx1/mainlog", mx1, "mx2/mainlog", mx2}, "[[mx1] [mx1] [mx2]]"},
		{"rotations, the newest first", []string{"mx1/mainlog", mx1, "mx1/mainlog.01", mainlog("A", 540), "mx2/mainlog", mx2}, "[[mx1] [mx1] [mx2]]"},
		{"rotations of which one begins later", []string{"mx1/mainlog", mainlog("C", 900), "mx1/mainlog.1", mainlog("A", 600), "mx2/mainlog", mainlog("B", 670)}, "[[mx1] [mx1] [mx2]]"},
		{"lines without a stamp", []string{"mx1/mainlog", "  a further line\n" + mx1, "mx2/mainlog", mx2 + "  a further line\n"}, "[[mx1] [mx2]]"},
		{"a reject log alone", []string{"mx1/mainlog", mx1, "mx2/rejectlog", mx2}, "[[] []]"},
		{"a reject log beside a host that names itself", []string{"mx1/rejectlog", mx1, "mx2/mail.log", strings.ReplaceAll(mx2, " 1s6n", " mx2 exim[7]: 1s6n")}, "[[] [mx2]]"},
		{"another log of the host that names itself", []string{"mx2/mainlog", mx1, "logs/mx2.mail.log", strings.ReplaceAll(mx2, " 1s6n", " mx2 exim[7]: 1s6n")}, "[[] [mx2]]"},
		{"parts of one log", []string{"first/mainlog", mx1, "second/mainlog", mainlog("B", 660)}, "[[] []]"},
		{"a copy", []string{"old/mainlog", mx1, "new/mainlog", mx1 + mainlog("B", 660)}, "[[] []]"},
		{"logs of several chunks", []string{"mx1/mainlog", longlog("A", 0), "mx2/mainlog", longlog("B", 15)}, "[[mx1] [mx2]]"},
		{"a copy of the end of a log of several chunks", []string{"old/mainlog", longlog("A", 0), "new/mainlog", longlog("A", 15)}, "[[] []]"},
		{"dates", []string{"2024-05-14/mainlog", mx1, "2024-05-15/mainlog", mx2}, "[[] []]"},
		{"one host", []string{"mainlog", mx1, "rejectlog", mx1}, "[[] []]"},
		{"a host that names itself", []string{"mx1/mainlog", mx1, "mx2/mail.log", strings.ReplaceAll(mx2, " 1s6n", " mx2 exim[7]: 1s6n")}, "[[mx1] [mx2]]"},
		{"a host that names itself, by the file's name", []string{"mx1.mainlog", mx1, "mx2.mail.log", strings.ReplaceAll(mx2, " 1s6n", " mx2 exim[7]: 1s6n")}, "[[mx1] [mx2]]"},
		{"its own two logs", []string{"mx2/mainlog", mx1, "mx2/mail.log", strings.ReplaceAll(mx2, " 1s6n", " mx2 exim[7]: 1s6n")}, "[[] [mx2]]"},
		{"its own two logs, as they lie", []string{"log/exim4/mainlog", mx1, "log/mail.log", strings.ReplaceAll(mx2, " 1s6n", " mx2 exim[7]: 1s6n")}, "[[] [mx2]]"},
		{"a webmail's log", []string{"webmail.log", "[14-May-2024 10:00:00 +0000]: Successful login for a@b.example (ID: 1) from 192.0.2.1 in session 0a\n", "mx2.mail.log", strings.ReplaceAll(mx2, " 1s6n", " mx2 exim[7]: 1s6n")}, "[[] [mx2]]"},
		{"a path that says nothing of its host", []string{"exim/mainlog", mx1, "postfix/mail.log", strings.ReplaceAll(mx2, " 1s6n", " mx2 exim[7]: 1s6n")}, "[[] [mx2]]"},
	} {
		t.Run(test.why, func(t *testing.T) {
			inputs := logs(t, test.files...)
			o := options()
			o.Zone = time.UTC // the IDs are made up, and prove no zone
			ledger, err := Read(context.Background(), inputs, o, func([]mail.Event) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			var hosts [][]string
			for _, f := range ledger.Files {
				hosts = append(hosts, f.Hosts)
			}
			if got := fmt.Sprint(hosts); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
