package ingest

import "testing"

func TestExport(t *testing.T) {
	const journal = "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1794024001183422\n_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=postfix/smtpd\nSYSLOG_PID=20114\nMESSAGE=one = two\n\n" +
		"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1794024002000000\n_HOSTNAME=mx1\n_PID=7\nSYSLOG_IDENTIFIER=sshd\nMESSAGE=foreign\n\n" +
		"__CURSOR=s=1;i=3\n__REALTIME_TIMESTAMP=1794024003000000\n_HOSTNAME=mx1\n_PID=7\nSYSLOG_IDENTIFIER=postfix/smtpd\nMESSAGE\n\x04\x00\x00\x00\x00\x00\x00\x00caf\xe9\n\n" +
		"__CURSOR=s=1;i=4\n__REALTIME_TIMESTAMP=1794024004000000\n_HOSTNAME=mx1\n_PID=7\nSYSLOG_IDENTIFIER=postfix/smtpd\nMESSAGE\n\x0a\x00\x00\x00\x00\x00\x00\x00ten bytes!\n\n" +
		"__CURSOR=s=1;i=5\n__REALTIME_TIMESTAMP=1794024005000000\n_HOSTNAME=mx1\nSYSLOG_IDENTIFIER=postfix/smtpd\nMESSAGE=cut off"
	for size := 40; size < 2000; size += 97 {
		o := options()
		o.ChunkSize = size
		got, ledger := read(t, o, logs(t, "journal", journal))
		wantLines(t, got, "0:6 11-07 04:00:01 mx1 one = two", "0:21 11-07 04:00:03 mx1 caf\xe9", "0:30 11-07 04:00:04 mx1 ten bytes!", "0:36 11-07 04:00:05 mx1 cut off")
		if f := ledger.Files[0]; f.Foreign != 7 || f.Parsed != f.Lines-7 {
			t.Errorf("got %+v, want 7 foreign lines, the rest parsed", f)
		}
	}
}
