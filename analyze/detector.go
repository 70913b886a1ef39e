// Package analyze recognises abuse. It stands after correlate: it is given messages whose fate is known, and the events
// that belong to no message (refusals, logins, sessions), and returns findings.
//
// A detector is a value (Detector) that makes a Watch. A Watch counts what it is given, in any order and in bounded memory;
// two Watches of one detector can be merged, and merging must change nothing (see Engine.Merge for why). At the end it is asked for
// its findings, and only then is it told what the whole log taught about the site (Site: local domains, roles of hosts, own
// addresses), because that is known only at the end.
//
// Watches start no goroutine, need no lock, read no clock and no file. A message reaches a Watch when its fate is known,
// perhaps days after it was accepted: count by Message.Time, never trust the order of arrival.
//
// What a detector is built from, each in the file of its name:
//
//   - Argument is the reasons for a finding and the score that is their sum.
//   - Dossier gathers all that a finding says (counts, clients, senders, domains, subjects, timeline, evidence, queue IDs):
//     Add a message, Reject an event, Merge, Fill the finding.
//   - Entities is a bounded table of clients, accounts, domains; a hit allocates nothing, the least important are forgotten.
//   - Tally counts values, exactly up to a cap, with the most frequent and the number of distinct ones beyond it.
//   - Buckets counts over time, by minute; Peak and RateOf find the most in a span that begins with one of the instants.
//   - Keeper chooses at most ten lines as evidence: the first, the typical, the peak, the last, and marked ones.
//   - PoissonTail is the chance of so many where so few are expected, as log10.
//   - Site answers IsLocal, IsOurs, IsOwn, IsSecondary, KnownRecipient.
//   - ScoreThresholds.Severity turns a score into a severity; a finding without severity gets it from the Engine, which
//     also sets Detector, ID and Related, sorts, and drops who is allowed.
package analyze

import (
	"net/netip"

	"mailforensics/mail"
)

// Detector is one kind of abuse and how it is recognised.
type Detector struct {
	Name    string // as in Finding.Detector: "burst"
	Command string // of the command that shows its findings: "bursts"
	Title   string // half a line, for help and reports
	Doc     string // the essay for the person who must act on it
	Logins  bool   // its watches are told of the end of a session, too, in which somebody logged in and sent nothing

	// New makes a Watch with nothing in it.
	New func(*Pass) Watch
}

// Watch is a detector at work. It is used from one goroutine.
type Watch interface {
	// Message counts a message whose fate is known, or as far as it is known at the end of the log. The message is reused
	// after the call; its strings may be kept.
	Message(m *mail.Message)

	// Event counts a refused attempt or a login: events of no message whose kind is Reject, Auth or AuthFailed, and Disconnect with
	// Detector.Logins. Its strings are slices of the log's text: clone what is kept.
	Event(ev *mail.Event)

	// Merge takes over what other, a Watch of the same detector and pass, has counted. other must not be used after it.
	Merge(other Watch)

	// Findings says what was found, in no particular order. It is called once, at the end, while other watches may be asked,
	// too: all that it may change of site is its Notes, which are its own.
	Findings(site *Site) []Finding
}

// Pass is what the watches of one run share: settings, never state.
type Pass struct {
	Thresholds Thresholds
	Local      []string                                  // --local-domain
	Roles      map[string]Role                           // --mx, by host name
	Allowed    func(kind SubjectKind, value string) bool // --allow: never to be reported; nil: nothing is
	AllowedIPs []netip.Prefix                            // the addresses and networks of it, which no block list may cover
}
