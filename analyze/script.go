package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailforensics/mail"
)

var script = Detector{
	Name:    "script",
	Command: "scripts",
	Title:   "mail sent by programs on this machine: by uid, script, working directory",
	Doc: `A web form, an old plugin or an uploaded file lets a stranger run code on a
web server, and the first thing such code does is to send mail: through the
local sendmail command, without a login, as the user of the web server or of a
customer. The log shows who handed the mail in (Postfix: pickup uid=; Exim:
U=). If set up, it also shows from which directory (Exim: log_selector =
+arguments, "cwd=") or from which PHP file (PHP: mail.add_x_header = On, and a
Postfix header_checks rule that logs X-PHP-Originating-Script, or that header
in an Exim ACL).

This detector groups what local users sent to the outside by directory, else
by script, else by user. Volume alone is no abuse: a shop confirms orders.
Other signs count: nearly every recipient is a new stranger; many do not
exist, because the list is old; other servers refuse the mail as spam; the
senders are forged, or are only the web server's own user; the directory is
one where no program belongs (uploads, cache, tmp, a hidden one) or the file
has a random name; it began suddenly and lasted hours, not months. If a place
also sends the site's own mail, a sudden run is separated from it if it is
clearly of another kind: in other names, or refused where the rest is not. Of a
script that sends one message every few minutes for days, the days with far
more mail than the others are the run.

Honest mail that looks similar: an opt-in newsletter of a shop (few bounces,
one sender in a domain of ours); an application that writes to all its users
at once (more are dead, but the sender is the one of other days, hardly
anybody refuses it as unwanted, and it does not begin at night, unless it
writes at that hour on other days, too); a monitor or cron job (few
recipients, always the same); contact forms, which write in their visitors'
names (to the owners of the same sites, all at once where the mail server was
down); out-of-office replies (the null sender, to those who wrote here).

What it cannot see: scripts that speak SMTP to the outside themselves, past
the mail server: check the firewall's log. Without cwd= and
X-PHP-Originating-Script, only the user is known; the report says what to
switch on. The file that a PHP header names is the one that called mail(),
which may be a library.`,
	New: func(p *Pass) Watch { return newScriptWatch(p) },
}

// localOrigin is where local mail comes from.
type localOrigin struct {
	user string // uid, else name
	kind SubjectKind
	name string
}

// localMail is what one localOrigin sent.
type localMail struct {
	name    string // of the user, where the log has it
	outside int    // messages for somebody outside
	inside  int    // messages for us alone
	blocked int    // recipients refused because of us or of what the message says
	unknown int    // recipients that do not exist
	verp    int    // messages whose sender was made from the recipient, as list servers do
	samples []localSample
	tally   Dossier
	records []*record // all messages for somebody outside, unless there were too many
	missed  bool      // there were
	beside  int       // messages of the same place at other times, if the finding is about a run …
	inName  int       // … of them in the run's most frequent name, if they were taken and went out on several days
	atNight bool      // it began at an hour at which these never go out
}

// localSample is one of the first messages.
type localSample struct {
	Evidence
	text string
}

const localSamples = 10 // as the contract of the command promises: the first ten

type scriptWatch struct {
	pass   *Pass
	places *Entities[localOrigin, localMail]
	kept   int // records, those of forgotten places included

	scratch record // of a message that is not kept
}

func newScriptWatch(p *Pass) *scriptWatch {
	own := func(k localOrigin) localOrigin {
		return localOrigin{strings.Clone(k.user), k.kind, strings.Clone(k.name)}
	}
	return &scriptWatch{pass: p, places: NewEntities(p.Thresholds.Script.MaxPlaces, func(b *localMail) int { return b.outside }, own)}
}

func (w *scriptWatch) Event(*mail.Event) {}

func (w *scriptWatch) Message(m *mail.Message) {
	if !m.Has(mail.HasUID) && (m.User == "" || m.Client.IP.IsValid()) || m.Notice {
		return
	}
	b := w.places.At(placeOf(m))
	b.name = max(b.name, m.User)
	if !forOutside(m) {
		b.inside++
		return
	}
	r := &w.scratch
	if !b.missed {
		r = new(record)
	}
	r.remember(m)
	b.add(m, r)
	w.keep(b, r)
}

// add counts a message for somebody outside.
func (b *localMail) add(m *mail.Message, r *record) {
	b.outside++
	b.tally.Add(m)
	if isVERP(m.Sender, r.first.address) {
		b.verp++
	}
	b.sample(m)
	r.recipients(func(c *recalled) {
		if c.unknown {
			b.unknown++
		}
		if c.blocked {
			b.blocked++
		}
	})
}

// placeOf is the directory that a message was handed in from, else the script, else the user alone. Exim's arguments are no
// script: they name the sender, which differs each time.
func placeOf(m *mail.Message) localOrigin {
	user := m.User
	if m.Has(mail.HasUID) {
		user = strconv.Itoa(m.UID)
	}
	switch {
	case m.Directory != "":
		return localOrigin{user, Directory, m.Directory}
	case m.Script != "" && !isCall(m.Script):
		return localOrigin{user, Script, m.Script}
	}
	return localOrigin{user, UID, user}
}

// forOutside reports whether a recipient is not in a mailbox here.
func forOutside(m *mail.Message) bool {
	for i := range m.Recipients {
		if !m.Recipients[i].Local {
			return true
		}
	}
	return false
}

// sample keeps the first ten.
func (b *localMail) sample(m *mail.Message) {
	e := MessageEvidence(m)
	at, _ := slices.BinarySearchFunc(b.samples, e, func(s localSample, e Evidence) int {
		if before(s.Evidence, e) {
			return -1
		}
		return 1
	})
	if at == localSamples {
		return
	}
	to := ""
	if len(m.Recipients) > 0 {
		to = m.Recipients[0].Envelope()
	}
	text := fmt.Sprintf("%s: from %s to %s", strings.Join(m.QueueIDs, ", "), m.Sender, to)
	if m.Subject != "" {
		text += fmt.Sprintf(", %q", m.Subject)
	}
	b.samples = slices.Insert(b.samples, at, localSample{owned(e), text})
	b.samples = b.samples[:min(len(b.samples), localSamples)]
}

func (w *scriptWatch) Merge(other Watch) {
	for k, o := range other.(*scriptWatch).places.All() {
		b := w.places.At(k)
		b.name = max(b.name, o.name)
		b.outside += o.outside
		b.inside += o.inside
		b.blocked += o.blocked
		b.unknown += o.unknown
		b.verp += o.verp
		b.tally.Merge(&o.tally)
		b.records, b.missed = append(b.records, o.records...), b.missed || o.missed
		w.kept += len(o.records)
		b.samples = append(b.samples, o.samples...)
		slices.SortFunc(b.samples, func(x, y localSample) int {
			if before(x.Evidence, y.Evidence) {
				return -1
			}
			return 1
		})
		b.samples = b.samples[:min(len(b.samples), localSamples)]
	}
	w.makeRoom()
}

func (w *scriptWatch) Findings(site *Site) []Finding {
	var found []Finding
	for _, k := range w.places.Sorted(comparePlaces) {
		b := w.places.Find(k)
		if run := w.run(site, b); run != nil {
			b = run
		}
		if f, ok := w.judge(site, k, b); ok {
			found = append(found, f)
		}
	}
	return found
}

func comparePlaces(a, b localOrigin) int {
	return cmp.Or(strings.Compare(a.user, b.user), strings.Compare(string(a.kind), string(b.kind)), strings.Compare(a.name, b.name))
}

// judge scores what one origin sent.
func (w *scriptWatch) judge(site *Site, k localOrigin, b *localMail) (Finding, bool) {
	th := &w.pass.Thresholds.Script
	recipients := float64(b.tally.Counts.Recipients)
	if b.outside < th.MinMessages || float64(b.tally.Recipients.Distinct()) < th.Fresh*recipients {
		return Finding{}, false
	}
	f := Finding{Subject: Subject{k.kind, k.name}, Rate: bucketRate(&b.tally.Buckets)}
	peak := ""
	if f.Rate.PeakPerMinute > 0 {
		peak = say(", %d in the busiest minute", f.Rate.PeakPerMinute)
	}
	f.because("local-mass", 0.15, "%s to %s outside, handed in by %s%s",
		plural(b.outside, "message", "messages"), plural(b.tally.Recipients.Distinct(), "address", "addresses"), w.who(k, b), peak)
	unknown := float64(b.unknown) / recipients
	switch many := plural(b.outside, "message", "messages"); {
	case b.outside >= th.MassFrom && b.tally.Recipients.Distinct() >= 10*th.MassFrom && unknown > 0.1 && !b.isApplication():
		// Who writes to so many of his own customers keeps his list clean, unless it is all that ever were.
		f.because("many", 0.3, "%s, many of them to addresses that do not exist: not a mailing to one's own customers", many)
	case b.outside >= th.MassFrom:
		f.because("many", 0.15, "%s: as many as a mass mailing has, or a busy site within days", many)
	}
	if unknown > 0.05 {
		f.because("unknown-recipients", min(0.25, unknown), "%.0f %% of the recipients do not exist: an old or bought list", 100*unknown)
	}
	if share := float64(b.blocked) / recipients; share > 0.02 {
		f.because("refused-as-spam", min(0.2, 3*share), "%.0f %% of the recipients' servers refused it because of us or because of its content", 100*share)
	}
	if why := oddPlace(k); why != "" {
		f.because("odd-place", 0.2, "%s", why)
	}
	w.senders(site, b, &f)
	if b.sudden(site) {
		f.because("sudden", 0.1, "nothing like it before its first message or after its last")
	}
	w.facts(k, b, &f)
	b.tally.Fill(&f)
	f.Title = fmt.Sprintf("%s sent %s to %s outside", w.title(k, b), plural(b.outside, "message", "messages"),
		plural(b.tally.Recipients.Distinct(), "address", "addresses"))
	return f, true
}

// sudden reports whether it fills a small part of the log's time, or is told apart from what came at other times.
func (b *localMail) sudden(site *Site) bool {
	return b.beside > 0 || b.tally.Buckets.Days() == 1 && site.Span() > 24*60 || b.tally.End.Sub(b.tally.Start).Minutes() < site.Span()/2
}

// senders says what is odd about them, or excuses a newsletter.
func (w *scriptWatch) senders(site *Site, b *localMail, f *Finding) {
	n := b.tally.Senders.Distinct()
	known := knownSenders(site, &b.tally.Senders)
	top, share := b.tally.Senders.Most()
	if reports(&b.tally.Recipients) {
		f.because("reports", -0.3, "to addresses for DMARC reports")
	}
	switch nulls := b.tally.Senders.Of(mail.NullSender); {
	case site.areAnswers(nulls, b.tally.Counts.Messages, &b.tally.Recipients):
		f.because("replies", -0.5, "with the null sender, to those who wrote here: out-of-office replies and the like")
	case ratio(nulls, b.outside) >= enough && !b.sudden(site):
		f.because("replies", -0.15, "with the null sender, throughout the log: out-of-office replies look like that")
	}
	switch {
	case 2*b.verp > b.outside:
		f.because("list-server", -0.2, "%d of %d senders contain the recipient (VERP): a list server does that", b.verp, b.outside)
	case n > 5 && known*2 < n && !ofOneProgram(&b.tally.Senders):
		weight := 0.2
		switch {
		case known == 0 && b.inBorrowedNames(site):
			weight = 0.35
		case b.allAlong(site):
			weight = 0.1
		}
		f.because("forged-senders", weight, "%d different senders, of which %d ever received mail here", n, known)
	case share > 0.9 && webUser(mail.LocalPart(top)):
		f.because("web-servers-user", 0.1, "the sender is %s, the user of the web server", top)
	case share > 0.9 && site.IsOurs(mail.Domain(top)) && b.unknown*20 < b.tally.Counts.Recipients && b.blocked*20 < b.tally.Counts.Recipients:
		f.because("one-local-sender", -0.3, "all from %s, nearly all delivered: a newsletter does that", top)
	case b.isApplication():
		f.because("usual-sender", -0.2, "all from %s, as %s on other days, and hardly anybody minded: an application writes to all its users at once", top, plural(b.inName, "message", "messages"))
	}
}

// isApplication reports whether a run is that of an application that writes to all its users: in the name in which it writes on other
// days, too, and hardly anybody minded.
func (b *localMail) isApplication() bool {
	name, share := b.tally.Senders.Most()
	recipients := b.tally.Counts.Recipients
	return share > 0.9 && !webUser(mail.LocalPart(name)) && b.inName >= habit &&
		float64(b.unknown) < b.deadFrom()*float64(recipients) && b.blocked*100 <= recipients
}

// deadFrom is the share of dead addresses from which on the list of an application looks bought. By day, it may be as old as the site.
func (b *localMail) deadFrom() float64 {
	if b.atNight {
		return ownDead
	}
	return oldDead
}

// inBorrowedNames reports whether nearly every message is in the name of another domain, none of them ours, and they came faster than visitors
// fill in a form. What a pipe or a list passes on goes to few, again and again, and is not judged.
func (b *localMail) inBorrowedNames(site *Site) bool {
	const pace = time.Minute // for each message: a form that tells a friend is not used as often
	return b.sudden(site) && ratio(b.tally.SenderDomains.Distinct(), b.outside) >= enough && b.tally.End.Sub(b.tally.Start) < time.Duration(b.outside)*pace &&
		!slices.ContainsFunc(b.tally.SenderDomains.Values(), site.IsOurs)
}

// allAlong reports whether it goes on throughout a log of a day or more, and nearly all arrives: the forms of many sites write in their
// visitors' names.
func (b *localMail) allAlong(site *Site) bool {
	const dead = 0.05
	return site.Span() >= 24*60 && !b.sudden(site) && b.badShare() < dead
}

// webUser reports whether a local part is that of a web server's own user on the usual systems.
func webUser(local string) bool {
	switch local {
	case "www-data", "apache", "nobody", "www", "httpd", "wwwrun", "nginx", "http", "_www":
		return true
	}
	return false
}

// oddDirectories are parts of paths where no program of a site's own that sends mail lies, and what they are for.
var oddDirectories = [...]struct{ part, use string }{
	{"upload", written}, {"cache", written}, {"tmp", written}, {"temp", written}, {"images", written}, {"files", written}, {"backup", written},
	{"wp-includes", "parts of WordPress, which are never called directly"}, {"fonts", "fonts"}, {"css", "style sheets"},
}

const written = "files that visitors or programs write"

// oddPlace says why a place is one where no program that sends mail belongs; "" where nothing is odd.
func oddPlace(k localOrigin) string {
	if k.kind == UID {
		return ""
	}
	parts := strings.FieldsFunc(strings.ToLower(k.name), func(r rune) bool { return r == '/' })
	for _, p := range parts {
		if len(p) > 1 && p[0] == '.' && p != ".." {
			return fmt.Sprintf("%s is in a hidden directory", k.name)
		}
		for _, odd := range oddDirectories {
			if k.kind == Directory && (p == odd.part || p == odd.part+"s" || strings.HasSuffix(p, "-"+odd.part)) {
				return fmt.Sprintf("%s is in a directory for %s", k.name, odd.use)
			}
		}
	}
	if k.kind == Script {
		_, file, _ := strings.Cut(k.name, ":")
		file = strings.TrimSuffix(file[strings.LastIndexByte(file, '/')+1:], ".php")
		if strings.Contains(k.name, "eval()") {
			return fmt.Sprintf("%s is code generated at run time (eval)", k.name)
		}
		if len(file) >= 8 && Surprise(file) > 5.5 {
			return fmt.Sprintf("the file name %s looks random", file)
		}
	}
	return ""
}

func (w *scriptWatch) who(k localOrigin, b *localMail) string {
	if b.name != "" && b.name != k.user {
		return fmt.Sprintf("user %s (%s)", b.name, k.user)
	}
	if _, err := strconv.Atoi(k.user); err == nil {
		return "uid " + k.user
	}
	return "user " + k.user
}

func (w *scriptWatch) title(k localOrigin, b *localMail) string {
	switch {
	case k.kind == Directory && IsWebmail(k.name):
		return fmt.Sprintf("The webmail in %s (%s)", k.name, w.who(k, b))
	case k.kind == Directory:
		return fmt.Sprintf("A script in %s (%s)", k.name, w.who(k, b))
	case k.kind == Script:
		return fmt.Sprintf("The script %s (%s)", k.name, w.who(k, b))
	}
	return fmt.Sprintf("A program of %s", w.who(k, b))
}

// IsWebmail reports whether a directory is that of a webmail program, by its usual names: people log in there, and it hands in what they write.
func IsWebmail(directory string) bool {
	for part := range strings.SplitSeq(strings.ToLower(directory), "/") {
		for _, name := range [...]string{"roundcube", "webmail", "squirrelmail", "rainloop", "snappymail", "horde", "cypht", "afterlogic"} {
			if strings.HasPrefix(part, name) {
				return true
			}
		}
	}
	return false
}

// ScriptFile is the file of PHP's "33:mailer.php", or of "33:mailer.php(3) : eval()'d code"; "" where there is none. Any other
// parenthesis is of the file's own name: "copy (2).php".
func ScriptFile(name string) string {
	_, file, _ := strings.Cut(name, ":")
	for i := range len(file) {
		if file[i] == '(' && isLineOf(file[i+1:]) {
			file = file[:i]
			break
		}
	}
	return strings.TrimSpace(file)
}

// isLineOf reports whether s begins with "3) : eval()'d code", "3) : runtime-created function" or the like, or is "3)".
func isLineOf(s string) bool {
	line, rest, ok := strings.Cut(s, ")")
	return ok && line != "" && strings.Trim(line, "0123456789") == "" && (rest == "" || strings.HasPrefix(rest, " : "))
}

// facts are the user, where to look, and the first messages.
func (w *scriptWatch) facts(k localOrigin, b *localMail, f *Finding) {
	f.Facts = append(f.Facts, Fact{"user", w.who(k, b)})
	if b.beside > 0 {
		f.Facts = append(f.Facts, Fact{"beside it", plural(b.beside, "other message", "other messages") + " from there at other times, which look like the site's own mail: not counted"})
	}
	switch {
	case k.kind == Directory && IsWebmail(k.name):
		f.Facts = append(f.Facts, Fact{"look at", "who logged in to the webmail at that time: its own log (Roundcube: userlogins), which may be given, too, and the web server's access log"})
	case k.kind == Directory:
		f.Facts = append(f.Facts, Fact{"look at", "files in " + k.name + " that are newer than the day before it began, and the web server's access log at that time"})
	case k.kind == Script:
		f.Facts = append(f.Facts, Fact{"look at", "every file named " + cmp.Or(ScriptFile(k.name), k.name) + " below the sites' directories (find … -name), and the web server's access log at that time"})
	default:
		f.Facts = append(f.Facts, Fact{"look at", "the processes, crontab and web directories of " + w.who(k, b) + "; the log does not name the script (Exim: log_selector = +arguments; PHP: mail.add_x_header = On)"})
	}
	for i, s := range b.samples {
		f.Facts = append(f.Facts, Fact{fmt.Sprintf("sample %d", i+1), s.text})
	}
}
