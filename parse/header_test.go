package parse

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// berlin returns a clock in Central European Time for files that end on 20 November 2026.
func berlin(t testing.TB) *Clock {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return NewClock(zone, mail.InstantOf(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)))
}

// head is what a header says, for comparison.
type head struct {
	time, host, process string
	pid                 int
	body                string
}

func readHead(r *HeaderReader, line string) (head, bool) {
	var ev mail.Event
	body, ok := r.Read(line, &ev)
	h := head{host: ev.Host, process: ev.Process, pid: ev.PID, body: body}
	if ev.Time != 0 {
		h.time = ev.Time.In(time.UTC).Format(time.RFC3339Nano)
	}
	return h, ok
}

func TestRead(t *testing.T) {
	clock := berlin(t)
	const utc = "2026-03-07T03:12:09Z"
	good := func(style Style, line, time, host, process string, pid int, body string) {
		t.Helper()
		r := NewHeaderReader(clock)
		got, ok := readHead(r, line)
		want := head{time, host, process, pid, body}
		if !ok || got != want || r.Style != style {
			t.Errorf("%s\n got %v %v %+v\nwant true %v %+v", line, ok, r.Style, got, style, want)
		}
		if again, _ := readHead(r, line); again != got { // the second time the day is remembered
			t.Errorf("%s\nfirst  %+v\nsecond %+v", line, got, again)
		}
	}
	bad := func(line string) {
		t.Helper()
		if got, ok := readHead(NewHeaderReader(clock), line); ok {
			t.Errorf("%s\n got %+v, want no header", line, got)
		}
	}

	// RFC 3164, as syslog daemons write it.
	good(Traditional, "Mar  7 04:12:09 mx1 postfix/smtpd[20114]: connect from x", utc, "mx1", "postfix/smtpd", 20114, "connect from x")
	good(Traditional, "\rMar  7 04:12:09 mx1 postfix/smtpd[20114]: connect", utc, "mx1", "postfix/smtpd", 20114, "connect") // script(1), behind what the shell told the terminal
	good(Traditional, "Mar 07 04:12:09 mx1 postfix/smtpd[20114]: connect", utc, "mx1", "postfix/smtpd", 20114, "connect")
	good(Traditional, "Mar 7 04:12:09 mx1 postfix/smtpd[20114]: connect", utc, "mx1", "postfix/smtpd", 20114, "connect")
	good(Traditional, "Mar 07 04:12:09.183422 mx1 postfix/smtpd[1]: c", "2026-03-07T03:12:09.183422Z", "mx1", "postfix/smtpd", 1, "c")
	good(Traditional, "Mar  7 04:12:09 mx1 postfix/smtpd: c", utc, "mx1", "postfix/smtpd", 0, "c")
	good(Traditional, "Mar  7 04:12:09 mx1 dovecot: imap-login: Login: user=<eva>", utc, "mx1", "dovecot", 0, "imap-login: Login: user=<eva>")
	good(Traditional, "Mar  7 04:12:09  postfix/smtpd[20114]: c", utc, "", "postfix/smtpd", 20114, "c") // the host is missing
	good(Traditional, "Mar  7 04:12:09 postfix/smtpd[20114]: c", utc, "", "postfix/smtpd", 20114, "c")  // … and its blank
	good(Traditional, "Aug 31 00:21:33  dovecot: last message repeated 2 times", "2026-08-30T22:21:33Z", "", "dovecot", 0, "last message repeated 2 times")
	good(Traditional, "Mar  7 04:12:09 mx1 last message repeated 3 times", utc, "mx1", "", 0, "last message repeated 3 times")
	good(Traditional, "Mar  7 04:12:09 last message repeated 3 times", utc, "", "", 0, "last message repeated 3 times")
	good(Traditional, "Mar  7 04:12:09 mx1 postfix/smtpd[20114]: [ID 197553 mail.info] 4F2A: client=x", utc, "mx1", "postfix/smtpd", 20114, "4F2A: client=x")
	good(Traditional, "Mar  7 04:12:09 <mail.info> mx1 postfix/smtpd[20114]: c", utc, "mx1", "postfix/smtpd", 20114, "c")
	good(Traditional, "Mar  7 04:12:09 mx1 mail.info postfix/smtpd[20114]: c", utc, "mx1", "postfix/smtpd", 20114, "c")
	good(Traditional, "Mar  7 04:12:09 [info] mx1 postfix/smtpd[20114]: c", utc, "mx1", "postfix/smtpd", 20114, "c")                                             // templates of syslog-ng
	good(ISO, "2026-03-07 04:12:09.183422+0100  localhost smtpd[20114]: connect", "2026-03-07T03:12:09.183422Z", "localhost", "postfix/smtpd", 20114, "connect") // log show of macOS
	good(ISO, "2026-03-07 04:12:09.183422+0100  localhost smtp[20114]: (libsystem_info.dylib) [com.apple.network:connection] x (y) [z]", "2026-03-07T03:12:09.183422Z", "localhost", "postfix/smtp", 20114, "x (y) [z]")
	good(ISO, "2026-03-07 04:12:09.183422+0100  localhost kernel[0]: (AppleACPIPlatform) x", "2026-03-07T03:12:09.183422Z", "localhost", "kernel", 0, "x")
	good(ISO, "2026-03-07T04:12:09+01:00 mx1 [mail.info] postfix/smtpd[20114]: c", utc, "mx1", "postfix/smtpd", 20114, "c")
	good(Traditional, "Mar  7 04:12:09 mx1 [warning] dovecot: c", utc, "mx1", "dovecot", 0, "c")
	good(Traditional, "2026 Mar 07 04:12:09.5 mx1 postfix/smtpd[20114]: c", "2026-03-07T03:12:09.5Z", "mx1", "postfix/smtpd", 20114, "c")
	good(Traditional, "Mar  7 2024 04:12:09 mx1 postfix/smtpd[1]: c", "2024-03-07T03:12:09Z", "mx1", "postfix/smtpd", 1, "c")
	good(Traditional, "Mar  7 04:12:09 s_net@mx1/relay2 postfix/smtpd[1]: c", utc, "mx1", "postfix/smtpd", 1, "c")
	good(Traditional, "Mar  7 04:12:09 mx1/relay2 postfix/smtpd[1]: c", utc, "mx1", "postfix/smtpd", 1, "c")
	good(Traditional, "Mar  7 04:12:09 mx1.example.org postfix/smtpd[1]: c", utc, "mx1.example.org", "postfix/smtpd", 1, "c")
	good(Traditional, "Mar  7 04:12:09 mx1 postfix/submission/smtpd[1048576 4F2A91C0D3: client=x", utc, "mx1", "postfix/submission/smtpd", 1048576, "4F2A91C0D3: client=x")
	good(Traditional, "Mar  7 04:12:09 mx1 postfix/submission-internal/smt 4F2A91C0D3: client=x", utc, "mx1", "postfix/submission-internal/smt", 0, "4F2A91C0D3: client=x")
	good(Traditional, "Mar  7 04:12:09 mx1 rsyslogd[internal_messages]: x", utc, "mx1", "rsyslogd", 0, "x")
	good(Traditional, "Mar  7 04:12:09 mx1 words without a tag: c", utc, "mx1", "", 0, "words without a tag: c")
	good(Traditional, "Feb 29 04:12:09 mx1 a: b", "2024-02-29T03:12:09Z", "mx1", "a", 0, "b") // no year since had the day
	good(Traditional, "Nov 20 12:59:59 mx1 a: b", "2026-11-20T11:59:59Z", "mx1", "a", 0, "b")
	good(Traditional, "Nov 20 13:00:01 mx1 a: b", "2025-11-20T12:00:01Z", "mx1", "a", 0, "b") // after the newest line there is
	good(Traditional, "Mar  7 04:12:60 mx1 a: b", "2026-03-07T03:13:00Z", "mx1", "a", 0, "b") // leap second
	good(Traditional, "Mar  7 04:12:09 mx1", utc, "mx1", "", 0, "")                           // cut
	good(Traditional, "Mar  7 04:12:09 mx1 postfix/smtpd[2", utc, "mx1", "postfix/smtpd", 2, "")

	good(Traditional, "Mar 07 04:12:09 imap-login: Info: Login: user=<eva>", utc, "", "imap-login", 0, "Info: Login: user=<eva>")                                 // Dovecot's own files
	for _, host := range []string{"server-1", "mx-out-2.example.org", "mailgw-berlin-01", "SERVER-1", "SERVER-MAIL01-X", "SERVER-MAIL01-NY", "2nd-fl-server-1"} { // none is a message ID
		good(ISO, "2026-03-07 04:12:09 "+host+" postfix/smtpd[20114]: c", utc, host, "postfix/smtpd", 20114, "c")
	}
	good(ISO, "2026-03-07 04:12:09 imap-login: Info: Login: user=<eva>", utc, "", "imap-login", 0, "Info: Login: user=<eva>")
	good(ISO, "2026-03-07 04:12:09 imap(eva@example.org)<311><AbC>: Error: x", utc, "", "dovecot", 0, "imap(eva@example.org)<311><AbC>: Error: x")
	good(ISO, "2026-03-07 04:12:09 auth-worker(default): Info: pam(eva,192.0.2.7): unknown user", utc, "", "dovecot", 0, "auth-worker(default): Info: pam(eva,192.0.2.7): unknown user")
	good(EximOwn, "2026-03-07 04:12:09 Warning: purging the environment", utc, "", "exim", 0, "Warning: purging the environment")
	good(Traditional, "Mar 07 04:12:09 imap(eva@x.example)<3><AbC>: Info: Logged out", utc, "", "dovecot", 0, "imap(eva@x.example)<3><AbC>: Info: Logged out")

	// Containers.
	good(CRI, `2026-03-07T03:12:09Z stdout F {"@timestamp":"2026-03-07T04:12:09+00:00","tag":"postfix/smtpd[953]:","message":" connect"}`, utc, "", "postfix/smtpd", 953, "connect")
	good(ISO, "2026-03-07T04:12:09.183422+01:00 INFO    postfix/smtpd[953]: x", "2026-03-07T03:12:09.183422Z", "", "postfix/smtpd", 953, "x")
	good(ISO, "2026-03-07T03:12:09.263+00:00 info exim[8001]: [8001] x", "2026-03-07T03:12:09.263Z", "", "exim", 8001, "x") // Alpine's syslog-ng
	good(ISO, "2026-03-07T03:12:09.263+00:00 notice exim[8001]: [8001] x", "2026-03-07T03:12:09.263Z", "", "exim", 8001, "x")
	good(Traditional, "2026:03:07-04:12:09 utm exim-in[9103]: 2026-03-07 04:12:09 1haLqi-0002Mp-2G <= x", utc, "utm", "exim-in", 9103, "1haLqi-0002Mp-2G <= x") // Sophos UTM
	good(ISO, "2026-03-07T04:12:09+01:00 WARNING postfix/smtpd[953]: x", utc, "", "postfix/smtpd", 953, "x")
	good(Docker, "2026-03-07T03:12:09.183422105Z Mar 07 04:12:09 mx1 postfix/smtpd[1]: x", "2026-03-07T03:12:09.183422105Z", "mx1", "postfix/smtpd", 1, "x")
	good(Docker, "2026-03-07T03:12:09.5Z 2026-03-07 04:12:09 1s6n4v-0000000017h-1Cr6 Completed", "2026-03-07T03:12:09.5Z", "", "exim", 0, "1s6n4v-0000000017h-1Cr6 Completed")
	good(Traditional, "postfix-1  | Mar 07 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(Traditional, "7mailhost1 | Mar 07 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(Traditional, "\x1b[36mpostfix-1  |\x1b[0m Mar 07 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(Docker, "mail_1  | 2026-03-07T03:12:09Z Mar 07 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(CRI, "2026-03-07T03:12:09Z stdout F Mar 07 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(CRI, "2026-03-07T03:12:09Z stderr P Mar 07 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "Mar 07 04:12:09 mx1 postfix/smtpd[1]: x")
	good(CRI, "2026-03-07T03:12:09Z stdout F the end of it", utc, "", "", 0, "the end of it")
	good(Docker, `{"log":"Mar 07 04:12:09 mx1 postfix/smtpd[1]: \u003cx\u003e\n","stream":"stdout","time":"2026-03-07T03:12:09.5Z"}`, "2026-03-07T03:12:09.5Z", "mx1", "postfix/smtpd", 1, "<x>")
	good(JSON, `{"@timestamp":"2026-03-07T04:12:09+00:00","type":"syslog_json","tag":"postfix/smtpd[953]:","hostname":"mx1","program":"postfix","severity_label":"info","message":" connect from x"}`, "2026-03-07T04:12:09Z", "mx1", "postfix/smtpd", 953, "connect from x")
	good(JSON, `{"message":"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x", "@timestamp":"2026-03-07T09:00:00Z", "host":{"name":"shipper"}}`, "2026-03-07T09:00:00Z", "mx1", "postfix/smtpd", 1, "x")

	good(Traditional, "mail_postfix.1.l2k3jh4@node1    | Mar 07 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x") // docker service logs
	good(Traditional, "[pod/postfix-0/postfix] Mar 07 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")           // kubectl logs --prefix
	good(Docker, "[pod/postfix-0/postfix] 2026-03-07T03:12:09Z Mar 07 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	bad("4 (256/256 bits) key-exchange X25519")
	bad("[pod/postfix-0/postfix]")
	bad("[pod/postfix-0/postfix] words")
	bad(`["1772853129000000000",1]`)
	bad(`["1772853129000000000"]`)
	bad(`["a","Mar  7 04:12:09 mx1 postfix/smtpd[1]: x"]`)
	bad(`[{"field":"@message","value":"x"}]`)
	bad(`[{"field":"@message"},{"field":"@timestamp"}]`)

	// What grep puts in front.
	good(Traditional, "/var/log/mail.log.2-Mar  7 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x") // -C
	good(Traditional, "mail.log-4711-Mar  7 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(Traditional, "4711-Mar  7 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(ISO, "4711-2026-03-07T04:12:09+01:00 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(ISO, "mail-2026-03.log-2026-03-07T04:12:09+01:00 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(EximOwn, "mx1/mainlog-17-2026-03-07 04:12:09 1s6n4v-0000000017h-1Cr6 Completed", utc, "", "exim", 0, "1s6n4v-0000000017h-1Cr6 Completed")
	good(EximOwn, "17-2026-03-07 04:12:09 1s6n4v-0000000017h-1Cr6 Completed", utc, "", "exim", 0, "1s6n4v-0000000017h-1Cr6 Completed")
	good(Traditional, "/var/log/mail.log.2.gz:Mar  7 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(Traditional, "mail.log:4711:Mar  7 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(Traditional, "4711:Mar  7 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(Traditional, "2026-03-07.log:Mar  7 04:12:09 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(ISO, "maillog:2026-03-07T04:12:09+01:00 mx1 postfix/smtpd[1]: x", utc, "mx1", "postfix/smtpd", 1, "x")
	good(EximOwn, "mainlog:2026-03-07 04:12:09 1s6n4v-0000000017h-1Cr6 Completed", utc, "", "exim", 0, "1s6n4v-0000000017h-1Cr6 Completed")
	bad("a header:Mar  7 04:12:09 mx1 postfix/smtpd[1]: x")
	bad("mail.log: Mar  7 04:12:09 mx1 postfix/smtpd[1]: x") // a report, not grep
	bad("mail.log:words")
	bad(":Mar  7 04:12:09 mx1 postfix/smtpd[1]: x")

	// Loggers of daemontools and its kin. multilog, svlogd and s6-log put one stamp in front, whatever the program wrote behind it.
	good(Unix, "@4000000069ab97930aee7640 postfix/smtpd[1]: x", "2026-03-07T03:12:09.1834Z", "", "postfix/smtpd", 1, "x")
	good(Unix, "@4000000069ab97930aee7640 Mar  7 04:12:09 mx1 postfix/smtpd[1]: x", "2026-03-07T03:12:09.1834Z", "mx1", "postfix/smtpd", 1, "x")
	good(Unix, "2026-03-07_03:12:09.18342 postfix/smtpd[1]: x", "2026-03-07T03:12:09.18342Z", "", "postfix/smtpd", 1, "x")
	good(Relayed, "2026-03-07T03:12:09.18342 mail.info: Mar  7 04:12:09 postfix/smtpd[1]: x", "2026-03-07T03:12:09.18342Z", "", "postfix/smtpd", 1, "x") // Void's socklog
	good(Traditional, "2026-03-07 04:12:09.183422105  postfix/smtpd[1]: x", "2026-03-07T03:12:09.183422105Z", "", "postfix/smtpd", 1, "x")
	good(Relayed, "2026-03-07 04:12:09.183422105  mail.info: Mar  7 04:12:09 postfix/smtpd[1]: x", utc, "", "postfix/smtpd", 1, "x")
	good(Traditional, "mail.info: Mar  7 04:12:09 postfix/smtpd[301]: x", utc, "", "postfix/smtpd", 301, "x") // no stamp of its own
	bad("mail.info: words")
	bad("@4000000069ab97930aee7640")
	bad("@4000000069ab97930aee764X postfix/smtpd[1]: x")
	bad("@ffffffffffffffff00000000 postfix/smtpd[1]: x")
	bad("@0000000000000000ffffffff postfix/smtpd[1]: x")

	// Facility and severity in other places.
	good(Traditional, "Mar  7 04:12:09 mx1 [mail.info] postfix/smtpd[1]: c", utc, "mx1", "postfix/smtpd", 1, "c")
	good(Traditional, "Mar  7 04:12:09 mail.info mx1 postfix/smtpd[1]: c", utc, "mx1", "postfix/smtpd", 1, "c")
	good(Traditional, "Mar  7 04:12:09 localnews.info postfix/smtpd[1]: c", utc, "localnews.info", "postfix/smtpd", 1, "c")
	good(Traditional, "Mar  7 04:12:09 local7.info postfix/smtpd[1]: c", utc, "", "postfix/smtpd", 1, "c")
	good(JSON, `{"timestamp":9999999999999999999,"host":"mx1","program":"postfix/smtpd","message":"c"}`, "", "mx1", "postfix/smtpd", 0, "c") // no time
	good(Traditional, "Mar  7 04:12:09 mx1 mail:info postfix/smtpd[1]: c", utc, "mx1", "postfix/smtpd", 1, "c")                              // AIX
	good(Traditional, "Sat Mar  7 04:12:09 2026 mail.info postfix/smtpd[1]: c", utc, "", "postfix/smtpd", 1, "c")                            // OpenWrt
	good(Traditional, "Mar  7 04:12:09 mx1 postfix/smtpd[1] <Notice>: c", utc, "mx1", "postfix/smtpd", 1, "c")                               // macOS
	good(Traditional, "Mar  7 04:12:09 mail.example.org postfix/smtpd[1]: c", utc, "mail.example.org", "postfix/smtpd", 1, "c")              // no facility
	bad("Sat Mar  7 04:12:09 20x6 mail.info postfix/smtpd[1]: c")

	// Collectors that put a stamp before one that is there.
	good(Relayed, "Mar  7 04:12:10 192.0.2.1 Mar  7 04:12:09 mx1 postfix/smtpd[1]: c", utc, "mx1", "postfix/smtpd", 1, "c")
	good(Relayed, "Mar  7 04:12:10 mx1 1 2026-03-07T03:12:09.5Z mx1 postfix/smtpd 1 - - c", "2026-03-07T03:12:09.5Z", "mx1", "postfix/smtpd", 1, "c")
	good(Relayed, "2026-03-07T04:12:09+01:00 192.0.2.1 Mar  7 05:12:09 mx1 postfix/smtpd[1]: c", utc, "mx1", "postfix/smtpd", 1, "c")
	good(Traditional, "Mar  7 04:12:09 mx1 Mar  7 04:12:09 words", utc, "mx1", "", 0, "Mar  7 04:12:09 words")

	// Shippers and log servers.
	good(JSON, `{"timestamp":"2026-03-07T04:12:09+01:00","host":"mx1","syslog-tag":"postfix/smtpd[1]:","msg":" x"}`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `{"PROGRAM":"postfix/smtpd","PID":"1","MESSAGE":"x","ISODATE":"2026-03-07T04:12:09+01:00","HOST":"mx1"}`, utc, "mx1", "postfix/smtpd", 1, "x") // syslog-ng
	good(JSON, `{"PROGRAM":"postfix/smtpd","PID":"1","MESSAGE":"x","HOST":"mx1","DATE":"Mar  7 04:12:09"}`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `{"time":"1772853129","program":"postfix/smtpd","message":"x"}`, utc, "", "postfix/smtpd", 0, "x")
	good(JSON, `{"time":1772853129183,"program":"postfix/smtpd","message":"x"}`, "2026-03-07T03:12:09.183Z", "", "postfix/smtpd", 0, "x")
	good(JSON, `{"logsource":"mx1","program":"postfix/smtpd","pid":"1","message":"x","host":"192.0.2.1","@timestamp":"2026-03-07T03:12:09Z"}`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `{"@timestamp":"2026-03-07T03:12:09Z","host":{"hostname":"mx1"},"process":{"name":"postfix/smtpd","pid":1},"message":"x"}`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `{"_index":"f","_source":{"@timestamp":"2026-03-07T03:12:09Z","message":"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x"}}`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `{"version":"1.1","host":"mx1","short_message":"postfix/smtpd[1]: x","timestamp":1772853129.5,"level":6}`, "2026-03-07T03:12:09.5Z", "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `{"version":"1.1","host":"192.0.2.1","short_message":"x","full_message":"<22>Mar  7 04:12:09 mx1 postfix/smtpd[1]: x","timestamp":1772853129}`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `{"labels":{"job":"mail"},"line":"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x","timestamp":"2026-03-07T03:12:09Z"}`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(Traditional, `{"preview":false,"result":{"_raw":"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x"}}`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `{"date":1772853129.5,"ident":"postfix/smtpd","pid":"1","host":"mx1","message":"x"}`, "2026-03-07T03:12:09.5Z", "mx1", "postfix/smtpd", 1, "x") // Fluent Bit
	good(JSON, `{"logName":"projects/p/logs/syslog","textPayload":"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x","timestamp":"2026-03-07T03:12:09.5Z"}`,
		"2026-03-07T03:12:09.5Z", "mx1", "postfix/smtpd", 1, "x") // Google Cloud Logging
	good(JSON, `{"id":"A","attributes":{"timestamp":"2026-03-07T03:12:09Z","host":"mx1","message":"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x"}}`, utc, "mx1", "postfix/smtpd", 1, "x") // Datadog
	good(JSON, `{"fields":{"@timestamp":["2026-03-07T03:12:09Z"],"message":["Mar  7 04:12:09 mx1 postfix/smtpd[1]: x"]}}`, utc, "mx1", "postfix/smtpd", 1, "x")                      // Elasticsearch
	good(JSON, `{"message":{"timestamp":"2026-03-07T03:12:09Z","source":"mx1","application_name":"postfix/smtpd","message":"x"},"index":"g"}`, utc, "mx1", "postfix/smtpd", 0, "x")
	good(JSON, `{"fields":{"host":"x","program":"y"},"@timestamp":"2026-03-07T03:12:09Z","host":{"name":"mx1"},"program":"postfix/smtpd","message":"x"}`, utc, "mx1", "postfix/smtpd", 0, "x") // Filebeat
	good(JSON, `{"TimeGenerated":"2026-03-07T03:12:09Z","Computer":"mx1","ProcessName":"postfix/smtpd","ProcessID":1,"SyslogMessage":"x"}`, utc, "mx1", "postfix/smtpd", 1, "x")               // Azure Monitor
	good(JSON, `{"_msg":"x","_time":"2026-03-07T03:12:09Z","hostname":"mx1","app_name":"postfix/smtpd","proc_id":"1"}`, utc, "mx1", "postfix/smtpd", 1, "x")                                   // VictoriaLogs
	good(JSON, `["1772853129000000000","Mar  7 04:12:09 mx1 postfix/smtpd[1]: \"x\""]`, utc, "mx1", "postfix/smtpd", 1, `"x"`)                                                                 // Loki
	good(JSON, `["1772853129000000000","mx1 postfix/smtpd[1]: x",{}]`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `[{"field":"@timestamp","value":"2026-03-07 03:12:09.000"},{"field":"@message","value":"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x"},{"field":"@ptr","value":"C"}]`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `[{"field":"@message","value":"mx1 postfix/smtpd[1]: x"},{"field":"@timestamp","value":"2026-03-07 03:12:09.000"}]`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `{"jsonPayload":{"message":"Mar  7 04:12:09 mx1 postfix/smtpd[1]: x"},"timestamp":"2026-03-07T03:12:09Z"}`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `{"@timestamp":"2026-03-07T03:12:09.000Z","host":{"hostname":"mx1"},"message":"x","syslog":{"identifier":"postfix/smtpd","facility":2},"process":{"name":"smtpd","pid":7}}`,
		utc, "mx1", "postfix/smtpd", 7, "x") // Filebeat reads the journal
	good(JSON, `{"@timestamp":"2026-03-07T03:12:09.000Z","log":{"syslog":{"appname":"postfix/smtpd","procid":7,"hostname":"mx1"}},"message":"x"}`,
		utc, "", "postfix/smtpd", 7, "x")
	good(JSON, `{"SYSLOG_IDENTIFIER":"postfix/smtpd","_PID":"7","__REALTIME_TIMESTAMP":"1772853129183422","host":"mx1","message":"x","source_type":"journald"}`,
		"2026-03-07T03:12:09.183422Z", "mx1", "postfix/smtpd", 7, "x") // Vector
	good(JSON, "\x1e"+`{"__REALTIME_TIMESTAMP":"1772853129183422","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"exim","MESSAGE":"x"}`, "2026-03-07T03:12:09.183422Z", "mx1", "exim", 0, "x")
	good(JSON, `data: {"__REALTIME_TIMESTAMP":"1772853129183422","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"exim","MESSAGE":"x"}`, "2026-03-07T03:12:09.183422Z", "mx1", "exim", 0, "x")
	good(JSON, `{"timestamp":"2026-03-07T03:12:09Z","host":"mx1","program":"exim","pid":"7","message":"2026-03-07 04:12:09 1s6n4v-0000000017h-1Cr6 Completed"}`,
		utc, "mx1", "exim", 7, "1s6n4v-0000000017h-1Cr6 Completed") // Exim's own stamp makes no whole line
	good(JSON, `{"timestamp":"2026-03-07T03:12:09Z","host":"mx1","program":"webapp","pid":"7","message":"Mar  7 04:12:09 mx2 postfix/smtpd[1]: x"}`,
		utc, "mx1", "webapp", 7, "Mar  7 04:12:09 mx2 postfix/smtpd[1]: x") // it quotes what a stranger sent
	good(JSON, `{"timestamp":"2026-03-07T03:12:09Z","host":"mx1","program":"mail.log","message":"Mar  7 04:12:09 mx2 postfix/smtpd[1]: x"}`, utc, "mx2", "postfix/smtpd", 1, "x")
	bad(`{"host":"mx1","message":"postfix/smtpd[1]: x"}`)                                                                                                        // when?
	bad(`{"timestamp":"2026-03-07T04:12:09+01:00","host":"mx1","message":"connect from"}`)                                                                       // of which program?
	good(JSON, "2026-03-07T04:12:09+01:00\tsystem.mail\t"+`{"host":"mx1","ident":"postfix/smtpd","pid":"1","message":"x"}`, utc, "mx1", "postfix/smtpd", 1, "x") // fluentd
	good(JSON, `2026-03-07 03:12:09.000000000 +0000 system.mail.info: {"host":"mx1","ident":"postfix/smtpd","pid":"1","message":"x"}`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(EximOwn, "2026-03-07 04:12:09 0: {}", utc, "", "exim", 0, "0: {}")
	good(EximOwn, "2026-03-07 04:12:09 +0100 0: {}", utc, "", "exim", 0, "0: {}")
	good(JSON, `"2026-03-07T03:12:09.000Z","mx1","mx1 postfix/smtpd[1]: say ""x"""`, utc, "mx1", "postfix/smtpd", 1, `say "x"`) // Graylog
	good(JSON, `"2026-03-07T03:12:09.000Z","mx1","postfix/smtpd[1]: x"`, utc, "mx1", "postfix/smtpd", 1, "x")
	good(JSON, `"Mar 7, 2026 @ 04:12:09.500",mx1,"postfix/smtpd[1]: x, y"`, "2026-03-07T03:12:09.5Z", "mx1", "postfix/smtpd", 1, "x, y") // Kibana
	good(Traditional, `"Mar  7 04:12:09 mx1 postfix/smtpd[1]: say ""x"""`, utc, "mx1", "postfix/smtpd", 1, `say "x"`)                    // Splunk
	bad(`"timestamp","source","message"`)
	bad(`"2026-03-07T03:12:09.000Z","mx1","connect from x"`)
	bad(`"2026-03-07T03:12:09.000Z","mx1","postfix/smtpd[1]: x`)

	// RFC 3339, 5424, and in between.
	good(ISO, "2026-03-07T04:12:09.183422+01:00 mx1 postfix/smtpd[20114]: c", "2026-03-07T03:12:09.183422Z", "mx1", "postfix/smtpd", 20114, "c")
	good(ISO, "2026-03-07T03:12:09Z mx1 postfix/smtpd[20114]: c", utc, "mx1", "postfix/smtpd", 20114, "c")
	good(ISO, "2026-03-07T04:12:09+0100 mx1 postfix/smtpd[20114]: c", utc, "mx1", "postfix/smtpd", 20114, "c")
	good(ISO, "2026-03-06T23:42:09-0330 mx1 postfix/smtpd[20114]: c", utc, "mx1", "postfix/smtpd", 20114, "c")
	good(ISO, "2026-03-07T04:12:09 mx1 postfix/smtpd[20114]: c", utc, "mx1", "postfix/smtpd", 20114, "c")
	good(ISO, "2026-03-07 04:12:09 mx exim[29786]: dovecot_login authenticator failed", utc, "mx", "exim", 29786, "dovecot_login authenticator failed")
	good(ISO, "2026-03-07 04:12:09 mx postfix/smtpd[2]: c", utc, "mx", "postfix/smtpd", 2, "c")
	good(ISO, "2026-03-07 04:12:09 mx dovecot: c", utc, "mx", "dovecot", 0, "c")
	good(ISO, "2026-03-07 04:12:09 mx last message repeated 2 times", utc, "mx", "", 0, "last message repeated 2 times")
	good(Traditional, "<22>Mar  7 04:12:09 mx1 postfix/smtpd[20114]: c", utc, "mx1", "postfix/smtpd", 20114, "c")
	good(RFC5424, "<22>1 2026-03-07T03:12:09Z mx1 postfix/smtpd 20114 - -  connect from x", utc, "mx1", "postfix/smtpd", 20114, "connect from x")
	good(RFC5424, `<22>1 2026-03-07T03:12:09Z mx1 postfix/smtpd 20114 - [a@1 b="]\"[" c=""][d] `+"\ufeffconnect", utc, "mx1", "postfix/smtpd", 20114, "connect")
	good(RFC5424, "<22>1 - - postfix/smtpd - - - connect", "", "", "postfix/smtpd", 0, "connect")
	good(RFC5424, "<22>1 2026-03-07T03:12:09Z mx1 exim 7 - - 2026-03-07 04:12:08 1s6n4v-0000000017h-1Cr6 Completed", "2026-03-07T03:12:08Z", "mx1", "exim", 7, "1s6n4v-0000000017h-1Cr6 Completed")

	// The journal.
	good(ISO, "Sat 2026-03-07 04:12:09 CET mx1 postfix/smtpd[1]: c", utc, "mx1", "postfix/smtpd", 1, "c")
	good(Unix, "1772853129.183422 mx1 postfix/smtpd[1]: c", "2026-03-07T03:12:09.183422Z", "mx1", "postfix/smtpd", 1, "c")
	good(Unix, "1772853129 mx1 postfix/smtpd[1]: c", "2026-03-07T03:12:09Z", "mx1", "postfix/smtpd", 1, "c")
	good(JSON, `{"__REALTIME_TIMESTAMP":"1772853129183422","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"postfix/smtpd","SYSLOG_PID":"20114","_PID":"1","PRIORITY":"6","MESSAGE":"connect from \"x\" \ud83d\ude00"}`, "2026-03-07T03:12:09.183422Z", "mx1", "postfix/smtpd", 20114, "connect from \"x\" 😀")
	good(JSON, `{"__REALTIME_TIMESTAMP":"1772853129183422","_HOSTNAME":"mx1","_COMM":"smtpd","_PID":"1","MESSAGE":[99,111,255]}`, "2026-03-07T03:12:09.183422Z", "mx1", "smtpd", 1, "co\xff")
	good(JSON, `{"__REALTIME_TIMESTAMP":"1772853129183422","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"a","MESSAGE":["one","two"]}`, "2026-03-07T03:12:09.183422Z", "mx1", "a", 0, "one")
	good(JSON, `{"__REALTIME_TIMESTAMP":"1772853129183422","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"a","MESSAGE":null}`, "2026-03-07T03:12:09.183422Z", "mx1", "a", 0, "")
	good(ISO, "Sat 2026-03-07 03:12:09 UTC mx1 postfix/smtpd[1]: c", utc, "mx1", "postfix/smtpd", 1, "c")
	good(ISO, "Sat 2026-03-07 03:12:09 GMT mx1 postfix/smtpd[1]: c", utc, "mx1", "postfix/smtpd", 1, "c")
	good(ISO, "Sat 2026-03-07 06:12:09.5 +03 mx1 postfix/smtpd[1]: c", "2026-03-07T03:12:09.5Z", "mx1", "postfix/smtpd", 1, "c") // a zone without a name
	good(JSON, `{"_SOURCE_REALTIME_TIMESTAMP":"1772853129183422","__REALTIME_TIMESTAMP":"1772853200000000","SYSLOG_IDENTIFIER":"exim","MESSAGE":"x"}`, "2026-03-07T03:12:09.183422Z", "", "exim", 0, "x")
	good(JSON, `{"_SOURCE_REALTIME_TIMESTAMP":"1772853129183422","SYSLOG_IDENTIFIER":"exim","MESSAGE":"x"}`, "2026-03-07T03:12:09.183422Z", "", "exim", 0, "x")
	bad("Sat 2026-03-07 04:12:09.12345")
	bad("Sat 2026-03-07 04:12:09xCET mx1 postfix/smtpd[1]: c")
	bad("-- Boot 3f2a --")
	bad("-- Journal begins at Sat 2026-03-07 04:12:09 CET. --")
	bad("-- No entries --")

	// Exim.
	good(EximOwn, "2026-03-07 04:12:09 1s6n4v-0000000017h-1Cr6 Completed", utc, "", "exim", 0, "1s6n4v-0000000017h-1Cr6 Completed")
	good(EximOwn, "2026-03-07 04:12:09.287 [4321] 1ZwOv6-0005Hb-Di Completed", "2026-03-07T03:12:09.287Z", "", "exim", 4321, "1ZwOv6-0005Hb-Di Completed")
	good(EximOwn, "2026-03-07 04:12:09 +0200 1ZwOv6-0005Hb-Di Completed", "2026-03-07T02:12:09Z", "", "exim", 0, "1ZwOv6-0005Hb-Di Completed")
	good(EximOwn, "2026-03-07 04:12:09.287 +0200 [4321] 1ZwOv6-0005Hb-Di Completed", "2026-03-07T02:12:09.287Z", "", "exim", 4321, "1ZwOv6-0005Hb-Di Completed")
	good(EximOwn, "2026-03-07 04:12:09 H=(User) [192.0.2.7] F=<a@b> rejected RCPT <c@d>: relay not permitted", utc, "", "exim", 0, "H=(User) [192.0.2.7] F=<a@b> rejected RCPT <c@d>: relay not permitted")
	good(EximOwn, "2026-03-07 04:12:09 [127.0.0.1] -> 'x'", utc, "", "exim", 0, "[127.0.0.1] -> 'x'")
	good(EximOwn, "2026-03-07 04:12:09 1ZwOv6-0005Hb-Di DKIM: d=x s=y", utc, "", "exim", 0, "1ZwOv6-0005Hb-Di DKIM: d=x s=y")
	good(EximOwn, "2026-03-07 04:12:09 cwd=/ 2 args: /usr/sbin/exim4 -bdf", utc, "", "exim", 0, "cwd=/ 2 args: /usr/sbin/exim4 -bdf")
	good(EximOwn, "2026-03-07 04:12:09 Warning: purging the environment.", utc, "", "exim", 0, "Warning: purging the environment.")
	good(EximOwn, "2012026-03-07 04:12:09 exim 4.80 daemon started", utc, "", "exim", 0, "exim 4.80 daemon started") // torn
	good(EximOwn, "2026-2026-03-07 04:12:09 exim 4.80 daemon started", utc, "", "exim", 0, "exim 4.80 daemon started")
	good(Traditional, "Mar  7 04:12:10 mx exim[4321]: 2026-03-07 04:12:09 1ZwOv6-0005Hb-Di Completed", utc, "mx", "exim", 4321, "1ZwOv6-0005Hb-Di Completed")
	good(Traditional, "Mar  7 04:12:10 mx exim[4321]: 2026-03-07 04:12:09.5 [4321] 1ZwOv6-0005Hb-Di Completed", "2026-03-07T03:12:09.5Z", "mx", "exim", 4321, "1ZwOv6-0005Hb-Di Completed")
	good(Traditional, "Mar  7 04:12:09 mx exim4[4321]: 1ZwOv6-0005Hb-Di Completed", utc, "mx", "exim4", 4321, "1ZwOv6-0005Hb-Di Completed")
	good(Traditional, "Mar  7 04:12:09 mx exim[4321]: [4321] 1ZwOv6-0005Hb-Di Completed", utc, "mx", "exim", 4321, "1ZwOv6-0005Hb-Di Completed")
	good(ISO, "2026-03-07T08:12:10.291+05:00 mx exim[1]: 2026-03-07 08:12:09 1ZwOv6-0005Hb-Di Completed", utc, "mx", "exim", 1, "1ZwOv6-0005Hb-Di Completed")
	good(Traditional, `Mar  7 04:12:09 mx exim[4321]: [1\15] 2026-03-07 04:12:09 1ZwOv6-0005Hb-Di rejected after DATA: spam`, utc, "mx", "exim", 4321, "1ZwOv6-0005Hb-Di rejected after DATA: spam")
	good(Traditional, "Mar  7 04:12:09 mx exim[4321]: [2/2] mple u3@x.example", utc, "mx", "exim", 4321, "mple u3@x.example")
	bad(" 2026-03-07 04:12:09 1ZwOv6-0005Hb-Di Completed") // an entry's second line
	bad("\t2026-03-07 04:12:09 1ZwOv6-0005Hb-Di Completed")
	bad("P Received: from [192.0.2.10] (helo=x)")
	bad("    <eve@site.example>")

	// Webmail.
	good(WebmailOwn, "[07-Mar-2026 05:12:09 +0200]: Successful login for a@b (ID: 32)", utc, "", "roundcube", 0, "Successful login for a@b (ID: 32)")
	good(WebmailOwn, "[07-Mar-2026 05:12:09.25 +0200]: x", "2026-03-07T03:12:09.25Z", "", "roundcube", 0, "x")
	good(WebmailOwn, "[07-Mar-2026 04:12:09] x", utc, "", "squirrelmail", 0, "x")

	good(WebmailOwn, "03/07/2026 04:12:09 [LOGIN_ERROR] eva (x.example) from 192.0.2.1: Unknown user", utc, "", "squirrelmail", 0, "[LOGIN_ERROR] eva (x.example) from 192.0.2.1: Unknown user")
	bad("03/07/2026 04:12:09 words")
	good(ISO, "2026-03-07T04:12:09+01:00 ERR: HORDE [imp] x", "2026-03-07T03:12:09Z", "", "HORDE", 0, "[imp] x")
	good(Traditional, "Mar 07 04:12:09 HORDE [error] [imp] x", utc, "", "HORDE", 0, "[error] [imp] x")
	good(Traditional, "Mar  7 04:12:09 HORDE postfix/smtpd[1]: x", utc, "HORDE", "postfix/smtpd", 1, "x")
	bad("[07-Mar-2026 04:12:09 Europe/Berlin] PHP Warning:  x")

	good(Docker, "2026-03-07T03:12:09.5Z <22>Mar  7 04:12:09 mx1 postfix/smtpd[1]: x", "2026-03-07T03:12:09.5Z", "mx1", "postfix/smtpd", 1, "x")
	good(ISO, "2026-03-07T04:12:09+01:00 Marvin9 postfix/smtpd[1]: x", utc, "Marvin9", "postfix/smtpd", 1, "x")
	good(ISO, `{"log":"2026-03-07T04:12:09+01:00 mx1 postfix/smtpd[1]: x\n","stream":"stdout"}`, utc, "mx1", "postfix/smtpd", 1, "x")
	bad("<22><22>Mar  7 04:12:09 mx1 postfix/smtpd[1]: x")

	// Forms in which a part is missing, or more than one line has of it.
	good(JSON, `{"DATE":"Mar 7 04:12:09","host":"mx1","program":"postfix/smtpd","message":"x"}`, utc, "mx1", "postfix/smtpd", 0, "x")
	good(JSON, `{"timestamp":"","time":"2026-03-07T03:12:09Z","host":"mx1","program":"postfix/smtpd","message":"x"}`, utc, "mx1", "postfix/smtpd", 0, "x")
	good(JSON, `{ "host"`+"\t"+`: "mx1",`+"\t"+`"program":"postfix/smtpd","message":"x","time":"1772853129"}`, utc, "mx1", "postfix/smtpd", 0, "x")
	good(JSON, `{"host":"mx1","host":"mx2","program":"postfix/smtpd","message":"x","message":"y","time":1772853129}`, utc, "mx1", "postfix/smtpd", 0, "x")           // the first
	good(JSON, `{"program":"postfix/smtpd","message":"a\u00e9\ud83d\ude00\ud83dz\u12g4\q","time":1772853129}`, utc, "", "postfix/smtpd", 0, "aé😀\ufffdz\ufffd12g4q") // no escapes
	good(JSON, `{"time":"12x","program":"postfix/smtpd","message":"x"}`, "", "", "postfix/smtpd", 0, "x")                                                            // no time
	good(Traditional, "Mar  7 04:12:09 s_net@ postfix/smtpd[1]: c", utc, "s_net@", "postfix/smtpd", 1, "c")
	good(Traditional, "Mar  7 04:12:09 mx1 [x.y] words", utc, "mx1", "", 0, "[x.y] words")
	good(Traditional, "Mar  7 04:12:09 mx1 [1234 words", utc, "mx1", "", 1234, "words")
	good(Traditional, "Mar  7 04:12:10 mx exim[4321]: [/15] words", "2026-03-07T03:12:10Z", "mx", "exim", 4321, "[/15] words")
	good(Traditional, "Mar  7 04:12:10 mx exim[4321]: [12345", "2026-03-07T03:12:10Z", "mx", "exim", 4321, "[12345")
	good(Traditional, "Mar  7 04:12:10 mx exim[4321]: [3/2] words", "2026-03-07T03:12:10Z", "mx", "exim", 4321, "[3/2] words")
	good(Traditional, "Mar  7 04:12:10 mx exim[4321]: [0/2] words", "2026-03-07T03:12:10Z", "mx", "exim", 4321, "[0/2] words")
	good(Traditional, "Mar  7 04:12:10 mx exim[4321]: [1/] words", "2026-03-07T03:12:10Z", "mx", "exim", 4321, "[1/] words")
	good(Traditional, "Mar  7 04:12:10 mx exim[4321]: 2026-03-07 04:60:09 words", "2026-03-07T03:12:10Z", "mx", "exim", 4321, "2026-03-07 04:60:09 words")
	good(Traditional, "Mar  7 04:12:10 mx exim[4321]: 2026-02-30 04:12:09 words", "2026-03-07T03:12:10Z", "mx", "exim", 4321, "2026-02-30 04:12:09 words")
	good(Traditional, "Mar  7 04:12:10 mx exim[4321]: 2026-03-07 04:12:09x words", "2026-03-07T03:12:10Z", "mx", "exim", 4321, "2026-03-07 04:12:09x words")
	good(EximOwn, "2026-03-07 04:12:09 [] words", utc, "", "exim", 0, "[] words")
	good(EximOwn, "2026-03-07 04:12:09 "+strings.Repeat("a", 256)+" postfix/smtpd[1]: x", utc, "", "exim", 0, strings.Repeat("a", 256)+" postfix/smtpd[1]: x") // no host is so long
	good(EximOwn, "2026-03-07 04:12:09 mx postfix/smtpd[]: x", utc, "", "exim", 0, "mx postfix/smtpd[]: x")
	good(EximOwn, "2026-03-07 04:12:09 mx postfix/smtpd[x]: x", utc, "", "exim", 0, "mx postfix/smtpd[x]: x")
	good(EximOwn, "2026-03-07 04:12:09 mx [1]: x", utc, "", "exim", 0, "mx [1]: x")
	good(ISO, "2026-03-07 04:12:09 mx-1_a.example postfix/smtpd: x", utc, "mx-1_a.example", "postfix/smtpd", 0, "x")
	good(RFC5424, `<22>1 2026-03-07T03:12:09Z mx1 postfix/smtpd x - - c`, utc, "mx1", "postfix/smtpd", 0, "c")
	bad(`<22>1 2026-03-07T03:12:09Z mx1 postfix/smtpd x - "- c`)
	bad(`<22>1 2026-03-07T03:12:09Z mx1 postfix/smtpd 1 - x connect`) // no structured data
	bad(`<22>1 2026-03-07T03:12:09 x mx1 postfix/smtpd`)
	bad(`{"__REALTIME_TIMESTAMP":"x","SYSLOG_IDENTIFIER":"exim","MESSAGE":"x"}`)
	bad(`{"__REALTIME_TIMESTAMP":"9999999999999999999","SYSLOG_IDENTIFIER":"exim","MESSAGE":"x"}`)
	bad(`{"time" 1772853129,"program":"postfix/smtpd","message":"x"}`)
	bad(`{"time":1772853129,"program":"postfix/smtpd","message":"x`)
	bad(`{"a":` + strings.Repeat(`{"a":`, 100))
	bad(`"-","mx1","postfix/smtpd[1]: x"`)
	bad(`"2026-03-07T03:12:09.000Z","mx1","words without a tag: c"`)
	bad("2026-03-07T03:12:09Z stdout " + strings.Repeat("F", 65) + " Mar 07 04:12:09 mx1 postfix/smtpd[1]: x")

	// What is none.
	for _, line := range []string{"", "x", "2026", "Mar", "Mar  7", "Mar  7 04:12:0", "Mar 32 04:12:09 mx1 a: b", "Mar  7 24:12:09 mx1 a: b",
		"Foo  7 04:12:09 mx1 a: b", "2026-13-07T04:12:09Z mx1 a: b", "2026-02-29T04:12:09Z mx1 a: b", "<22", "<22>", "<x>Mar", "[", "{", "{}", `{"log":`,
		"just words, and nothing else that would be a header", "Mar  7 04:12:09mx1 a: b", "\x00\x01\x02 binary", strings.Repeat("\x00", 40), strings.Repeat("a | ", 1000)} {
		bad(line)
	}
}

// Whether the first word is the host or the tag is told by what follows, whatever the same word was in the line before.
func TestReadHostOrTag(t *testing.T) {
	lines := []string{
		"Mar  7 04:12:09 sogod [26818]: x",
		"Mar  7 04:12:10 sogod imapd[7]: x",
		"2026-03-07T04:12:11+01:00 sogod [26818]: x",
		"2026-03-07T04:12:12+01:00 sogod imapd[7]: x",
		"Mar  7 04:12:13 last message repeated 3 times",
		"Mar  7 04:12:14 last imapd[7]: x",
		"2026-03-07T04:12:15+01:00 last message repeated 3 times",
		"2026-03-07T04:12:16+01:00 last imapd[7]: x",
	}
	clock := berlin(t)
	for _, first := range lines {
		for _, second := range lines {
			r := NewHeaderReader(clock)
			var before, got, want mail.Event
			r.Read(first, &before)
			body, _ := r.Read(second, &got)
			alone, _ := NewHeaderReader(clock).Read(second, &want)
			if body != alone || got.Host != want.Host || got.Process != want.Process || got.PID != want.PID {
				t.Errorf("%q behind %q: got host %q, process %q[%d], alone %q, %q[%d]",
					second, first, got.Host, got.Process, got.PID, want.Host, want.Process, want.PID)
			}
		}
	}
}

func TestReadTruncated(t *testing.T) {
	clock := berlin(t)
	for _, line := range headSamples {
		r := NewHeaderReader(clock)
		for i := range line {
			var ev mail.Event
			r.Read(line[:i], &ev)
			r.Read(line[i:], &ev)
		}
	}
}

var headSamples = []string{
	"Mar  7 04:12:09 mx1 postfix/smtpd[20114]: 4F2A91C0D3: client=mail.example.net[192.0.2.10]",
	"Mar 07 04:12:09.183422 mx1 mail.info postfix/smtpd[20114]: [ID 197553 mail.info] connect",
	"2026-03-07T04:12:09.183422+01:00 mx1 postfix/smtpd[20114]: connect",
	"2026-03-07T03:12:09.183422105Z stdout P Mar 07 04:12:09 mx1 postfix/smtpd[1]: x",
	`<22>1 2026-03-07T03:12:09Z mx1 postfix/smtpd 20114 - [a@1 b="]\"[" c=""][d] connect`,
	"<22>Mar  7 04:12:09 <mail.info> mx1 postfix/smtpd[20114]: c",
	"2024-05-14 10:00:05.287 +0200 [4321] 1s6n4v-0000000017h-1Cr6 Completed",
	"2012014-04-05 03:17:39 exim 4.80 daemon started: pid=1",
	`May 14 10:00:05 mx exim[4321]: [1\15] 2024-05-14 10:00:05 1s6n4v-0000000017h-1Cr6 rejected after DATA: spam`,
	"2024-05-14 10:00:05 mx exim[29786]: dovecot_login authenticator failed",
	"[03-Jun-2024 07:07:24 +0200]: Successful login for a@b (ID: 32) from 192.0.2.1",
	`{"log":"Mar 07 04:12:09 mx1 postfix/smtpd[1]: \u003cx\u003e\n","stream":"stdout","time":"2026-03-07T03:12:09.5Z"}`,
	`{"__REALTIME_TIMESTAMP":"1772853129183422","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"a","SYSLOG_PID":"1","MESSAGE":[99,111,255],"X":{"y":["z"]}}`,
	"\x1b[36mpostfix-1  |\x1b[0m Mar 07 04:12:09 mx1 postfix/smtpd[1]: x",
	"Sat 2026-03-07 04:12:09 CET mx1 postfix/smtpd[1]: c",
	"1772853129.183422 mx1 postfix/smtpd[1]: c",
	"2026 Mar 07 04:12:09.5 mx1 postfix/smtpd[20114]: c",
	"/var/log/mail.log.1:4711:Mar  7 04:12:09 mx1 postfix/smtpd[1]: x",
	"[pod/postfix-0/postfix] 2026-03-07T03:12:09Z Mar 07 04:12:09 mx1 postfix/smtpd[1]: x",
	"@4000000069ab97930aee7640 mail.info: Mar  7 04:12:09 postfix/smtpd[1]: x",
	"2026-03-07T03:12:09.18342 mail.info: Mar  7 04:12:09 postfix/smtpd[1]: x",
	"2026-03-07_03:12:09.18342 postfix/smtpd[1]: x",
	"2026-03-07 04:12:09.183422105  postfix/smtpd[1]: x",
	"Sat Mar  7 04:12:09 2026 mail.info postfix/smtpd[1] <Notice>: c",
	"Mar  7 04:12:10 mx1 1 2026-03-07T03:12:09.5Z mx1 postfix/smtpd 1 - - c",
	`{"_source":{"@timestamp":1772853129.5,"host":{"hostname":"mx1"},"process":{"name":"postfix/smtpd","pid":1},"message":"x"}}`,
	`{"version":"1.1","host":"mx1","short_message":"postfix/smtpd[1]: x","full_message":"x","timestamp":1772853129.5}`,
	"2026-03-07T04:12:09+01:00\tsystem.mail\t" + `{"host":"mx1","ident":"postfix/smtpd","pid":"1","DATE":"Mar  7 04:12:09","message":"x"}`,
	`2026-03-07 03:12:09.000000000 +0000 system.mail.info: {"host":"mx1","ident":"postfix/smtpd","pid":"1","message":"x"}`,
	`"2026-03-07T03:12:09.000Z","mx1","mx1 postfix/smtpd[1]: say ""x"""`,
	`"Mar 7, 2026 @ 04:12:09.500",mx1,"postfix/smtpd[1]: x, y"`,
}

// The stamp of a container runtime proves no zone, because it is UTC on any machine, and the inner stamp has no year to be
// compared with.
func TestStampProvesZone(t *testing.T) {
	bound := mail.InstantOf(time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC))
	for line, want := range map[string]bool{
		"2026-03-07T04:12:09+01:00 mx1 postfix/smtpd[1]: x":                           true,
		"2026-03-07T03:12:09.183422105Z Mar 07 04:12:09 mx1 postfix/smtpd[1]: x":      false,
		"mail_1  | 2026-03-07T03:12:09Z Mar 07 04:12:09 mx1 postfix/smtpd[1]: x":      false,
		"2026-03-07T03:12:09Z stdout F 2026-03-07T04:12:09+01:00 postfix/smtpd[1]: x": false,
	} {
		r := NewHeaderReader(NewClock(time.UTC, bound))
		var ev mail.Event
		if _, ok := r.Read(line, &ev); !ok {
			t.Errorf("%s: not read", line)
		}
		if proof, got := r.Proof(&ev); got != want || got && proof.Offset != time.Hour {
			t.Errorf("%s: proves %t, %v; want %t", line, got, proof.Offset, want)
		}
	}
}

// A line means the same whatever came before it: what a reader remembers only makes it faster.
func TestLinesBefore(t *testing.T) {
	clock := berlin(t)
	lines := append([]string{
		"May 14 10:00:05 mx exim[4321]: 2024-05-14 10:00:03 1s6n4v-0000000017h-1Cr6 Completed", // its own stamp corrects the other
		"May 14 10:00:05 mx exim[4321]: 1s6n4v-0000000017h-1Cr6 Completed",
		"May 14 10:00:05 mx exim[432",
		"May 14 10:00:06 mx exim[12345678]: x",
		"May 14 10:00:06 mx [12]: x", // a tag in the place of the host
		"May 15 10:00:06 mx exim[1]:x",
		"May 14 10:00:06 mx.example.org exim[]: x",
		"May 14 2023 10:00:06 mx exim[1]: x",
		"May 14 10:00:06 exim: x",
		"May 14 10:00:06 mx ",
		"May 14 10:00:06 mx",
		"May 14 10:60:06 mx exim[1]: x",
		"2024-05-14 10:00:05 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-05-14 10:00:05 +0200 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-05-14 10:00:05 [4321] Start queue run: pid=4321",
		"2024-05-14 10:00:05 mx postfix/smtpd[4321]: x",
		"2024-05-14 10:00:05.120 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-05-14 10:00:06 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-05-14 11:00:05 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-05-24 10:00:05 1s6n4v-0000000017h-1Cr6 Completed",
		"May 14 10:00:05 mx postfix/smtpd[4321]: connect from x",
		"May 14 10:00:05 mx postfix/submission/smtpd[4321]: connect from x",
		"May 14 10:00:05 mx postfix/smtpd: connect from a host",
		"May 14 10:00:05 mx postfix/smtpd[123456789]: connect from x",
		"May 14 10:00:05 mx postfix/smtpd[4321]: [ID 197553 mail.info] connect",
		"May 14 10:00:05 a-name-of-a-host.example.org postfix/smtpd[4321]: connect from x",
		"May 14 10:00:05 A-name-of-a-host.example.org postfix/smtpd[4321]: connect from x",
		"May 14 10:00:05\x00mx exim[4321]: x",
		"May 14 \x00\x00\x00\x00\x00\x00\x00\x00 mx exim[4321]: x",
		"2024-05-14T10:00:05.287+02:00 mx postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06.287654+02:00 mx postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06,2876543210+0200 mx postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06.28765x+02:00 mx postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06.287654+03:00 mx postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06.287654Z mx postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06 mx postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06 mx [12]: x",
		"2024-05-14T10:00:06 mx exim[12]: 2024-05-14 10:00:05.287 +0200 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-05-14t10:00:06 mx postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06.287654+02:00 2001-0-db8 postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06.287654+02:00 2001 -0-db8 postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06 2001 0-- postfix/smtpd[4321]: connect",
		"2024-05-14T10:00:06 May postfix/smtpd[4321]: connect",
		"2024-05-14 10:00:06 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-05-14 10:00:06 [4321] 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-05-14 10:00:06 +0200 [4321] 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-05-14 10:00:06 mx postfix/smtpd[4321]: connect",
		"2024-05-14 10:60:06 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-10-27 02:30:06 1s6n4v-0000000017h-1Cr6 Completed", // this day has no single offset
		"2024-10-27T02:30:06 mx postfix/smtpd[4321]: connect",
		"Oct 25 02:30:06 mx postfix/smtpd[4321]: connect",
		"2024-05-14T08:00:06.287654321Z May 14 10:00:06 ", // Docker's stamp, and a line that was cut
		"2024-05-14T08:00:06.287654321Z May 14 10:00:06 mx postfix/smtpd[4321]: connect",
		"2024-05-14T08:00:06.287654321Z 2024-05-14 10:0",
		"2024-05-14T08:00:06.287654321Z 2024-05-14 10:00:06 1s6n4v-0000000017h-1Cr6 Completed",
		"2024-05-14T10:00:06+02:00 ERR: x",
		"2024-05-14T10:00:06+02:00 ERR: HORDE [imp] x",
		"May 14 10:00:06 info mx: x",
		"May 14 10:00:06 info HORDE [imp] x",
	}, headSamples...)
	for _, first := range lines {
		for _, second := range lines {
			r := NewHeaderReader(clock)
			for _, line := range []string{first, first, second, second, second} {
				var ev, alone mail.Event
				body, ok := r.Read(line, &ev)
				fresh := NewHeaderReader(clock)
				wantBody, want := fresh.Read(line, &alone)
				if body != wantBody || ok != want || !reflect.DeepEqual(ev, alone) || ok && (r.said() != fresh.said() || r.Style == NoStyle) {
					t.Errorf("%q behind %q: got %q %v, alone %q %v", line, first, body, ev.Time, wantBody, alone.Time)
				}
			}
		}
	}
}

// said is what a reader tells of the last line.
type said struct {
	style                           Style
	yearless, zoneless, twice, torn bool
	local                           civil
}

func (r *HeaderReader) said() said {
	return said{r.Style, r.Yearless, r.Zoneless, r.Twice, r.Torn, r.local}
}

func TestCutNumber(t *testing.T) {
	for _, behind := range []string{"", "]", "]: ", "]: connect from", ".a", "/9999999"} {
		for _, number := range []string{"", "0", "7", "42", "1234567", "12345678", "1234567890"} {
			want, _ := strconv.Atoi(number)
			if pid, digits := CutNumber(number + behind); pid != want || digits != len(number) {
				t.Errorf("%s: got %d, %d digits", number+behind, pid, digits)
			}
		}
	}
}
