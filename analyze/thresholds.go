package analyze

import (
	"fmt"
	"math"
	"time"
)

// Thresholds are the numbers of the detectors that a site may have reason to change in its config file. DefaultThresholds has the
// values and their reasons; Set takes the key of a field, as Keys names it. What is true of mail everywhere (the weights of
// reasons, the shape of a name that was drawn at random) is a constant beside the code that uses it.
type Thresholds struct {
	// Burst is what counts as one.
	Burst BurstThresholds
	// Account is what tells that somebody else uses a login.
	Account AccountThresholds
	// Relay is what counts as relaying for strangers.
	Relay RelayThresholds
	// Guessing is how many failed logins are more than a mistake.
	Guessing GuessingThresholds
	// Phish is how many of our users make a run.
	Phish PhishThresholds
	// Mangled is what proves that recipients were damaged.
	Mangled MangledThresholds
	// Secondary is what a client must do to be found at the secondary MX.
	Secondary SecondaryThresholds
	// Script is what local users must hand in to be found.
	Script ScriptThresholds
	// Campaign is what many addresses must share to be one hand.
	Campaign CampaignThresholds
	// Reputation is what other servers must say to be trouble.
	Reputation ReputationThresholds
	// Backscatter is how many bounces are more than ordinary ones.
	Backscatter BackscatterThresholds
	// Site is how the survey learns about the hosts.
	Site SiteThresholds
	// Score is where the severities begin.
	Score ScoreThresholds
}

// ScoreThresholds divide scores, 0 to 1, into severities.
type ScoreThresholds struct {
	Low    float64 // from here on worth knowing; below it nothing is reported
	Medium float64 // from here on to be looked at today
	High   float64 // from here on abuse, to act on now
}

// BurstThresholds are those of the detector burst.
type BurstThresholds struct {
	MinMessages int           // fewer messages of a client are no burst, whatever they look like
	AloneFrom   int           // from here on an abnormal rate is enough, where honest bulk is excluded
	Span        time.Duration // what "in minutes" means: so many messages at least must fall into such a span
	Pause       time.Duration // two bursts of one entity with a shorter pause between them are one
	LogChance   float64       // log10 of the chance at which a rate is abnormal against the past
	MaxRecords  int           // messages remembered one by one, over all entities
	MaxEntities int           // clients, domains, accounts remembered at a time, of each kind
}

// AccountThresholds are those of the detector account. What counts as unusually much is as with bursts.
type AccountThresholds struct {
	AtOnce       int           // client addresses of one account within account.together
	Together     time.Duration // the span for account.at-once
	ManyNetworks int           // networks (/16 of IPv4, /32 of IPv6) of one account in a day
	MaxAccounts  int           // accounts remembered at a time
	MaxPlaces    int           // client addresses from which accounts were used, remembered over all accounts
	MaxRecords   int           // messages remembered one by one, over all accounts
}

// RelayThresholds are those of the detector open-relay.
type RelayThresholds struct {
	MinMessages int     // fewer messages from strangers for strangers are a stray forward, not a relay
	MinDomains  int     // recipient domains: mail for one or two is a forward or a gateway
	ManyFrom    int     // from here on the mass alone is a mark
	Random      float64 // bits a letter: mean surprise of local parts that were drawn at random
	GatewayFrom int     // mail servers of strangers that write to one domain, always passed to one relay, before it is ours
	MaxEntities int     // clients, sender domains and recipient domains watched at a time
}

// GuessingThresholds are those of the detector guessing.
type GuessingThresholds struct {
	MinFailures   int // failed logins of one client
	MinAccounts   int // accounts that one client tries
	MinSources    int // client addresses that try one account
	MinCrowd      int // client addresses that each try seldom, and are one crowd …
	MinCrowdTries int // … where they try so often a day together
	MaxClients    int // clients remembered at a time
	MaxNames      int // names remembered, over all clients
}

// PhishThresholds are those of the detector phish.
type PhishThresholds struct {
	MinUsers    int // users of ours to whom one origin writes
	MaxRecords  int // messages of strangers remembered one by one
	MaxContacts int // addresses to which our users write
}

// MangledThresholds are those of the detector mangled.
type MangledThresholds struct {
	MinAddresses int     // different damaged addresses that one client must have, to be found by itself
	MinShare     float64 // share of the failed recipients of a client that must be damaged known ones
	SharedBy     int     // networks that must use the same damaged address, for it to prove something
	MaxFailed    int     // failed recipients remembered, by client and address
}

// SecondaryThresholds are those of the detector secondary-mx.
type SecondaryThresholds struct {
	MinMessages int           // fewer messages through the secondary are an accident
	UpWithin    time.Duration // the primary was up when its log shows life so near to a visit
	LogChance   float64       // log10 of the chance of such a choice, by the share of mail that goes through the secondary
	MaxVisitors int           // clients remembered at a time, by host
}

// ScriptThresholds are those of the detector script.
type ScriptThresholds struct {
	MinMessages int     // fewer messages of one place are ordinary
	MassFrom    int     // from here on the mass is a mark by itself
	Fresh       float64 // share of the recipients that must be different: a monitor writes to the same all the time
	MaxPlaces   int     // places watched at a time
	MaxRecords  int     // messages remembered one by one, over all places
}

// CampaignThresholds are those of the detector campaign.
type CampaignThresholds struct {
	MinClients   int           // fewer addresses are no campaign
	MinSightings int           // messages and refused attempts of all together
	MinSelf      int           // addresses, where all that they share is that sender and recipient are equal
	Pause        time.Duration // after a longer pause without anything that has the mark, another run begins …
	LongPause    time.Duration // … and after one as long as this in any case
	MaxRecords   int           // messages and refused attempts of strangers remembered one by one
}

// ReputationThresholds are those of the detector reputation.
type ReputationThresholds struct {
	MinReplies  int           // fewer replies about us are ordinary life
	Pause       time.Duration // after so long without any, another time of trouble begins
	Before      time.Duration // how long before it began the cause is looked for
	MaxReplies  int           // replies about us remembered one by one
	MaxEntities int           // remote providers and senders of ours watched at a time
}

// BackscatterThresholds are those of the detector backscatter.
type BackscatterThresholds struct {
	MinSent     int           // notices to strangers; fewer are ordinary
	MinReceived int           // bounces for one address or domain of ours
	Pause       time.Duration // after so long without any, another storm begins
	MaxNotices  int           // notices remembered one by one, of each side
}

// SiteThresholds are those of the survey.
type SiteThresholds struct {
	LocalFrom      int     // deliveries to a mailbox of this host that make a domain local
	RoleFrom       int     // messages of strangers that tell what a host is for
	WebmailFrom    int     // accounts that one client hands in for before it is a webmail host or a gateway
	MaxRecipients  int     // known local recipients
	MaxDomains     int     // domains and relays seen, of each kind
	MaxHandIns     int     // clients that log in, watched for webmail hosts
	SecondaryShare float64 // share of the messages of strangers that a host passes on to one other host of the logs, from which it is a secondary MX
}

// DefaultThresholds are the values that fit a host of any size; the reasons stand beside them.
func DefaultThresholds() Thresholds {
	return Thresholds{
		Burst: BurstThresholds{
			// A family of three with a shared interest mails six times in ten minutes; seven of seven that differ in
			// everything but the subject were a spam run (the smallest that was seen, and was one of four).
			MinMessages: 7,
			// Nobody writes thirty mails in ten minutes by hand.
			AloneFrom: 30,
			// Long enough for a program that sends with pauses; in an hour, an office's mail adds up to as much.
			Span: 10 * time.Minute,
			// Spam programs rest between batches; half an hour later it is still the same run.
			Pause: 30 * time.Minute,
			// One in a million windows: a month has 4,320 windows of ten minutes, and a site some hundred clients.
			LogChance: -6,
			// About 30 MB with their strings: half an hour of a million messages a day.
			MaxRecords:  32_768,
			MaxEntities: 50_000,
		},
		Account: AccountThresholds{
			// A phone, a desk and a webmail are three, but they do not change within minutes.
			AtOnce:   3,
			Together: 5 * time.Minute,
			// Home, work, train and two telephone networks are five.
			ManyNetworks: 10,
			MaxAccounts:  50_000,
			MaxPlaces:    100_000,
			// About 20 MB with their strings: some days of a site with a few thousand accounts.
			MaxRecords: 20_000,
		},
		Relay: RelayThresholds{
			// Two or three are an alias that leads outside and was not recognised.
			MinMessages: 5,
			MinDomains:  3,
			ManyFrom:    100,
			// Names have about 4 bits a letter, ten random letters 6.9.
			Random: 5.5,
			// The mail of a small firm of a day comes from as many.
			GatewayFrom: 6,
			MaxEntities: 5_000,
		},
		Guessing: GuessingThresholds{
			// Nobody types a wrong password ten times.
			MinFailures: 10,
			// A family has four.
			MinAccounts: 5,
			// An old password in a phone tries from home, from work and from some telephone networks.
			MinSources: 10,
			// A server with a few hundred accounts hears some twenty tries a day.
			MinCrowd:      30,
			MinCrowdTries: 100,
			MaxClients:    20_000,
			MaxNames:      200_000,
		},
		Phish: PhishThresholds{
			// A committee has seven members.
			MinUsers: 8,
			// An hour of a hundred thousand messages a day, and twice the time in which a run shows.
			MaxRecords:  8192,
			MaxContacts: 20_000,
		},
		Mangled: MangledThresholds{
			// One may be a typo, two of one client hardly.
			MinAddresses: 2,
			// Of a dictionary's names some fit by chance: 2 % were seen.
			MinShare: 0.3,
			SharedBy: 2,
			// A line of evidence each: about 10 MB.
			MaxFailed: 20_000,
		},
		Secondary: SecondaryThresholds{
			// An old program that draws an MX by lot takes the second of two three times in a row one time in eight.
			MinMessages: 4,
			// Of a mail server that is up, hardly a log is silent for so long in the daytime.
			UpWithin: 5 * time.Minute,
			// One in a thousand.
			LogChance:   -3,
			MaxVisitors: 20_000,
		},
		Script: ScriptThresholds{
			// A shop's afternoon; a run that was stopped after fewer did little harm.
			MinMessages: 25,
			MassFrom:    100,
			Fresh:       0.5,
			MaxPlaces:   2_000,
			// About 8 MB with their strings: what the scripts of a busy web server send in some weeks.
			MaxRecords: 8_192,
		},
		Campaign: CampaignThresholds{
			// The smallest that was seen had four; two addresses may be two customers of one shop.
			MinClients:   3,
			MinSightings: 6,
			// A company with a printer in each of four shops writes to itself from four lines.
			MinSelf: 6,
			// A run rests while its program fetches another list; what has rested for a day is another run.
			Pause:     2 * time.Hour,
			LongPause: 24 * time.Hour,
			// About 10 MB, and up to three times as much for what was shared.
			MaxRecords: 16_384,
		},
		Reputation: ReputationThresholds{
			// A strict site or two refuse somebody's mail in any week.
			MinReplies: 5,
			Pause:      24 * time.Hour,
			// Lists and providers take minutes to some hours to react.
			Before:      6 * time.Hour,
			MaxReplies:  20_000,
			MaxEntities: 5_000,
		},
		Backscatter: BackscatterThresholds{
			// Out-of-office replies and dead addresses make some bounces every day.
			MinSent:     5,
			MinReceived: 10,
			Pause:       12 * time.Hour,
			MaxNotices:  20_000,
		},
		Site: SiteThresholds{
			// One delivery may be a stray alias of a host name; it still ended here.
			LocalFrom: 1,
			RoleFrom:  5,
			// A family behind one address has four accounts, a webmail host its whole site.
			WebmailFrom:    5,
			MaxRecipients:  100_000,
			MaxDomains:     10_000,
			MaxHandIns:     10_000,
			SecondaryShare: 0.95,
		},
		Score: ScoreThresholds{Low: 0.2, Medium: 0.5, High: 0.75},
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
