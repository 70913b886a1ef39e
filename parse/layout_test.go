package parse

import (
	"strings"
	"testing"

	"mailforensics/mail"
)

// Each table and each prefix holds the same line, at 04:12:09 in Berlin.
func TestLayout(t *testing.T) {
	clock := berlin(t)
	const (
		utc   = "2026-03-07T03:12:09Z"
		whole = "Mar  7 04:12:09 mx1 postfix/smtpd[1]: x, y"
	)
	good := func(head, line, time, host string, pid int) {
		t.Helper()
		layout := LayoutOf(head + "\n" + line + "\n")
		got, ok := readHead(NewHeaderReader(clock).Expect(layout), line)
		if want := (headLine{time, host, "postfix/smtpd", pid, "x, y"}); layout == nil || !ok || got != want {
			t.Errorf("%s\n%s\n got %v %+v\nwant true %+v", head, line, ok, got, want)
		}
		for i := range len(line) { // must not panic
			readHead(NewHeaderReader(clock).Expect(layout), line[:i])
			LayoutOf(line[:i])
		}
	}

	// Tables.
	good(`"@timestamp","host.hostname","process.name","process.pid","message"`, `"Mar 7, 2026 @ 04:12:09.500","mx1","postfix/smtpd","1","x, y"`, "2026-03-07T03:12:09.5Z", "mx1", 1) // Kibana
	good("@timestamp,process.pid,host.hostname,message,process.name", `2026-03-07T03:12:09.000Z,1,mx1,"x, y",postfix/smtpd`, utc, "mx1", 1)
	good(`"timestamp","source","application_name","message"`, `"2026-03-07T03:12:09.000Z","mx1","postfix/smtpd","x, y"`, utc, "mx1", 0) // Graylog
	good(`"Date","Host","Service","Message"`, `"2026-03-07T03:12:09.000Z","mx1","postfix","`+whole+`"`, utc, "mx1", 1)                  // Datadog
	good("TimeGenerated [UTC],Computer,ProcessName,ProcessID,SyslogMessage", `"3/7/2026, 3:12:09.000 AM",mx1,postfix/smtpd,1,"x, y"`, utc, "mx1", 1)
	good("TimeGenerated [UTC],Computer,ProcessName,ProcessID,SyslogMessage", `"3/7/2026, 12:12:09.000 PM",mx1,postfix/smtpd,1,"x, y"`, "2026-03-07T12:12:09Z", "mx1", 1)
	good("@timestamp,@message", `2026-03-07 03:12:09.000,"`+whole+`"`, utc, "mx1", 1)                                                                          // CloudWatch Logs Insights
	good(`"labels","Time","Line","tsNs","id"`, `"{""job"":""x""}","1772853129000","`+whole+`","1772853129000000000","1_a"`, utc, "mx1", 1)                     // Grafana
	good("Date,Time,Level,Host Name,Category,Program,Messages", `2026-03-07,04:12:09,Info,mx1,mail,postfix/smtpd,"x, y"`, utc, "mx1", 0)                       // Synology
	good("log_line,log_time,log_level,log_hostname,log_procname,log_pid,log_body", `0,2026-03-07 04:12:09.000,info,mx1,postfix/smtpd,1,"x, y"`, utc, "mx1", 1) // lnav
	good("_time;host;process;pid;_raw", "2026-03-07T04:12:09.000+0100;mx1;x;1;"+whole, utc, "mx1", 1)
	good("7711561783320576\t2026-03-07T04:12:09+01:00\t2026-03-07T04:12:10+01:00\t2\tmx1\t192.0.2.1\tMail\tInfo\tpostfix/smtpd\tx, y",
		"7711561783320577\t2026-03-07T04:12:09+01:00\t2026-03-07T04:12:10+01:00\t2\tmx1\t192.0.2.1\tMail\tInfo\tpostfix/smtpd\tx, y", utc, "mx1", 0) // Papertrail
	good("7711561783320576\t2026-03-06 19:12:09 -0800\t2026-03-06 19:12:10 -0800\t2\tmx1\t192.0.2.1\tMail\tInfo\tpostfix/smtpd\tx, y",
		"7711561783320576\t2026-03-06 19:12:09 -0800\t2026-03-06 19:12:10 -0800\t2\tmx1\t192.0.2.1\tMail\tInfo\tpostfix/smtpd\tx, y", utc, "mx1", 0)
	good("EVENTS\t1772853129500\t"+whole+"\t1772853129000", "EVENTS\t1772853129500\t"+whole+"\t1772853129000", utc, "mx1", 1) // CloudWatch Logs
	good("EVENTS\t123\t1772853129500\tmx1\t"+whole+"\t1772853129000", "EVENTS\t123\t1772853129500\tmx1\t"+whole+"\t1772853129000", utc, "mx1", 1)

	// What stands before the lines.
	for _, before := range [...]string{"    ", "> ", "     1\t", "     17 ", "mx1: ", "[mail-7d9f8-x2x4z postfix] ", "mail-7d9f8-x2x4z postfix ",
		"mail-7d9f8 › postfix ", `2026-03-07T03:12:09Z {filename="/var/log/mail.log", job="x"} `, "2026-03-07 04:12:09.000\t"} {
		good(before+whole, before+whole, utc, "mx1", 1)
	}
	good("mail-7d9f8 postfix x", "mail-7d9f8 postfix 2026-03-07T03:12:09.5Z "+whole, "2026-03-07T03:12:09.5Z", "mx1", 1)
}

type headLine = head

// Nothing that a stranger wrote changes how a file is read.
func TestNoLayout(t *testing.T) {
	for _, text := range [...]string{
		"",
		"words,more words\n",
		"time, message\nMar  7 04:12:09 mx1 postfix/smtpd[1]: x, y\n",
		"time;message\r\n2026-03-07T04:12:09+01:00 mx1 postfix/smtpd[1]: x; y\r\n",
		"Mar  7 04:12:09 mx1 postfix/smtpd[1]: helo=<x,message,timestamp>\n",
		"2026-03-07 04:12:09 H=x [192.0.2.1] rejected: a,message,timestamp\n",
		"Subject: a,message,timestamp\n",
		"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x\n    Mar  7 04:12:09 mx1 postfix/smtpd[1]: x\n    Mar  7 04:12:09 mx1 postfix/smtpd[1]: x\n",
		`{"hits":[{"message":"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x"}]}` + "\n",
		"[\n  {\n    \"message\": \"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x\"\n",
		"INFO 2026-03-07 04:12:09 the program began\nINFO 2026-03-07 04:12:10 it goes on\n",
	} {
		if l := LayoutOf(text); l != nil {
			t.Errorf("%q: got a layout %+v, want none", text, *l)
		}
	}
}

// A row with too few values, or cut in a quoted one, and the names of the columns are no lines.
func TestNoRow(t *testing.T) {
	const names = `"timestamp","program","message"`
	r := NewHeaderReader(berlin(t)).Expect(LayoutOf(names))
	for _, line := range [...]string{names, `"2026-03-07T03:12:09Z","postfix/smtpd"`, `"2026-03-07T03:12:09Z","postfix/smtpd","x`, "words", ",,", `"","",""`,
		strings.Repeat(",", 300)} {
		var ev mail.Event
		if body, ok := r.Read(line, &ev); ok {
			t.Errorf("%q: got %q, want no header", line, body)
		}
	}
}
