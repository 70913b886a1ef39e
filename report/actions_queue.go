package report

import (
	"slices"
	"strings"

	"mailforensics/analyze"
)

// queueActions hold, and then delete, exactly the messages of findings that the log saw last in the queue, and the notices of
// ours that messages of them caused: bounces to senders who never wrote, which nobody waits for.
func queueActions(r *Report, findings []*analyze.Finding) []Action {
	messages, notices := queuedOf(findings), noticesOf(findings)
	at := slices.IndexFunc(findings, func(f *analyze.Finding) bool { return len(f.QueueIDs)+len(f.NoticeIDs) > 0 })
	if at < 0 {
		return nil
	}
	finding := findings[at]
	var hosts []string // in the order in which they are named
	on := make(map[string][]string)
	for _, q := range append(messages, notices...) {
		if on[q.host] == nil {
			hosts = append(hosts, q.host)
		}
		on[q.host] = append(on[q.host], q.id)
	}
	total := queuedWhy(findings, len(messages), len(notices))
	var all []Action
	for _, host := range hosts {
		why, where := total, onHosts(finding.Hosts)
		if len(hosts) > 1 {
			why = Counted(len(on[host]), "message", "messages") + " of it may"
		}
		if host != "" {
			where = onHosts([]string{host})
		}
		of := host
		if of == "" && len(finding.Hosts) == 1 {
			of = finding.Hosts[0]
		}
		all = append(all, queueIDActions(on[host], r.Instances[of], why+" still be in the queue"+where+": hold", finding.ID)...)
	}
	return all
}

// queueIDActions hold and delete the messages of queue IDs of one host. With instances of Postfix, each is asked: postsuper works on
// the queue of one, and says nothing of an ID that is not there. postmulti calls the first instance "-" where it has no name.
func queueIDActions(ids, instances []string, why, finding string) []Action {
	var postfix, exim []string
	for _, id := range ids {
		if strings.Contains(id, "-") { // an Exim message ID
			exim = append(exim, quote(id))
		} else {
			postfix = append(postfix, quote(id))
		}
	}
	var all []Action
	add := func(ids []string, before, hold, drop, after string) {
		if len(ids) == 0 {
			return
		}
		list := before + strings.Join(ids, " ")
		all = append(all,
			Action{why, hold + list + after, finding},
			Action{"… and when you are sure, delete", drop + list + strings.Replace(after, "-h", "-d", 1), finding})
	}
	if len(instances) < 2 {
		add(postfix, `printf '%s\n' `, "", "", " | postsuper -h -")
	} else {
		names := make([]string, len(instances))
		for i, name := range instances {
			if names[i] = quote(name); name == "postfix" {
				names[i] = "-"
			}
		}
		add(postfix, "for i in "+strings.Join(names, " ")+`; do printf '%s\n' `, "", "", ` | postmulti -i "$i" -x postsuper -h -; done`)
	}
	add(exim, "", "exim -Mf ", "exim -Mrm ", "")
	return all
}

// queuedWhy says of how many messages and notices the queue IDs are named, and of how many not: "95 messages of it may".
func queuedWhy(findings []*analyze.Finding, messages, notices int) string {
	allMessages, allNotices := stillQueued(findings)
	some := func(n, all int, one, many string) string {
		if n < all {
			return Commas(n) + " of the " + Commas(all) + " " + many + " that"
		}
		return Counted(n, one, many)
	}
	var parts []string
	if messages > 0 {
		parts = append(parts, some(messages, allMessages, "message of it", "messages of it"))
	}
	if notices > 0 {
		parts = append(parts, some(notices, allNotices, "bounce of ours to its senders", "bounces of ours to its senders"))
	}
	return strings.Join(parts, " and ") + " may"
}
