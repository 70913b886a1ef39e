package mailforensics

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailforensics/ingest"
	"mailforensics/mail"
	"mailforensics/parse/all"
)

// Whatever is done to a log, the program ends, and each line is in the ledger once.
func TestMutilated(t *testing.T) {
	for _, name := range []string{"content-filter/mail.mail.log.gz", "open-relay-exim-rich-log/mainlog.gz", "burst-secondary-mx/mx2.mail.log.gz"} {
		whole := text(t, filepath.Join("samples", filepath.FromSlash(name)))
		whole = whole[:min(len(whole), 1<<20)]
		for seed := range uint64(4) {
			r := rand.New(rand.NewPCG(seed, 1))
			mutilated := mutilate(r, whole)
			p := newPipeline(t, 1+int(seed%2))
			ledger := p.read(bytes.NewReader(mutilated), "-")
			p.engine.Findings()
			adds(t, ledger, mutilated)
		}
	}
}

// adds checks that the verdicts in the ledger add up to the lines of the text.
func adds(t *testing.T, ledger *ingest.Ledger, text []byte) {
	t.Helper()
	lines := int64(bytes.Count(text, []byte("\n")))
	if len(text) > 0 && text[len(text)-1] != '\n' {
		lines++
	}
	f := ledger.Files[0]
	if sum := f.Parsed + f.Unfamiliar + f.Damaged + f.Foreign + f.Blank; sum != f.Lines {
		t.Errorf("%d parsed, %d unfamiliar, %d damaged, %d foreign, %d blank are %d, not the %d lines of the ledger",
			f.Parsed, f.Unfamiliar, f.Damaged, f.Foreign, f.Blank, sum, f.Lines)
	}
	if f.Lines != lines {
		t.Errorf("got %d lines, want %d", f.Lines, lines)
	}
}

// mutilate damages a log as disks, relays, editors and attackers do.
func mutilate(r *rand.Rand, whole []byte) []byte {
	lines := bytes.SplitAfter(whole, []byte("\n"))
	var out []byte
	for i, line := range lines {
		other := lines[r.IntN(len(lines))]
		switch r.IntN(20) {
		case 0: // cut
			out = append(append(out, line[:r.IntN(len(line)+1)]...), '\n')
		case 1: // the end of one on the beginning of another
			out = append(append(out, line[:r.IntN(len(line)+1)]...), other[r.IntN(len(other)+1):]...)
		case 2: // bytes changed
			line = bytes.Clone(line)
			for range 1 + r.IntN(4) {
				if len(line) > 1 {
					line[r.IntN(len(line)-1)] = byte(r.Uint32())
				}
			}
			out = append(out, line...)
		case 3: // out of order
			out = append(append(out, other...), line...)
		case 4: // lost
		case 5: // a word of another line in the middle
			at := r.IntN(len(line) + 1)
			out = append(append(append(out, line[:at]...), bytes.TrimSuffix(other, []byte("\n"))...), line[at:]...)
		case 6:
			if i%50 == 0 { // a very long one
				out = append(append(out, bytes.Repeat(bytes.TrimSuffix(line, []byte("\n")), 2000)...), '\n')
			}
		default:
			out = append(out, line...)
		}
	}
	return out
}

// FuzzScan looks for a log on which the program fails anywhere between bytes and findings.
func FuzzScan(f *testing.F) {
	for _, log := range []string{
		"Mar  7 04:12:09 mx1 postfix/smtpd[20114]: 4F2A91C0D3: client=mail.b.example[192.0.2.10]\nMar  7 04:12:09 mx1 postfix/qmgr[1204]: 4F2A91C0D3: from=<a@b.example>, size=812, nrcpt=1 (queue active)\nMar  7 04:12:10 mx1 postfix/smtp[20116]: 4F2A91C0D3: to=<c@d.example>, relay=mx.d.example[192.0.2.9]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 5C3D7720A1)\nMar  7 04:12:10 mx1 postfix/qmgr[1204]: 4F2A91C0D3: removed\n",
		"2024-05-14 10:00:05 1s6ox3-0001Cx-1T <= a@b.example H=host.example [192.0.2.7]:40000 P=esmtp S=812 id=x@b.example T=\"x\" for eva@site.example\n2024-05-14 10:00:06 1s6ox3-0001Cx-1T => eva <eva@site.example> R=local_user T=maildir_home\n2024-05-14 10:00:06 1s6ox3-0001Cx-1T Completed\n",
		"2026-03-07T04:12:09.183422+01:00 mx1 dovecot: imap-login: Login: user=<eva>, method=PLAIN, rip=192.0.2.66, lip=198.51.100.5\nMar  7 04:12:10 mx1 last message repeated 3 times\n",
		"{\"__REALTIME_TIMESTAMP\":\"1772856729183422\",\"_HOSTNAME\":\"mx1\",\"SYSLOG_IDENTIFIER\":\"postfix/smtpd\",\"MESSAGE\":\"connect from unknown[192.0.2.7]\"}\r\n\x00\x00\n\x1f\x8b",
	} {
		f.Add([]byte(log))
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		if bytes.HasPrefix(log, []byte{0x1f, 0x8b}) || bytes.HasPrefix(log, []byte("BZ")) || bytes.HasPrefix(log, []byte{0xfd}) || bytes.HasPrefix(log, []byte{0x28, 0xb5}) {
			return // an archive: its lines are not those of the bytes
		}
		p := newPipeline(t, 1)
		p.options.Year = 0 // a year that is asked for makes it look ahead, far
		p.read(bytes.NewReader(log), "-")
		p.engine.Findings()
	})
}

// A very long line made of what the parsers look for must take time in proportion to its length: a parser that goes back over a
// line again and again would hang.
func TestLongLines(t *testing.T) {
	processes := []string{"postfix/smtpd", "postfix/cleanup", "postfix/qmgr", "postfix/smtp", "postfix/postscreen", "postfix/pickup", "postfix/bounce",
		"postfix/policy-spf", "postfix/policyd-weight", "exim", "dovecot", "amavis", "opendkim", "clamav-milter", "policyd-spf", "postgrey", "cbpolicyd",
		"spamd", "rspamd", "MailScanner", "clamsmtpd", "saslauthd", "imapd", "cyrus/imap", "sendmail", "rsyslogd", "roundcube", "squirrelmail"}
	starts := []string{"", "4F2A91C0D3: ", "4F2A91C0D3: to=<", "4F2A91C0D3: client=", "NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 <", "warning: ",
		"1s6ox3-0001Cx-1T <= a@b ", "1s6ox3-0001Cx-1T => a ", "H=x [192.0.2.1] ", "imap-login: Login: user=<", "auth: sql(", "lmtp(eva)<1><s>: msgid=<",
		"(1-1) Passed CLEAN {x}, [192.0.2.1] <", "Message 4F2A91C0D3 from <", "action=greylist, ", "LOGIN FAILED, user=", "Failed login for "}
	fills := []string{"(", ")", "): ", ", ", "<", ">", "> ", "=", " x=<", ": ", `"`, `\`, "[", "]", "]: ", " ", "@", "from=<", " to=<a@b>", " from ", "rip=", ",", ";",
		" helo=<", "status=sent (", "queued as ", " T=\"", " for ", "/", "id=", ">: ", "a", "(a", " (", "sql(", "\xe2\x80\xae", "?"}
	for _, process := range processes {
		for _, start := range starts {
			for _, fill := range fills {
				body := start + strings.Repeat(fill, (64<<10)/len(fill))
				took := slowest(process, body)
				for try := 0; took > 30*time.Millisecond && try < 3; try++ { // perhaps it was the machine
					took = min(took, slowest(process, body))
				}
				if took > 30*time.Millisecond {
					t.Errorf("%s: %q and then %q over and over: %v", process, start, fill, took)
				}
			}
		}
	}
}

// slowest returns the time that the slowest format takes for a body.
func slowest(process, body string) (most time.Duration) {
	for _, f := range all.Formats() {
		ev := mail.Event{Process: process, Host: "mx1"}
		began := time.Now()
		f.Parse(body, &ev)
		most = max(most, time.Since(began))
	}
	return most
}
