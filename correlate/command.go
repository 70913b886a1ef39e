package correlate

import (
	"strings"
	"time"

	"mailforensics/mail"
)

// command is a call of Exim as sendmail: its working directory and arguments. The line has no message ID; the call belongs to the
// next message that the same process accepts.
type command struct {
	host      *host
	pid       int
	at        mail.Instant
	directory string
	arguments string
	line      mail.LogLine
}

// commandWait is how much later than the call its message may be accepted.
const commandWait = 10 * time.Second

// command keeps a command line that may hand in a message. Exim calls itself for every delivery, queue run and bounce: these hand
// in nothing, except a bounce, whose message names its parent.
func (t *Tracker) command(q *queue, ev *mail.Event) {
	if ev.Directory == "" || isQueueWork(ev.Script) {
		return
	}
	c := command{host: q.host, pid: ev.PID, at: t.now, directory: t.names.get(ev.Directory), arguments: t.names.get(ev.Script)}
	if t.options.KeepLines {
		c.line = mail.LogLine{Origin: ev.Origin, Time: ev.Time, Text: strings.Clone(ev.Raw)}
	}
	t.commands.put(c)
}

// isQueueWork reports whether the arguments make Exim work on its queue, its configuration or an address, instead of taking a
// message.
func isQueueWork(arguments string) bool {
	_, rest, _ := strings.Cut(arguments, " ")
	for rest != "" {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		if len(word) < 2 || word[0] != '-' {
			continue
		}
		switch word[1] {
		case 'M', 'q', 'E':
			return true
		case 'b':
			switch word {
			case "-bm", "-bs", "-bS":
			default:
				return true
			}
		}
	}
	return false
}

// commanded gives a local message the call that handed it in: that of its process if the log has PIDs; else, of the calls of the
// last seconds, the one that fits best, and of these the oldest.
func (t *Tracker) commanded(q *queue, m *message, ev *mail.Event) {
	if m.Notice || t.commands.n == 0 {
		return
	}
	var best *command
	bestFit := -1
	t.commands.each(func(c *command) bool {
		if t.now.Sub(c.at) > commandWait {
			return false
		}
		if c.directory == "" || c.host != q.host || c.pid != ev.PID {
			return true
		}
		if fit := c.fits(ev); fit >= bestFit { // the older one of two that fit as well
			best, bestFit = c, fit
		}
		return true
	})
	if best == nil {
		return
	}
	m.Directory = best.directory
	if m.Script == "" { // an access rule may have logged which script it is
		m.Script = best.arguments
	}
	if t.options.KeepLines {
		m.Lines = append([]mail.LogLine{best.line}, m.Lines...)
	}
	best.directory = ""
}

// fits returns how well a call fits a message: more if its directory names the user, or its arguments the sender.
func (c *command) fits(ev *mail.Event) int {
	fit := 0
	if ev.User != "" && hasPart(c.directory, ev.User) {
		fit += 2
	}
	if ev.Sender != "" && ev.Sender != mail.NullSender && strings.Contains(c.arguments, ev.Sender) {
		fit++
	}
	return fit
}

// hasPart reports whether an element of a path is name.
func hasPart(path, name string) bool {
	for path != "" {
		var part string
		part, path, _ = strings.Cut(path, "/")
		if part == name {
			return true
		}
	}
	return false
}
