// Package samples holds logs whose story is known, and what is known of each. See README.md for the stories.
//
// It stands beside the program and is imported by tests only. Its own test, TestEval ("make eval"), runs the program over
// every sample and compares what it finds with what happened.
package samples

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"time"
)

//go:embed */truth.json
var truths embed.FS

// Truth is what is known to have happened in the logs of one folder.
type Truth struct {
	Sample       string
	Story        string
	MTA          string
	Files        map[string]int64 // name and lines
	Zone         string
	Year         int
	LocalDomains []string          `json:"local_domains"`
	Roles        map[string]string // of MX hosts: primary, secondary
	Totals       Totals
	Window       *Window // of the abuse; nil where there is none
	Offenders    []Offender
	Mangled      []Mangled
	Detectors    []string // that must speak up
	Facts        struct {
		Replies []string `json:"phish_replies"` // accounts that answered a phish
	}
}

// Totals are those of the whole log.
type Totals struct {
	Messages                                int64
	Delivered, Bounced, Deferred, Discarded int64 // recipients
	RejectLines                             int64 `json:"reject_lines"`
	Cron                                    int64 // local mails beside those in Messages
}

// Window is a span of time; both ends belong to it.
type Window struct{ Start, End time.Time }

// Offender is one subject of the abuse.
type Offender struct {
	Kind        string // ip, account, script, directory: as the subject of a finding
	Value       string
	UID         *int
	User        string
	First, Last time.Time
	Messages    int64 // accepted
	Rejected    int64 // transactions of which nothing was accepted
	Recipients  int64 // accepted
	Clients     []string
	Logins      []struct {
		IP   string
		Time time.Time
	}
}

// Mangled is a damaged recipient and what it was made of.
type Mangled struct{ Recipient, Original, Kind string }

// All returns the truth of every sample, in the order of their names.
func All() ([]Truth, error) {
	folders, err := truths.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var all []Truth
	for _, folder := range folders {
		text, err := truths.ReadFile(path.Join(folder.Name(), "truth.json"))
		if err != nil {
			return nil, err
		}
		var t Truth
		if err := json.Unmarshal(text, &t); err != nil {
			return nil, fmt.Errorf("%s/truth.json: %w", folder.Name(), err)
		}
		all = append(all, t)
	}
	return all, nil
}
