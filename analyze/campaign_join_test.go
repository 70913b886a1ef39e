package analyze

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"mailforensics/mail"
)

// A refused run in the names of several domains is reported as one campaign if everything else is alike, and only then.
func TestCampaignJoinsRefusedRun(t *testing.T) {
	type part struct {
		at    time.Duration
		helo  string // %d: what differs
		to    string
		reply string
	}
	const listed = "Client host [%s] blocked using zen.example; https://zen.example/%s"
	first := part{10 * time.Hour, "host%04d", "u%d@site.example", listed}
	for _, tt := range []struct {
		name   string
		second part
		want   int
	}{
		{"as the first", part{10*time.Hour + 25*time.Minute, "srvr%04d", "u%d@site.example", listed}, 1},
		{"hours later", part{13 * time.Hour, "srvr%04d", "u%d@site.example", listed}, 2},
		{"another kind of HELO", part{10*time.Hour + 25*time.Minute, "[192.0.2.%d]", "u%d@site.example", listed}, 2},
		{"names that may be somebody's", part{10*time.Hour + 25*time.Minute, "mail.h%04d.example", "u%d@site.example", listed}, 2},
		{"to others", part{10*time.Hour + 25*time.Minute, "srvr%04d", "v%d@site.example", listed}, 2},
		{"refused for another reason", part{10*time.Hour + 25*time.Minute, "srvr%04d", "u%d@site.example", "Relay access denied"}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}}, []Detector{campaign})
			start := mail.InstantOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
			var m mail.Message
			for i := range 3000 { // a day of others
				flood(&m, i, start.Add(time.Duration(i)*28*time.Second))
				e.Message(&m)
			}
			for n, p := range []part{first, tt.second} {
				for i := range 60 {
					ip := netip.AddrFrom4([4]byte{byte(77 + n), byte(i / 6 * 7), byte(i / 6), 9}).String()
					reply := p.reply
					if reply == listed {
						reply = fmt.Sprintf(listed, ip, ip)
					}
					sender := fmt.Sprintf("%c%c%cxq%dzkv@x%d.example", 'a'+i%26, 'b'+i%24, 'c'+i%22, i, n)
					helo := fmt.Sprintf(p.helo, 1+i)
					e.Event(&mail.Event{Origin: mail.Origin{Line: int64(10_000*n + i + 1)}, Kind: mail.Reject, Time: start.Add(p.at + time.Duration(i)*20*time.Second), Host: "mx1",
						Client: mail.Client{IP: netip.MustParseAddr(ip), HELO: helo}, Sender: sender, Recipient: fmt.Sprintf(p.to, i%12), Code: 554, DSN: "5.7.1", Reply: reply, Raw: "line"})
				}
			}
			findings, _ := e.Findings()
			runs := 0
			for i := range findings {
				if f := &findings[i]; f.Counts.Rejected > 0 {
					runs++
					if tt.want == 1 && (f.Counts.Rejected != 120 || len(f.Clients) != 20 || !says(f, "one-run") || f.Severity != Low) {
						t.Errorf("%s: %d attempts of %d clients, %v", f.Title, f.Counts.Rejected, len(f.Clients), f.Reasons)
					}
					if tt.want == 2 && says(f, "one-run") {
						t.Errorf("%s was joined", f.Title)
					}
				}
			}
			if runs != tt.want {
				t.Errorf("got %d findings, want %d: %+v", runs, tt.want, findings)
			}
		})
	}
}

// The same parts are joined as if each were compared with each other, and thousands of parts do not take seconds.
func TestCampaignRunsOfParts(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	some := func(n, helos, recipients, days int) []*refusedPart {
		parts := make([]*refusedPart, n)
		for i := range parts {
			if random.IntN(8) == 0 {
				continue // no part of a run
			}
			start := mail.Instant(0).Add(time.Duration(random.IntN(days*24*60)) * time.Minute)
			p := &refusedPart{cluster: &cluster{start: start, end: start.Add(time.Duration(random.IntN(90)) * time.Minute)}, helo: fmt.Sprint(random.IntN(helos)),
				words: fmt.Sprint(random.IntN(2)), to: make(map[string]bool)}
			for range 3 + random.IntN(9) {
				p.to[fmt.Sprint(random.IntN(recipients))] = true
			}
			parts[i] = p
		}
		numberRecipients(parts)
		return parts
	}
	for range 300 {
		parts := some(40, 3, 12, 1)
		got, want := runsOf(parts), newSets(len(parts))
		for i, p := range parts {
			for j, o := range parts[:i] {
				if p == nil || o == nil || p.helo != o.helo || p.words != o.words || p.start > o.end.Add(joinPause) || o.start > p.end.Add(joinPause) {
					continue
				}
				common := 0
				for to := range p.to {
					if o.to[to] {
						common++
					}
				}
				if 2*common >= min(len(p.to), len(o.to)) {
					want.join(i, j)
				}
			}
		}
		for i := range parts {
			if got.find(i) != want.find(i) {
				t.Fatalf("%d belongs to %d, want %d", i, got.find(i), want.find(i))
			}
		}
	}
	for _, recipients := range []int{12, 2000} {
		parts := some(8000, 1, recipients, 1)
		start := time.Now()
		runsOf(parts)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("8,000 parts to %d recipients took %s", recipients, d)
		}
	}
}
