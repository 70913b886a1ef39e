package analyze

import (
	"fmt"
	"strings"

	"mailforensics/mail"
)

// Logging counts what the log has and what it leaves out, so that a report can say what better logging would have shown.
// The zero value is ready.
type Logging struct {
	Messages [2]Told // by Postfix, by Exim
	Logins   int     // login events beside those of messages
}

// Told is how many messages there were, and for how many the log has each thing.
type Told struct {
	Messages, Strangers, Local                   int // from strangers; from local users
	Subject, HELO, MessageID, Script, Recipients int
}

// Message counts a message.
func (l *Logging) Message(m *mail.Message) {
	if m.Notice || m.MTA != mail.Postfix && m.MTA != mail.Exim {
		return
	}
	t := &l.Messages[m.MTA-mail.Postfix]
	t.Messages++
	if m.Subject != "" {
		t.Subject++
	}
	if m.MessageID != "" {
		t.MessageID++
	}
	if len(m.Recipients) > 0 {
		t.Recipients++
	}
	if m.Has(mail.HasUID) || m.User != "" && !m.Client.IP.IsValid() {
		t.Local++
		if m.Script != "" || m.Directory != "" {
			t.Script++
		}
		return
	}
	if m.Client.IP.IsValid() && m.Account == "" {
		t.Strangers++
		if m.Client.HELO != "" {
			t.HELO++
		}
	}
}

// Event counts an event that is of no message.
func (l *Logging) Event(ev *mail.Event) {
	if ev.Kind == mail.Auth {
		l.Logins++
	}
}

// Advice is what should be logged and why.
type Advice struct {
	Why     string // what this log does not tell, and what for it is needed
	Setting string // to copy
}

// Advice is what this log lacks. What nearly no message has is not logged; a subject that one mail in ten has not is not there.
func (l *Logging) Advice() []Advice {
	var all []Advice
	add := func(why, setting string) { all = append(all, Advice{why, setting}) }
	if t := &l.Messages[0]; t.Messages > 0 {
		var headers []string
		if t.rare(t.Subject, t.Messages) {
			headers = append(headers, "the subject of messages, which helps to recognise campaigns")
		}
		if t.Strangers > 0 && t.rare(t.HELO, t.Strangers) { // a header check logs it, too
			headers = append(headers, "the HELO name of clients whose mail was accepted")
		}
		if len(headers) > 0 {
			add(strings.Join(headers, "; "), headerCheck+"/^Subject:/ INFO")
		}
		if t.Local > 0 && t.rare(t.Script, t.Local) {
			add(fmt.Sprintf("which script handed in the %s of local users", plural(t.Local, "message", "messages")),
				"php.ini: mail.add_x_header = On; "+headerCheck+"/^X-PHP-Originating-Script:/ INFO")
		}
		if l.Logins == 0 {
			add("logins that send nothing (an attacker's first login before the abuse)", "dovecot.conf: auth_verbose = yes, in the same log or given beside it")
		}
	}
	if t := &l.Messages[1]; t.Messages > 0 {
		var selectors string
		why := ""
		for _, s := range []struct {
			missing  bool
			selector string
			what     string
		}{
			{t.rare(t.Subject, t.Messages), "+subject", "the subject"},
			{t.Local > 0 && t.rare(t.Script, t.Local), "+arguments", "the directory of scripts (cwd=)"},
			{t.Recipients < t.Messages, "+received_recipients", "the recipients of messages that were never tried"},
		} {
			if s.missing {
				selectors += " " + s.selector
				if why != "" {
					why += ", "
				}
				why += s.what
			}
		}
		if selectors != "" {
			add(why, "log_selector ="+selectors+" +sender_on_delivery +smtp_connection")
		}
	}
	return all
}

// headerCheck is how Postfix is told to log a header: the setting, and the line of the file that it names (header_checks(5)).
const headerCheck = "main.cf: header_checks = pcre:/etc/postfix/header_checks; in that file: "

func (t *Told) rare(n, of int) bool { return of >= 10 && n*20 < of }
