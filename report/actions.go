package report

import (
	"slices"
	"strconv"
	"strings"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// Action is something to do now: why, and a command to copy. This program runs none of them.
type Action struct {
	Why     string
	Command string // one line of a POSIX shell, everything from the log quoted; "" where there is none
	Finding string // ID of the finding that asks for it
}

// shownQueueIDs bounds the queue IDs on one command line.
const shownQueueIDs = 200

// Actions are what to do about the findings of an incident, the most urgent first.
func Actions(r *Report, inc *analyze.Incident) []Action {
	var all []Action
	for _, f := range r.findingsOf(inc) {
		if f.Severity < analyze.Medium {
			continue
		}
		all = append(all, actions(r, f)...)
	}
	return slices.CompactFunc(all, func(a, b Action) bool { return a.Command == b.Command && a.Why == b.Why })
}

// findingsOf are the findings of an incident, the main one first.
func (r *Report) findingsOf(inc *analyze.Incident) []*analyze.Finding {
	var all []*analyze.Finding
	for _, id := range inc.Findings {
		for i := range r.Findings {
			if r.Findings[i].ID == id {
				all = append(all, &r.Findings[i])
			}
		}
	}
	return all
}

func actions(r *Report, f *analyze.Finding) []Action {
	var all []Action
	add := func(why string, command string) { all = append(all, Action{why, command, f.ID}) }
	if f.Subject.Kind == analyze.Account {
		add("lock the login and set a new password in the user database; then end its sessions", "doveadm kick "+quote(f.Subject.Value))
	}
	if f.Detector == "script" {
		where := f.Subject.Value
		switch f.Subject.Kind {
		case analyze.Directory:
			add("see which files are new there, then take the directory out of the web server's reach",
				"find "+quote(where)+" -newermt "+quote(f.Start.In(r.Zone).AddDate(0, 0, -7).Format("2006-01-02"))+" -ls")
		case analyze.Script:
			_, file, _ := strings.Cut(where, ":")
			if file, _, _ = strings.Cut(file, "("); file != "" {
				add("find the script", "find / -xdev -name "+quote(strings.TrimSpace(file))+" -ls")
			}
		default:
			add("see what runs as that user", "ps -fu "+quote(where))
		}
	}
	if f.Detector == "open-relay" {
		add("mend the rule that lets strangers relay: only hosts of ours (mynetworks, +relay_from_hosts) and logins may; never trust the sender's domain", "")
	}
	all = append(all, queueActions(r, f)...)
	if mayBlock(f) {
		add("keep its clients out", command(r, "block", "--format", blockForm(r)))
	}
	return all
}

// mayBlock reports whether a block list would hold clients of f.
func mayBlock(f *analyze.Finding) bool {
	return f.Subject.Kind != analyze.Account && f.Subject.Kind != analyze.UID && len(f.Clients) > 0
}

func blockForm(r *Report) string {
	if wrote(r, mail.Exim) && !wrote(r, mail.Postfix) {
		return "exim"
	}
	return "postfix-cidr"
}

// wrote reports whether lines of that mail server were read.
func wrote(r *Report, mta mail.MTA) bool {
	for i := range r.Ledger.Files {
		if slices.Contains(r.Ledger.Files[i].MTA, mta.String()) {
			return true
		}
	}
	return false
}

// queueActions hold, and then delete, exactly the messages of f that the log saw last in the queue.
func queueActions(r *Report, f *analyze.Finding) []Action {
	ids := f.QueueIDs[:min(len(f.QueueIDs), shownQueueIDs)]
	if len(ids) == 0 {
		return nil
	}
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = quote(id)
	}
	more := ""
	if n := len(f.QueueIDs) - len(ids); n > 0 {
		more = " (the first " + strconv.Itoa(len(ids)) + "; --format json has more)"
	}
	why := Counted(len(f.QueueIDs), "message", "messages") + " of it may still be in the queue: "
	if strings.Contains(ids[0], "-") { // an Exim message ID
		return []Action{
			{why + "hold" + more, "exim -Mf " + strings.Join(words, " "), f.ID},
			{"… and when you are sure, delete", "exim -Mrm " + strings.Join(words, " "), f.ID},
		}
	}
	list := `printf '%s\n' ` + strings.Join(words, " ")
	return []Action{
		{why + "hold" + more, list + " | postsuper -h -", f.ID},
		{"… and when you are sure, delete", list + " | postsuper -d -", f.ID},
	}
}
