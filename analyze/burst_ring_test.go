package analyze

import (
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// streamStart is when these streams begin.
const streamStart = mail.Instant(1_704_067_200_000_000_000)

// A steady stream in one domain, twenty messages a second, each from another address, is explained by its own rate: settling it
// finds no burst, but must still make room.
func TestSettlingASteadyStreamMakesRoom(t *testing.T) {
	w := newBurstWatch(&Pass{Thresholds: DefaultThresholds()})
	s := w.named(byDomain, "d.example")
	s.total = 10 * seriesKept
	for i := range seriesKept {
		at := streamStart.Add(time.Duration(i) * 50 * time.Millisecond)
		w.seen(at)
		s.kept = append(s.kept, &record{time: at})
	}
	w.kept = seriesKept
	w.settle(s, 0)
	if most := seriesKept - seriesKept/4; len(s.kept) > most || w.kept != len(s.kept) {
		t.Errorf("after settling: got %d of %d messages kept, and a count of %d, want at most %d", len(s.kept), seriesKept, w.kept, most)
	}
}

// If there are more small bursts than there is room for, either a good part is dropped, or looking for room pauses.
func TestSmallBurstsDoNotSettleForEveryMessage(t *testing.T) {
	w := newBurstWatch(&Pass{Thresholds: DefaultThresholds()})
	const each = 10
	looked := 0
	for i := range 3 * keptMost / each {
		s := w.named(byDomain, fmt.Sprintf("d%d.example", i))
		s.total = each
		for j := range each {
			at := streamStart.Add(time.Duration(i)*time.Minute + time.Duration(j)*time.Second)
			w.seen(at)
			r := &record{time: at, sender: mail.NullSender}
			full := w.kept >= keptMost && w.passed == 0
			w.keep(s, r)
			if full {
				looked++
			}
		}
	}
	if looked == 0 || looked > 16 {
		t.Errorf("room was looked for %d times for %d messages, want 1 to 16", looked, 3*keptMost)
	}
	if w.kept > keptMost || w.lost == 0 {
		t.Errorf("got %d kept and %d lost, want at most %d kept, and that others are lost said", w.kept, w.lost, keptMost)
	}
}

// If the past of a network is not remembered completely, nobody knows which address sent what: then the finding says what the
// network sent.
func TestBurstTellsWhatIsKnownOfItsPast(t *testing.T) {
	for _, c := range []struct {
		records int
		want    string
	}{{100_000, "; none at other times"}, {1000, "; 3,000 from its network at other times"}} {
		limits := DefaultThresholds()
		limits.Burst.MaxRecords = c.records
		w := newBurstWatch(&Pass{Thresholds: limits, Local: []string{"site.example"}})
		n := 0
		send := func(at time.Duration, ip, sender string) {
			n++
			w.Message(&mail.Message{
				Origin: mail.Origin{Line: int64(n)}, Time: streamStart.Add(at), Host: "mx", Completed: true, Sender: sender, QueueIDs: []string{fmt.Sprint("Q", n)},
				Client:     mail.Client{IP: netip.MustParseAddr(ip)},
				Recipients: []mail.Recipient{{Address: fmt.Sprintf("r%d@site.example", n%50), Disposition: mail.Delivered, Local: true}},
			})
		}
		for i := range 3000 {
			send(time.Duration(i)*2*time.Minute, "198.51.100.7", "news@list.example")
		}
		for i := range 60 {
			send(100*time.Hour+time.Duration(i)*4*time.Second, "198.51.100.99", fmt.Sprintf("x%d@q%d.example", i, i))
		}
		findings := w.Findings(&Site{First: w.first, Last: w.last})
		if len(findings) != 1 || findings[0].Counts.Messages != 60 || !strings.Contains(fmt.Sprint(findings[0].Reasons), c.want) {
			t.Errorf("%d records: got %+v, want %q", c.records, findings, c.want)
		}
	}
}

// A flood in which each network sends a few hundred messages with nothing in common is reported as far as there is room, always
// the same part of it, and does not push out a larger burst.
func TestBurstsOfAFloodAreBounded(t *testing.T) {
	const nets, each, large = 1500, 200, 700
	run := func() (list []Finding, w *burstWatch) {
		w = newBurstWatch(&Pass{Thresholds: DefaultThresholds(), Local: []string{"site.example"}})
		var m mail.Message
		send := func(net, n int, at mail.Instant) {
			m = mail.Message{
				Origin: mail.Origin{Line: int64(n + 1)}, Time: at, Host: "mx", Completed: true, Sender: fmt.Sprintf("s%d@d%d.example", n, n),
				Subject: fmt.Sprint("subject ", n), MessageID: fmt.Sprintf("<%d@m%d.example>", n, n), QueueIDs: []string{fmt.Sprint("Q", n)},
				Client:     mail.Client{IP: netip.AddrFrom4([4]byte{byte(30 + net/250), byte(net % 250), 7, byte(n)}), HELO: fmt.Sprint("h", n)},
				Recipients: []mail.Recipient{{Address: fmt.Sprintf("r%d@site.example", n), Disposition: mail.Delivered, Local: true}},
			}
			w.Message(&m)
		}
		for i := range nets * each {
			at := streamStart.Add(time.Duration(i) * 500 * time.Millisecond)
			send(i/each, i, at)
			if i%each == 0 && i/each >= 100 && i/each < 100+large/35 {
				for k := range 35 { // meanwhile, from another network
					send(nets, nets*each+i/each*35+k, at.Add(time.Duration(k)*time.Second))
				}
			}
		}
		return w.Findings(&Site{First: w.first, Last: w.last}), w
	}
	first, w := run()
	if w.values > storyValues || w.stories > storiesTold || w.lost == 0 {
		t.Errorf("got %d values in %d stories, %d messages lost", w.values, w.stories, w.lost)
	}
	of := func(all []Finding) map[string]int {
		said := make(map[string]int)
		for _, f := range all {
			said[f.Subject.Value] += f.Counts.Messages
		}
		return said
	}
	said := of(first)
	if n := said[fmt.Sprintf("%d.%d.7.0/24", 30+nets/250, nets%250)]; n != large {
		t.Errorf("of the large burst %d messages are told, want %d", n, large)
	}
	second, _ := run()
	if again := of(second); !maps.Equal(said, again) {
		t.Errorf("another run tells %d bursts, this one %d, or other numbers of them", len(again), len(said))
	}
}

// Relays with tens of thousands of senders take no room from small bursts.
func TestLargeBurstsTakeNoRoomFromSmall(t *testing.T) {
	w := newBurstWatch(&Pass{Thresholds: DefaultThresholds()})
	told := func(name string, messages, values int) *series {
		story := newBatch()
		story.Counts.Messages = messages
		for _, tally := range []*Tally{&story.Senders, &story.SenderDomains, &story.Recipients, &story.RecipientDomains, &story.Subjects} {
			for i := range values {
				tally.Add(strconv.Itoa(i), 1)
			}
		}
		s := w.named(byDomain, name)
		s.stories = append(s.stories, story)
		w.stories++
		w.values += story.values()
		return s
	}
	small := told("small.example", 36, 36)
	for i := range 5 {
		told(fmt.Sprintf("large%d.example", i), seriesKept, 2*tallyCap)
	}
	if w.values <= storyValues {
		t.Fatalf("the large ones hold %d values, which is no more than there is room for", w.values)
	}
	w.boundStories()
	if len(small.stories) != 1 || w.lost != 0 {
		t.Errorf("the small burst is not told, %d messages are lost", w.lost)
	}
}

// Of a series that is in a burst more often than can be told apart, no time is forgotten, in whatever order its messages come.
func TestHeatOfManyStretches(t *testing.T) {
	for name, at := range map[string]func(i int) int{"in order": func(i int) int { return i }, "the latest first": func(i int) int { return 3*hotMost - i }} {
		w := newBurstWatch(&Pass{Thresholds: DefaultThresholds()})
		s := w.named(byDomain, "d.example")
		for i := range 3 * hotMost {
			w.heat(s, streamStart.Add(time.Duration(at(i))*24*time.Hour))
		}
		if len(s.hot) > hotMost {
			t.Errorf("%s: got %d stretches, want at most %d", name, len(s.hot), hotMost)
		}
		for i := range 3 * hotMost {
			if !s.isHot(streamStart.Add(time.Duration(at(i)) * 24 * time.Hour)) {
				t.Errorf("%s: day %d is forgotten", name, at(i))
			}
		}
	}
}
