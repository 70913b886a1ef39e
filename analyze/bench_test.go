package analyze

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"mailforensics/mail"
)

// honestDay returns the messages of an ordinary site in a day: a few thousand mail servers that send for their own domains, some
// hundred accounts.
func honestDay(n int) []mail.Message {
	rng := rand.New(rand.NewPCG(1, 2))
	start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	messages := make([]mail.Message, n)
	for i := range messages {
		m := &messages[i]
		client := int(rng.ExpFloat64() * 500)
		user := fmt.Sprintf("user%d@site.example", rng.IntN(400))
		m.Origin = mail.Origin{Line: int64(i + 1)}
		m.Line = fmt.Sprintf("Mar  1 00:00:00 mx1 postfix/smtpd[1]: %X: client=mx.c%d.example[10.0.0.1]", i, client)
		m.Time = start + mail.Instant(i)*mail.Instant(24*time.Hour)/mail.Instant(n)
		m.Host, m.Hosts = "mx1", []string{"mx1"}
		m.QueueIDs = []string{fmt.Sprintf("%X", i)}
		m.MessageID = fmt.Sprintf("%d@c%d.example", i, client)
		m.MTA, m.Completed = mail.Postfix, true
		m.Client = mail.Client{IP: netip.AddrFrom4([4]byte{100, byte(client >> 8), byte(client), 7}), Name: fmt.Sprintf("mx.c%d.example", client)}
		m.Flags = mail.Verified
		m.Sender = fmt.Sprintf("u%d@c%d.example", rng.IntN(30), client)
		m.Recipients = []mail.Recipient{{Address: user, Disposition: mail.Delivered, Local: true}}
		if i%5 == 0 {
			m.Account, m.Sender = user, user
			m.Recipients[0] = mail.Recipient{Address: fmt.Sprintf("x%d@c%d.example", i%1000, client), Disposition: mail.Delivered, Relay: "mx"}
		}
	}
	return messages
}

// What does everything in analyze cost for an honest message? To be set against about 3 µs that reading and joining its
// nine lines take.
//
//	go test ./analyze -bench Honest -benchtime 2s
func BenchmarkHonest(b *testing.B) {
	messages := honestDay(100_000)
	for _, part := range []struct {
		name      string
		detectors []Detector
	}{{"survey", nil}, {"burst", []Detector{burst}}} {
		b.Run(part.name, func(b *testing.B) {
			b.ReportAllocs()
			pass := &Pass{Thresholds: DefaultThresholds()}
			for b.Loop() {
				e := NewEngine(pass, part.detectors)
				for i := range messages {
					e.Message(&messages[i])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(messages)), "ns/message")
		})
	}
}
