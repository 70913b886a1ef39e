package correlate

import (
	"fmt"
	"testing"

	"mailforensics/mail"
)

// A message that is lent does not change until it is given back, whatever the tracker does; then its memory is reused.
func TestLend(t *testing.T) {
	var held []*mail.Message
	var was []string
	tr := New(Options{}, Sink{Message: func(m *mail.Message) {
		held = append(held, m)
		was = append(was, fmt.Sprintf("%#v", *m))
	}})
	tr.Lend(true)
	events := postfixStream(1000, 5)
	tr.Events(events)
	n := tr.Lent()
	if n == 0 || n != len(held) {
		t.Fatalf("%d messages are lent, %d were handed out", n, len(held))
	}
	for i, m := range held {
		if now := fmt.Sprintf("%#v", *m); now != was[i] {
			t.Fatalf("message %d was\n%s\nand is\n%s", i, was[i], now)
		}
	}
	spare := len(tr.spare)
	tr.Return(n / 2)
	tr.Return(n / 2)
	if got := len(tr.spare) - spare; got != n/2 {
		t.Errorf("%d messages were given back, %d can be used again", n/2, got)
	}
	if now := fmt.Sprintf("%#v", *held[n-1]); now != was[n-1] {
		t.Error("a message that was not given back has changed")
	}
	tr.Lend(false)
	tr.Close()
	if tr.Lent() != n {
		t.Errorf("%d messages were lent after lending had ended", tr.Lent()-n)
	}
}
