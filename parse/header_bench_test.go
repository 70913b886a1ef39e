package parse

import (
	"fmt"
	"testing"

	"mailforensics/mail"
)

// BenchmarkHeader measures what a header costs in each style: at most 60 ns in those of log files.
//
//	go test ./parse -bench Header
func BenchmarkHeader(b *testing.B) {
	styles := []struct{ name, format string }{
		{"traditional", "Mar  7 04:%02d:%02d mx1 postfix/smtpd[20114]: connect from x"},
		{"rfc3339", "2026-03-07T04:%02d:%02d.183422+01:00 mx1 postfix/smtpd[20114]: connect from x"},
		{"exim", "2026-03-07 04:%02d:%02d 1s6n4v-0000000017h-1Cr6 Completed"},
		{"exim-syslog", "Mar  7 04:%02[1]d:%02[2]d mx1 exim[2011]: 2026-03-07 04:%02[1]d:%02[2]d 1s6n4v-0000000017h-1Cr6 Completed"},
		{"rfc5424", "<22>1 2026-03-07T04:%02d:%02dZ mx1 postfix/smtpd 20114 - - connect"},
		{"journal", `{"__REALTIME_TIMESTAMP":"17728531%02d%02d3422","_HOSTNAME":"mx1","SYSLOG_IDENTIFIER":"postfix/smtpd","SYSLOG_PID":"20114","MESSAGE":"connect"}`},
		{"foreign", "Mar  7 04:%02d:%02d mx1 kernel: [123] words"},
	}
	for _, style := range styles {
		b.Run(style.name, func(b *testing.B) {
			var lines [64]string
			for i := range lines {
				lines[i] = fmt.Sprintf(style.format, i%60, i*7%60)
			}
			r := NewHeaderReader(berlin(b))
			b.ReportAllocs()
			var ev mail.Event
			for i := 0; b.Loop(); i++ {
				if _, ok := r.Read(lines[i%len(lines)], &ev); !ok {
					b.Fatal("no header")
				}
			}
		})
	}
}

// A header that is not wrapped in JSON must not allocate.
func TestReadAllocates(t *testing.T) {
	r := NewHeaderReader(berlin(t))
	for _, line := range headSamples {
		if line[0] == '{' {
			continue
		}
		var ev mail.Event
		if n := testing.AllocsPerRun(10, func() { r.Read(line, &ev) }); n > 0 {
			t.Errorf("%s\n%v allocations, want none", line, n)
		}
	}
}
