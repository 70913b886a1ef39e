package analyze

import (
	"fmt"
	"math"
	"time"
)

// Thresholds are the numbers of the detectors that a site may want to change in its config file. DefaultThresholds has the
// values and their reasons; Set takes the key of a field, as Keys names it. What is true of mail everywhere (the weights of
// reasons, what a random name looks like) is a constant beside the code that uses it.
type Thresholds struct {
	Burst       BurstThresholds
	Account     AccountThresholds
	Relay       RelayThresholds
	Guessing    GuessingThresholds
	Phish       PhishThresholds
	Mangled     MangledThresholds
	Secondary   SecondaryThresholds
	Script      ScriptThresholds
	Campaign    CampaignThresholds
	Reputation  ReputationThresholds
	Backscatter BackscatterThresholds
	Site        SiteThresholds
	Score       ScoreThresholds
}

// ScoreThresholds divide scores, 0 to 1, into severities.
type ScoreThresholds struct {
	Low    float64 // lowest score of a low finding; below it nothing is reported
	Medium float64 // lowest score of a medium finding
	High   float64 // lowest score of a high finding
}

// BurstThresholds are those of the detector burst.
type BurstThresholds struct {
	MinMessages int           // fewer messages of one client are never a burst
	AloneFrom   int           // from this many messages on, the rate alone is enough, unless it looks like honest bulk mail
	Span        time.Duration // the time within which min-messages must fall
	Pause       time.Duration // bursts of one sender with a shorter pause between them are one
	LogChance   float64       // log10 of the probability, given its past, below which a rate is abnormal
	MaxRecords  int           // messages remembered one by one, of all senders
	MaxEntities int           // clients, domains and accounts remembered at a time, of each kind
}

// AccountThresholds are those of the detector account. What is unusually much is decided as for bursts.
type AccountThresholds struct {
	AtOnce       int           // client addresses of one account within account.together that are suspicious
	Together     time.Duration // the time for account.at-once
	ManyNetworks int           // networks (/16 of IPv4, /32 of IPv6) of one account in a day that are suspicious
	MaxAccounts  int           // accounts remembered at a time
	MaxPlaces    int           // client addresses remembered, of all accounts
	MaxRecords   int           // messages remembered one by one, of all accounts
}

// RelayThresholds are those of the detector open-relay.
type RelayThresholds struct {
	MinMessages int     // fewer messages from strangers for strangers are not reported
	MinDomains  int     // fewer recipient domains are not reported
	ManyFrom    int     // from this many messages on, the number itself is a reason
	Random      float64 // bits a letter from which on local parts look random, on average
	GatewayFrom int     // when so many strangers' servers write to one domain, and all of it is passed to one relay, we are its gateway
	MaxEntities int     // clients, sender domains and recipient domains remembered at a time
}

// GuessingThresholds are those of the detector guessing.
type GuessingThresholds struct {
	MinFailures   int // failed logins of one client
	MinAccounts   int // accounts that one client tries
	MinSources    int // client addresses that try one account
	MinCrowd      int // client addresses that each try little, but together are one attack …
	MinCrowdTries int // … if they try so often a day together
	MaxClients    int // clients remembered at a time
	MaxNames      int // login names remembered, of all clients
}

// PhishThresholds are those of the detector phish.
type PhishThresholds struct {
	MinUsers    int // our users to whom one origin writes
	MaxRecords  int // messages of strangers remembered one by one
	MaxContacts int // outside addresses to which our users wrote, remembered at a time
}

// MangledThresholds are those of the detector mangled.
type MangledThresholds struct {
	MinAddresses int     // different damaged addresses that one client must have to be reported by itself
	MinShare     float64 // share of a client's failed recipients that must be damaged forms of known ones
	SharedBy     int     // networks that must use the same damaged address for it to be no accident
	MaxFailed    int     // failed recipients remembered, by client and address
}

// SecondaryThresholds are those of the detector secondary-mx.
type SecondaryThresholds struct {
	MinMessages int           // fewer messages of a client through the secondary are not reported
	UpWithin    time.Duration // the primary counts as up if it logged anything within this time of a visit
	LogChance   float64       // log10 of the probability, given everybody's mail, below which choosing the secondary is no chance
	MaxVisitors int           // clients remembered at a time, of each host
}

// ScriptThresholds are those of the detector script.
type ScriptThresholds struct {
	MinMessages int     // fewer messages of one script, directory or user are not reported
	MassFrom    int     // from this many messages on, the number itself is a reason
	Fresh       float64 // share of the recipients that must be different addresses
	MaxPlaces   int     // scripts, directories and users remembered at a time
	MaxRecords  int     // messages remembered one by one, of all of these
}

// CampaignThresholds are those of the detector campaign.
type CampaignThresholds struct {
	MinClients   int           // fewer client addresses are no campaign
	MinSightings int           // fewer messages and refused attempts of all members together are no campaign
	MinSelf      int           // client addresses, where all that they share is that the sender is the recipient
	Pause        time.Duration // a longer pause may separate two runs …
	LongPause    time.Duration // … and one as long as this always does
	MaxRecords   int           // messages and refused attempts of strangers remembered one by one
}

// ReputationThresholds are those of the detector reputation.
type ReputationThresholds struct {
	MinReplies  int           // fewer replies about us are not reported
	Pause       time.Duration // after a longer pause without such replies, more of them are new trouble
	Before      time.Duration // how long before the first reply the cause is looked for
	MaxReplies  int           // replies about us remembered one by one
	MaxEntities int           // remote providers and senders of ours remembered at a time
}

// BackscatterThresholds are those of the detector backscatter.
type BackscatterThresholds struct {
	MinSent     int           // fewer bounces to strangers are not reported
	MinReceived int           // fewer bounces for one address or domain of ours are not reported
	Pause       time.Duration // after a longer pause, more of them are another storm
	MaxNotices  int           // bounces remembered one by one, sent and received each
}

// SiteThresholds are those of the survey, which learns what each host is for and which domains are ours.
type SiteThresholds struct {
	LocalFrom      int     // deliveries to a mailbox here that make a domain one of ours
	RoleFrom       int     // messages of strangers that a host must have before its role is guessed
	WebmailFrom    int     // accounts for which one client must hand in mail to be a webmail host or a gateway
	MaxRecipients  int     // local recipients remembered
	MaxDomains     int     // domains and relays remembered, of each kind
	MaxHandIns     int     // clients that log in, remembered to find webmail hosts
	SecondaryShare float64 // share of strangers' mail that a host must pass to one other host of the logs to be a secondary MX
}

// DefaultThresholds are the values that fit a host of any size, each with its reason.
func DefaultThresholds() Thresholds {
	return Thresholds{
		Burst: BurstThresholds{
			// Below this, people do it: a family of three with a shared interest mails six times in ten minutes. The smallest spam run
			// that was seen had seven.
			MinMessages: 7,
			// Nobody writes thirty messages in ten minutes by hand.
			AloneFrom: 30,
			// Long enough for a program that sends with pauses; in an hour, an office's mail adds up to as much.
			Span: 10 * time.Minute,
			// Spam programs pause between batches; half an hour later it is still the same run.
			Pause: 30 * time.Minute,
			// One in a million. A month has 4,320 windows of ten minutes, and a site some hundred clients.
			LogChance: -6,
			// About 30 MB with their strings: half an hour of a million messages a day.
			MaxRecords: 32_768,
			// Bounds the memory. Those with the least mail are forgotten first, and the report says so.
			MaxEntities: 50_000,
		},
		Account: AccountThresholds{
			// A phone, a desk and a webmail are three, but they do not change within minutes.
			AtOnce: 3,
			// An owner does not move between three addresses in so short a time; a botnet that shares a password does.
			Together: 5 * time.Minute,
			// Home, work, train and two mobile networks are five.
			ManyNetworks: 10,
			// Bounds the memory. Most names beyond it are guesses, and those are forgotten first.
			MaxAccounts: 50_000,
			// Bounds the memory: two addresses for each account, and more for those that are used from more.
			MaxPlaces: 100_000,
			// About 20 MB with their strings: some days of a site with a few thousand accounts.
			MaxRecords: 20_000,
		},
		Relay: RelayThresholds{
			// Two or three are an alias that leads outside and was not recognised.
			MinMessages: 5,
			// Mail for one or two domains is a forward, or a domain for which we are the gateway.
			MinDomains: 3,
			// A forward that was not recognised seldom passes on so many; runs through an open relay have hundreds and thousands.
			ManyFrom: 100,
			// Names have about 4 bits a letter, ten random letters 6.9.
			Random: 5.5,
			// Even a small company gets mail from so many servers in a day.
			GatewayFrom: 6,
			// Bounds the memory. Those with the least mail are forgotten first.
			MaxEntities: 5_000,
		},
		Guessing: GuessingThresholds{
			// Nobody types a wrong password ten times.
			MinFailures: 10,
			// A family behind one address has four.
			MinAccounts: 5,
			// A phone with an old password tries from home, from work and from some mobile networks.
			MinSources: 10,
			// A server with a few hundred accounts sees some twenty failed logins a day.
			MinCrowd: 30,
			// Five times that.
			MinCrowdTries: 100,
			// Bounds the memory. Clients with the fewest tries are forgotten first, and the report says so.
			MaxClients: 20_000,
			// Bounds the memory: ten names for each client.
			MaxNames: 200_000,
		},
		Phish: PhishThresholds{
			// A committee has seven members.
			MinUsers: 8,
			// An hour of a hundred thousand messages a day, and twice the time in which a run shows.
			MaxRecords: 8192,
			// Bounds the memory. Addresses to which the fewest of our users wrote are forgotten first.
			MaxContacts: 20_000,
		},
		Mangled: MangledThresholds{
			// One may be a typo; two of one client hardly.
			MinAddresses: 2,
			// Some names of a dictionary attack fit by chance: 2 % were seen.
			MinShare: 0.3,
			// The same typo from two networks is one list that two clients have.
			SharedBy: 2,
			// A line of evidence each: about 10 MB.
			MaxFailed: 20_000,
		},
		Secondary: SecondaryThresholds{
			// An old program that picks an MX at random takes the second of two three times in a row one time in eight.
			MinMessages: 4,
			// A mail server that is up is hardly ever silent for so long in the daytime.
			UpWithin: 5 * time.Minute,
			// One in a thousand.
			LogChance: -3,
			// Bounds the memory. Those that came least are forgotten first.
			MaxVisitors: 20_000,
		},
		Script: ScriptThresholds{
			// A web shop sends as many in an afternoon; a run that was stopped earlier did little harm.
			MinMessages: 25,
			// A site's forms and orders seldom send so many to so many different people.
			MassFrom: 100,
			// A monitor or a cron job writes to the same addresses again and again.
			Fresh: 0.5,
			// Bounds the memory. Those with the least mail are forgotten first.
			MaxPlaces: 2_000,
			// About 8 MB with their strings: what the scripts of a busy web server send in some weeks.
			MaxRecords: 8_192,
		},
		Campaign: CampaignThresholds{
			// Two addresses may be two customers of one shop. The smallest campaign that was seen had four.
			MinClients: 3,
			// Two from each of the fewest clients: one from each is chance.
			MinSightings: 6,
			// A company with a printer in each of four shops writes to itself from four lines.
			MinSelf: 6,
			// A run pauses while its program fetches another list.
			Pause: 2 * time.Hour,
			// What pauses for a day is another run.
			LongPause: 24 * time.Hour,
			// About 10 MB, and up to three times as much for what was shared.
			MaxRecords: 16_384,
		},
		Reputation: ReputationThresholds{
			// A strict site or two refuse somebody's mail in any week.
			MinReplies: 5,
			// A quiet night does not end it: fewer people write then, so fewer replies come.
			Pause: 24 * time.Hour,
			// Blocklists and providers take minutes to some hours to react.
			Before: 6 * time.Hour,
			// Bounds the memory. What is beyond it is not counted, and the report says so.
			MaxReplies: 20_000,
			// Bounds the memory. Those with the least mail are forgotten first.
			MaxEntities: 5_000,
		},
		Backscatter: BackscatterThresholds{
			// Out-of-office replies and dead addresses make some bounces every day.
			MinSent: 5,
			// One's own mail makes bounces, too: a message to a few old addresses.
			MinReceived: 10,
			// Remote servers return what they could not deliver over hours; half a day of silence ends a storm.
			Pause: 12 * time.Hour,
			// Bounds the memory. What is beyond it is not counted, and the report says so.
			MaxNotices: 20_000,
		},
		Site: SiteThresholds{
			// One delivery may be to a stray alias of a host name; it still ended here.
			LocalFrom: 1,
			// Of fewer, all may happen to go one way.
			RoleFrom: 5,
			// A family behind one address has four accounts, a webmail host those of its whole site.
			WebmailFrom: 5,
			// Bounds the memory.
			MaxRecipients: 100_000,
			// Bounds the memory.
			MaxDomains: 10_000,
			// Bounds the memory.
			MaxHandIns: 10_000,
			// A secondary passes on all that it accepts but its own postmaster's mail. A primary delivers most of it itself.
			SecondaryShare: 0.95,
		},
		Score: ScoreThresholds{
			// One strong sign, or two weak ones, with nothing that speaks for honest mail.
			Low: 0.2,
			// An abnormal rate reaches it alone, with some sixty messages; without one, signs of several kinds must agree.
			Medium: 0.5,
			// No single reason weighs as much: several must agree.
			High: 0.75,
		},
	}
}

// Severity is what a score means.
func (t *ScoreThresholds) Severity(score float64) Severity {
	switch {
	case score >= t.High:
		return High
	case score >= t.Medium:
		return Medium
	case score >= t.Low:
		return Low
	}
	return None
}

// ThresholdKey is a threshold as the config file names it: [thresholds] burst.min-messages = 7.
type ThresholdKey struct {
	Name  string
	Value any // a pointer to the field: *int, *float64, *time.Duration
}

// Keys is the table of all thresholds of t, in the order of the documentation.
func (t *Thresholds) Keys() []ThresholdKey {
	return []ThresholdKey{
		{"score.low", &t.Score.Low},
		{"score.medium", &t.Score.Medium},
		{"score.high", &t.Score.High},
		{"burst.min-messages", &t.Burst.MinMessages},
		{"burst.alone-from", &t.Burst.AloneFrom},
		{"burst.span", &t.Burst.Span},
		{"burst.pause", &t.Burst.Pause},
		{"burst.log-chance", &t.Burst.LogChance},
		{"burst.max-records", &t.Burst.MaxRecords},
		{"burst.max-entities", &t.Burst.MaxEntities},
		{"account.at-once", &t.Account.AtOnce},
		{"account.together", &t.Account.Together},
		{"account.many-networks", &t.Account.ManyNetworks},
		{"account.max-accounts", &t.Account.MaxAccounts},
		{"account.max-places", &t.Account.MaxPlaces},
		{"account.max-records", &t.Account.MaxRecords},
		{"relay.min-messages", &t.Relay.MinMessages},
		{"relay.min-domains", &t.Relay.MinDomains},
		{"relay.many-from", &t.Relay.ManyFrom},
		{"relay.random", &t.Relay.Random},
		{"relay.gateway-from", &t.Relay.GatewayFrom},
		{"relay.max-entities", &t.Relay.MaxEntities},
		{"guessing.min-failures", &t.Guessing.MinFailures},
		{"guessing.min-accounts", &t.Guessing.MinAccounts},
		{"guessing.min-sources", &t.Guessing.MinSources},
		{"guessing.min-crowd", &t.Guessing.MinCrowd},
		{"guessing.min-crowd-tries", &t.Guessing.MinCrowdTries},
		{"guessing.max-clients", &t.Guessing.MaxClients},
		{"guessing.max-names", &t.Guessing.MaxNames},
		{"phish.min-users", &t.Phish.MinUsers},
		{"phish.max-records", &t.Phish.MaxRecords},
		{"phish.max-contacts", &t.Phish.MaxContacts},
		{"mangled.min-addresses", &t.Mangled.MinAddresses},
		{"mangled.min-share", &t.Mangled.MinShare},
		{"mangled.shared-by", &t.Mangled.SharedBy},
		{"mangled.max-failed", &t.Mangled.MaxFailed},
		{"secondary.min-messages", &t.Secondary.MinMessages},
		{"secondary.up-within", &t.Secondary.UpWithin},
		{"secondary.log-chance", &t.Secondary.LogChance},
		{"secondary.max-visitors", &t.Secondary.MaxVisitors},
		{"script.min-messages", &t.Script.MinMessages},
		{"script.mass-from", &t.Script.MassFrom},
		{"script.fresh", &t.Script.Fresh},
		{"script.max-places", &t.Script.MaxPlaces},
		{"script.max-records", &t.Script.MaxRecords},
		{"campaign.min-clients", &t.Campaign.MinClients},
		{"campaign.min-sightings", &t.Campaign.MinSightings},
		{"campaign.min-self", &t.Campaign.MinSelf},
		{"campaign.pause", &t.Campaign.Pause},
		{"campaign.long-pause", &t.Campaign.LongPause},
		{"campaign.max-records", &t.Campaign.MaxRecords},
		{"reputation.min-replies", &t.Reputation.MinReplies},
		{"reputation.pause", &t.Reputation.Pause},
		{"reputation.before", &t.Reputation.Before},
		{"reputation.max-replies", &t.Reputation.MaxReplies},
		{"reputation.max-entities", &t.Reputation.MaxEntities},
		{"backscatter.min-sent", &t.Backscatter.MinSent},
		{"backscatter.min-received", &t.Backscatter.MinReceived},
		{"backscatter.pause", &t.Backscatter.Pause},
		{"backscatter.max-notices", &t.Backscatter.MaxNotices},
		{"site.local-from", &t.Site.LocalFrom},
		{"site.role-from", &t.Site.RoleFrom},
		{"site.webmail-from", &t.Site.WebmailFrom},
		{"site.max-recipients", &t.Site.MaxRecipients},
		{"site.max-domains", &t.Site.MaxDomains},
		{"site.max-hand-ins", &t.Site.MaxHandIns},
		{"site.secondary-share", &t.Site.SecondaryShare},
	}
}

// Set changes one threshold. value is what a TOML decoder gives: int64, float64 or string (for durations: "10m").
func (t *Thresholds) Set(name string, value any) error {
	for _, key := range t.Keys() {
		if key.Name == name {
			return key.set(value)
		}
	}
	return fmt.Errorf("%s: no such threshold", name)
}

func (k ThresholdKey) set(value any) error {
	switch field := k.Value.(type) {
	case *int:
		if n, ok := value.(int64); ok && n >= 0 {
			*field = int(n)
			return nil
		}
		return fmt.Errorf("%s: want a number from 0, not %v", k.Name, value)
	case *float64:
		switch x := value.(type) {
		case float64:
			if math.IsNaN(x) || math.IsInf(x, 0) {
				break
			}
			*field = x
			return nil
		case int64:
			*field = float64(x)
			return nil
		}
		return fmt.Errorf("%s: want a number, not %v", k.Name, value)
	case *time.Duration:
		text, _ := value.(string)
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return fmt.Errorf(`%s: want a duration like "10m", not %v`, k.Name, value)
		}
		*field = d
		return nil
	}
	return fmt.Errorf("%s: cannot be set", k.Name)
}
