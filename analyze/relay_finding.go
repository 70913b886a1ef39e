package analyze

import (
	"fmt"
	"slices"
)

// title is the finding in a sentence. What is low may well be a customer who is allowed to, and is called no open relay.
func (w *relayWatch) title(r *relayed, subject Subject, recipients int, severity Severity) string {
	what := "Open relay: "
	if severity == Low {
		what = "Without a login, "
	}
	clients := plural(len(r.tally.clients), "address", "addresses")
	switch subject.Kind {
	case SenderDomain:
		return what + fmt.Sprintf("%s relayed %s from %s to %s, none of them ours",
			clients, plural(r.messages, "message", "messages"), subject.Value, plural(recipients, "recipient", "recipients"))
	case Host:
		return what + fmt.Sprintf("%s relayed %s in the names of %s to %s, none of them ours", clients, plural(r.messages, "message", "messages"),
			plural(r.tally.SenderDomains.Distinct(), "domain", "domains"), plural(recipients, "recipient", "recipients"))
	}
	return what + fmt.Sprintf("%s relayed %s to %s, none of them ours",
		subject.Value, plural(r.messages, "message", "messages"), plural(recipients, "recipient", "recipients"))
}

// queue says what is still in the queue, including bounces to forged senders.
func (w *relayWatch) queue(r *relayed, f *Finding) {
	waiting := r.tally.Counts.Deferred + r.tally.Counts.Held
	notices := w.noticesOf(r, f.Subject)
	f.nameNotices(notices)
	var all int
	for _, c := range r.tally.SenderDomains.Top(topMost) {
		if b := w.bounced.Find(c.Value); b != nil && c.Messages*2 > r.messages {
			all += b.all
		}
	}
	f.Facts = append(f.Facts, Fact{"went out", say("%s delivered, %d bounced", plural(r.tally.Counts.Delivered, "recipient", "recipients"), r.tally.Counts.Bounced+r.tally.Counts.Expired)})
	queued := plural(waiting, "recipient", "recipients")
	if all = max(all, len(notices)); all > 0 {
		queued += say(", and %s of ours to their senders (of %d made)", plural(len(notices), "notice", "notices"), all)
	}
	f.Facts = append(f.Facts, Fact{"still queued", queued})
}

// bucketRate is the rate of what buckets counted: the peak is that of a whole minute, which begins with the first at the earliest.
// Where buckets are wider than a minute, the peak is not known.
func bucketRate(b *Buckets) *Rate {
	line := b.Timeline()
	first, last := b.Bounds()
	if len(line) == 0 {
		return nil
	}
	total := 0
	for _, x := range line {
		total += x.Messages
	}
	rate := &Rate{PerMinute: float64(total) / max(1, last.Sub(first).Minutes())}
	if b.Width() == peakSpan {
		peak := slices.MaxFunc(line, func(x, y Bucket) int { return x.Messages - y.Messages })
		rate.PeakPerMinute, rate.PeakAt, rate.WholeMinutes = peak.Messages, max(peak.Time, first), true
	}
	return rate
}
