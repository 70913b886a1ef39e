package correlate

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// What does an event cost? The tracker is the one stage that cannot be spread over processors: at 6.7 million lines a
// gigabyte, 100 ns a line are 0.7 s. Streams differ by how many messages come in a second, that is, by how many linger.
//
//	go test -run '^$' -bench Event -count 10 ./correlate
func BenchmarkEvent(b *testing.B) {
	for _, perSecond := range []int{5, 50, 500} {
		b.Run(fmt.Sprintf("postfix/%d-per-second", perSecond), func(b *testing.B) { benchmark(b, perSecond, postfixStream) })
		b.Run(fmt.Sprintf("exim/%d-per-second", perSecond), func(b *testing.B) { benchmark(b, perSecond, eximStream) })
	}
}

func benchmark(b *testing.B, perSecond int, stream func(n, perSecond int) []mail.Event) {
	const n = 1000 // few enough to stay in the processor's cache, as a batch of ingest does
	events := stream(n, perSecond)
	span := mail.Instant(n) * step(perSecond)
	lines, messages := 0, 0
	t := New(Options{}, Sink{Message: func(*mail.Message) { messages++ }, Event: func(*mail.Event) {}})
	var ids [64][n]string // each round has its own, or all lives would be of the same few IDs
	for round := range ids {
		for i := range ids[round] {
			ids[round][i] = fmt.Sprintf("%05X%X", (i*7919+round*104729)%1_000_000, 0x1a0+i%97)
		}
	}
	b.ReportAllocs()
	for round := 0; b.Loop(); round++ {
		for i := range events {
			ev := &events[i]
			ev.Time += span
			if ev.QueueID != "" {
				ev.QueueID = ids[round%len(ids)][ev.Line]
			}
		}
		t.Events(events)
		lines += len(events)
	}
	t.Close()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(lines), "ns/line")
	b.ReportMetric(float64(lines)/float64(messages), "lines/message")
}

// eximStream returns the events of an Exim that accepts n messages, one after the other.
func eximStream(n, perSecond int) []mail.Event {
	var events []mail.Event
	start := mail.InstantOf(time.Date(2024, 1, 24, 14, 44, 0, 0, time.UTC))
	for i := range n {
		ev := mail.Event{
			Origin: mail.Origin{Line: int64(i)}, Time: start + mail.Instant(i)*step(perSecond), MTA: mail.Exim, Host: "mx1", Process: "exim",
			QueueID: "to be set", Raw: "2024-01-24 14:44:00 1rSmK0-0005Hb-Di <= user@example.net H=mail.example.net (helo) [192.0.2.10] P=esmtps X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no S=4711 id=x@mail.example.net T=\"hello\" for rcpt@example.org",
		}
		arrival := ev
		arrival.Kind, arrival.Size, arrival.Protocol, arrival.TLS = mail.Accept, 4711, "esmtps", "TLS1.3:TLS_AES_256_GCM_SHA384:256"
		arrival.Client = mail.Client{IP: netip.AddrFrom4([4]byte{192, 0, byte(i / 200 % 200), byte(i % 200)}), Name: fmt.Sprintf("mail%d.example.net", i%500), HELO: "helo.example.net"}
		arrival.Sender, arrival.MessageID, arrival.Subject = fmt.Sprintf("user%d@example.net", i), fmt.Sprintf("%d.%d@mail.example.net", i, i*31), "hello, how are you"
		arrival.Recipients = fmt.Sprintf("rcpt%d@example.org", i%700)
		delivery := ev
		delivery.Kind, delivery.Disposition, delivery.Transport, delivery.Router = mail.Delivery, mail.Delivered, "local_delivery", "localuser"
		delivery.Recipient, delivery.Original, delivery.Flags = fmt.Sprintf("rcpt%d", i%700), arrival.Recipients, mail.LocalTarget
		completed := ev
		completed.Kind = mail.Complete
		events = append(events, arrival, delivery, completed)
	}
	return events
}

// postfixStream returns the events of a Postfix that accepts n messages, several at a time, with the strings of one chunk of
// text.
func postfixStream(n, perSecond int) []mail.Event {
	const atOnce = 40
	var events []mail.Event
	start := mail.InstantOf(time.Date(2024, 1, 24, 14, 44, 0, 0, time.UTC))
	steps := [9][]mail.Event{}
	flush := func() {
		for _, s := range steps {
			events = append(events, s...)
		}
		steps = [9][]mail.Event{}
	}
	for i := range n {
		id := fmt.Sprintf("%05X%X", i*7919%1_000_000, 0x1a0+i%97)
		pid := 2000 + i%atOnce
		client := mail.Client{IP: netip.AddrFrom4([4]byte{192, 0, byte(i / 200 % 200), byte(i % 200)}), Name: fmt.Sprintf("mail%d.example.net", i%500)}
		sender, recipient := fmt.Sprintf("user%d@example.net", i%5000), fmt.Sprintf("rcpt%d@example.org", i%700)
		raw := fmt.Sprintf("Jan 24 14:44:03 mx1 postfix/smtpd[%d]: %s: client=%s[%v]", pid, id, client.Name, client.IP)
		line := func(place int, at mail.Instant, daemon string, kind mail.Kind, pid int) *mail.Event {
			steps[place] = append(steps[place], mail.Event{
				Origin: mail.Origin{Line: int64(i)}, Time: start + mail.Instant(i)*step(perSecond) + at, Kind: kind, MTA: mail.Postfix, Host: "mx1",
				Process: "postfix/" + daemon, Instance: "postfix", Daemon: daemon, PID: pid, QueueID: id, Client: client, Raw: raw,
			})
			return &steps[place][len(steps[place])-1]
		}
		line(0, 0, "smtpd", mail.Connect, pid).QueueID = ""
		ev := line(1, 0, "smtpd", mail.TLS, pid)
		ev.QueueID, ev.TLS = "", "TLSv1.3"
		line(2, 0, "smtpd", mail.Accept, pid)
		line(3, 0, "cleanup", mail.MessageID, 900).MessageID = fmt.Sprintf("%d.%d@mail.example.net", i, i*31)
		ev = line(4, 0, "qmgr", mail.Queue, 901)
		ev.Sender, ev.Size, ev.NRcpt = sender, 4711, 1
		line(5, 0, "smtpd", mail.Disconnect, pid).QueueID = ""
		ev = line(6, step(perSecond), "smtp", mail.Delivery, 950+i%9)
		ev.Recipient, ev.Disposition, ev.Relay, ev.RelayIP = recipient, mail.Delivered, "mx.example.org", netip.AddrFrom4([4]byte{198, 51, 100, 7})
		ev.DSN, ev.Code, ev.Reply, ev.Child = "2.0.0", 250, "250 2.0.0 Ok: queued as "+strings.Repeat("F", 3)+id, "FFF"+id
		line(7, step(perSecond), "qmgr", mail.Remove, 901)
		if i%atOnce == atOnce-1 {
			flush()
		}
	}
	flush()
	return events
}

// step returns the time between two messages.
func step(perSecond int) mail.Instant { return mail.Instant(time.Second) / mail.Instant(perSecond) }
