package report

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// Marks are at round local times, also on days of 23 and 25 hours.
func TestTicks(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no zones here")
	}
	for _, c := range []struct{ start, end, want string }{
		{"2024-01-24T10:03:00Z", "2024-01-24T10:33:00Z", "Wed 11:05 11:10 11:15 11:20 11:25 11:30"},
		{"2024-01-24T22:00:00Z", "2024-01-25T03:00:00Z", "Wed 23:00 Thu 25 Jan 01:00 02:00 03:00 04:00"},
		{"2024-03-30T23:00:00Z", "2024-03-31T22:00:00Z", "Sun 31 Mar 04:00 07:00 10:00 13:00 16:00 19:00 22:00 Mon 1 Apr"},
		{"2024-10-26T22:00:00Z", "2024-10-27T23:00:00Z", "Sun 27 Oct 05:00 11:00 17:00 23:00 Mon 28 Oct"},
		{"2024-01-01T00:00:00Z", "2024-01-07T00:00:00Z", "2 Jan 3 Jan 4 Jan 5 Jan 6 Jan 7 Jan"},
		{"2020-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "Dec 2020 Dec 2021 Dec 2022 Dec 2023"},
	} {
		start, _ := time.Parse(time.RFC3339, c.start)
		end, _ := time.Parse(time.RFC3339, c.end)
		axis := timeAxis{mail.InstantOf(start), mail.InstantOf(end), 0, 100, zone}
		var got []string
		last := -1.0
		for _, tick := range axis.ticks(8) {
			got = append(got, tick.label)
			if x := axis.x(tick.at); x <= last || x > 100 {
				t.Errorf("%s: %s stands at %v behind %v", c.start, tick.label, x, last)
			} else {
				last = x
			}
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s to %s: got %q, want %q", c.start, c.end, text, c.want)
		}
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct {
		most int
		want string
	}{{1, "0 1"}, {2, "0 2"}, {3, "0 3"}, {7, "0 2 4 6 8"}, {11, "0 5 10 15"}, {129, "0 50 100 150"}, {240, "0 75 150 225 300"}, {4200, "0 1000 2000 3000 4000 5000"}, {95, "0 25 50 75 100"}} {
		s := newScale(c.most, 0, 100)
		var got []string
		for _, n := range s.steps() {
			got = append(got, strconv.Itoa(n))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%d: got %s, want %s", c.most, text, c.want)
		}
		if y := s.y(c.most); y < 0 {
			t.Errorf("%d: stands out at %v", c.most, y)
		}
	}
}

// The steps of a picture begin at round times and hold all that was counted.
func TestBuckets(t *testing.T) {
	r := investigation()
	start, end := r.Window()
	spans, width := buckets(r, start, end)
	if width != 10*time.Minute || len(spans) > mostBuckets {
		t.Errorf("%d steps of %v", len(spans), width)
	}
	if got := spans[0].Start.In(berlin).Format("15:04:05"); got != "05:10:00" {
		t.Errorf("begins at %s", got)
	}
	messages, rejected := 0, 0
	for _, s := range spans {
		messages, rejected = messages+s.Messages, rejected+s.Rejected
	}
	if messages != 2339+162 || rejected != 162 {
		t.Errorf("%d messages and %d refused attempts", messages, rejected)
	}
	if spans, _ := buckets(r, 1, end); len(spans) > mostBuckets {
		t.Errorf("a stamp of 1970: %d steps", len(spans))
	}
}

// The numbers in the text and the table of a chart are those that were counted.
func TestChartNumbers(t *testing.T) {
	r := investigation()
	start, end := r.Window()
	c := mailChart(r, "x", "All mail", start, end, []mark{{at("14:04:00"), at("16:35:00"), "incident 1"}})
	sums := make([]int, len(c.Table.Heads))
	for _, row := range c.Table.Rows {
		for i := 1; i < len(row); i++ {
			n, err := strconv.Atoi(strings.ReplaceAll(row[i].Text, ",", ""))
			if err != nil {
				t.Fatal(err)
			}
			sums[i] += n
		}
	}
	if want := []int{0, 2501, 1722, 389, 390, 0, 162}; !equalInts(sums, want) {
		t.Errorf("sums: got %v, want %v", sums, want)
	}
	if !strings.Contains(string(c.SVG), `class="win"`) || !strings.Contains(string(c.SVG), "incident 1") {
		t.Error("the window is not marked")
	}
	q := queueChart(r, "q", nil)
	if want := "At the end of the log: 389 messages and 0 notices."; !strings.HasSuffix(q.Words, want) {
		t.Errorf("queue: %s, want %s", q.Words, want)
	}
}

func equalInts(a, b []int) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// Hours are those of local time; hours that the log does not cover are missing, not 0.
func TestHours(t *testing.T) {
	r := investigation()
	r.Ledger.First, r.Ledger.Last = at("12:30:00"), at("17:30:00")
	w := weekOf(r, []mark{{at("14:04:00"), at("16:35:00"), ""}})
	day := &w.cells[time.Wednesday]
	for hour, want := range map[int]struct {
		hours  int
		marked bool
	}{11: {0, false}, 12: {1, false}, 13: {1, false}, 14: {1, true}, 16: {1, true}, 17: {1, false}, 18: {0, false}} {
		if got := day[hour]; got.marked != want.marked || got.hours != want.hours && got.messages == 0 {
			t.Errorf("%d o'clock: got %+v, want %+v", hour, got, want)
		}
	}
	if !w.covers(int(time.Wednesday)) || w.covers(int(time.Thursday)) {
		t.Error("covered days")
	}
	if want := "Wednesday at 15"; w.busy != want {
		t.Errorf("busiest: got %s, want %s", w.busy, want)
	}
}

func TestLaneWords(t *testing.T) {
	client := func(ip, first, last string) analyze.ClientCount {
		c := analyze.ClientCount{Client: mail.Client{IP: netip.MustParseAddr(ip)}, Messages: 2, First: at(first), Last: at(last)}
		c.Lane.Add(c.First, 1)
		c.Lane.Add(c.Last, 1)
		return c
	}
	for _, c := range []struct {
		name, want string
		clients    []analyze.ClientCount
	}{
		{"in turns", "they took turns", []analyze.ClientCount{client("192.0.2.3", "10:20:00", "10:25:00"), client("192.0.2.1", "10:00:00", "10:05:00"), client("192.0.2.2", "10:10:00", "10:15:00")}},
		{"together", "they worked at the same time", []analyze.ClientCount{client("192.0.2.1", "10:00:00", "10:05:00"), client("192.0.2.2", "10:01:00", "10:15:00")}},
		{"some", "1 of them began while another was at work", []analyze.ClientCount{client("192.0.2.1", "10:00:00", "10:05:00"), client("192.0.2.2", "10:01:00", "10:15:00"), client("192.0.2.3", "10:30:00", "10:35:00")}},
	} {
		chart := laneChart(investigation(), "x", &story{clients: c.clients})
		if chart == nil || !strings.Contains(chart.Words, c.want) {
			t.Errorf("%s: got %+v", c.name, chart)
		}
		if got := chart.Table.Rows[0][0].Text; got != "192.0.2.1" {
			t.Errorf("%s: the first is %s", c.name, got)
		}
	}
	if laneChart(investigation(), "x", &story{clients: []analyze.ClientCount{client("192.0.2.1", "10:00:00", "10:05:00")}}) != nil {
		t.Error("a picture of one client shows nothing")
	}
}
