package analyze

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"mailforensics/mail"
)

// moment returns a moment of a Monday.
func moment(clock string) mail.Instant {
	t, err := time.Parse("2006-01-02 15:04:05", "2024-01-22 "+clock)
	if err != nil {
		panic(err)
	}
	return mail.InstantOf(t)
}

func courseMessage(at, end string, ds ...mail.Disposition) *mail.Message {
	m := &mail.Message{Time: moment(at), End: moment(end), Completed: true}
	for _, d := range ds {
		m.Recipients = append(m.Recipients, mail.Recipient{Disposition: d, Time: m.End})
		m.Completed = m.Completed && d != mail.Deferred
	}
	return m
}

func TestCourse(t *testing.T) {
	var c Course
	c.Message(courseMessage("10:00:05", "10:00:07", mail.Delivered, mail.Bounced))
	c.Message(courseMessage("10:00:59", "10:02:00", mail.Expired))
	c.Message(courseMessage("10:01:00", "10:05:00", mail.Delivered, mail.Deferred)) // stays in the queue
	c.Message(&mail.Message{Time: moment("10:00:07"), End: moment("10:00:08"), Completed: true, Notice: true})
	c.Event(&mail.Event{Kind: mail.Reject, Time: moment("10:01:30")})
	c.Event(&mail.Event{Kind: mail.Reject, Time: moment("10:01:30"), Flags: mail.WarnOnly})
	want := []Span{
		{Start: moment("10:00:00"), Messages: 2, Notices: 1, Delivered: 1, Bounced: 2, Refused: 1, Queued: 1},
		{Start: moment("10:01:00"), Messages: 1, Delivered: 1, Deferred: 1, Rejected: 1, Queued: 2},
		{Start: moment("10:02:00"), Refused: 1, Queued: 1},
		{Start: moment("10:05:00"), Refused: 1, Queued: 1},
	}
	if got := c.Spans(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, x := range []struct {
		start, end     string
		within, beside int
	}{
		{"09:00:00", "09:59:59", 0, 3},
		{"10:00:30", "10:01:10", 1, 2}, // from the middle of a minute
		{"10:01:00", "10:02:00", 1, 2},
		{"10:02:30", "10:05:00", 2, 1}, // in a minute that has begun
		{"10:06:00", "10:07:00", 0, 3},
	} {
		if within, beside := c.Refused(moment(x.start), moment(x.end)); within != x.within || beside != x.beside {
			t.Errorf("refused from %s to %s: got %d and %d beside, want %d and %d", x.start, x.end, within, beside, x.within, x.beside)
		}
	}
}

// Reading in parts and in any order gives the same spans, even if these had to be widened.
func TestCourseMerge(t *testing.T) {
	for _, spread := range []time.Duration{time.Hour, 60 * 24 * time.Hour, 40 * 365 * 24 * time.Hour} {
		r := rand.New(rand.NewPCG(1, 2))
		var all []*mail.Message
		for range 60_000 {
			at := moment("00:00:00").Add(time.Duration(r.Int64N(int64(spread))))
			m := &mail.Message{Time: at, End: at.Add(time.Minute), Completed: r.IntN(9) > 0}
			m.Recipients = append(m.Recipients, mail.Recipient{Time: m.End, Disposition: mail.Disposition(1 + r.IntN(8))})
			all = append(all, m)
		}
		var whole Course
		for _, m := range all {
			whole.Message(m)
		}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var parts [3]Course
		for _, m := range all {
			parts[r.IntN(3)].Message(m)
		}
		parts[2].Merge(&parts[0])
		parts[2].Merge(&parts[1])
		if got, want := parts[2].Width(), whole.Width(); got != want {
			t.Errorf("%v: width %v, want %v", spread, got, want)
		}
		if n := len(whole.Spans()); n > courseCap {
			t.Errorf("%v: %d spans", spread, n)
		}
		if got, want := parts[2].Spans(), whole.Spans(); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %d spans that differ from %d", spread, len(got), len(want))
		}
	}
}

func TestJoin(t *testing.T) {
	spans := []Span{
		{Start: moment("09:50:00"), Messages: 9, Queued: 4},
		{Start: moment("10:00:00"), Messages: 2, Delivered: 2, Queued: 5},
		{Start: moment("10:01:00"), Messages: 1, Rejected: 3, Queued: 3},
		{Start: moment("10:07:00"), Messages: 7, Queued: 1},
	}
	got := Join(spans, moment("10:00:00"), moment("10:08:00"), 2*time.Minute)
	want := []Span{
		{Start: moment("10:00:00"), Messages: 3, Delivered: 2, Rejected: 3, Queued: 3},
		{Start: moment("10:02:00"), Queued: 3},
		{Start: moment("10:04:00"), Queued: 3},
		{Start: moment("10:06:00"), Messages: 7, Queued: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if before := Join(spans, moment("09:55:00"), moment("10:00:00"), 5*time.Minute); before[0].Queued != 4 || before[0].Messages != 0 {
		t.Errorf("what was in the queue before is still there: got %+v", before)
	}
}

func TestLane(t *testing.T) {
	var whole Lane
	parts := [2]Lane{}
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		at := moment("08:00:00").Add(time.Duration(r.Int64N(int64(9 * time.Hour))))
		whole.Add(at, 1)
		parts[r.IntN(2)].Add(at, 1)
	}
	parts[0].Merge(&parts[1])
	if !reflect.DeepEqual(parts[0].marks, whole.marks) || parts[0].doubled != whole.doubled {
		t.Errorf("merged: %v of %v, want %v of %v", parts[0].marks, parts[0].Width(), whole.marks, whole.Width())
	}
	sum, last := 0, mail.Instant(0)
	for at, n := range whole.Marks {
		if at <= last {
			t.Errorf("%v comes after %v", at, last)
		}
		sum, last = sum+n, at
	}
	if sum != 5000 || len(whole.marks) > laneCap || len(whole.marks) < laneCap/2-1 {
		t.Errorf("%d in %d spans of %v", sum, len(whole.marks), whole.Width())
	}
}

// How much does the course add to a message?
func BenchmarkCourse(b *testing.B) {
	b.ReportAllocs()
	var c Course
	m := courseMessage("10:00:05", "10:00:07", mail.Delivered)
	i, start := 0, moment("10:00:05")
	for b.Loop() {
		i++
		m.Time = start.Add(time.Duration(i%1000) * 100 * time.Millisecond)
		m.End = m.Time.Add(time.Duration(i%7) * time.Second)
		m.Recipients[0].Time = m.End
		c.Message(m)
	}
}
