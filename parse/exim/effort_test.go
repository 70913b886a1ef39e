package exim

import (
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// Lines made of hundreds of fields, each of which may be the end of another one, take little time: when the parser tried all
// others after each field, that took eight seconds.
func TestMadeUpFieldsCostLittle(t *testing.T) {
	const lines, most = 1000, 2 * time.Second
	for _, made := range []struct{ head, unit, tail string }{
		{`H=(x) [192.0.2.1] `, `SNI="" `, `rejected RCPT`},
		{`H=(x) [192.0.2.1] `, `DN="x" y" `, ``},
		{`1s6n4v-0000000017h-1Cr6 <= a@b H=(`, `) [192.0.2.2] P=esmtps DN="" S=1 (`, `) [192.0.2.1] P=esmtp S=1`},
		{`1s6n4v-0000000017h-1Cr6 <= a@b H=(x) [192.0.2.1] P=esmtps X=T DN="`, `" S=1 for `, `" S=1`},
	} {
		line := made.head + strings.Repeat(made.unit, 3000/len(made.unit)) + made.tail
		began := time.Now()
		for range lines {
			ev := mail.Event{Process: "exim"}
			Format.Parse(line, &ev)
		}
		if took := time.Since(began); took > most {
			t.Errorf("%d lines of %s%s: %v", lines, made.head, made.unit, took)
		}
	}
}
