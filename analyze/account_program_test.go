package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"mailforensics/mail"
)

// A message in the account's own name, by day, from elsewhere, to people who exist, is not the owner's if it was written with a
// program that the account never uses, to people who never got mail from it. With only one of both it may be the owner's; from
// home it always is.
func TestAccountNewProgram(t *testing.T) {
	const at = 3*oneDay + 11*time.Hour
	owners := func(i int) string {
		return fmt.Sprintf("<%x.%d@site.example>", 0xa1b2c3d4+i*16, 9990+i)
	}
	others := func(i int) string {
		return fmt.Sprintf("<%012x$%08x$%08x@DESKTOP>", i*4096+0xabc<<32, i*16+0xa<<28, i*16+0xb<<28)
	}
	random := func(i int) string {
		return fmt.Sprintf("<%s.%d@site.example>", []string{"CAx", "k-9", "Zq_8", "a.B", "7+p", "q--r", "P=1", "w_w_w"}[i%8], i)
	}
	for _, tt := range []struct {
		name            string
		usual, own      func(int) string
		ip              string
		friends         int // of the recipients
		program, nobody bool
		want            Severity
	}{
		{"another program, to strangers", owners, others, "197.11.3.4", 0, true, true, Medium},
		{"the owner's program", owners, owners, "197.11.3.4", 0, false, true, Low},
		{"a new telephone, to friends", owners, others, "197.11.3.4", 6, true, false, Low},
		{"a program that makes each Message-ID in another way", random, others, "197.11.3.4", 0, false, true, Low},
		{"a new program at home", owners, others, home(7), 0, false, false, Low},
	} {
		w := newTown(5)
		for i := range 14 {
			w.send(time.Duration(i%3)*oneDay+time.Duration(9*60+i*11)*time.Minute, home(7), user(7), user(7), fmt.Sprintf("member%d@p%d.example", i, i%9), bouncing(1, 2))
		}
		n := 0
		for i := range w.messages {
			if m := &w.messages[i]; m.Account == user(7) {
				m.MessageID = tt.usual(n)
				n++
			}
		}
		first := len(w.messages)
		for i := range 200 {
			to := fmt.Sprintf("n%d@r%d.example", i, i%70)
			if i < tt.friends {
				to = fmt.Sprintf("member%d@p%d.example", i, i%9)
			}
			w.send(at+time.Duration(i)*3*time.Second, tt.ip, user(7), user(7), to, bouncing(i+1, 50))
			w.messages[first+i].MessageID = tt.own(n + i)
		}
		for i := range w.messages {
			if r := &w.messages[i].Recipients[0]; r.Relay != "" {
				r.RelayIP = netip.AddrFrom4([4]byte{198, 51, 100, byte(i % 70)})
			}
		}
		limits := DefaultThresholds()
		limits.Score.Low = -1 // also what is too weak to be told
		found := slices.DeleteFunc(w.under(limits, account), func(f Finding) bool { return f.Counts.Messages < 100 })
		if len(found) != 1 {
			t.Fatalf("%s: got %d findings", tt.name, len(found))
		}
		f := &found[0]
		if says(f, "new-program") != tt.program || says(f, "to-strangers") != tt.nobody || min(f.Severity, Medium) != tt.want {
			t.Errorf("%s: %v %.2f %+v", tt.name, f.Severity, f.Score, f.Reasons)
		}
	}
}

// The members of a club, whose account sends for them, have addresses at one provider. Names there that somebody invents by the dozen are no
// further members.
func TestAccountInventedNamesAtAProvider(t *testing.T) {
	w := newTown(8)
	for day := range 8 {
		for k := range 3 {
			w.send(time.Duration(day)*oneDay+time.Duration(10+k)*time.Hour, home(7), user(7), fmt.Sprintf("member%d@post.example", k), fmt.Sprintf("friend%d@p3.example", day), mail.Delivered)
		}
	}
	for i := range 90 {
		w.spam(5*oneDay+2*time.Hour+time.Duration(i)*3*time.Minute, "177.32.67.133", user(7), fmt.Sprintf("n%d.x@post.example", i), i)
	}
	found := w.find(account)
	if len(found) != 1 || !slices.ContainsFunc(found[0].Reasons, func(r Reason) bool { return r.Code == "forged-sender" }) {
		t.Errorf("got %v, want one finding with forged senders", found)
	}
}

// A shop's customers order by day, and now and then one at night; who has bots send does so at all hours, and they sleep at others' hours if at all.
func TestKeepsHours(t *testing.T) {
	people := func(from, to, each int) (hours [24]int) {
		for i := from; i < to; i++ {
			hours[i%24] = each
		}
		return hours
	}
	shop := people(6, 24, 30)
	shop[2] = 8 // by chance, in one hour of the night
	for _, tt := range []struct {
		name  string
		hours [24]int
		want  bool
	}{
		{"by day", people(8, 24, 30), true},
		{"a shop", shop, true},
		{"at all hours", people(0, 24, 20), false},
		{"while others sleep", people(22, 38, 30), false},
	} {
		w := &accountWatch{hours: people(7, 23, 40)}
		c := &compromise{batch: newBatch(), hours: tt.hours}
		for i, n := range tt.hours {
			c.Counts.Messages += n
			w.hours[i] += n
		}
		if got := (&accountInquiry{w: w}).keepsHours(c); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
