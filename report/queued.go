package report

import (
	"strings"

	"mailforensics/analyze"
)

// queued is a message or notice that is still in a queue. Two hosts may give the same ID.
type queued struct{ id, host string }

// queuedOf are those that wait of several findings, each once, those of the first finding first.
func queuedOf(findings []*analyze.Finding) []queued {
	return onceEach(findings, func(f *analyze.Finding) ([]string, []string) { return f.QueueIDs, f.QueueHosts })
}

// noticesOf are those of the notices that messages of the findings caused.
func noticesOf(findings []*analyze.Finding) []queued {
	return onceEach(findings, func(f *analyze.Finding) ([]string, []string) { return f.NoticeIDs, f.NoticeHosts })
}

func onceEach(findings []*analyze.Finding, list func(*analyze.Finding) (ids, hosts []string)) []queued {
	var all []queued
	seen := make(map[queued]bool)
	for _, f := range findings {
		ids, hosts := list(f)
		for i, id := range ids {
			q := queued{id: id}
			if i < len(hosts) {
				q.host = hosts[i]
			}
			if !seen[q] {
				seen[q] = true
				all = append(all, q)
			}
		}
	}
	return all
}

// queueHosts are the hosts of what waits, in its order; nil where it is all in one queue.
func queueHosts(all []queued) []string {
	var hosts []string
	several := false
	for _, q := range all {
		hosts = append(hosts, q.host)
		several = several || q.host != all[0].host
	}
	if !several {
		return nil
	}
	return hosts
}

// queueIDs are the queue IDs of what waits, in its order.
func queueIDs(all []queued) []string {
	var ids []string
	for _, q := range all {
		ids = append(ids, q.id)
	}
	return ids
}

// queuedNames are the same with their hosts, where there are several.
func queuedNames(all []queued) []string {
	names := queueIDs(all)
	for i, host := range queueHosts(all) {
		if host != "" {
			names[i] += "@" + host
		}
	}
	return names
}

// stillQueued is how many messages of findings, and notices of ours about them, are still in the queue: more than have their
// queue IDs named, where one has many.
func stillQueued(findings []*analyze.Finding) (messages, notices int) {
	messages, notices = len(queuedOf(findings)), len(noticesOf(findings))
	for _, f := range findings {
		messages, notices = max(messages, f.Queued), max(notices, f.Notices)
	}
	return messages, notices
}

// queuedText is the same in words; "" where nothing is.
func queuedText(findings []*analyze.Finding) string {
	var parts []string
	messages, notices := stillQueued(findings)
	if messages > 0 {
		parts = append(parts, Counted(messages, "message", "messages"))
	}
	if notices > 0 {
		parts = append(parts, Counted(notices, "notice", "notices")+" of ours (bounces) to its senders")
	}
	return strings.Join(parts, " and ")
}
