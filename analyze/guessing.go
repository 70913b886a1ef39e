package analyze

import (
	"cmp"
	"net/netip"
	"strings"

	"mailforensics/mail"
)

var guessing = Detector{
	Name:    "guessing",
	Command: "guessing",
	Title:   "failed logins, and whether one succeeded",
	Doc:     guessingDoc,
	Logins:  true,
	New:     func(p *Pass) Watch { return newGuessingWatch(p) },
}

// guesser is a client whose logins failed, or succeeded, or both.
type guesser struct {
	client   mail.Client
	tries    [witnesses]tries
	named    [witnesses]Tally // names that were tried, folded
	accounts Tally            // the same, whoever named them; made at the end
	unnamed  int              // tries whose name was not logged, or was one too many
	unknown  int              // tries that the password server answered with "no such user"
	wins     []win            // by account
	more     int              // successful logins of further accounts
	firstWin mail.Instant     // the first successful login of any account
	first    Evidence
	last     Evidence
	hosts    Tally
}

// witness is who logged a failed login. The session that the client spoke to and the password server that it asked log
// the same one; either may be silent.
type witness uint8

const (
	bySession witness = iota
	byPasswords
	witnesses
)

func witnessOf(ev *mail.Event) witness {
	if ev.Service == "auth" {
		return byPasswords
	}
	return bySession
}

// win is an account that a client logged in to.
type win struct {
	account string // or unnamedLogin
	n       int
	first   mail.Instant
	last    mail.Instant
	line    Evidence // of the first
}

const (
	triesKept = 128 // failed logins of one client that are remembered one by one
	winsKept  = 16  // accounts of one client
)

// guessingWatch counts failed and successful logins by client. What concerns an account or a network is put together from
// the clients at the end.
type guessingWatch struct {
	pass    *Pass
	clients *Entities[netip.Addr, guesser]
	nobody  guesser // failures without an address
	names   int     // names that are remembered, over all
	counted int     // clients that were forgotten when these were counted last
}

func newGuessingWatch(p *Pass) *guessingWatch {
	return &guessingWatch{pass: p, clients: NewEntities[netip.Addr](p.Thresholds.Guessing.MaxClients, (*guesser).weight, nil)}
}

// weight is how much a client matters: one that only succeeds is known again when it comes again.
func (g *guesser) weight() int { return g.failures().n }

// failures is the failed logins by the witness who saw more.
func (g *guesser) failures() *tries {
	if g.tries[byPasswords].n > g.tries[bySession].n {
		return &g.tries[byPasswords]
	}
	return &g.tries[bySession]
}

func (w *guessingWatch) Message(m *mail.Message) {
	if m.Account == "" || m.Notice || m.Time == 0 || !m.Client.IP.IsValid() {
		return
	}
	w.clients.At(m.Client.IP.Unmap()).won(m.Account, MessageEvidence(m))
}

func (w *guessingWatch) Event(ev *mail.Event) {
	if ev.Time == 0 {
		return
	}
	switch ev.Kind {
	case mail.Auth:
		if ev.Account != "" && ev.Client.IP.IsValid() {
			w.clients.At(ev.Client.IP.Unmap()).won(ev.Account, EventEvidence(ev))
		}
	case mail.Disconnect:
		if ev.Client.IP.IsValid() && onlyLoggedIn(ev) {
			w.clients.At(ev.Client.IP.Unmap()).won(unnamedLogin, EventEvidence(ev))
		}
	case mail.AuthFailed:
		if isGuess(ev) {
			w.failed(ev)
		}
	}
}

// unnamedLogin is the account of a login that the log does not name: Postfix does so with a message alone, and a guesser who tries
// passwords out has none to send.
const unnamedLogin = ""

// onlyLoggedIn reports whether the last line of a session counts a login that succeeded and no MAIL command: "ehlo=2 starttls=1 auth=1
// quit=1 commands=5" (smtpd/smtpd.c, since 3.0; "auth=0/1" is one that was refused).
func onlyLoggedIn(ev *mail.Event) bool {
	if ev.MTA != mail.Postfix || ev.Kind != mail.Disconnect {
		return false
	}
	_, count, ok := strings.Cut(ev.Text, "auth=")
	return ok && count != "" && count[0] != '0' && !strings.Contains(count, " mail=")
}

// won notes a login that succeeded.
func (g *guesser) won(account string, e Evidence) {
	g.firstWin = min(cmp.Or(g.firstWin, e.Time), e.Time)
	for i := range g.wins {
		v := &g.wins[i]
		if v.account == account || strings.EqualFold(v.account, account) {
			v.n++
			if before(e, v.line) {
				v.first, v.line = e.Time, owned(e)
			}
			v.last = max(v.last, e.Time)
			return
		}
	}
	if len(g.wins) >= winsKept {
		g.more++
		return
	}
	g.wins = append(g.wins, win{account: loginKey(strings.Clone(account)), n: 1, first: e.Time, last: e.Time, line: owned(e)})
}

// failed notes a failed login.
func (w *guessingWatch) failed(ev *mail.Event) {
	g := &w.nobody
	if ev.Client.IP.IsValid() {
		g = w.clients.At(ev.Client.IP.Unmap())
		g.complete(ev.Client)
	}
	by, n := witnessOf(ev), attemptsOf(ev)
	g.tries[by].add(ev.Time, n)
	addNamed(&g.hosts, ev.Host)
	if saysUnknown(ev) {
		g.unknown += n
	}
	w.try(g, by, ev.Account, n)
	if e := shortEvidence(ev); g.first.Line == 0 || before(e, g.first) {
		g.first = owned(e)
	}
	if e := shortEvidence(ev); g.last.Line == 0 || before(g.last, e) {
		g.last = owned(e)
	}
}

// What a client types as its name may be as long as it likes: no account is longer than an address (RFC 5321, section
// 4.5.3.1), and nobody reads longer lines.
const (
	longestName = 320
	longestLine = 4096
)

// shortEvidence is the line of a failed login, cut where it is too long to keep.
func shortEvidence(ev *mail.Event) Evidence {
	e := EventEvidence(ev)
	e.Text = e.Text[:min(len(e.Text), longestLine)]
	return e
}

// complete adds what another line says of the client, whatever the order of lines.
func (g *guesser) complete(c mail.Client) {
	known := ClientCount{Client: g.client}
	known.complete(c)
	g.client = known.Client
	g.client.IP = c.IP.Unmap()
}

// try counts a name that was tried.
func (w *guessingWatch) try(g *guesser, by witness, name string, n int) {
	if w.names >= w.pass.Thresholds.Guessing.MaxNames && w.counted != w.clients.Forgotten {
		w.countNames()
	}
	if name == "" || len(name) > longestName || w.names >= w.pass.Thresholds.Guessing.MaxNames && g.named[by].Of(loginKey(name)) == 0 {
		g.unnamed += n
		return
	}
	before := g.named[by].Distinct()
	g.named[by].Add(loginKey(name), n)
	w.names += g.named[by].Distinct() - before
}

// countNames counts the names anew: with a client that was forgotten, its names are gone.
func (w *guessingWatch) countNames() {
	w.names, w.counted = w.nobody.names(), w.clients.Forgotten
	for _, g := range w.clients.All() {
		w.names += g.names()
	}
}

// names is how many names are remembered of a client.
func (g *guesser) names() int { return g.named[bySession].Distinct() + g.named[byPasswords].Distinct() }

// join makes one list of the names that both witnesses logged: the same try may be in both, and either may leave names out.
func (g *guesser) join() {
	more, less := &g.named[bySession], &g.named[byPasswords]
	if less.Total() > more.Total() {
		more, less = less, more
	}
	if less.Total() == 0 {
		g.accounts = *more
		return
	}
	g.accounts = Tally{}
	g.accounts.Merge(more)
	for name, n := range less.All {
		if missing := n - more.Of(name); missing > 0 {
			g.accounts.Add(name, missing)
		}
	}
}

// isGuess reports whether a failed login was a try with a password: not one that the server could not look at, nor one that
// never came so far.
func isGuess(ev *mail.Event) bool {
	if ev.Has(mail.Temporary) {
		return false
	}
	said := ev.Reply
	if said == "" {
		said = ev.Text
	}
	for _, sign := range [...]string{"Invalid authentication mechanism", "plaintext auth", "cleartext auth", "cleartext_auth", "Connection lost to authentication server", "Temporary"} {
		if strings.Contains(said, sign) {
			return false
		}
	}
	return true
}

// attemptsOf is how many tries a line stands for: Dovecot's login processes write "auth failed, 3 attempts in 17 secs" when
// the client leaves (src/login-common/client-common.c).
func attemptsOf(ev *mail.Event) int {
	_, rest, ok := strings.Cut(ev.Text, "auth failed, ")
	if !ok {
		return 1
	}
	n := 0
	for i := 0; i < len(rest) && i < 5 && rest[i] >= '0' && rest[i] <= '9'; i++ {
		n = 10*n + int(rest[i]-'0')
	}
	return max(1, n)
}

// saysUnknown reports whether the password server says that there is no such user.
func saysUnknown(ev *mail.Event) bool {
	return strings.Contains(ev.Text, "nknown user") || strings.Contains(ev.Text, "User not known") || strings.Contains(ev.Text, "User not found")
}

// Merge takes over what other has counted.
func (w *guessingWatch) Merge(other Watch) {
	o := other.(*guessingWatch)
	for ip, g := range o.clients.All() {
		mine := w.clients.At(ip)
		before := mine.names()
		mine.merge(g)
		w.names += mine.names() - before
	}
	before := w.nobody.names()
	w.nobody.merge(&o.nobody)
	w.names += w.nobody.names() - before
}

func (g *guesser) merge(o *guesser) {
	if o.client.IP.IsValid() {
		g.complete(o.client)
	}
	for i := range g.tries {
		g.tries[i].merge(&o.tries[i])
		g.named[i].Merge(&o.named[i])
	}
	g.hosts.Merge(&o.hosts)
	g.unnamed += o.unnamed
	g.unknown += o.unknown
	g.more += o.more
	g.firstWin = min(cmp.Or(g.firstWin, o.firstWin), cmp.Or(o.firstWin, g.firstWin))
	for _, v := range o.wins {
		g.mergeWin(v)
	}
	if o.first.Line != 0 && (g.first.Line == 0 || before(o.first, g.first)) {
		g.first = o.first
	}
	if o.last.Line != 0 && (g.last.Line == 0 || before(g.last, o.last)) {
		g.last = o.last
	}
}

func (g *guesser) mergeWin(o win) {
	for i := range g.wins {
		v := &g.wins[i]
		if v.account == o.account {
			v.n += o.n
			v.last = max(v.last, o.last)
			if before(o.line, v.line) {
				v.first, v.line = o.first, o.line
			}
			return
		}
	}
	if len(g.wins) >= winsKept {
		g.more += o.n
		return
	}
	g.wins = append(g.wins, o)
}
