package analyze

import "slices"

// compromise is what an account is suspected of: messages that somebody else sent with it. The findings of this detector are those
// whose score is high enough.
type compromise struct {
	*baseline
	*batch
	counted         []bool  // by record: it is one of the messages …
	withStory       bool    // … and so are those of the story
	beside          int     // other messages of the account meanwhile
	outside         int     // all other messages of the account
	forgedMessages  int     // messages with a sender that is neither the account's nor one of ours
	strangeMessages int     // messages from a network that is not the owner's
	direct          int     // messages from an address of the owner's, not through a host of ours
	dense           bool    // many of them came within minutes
	regular         bool    // the account sends as many on other days
	timesOthers     float64 // how many times what others send in a day; 0: not abused throughout the log
	hours           [24]int // messages by hour of UTC
	relatedLogins   []access
	Argument
}

func (b *baseline) newCompromise() *compromise {
	return &compromise{baseline: b, batch: newBatch(), counted: make([]bool, len(b.records))}
}

// collect counts the chosen messages, and those of the story.
func (b *baseline) collect(chosen []bool) *compromise {
	c := b.newCompromise()
	if b.story != nil {
		c.takeStory()
	}
	for i := range b.records {
		if chosen[i] {
			c.take(i)
		}
	}
	slices.Sort(c.times)
	c.outside = b.sent - c.Counts.Messages
	c.countBeside()
	return c
}

// takeStory counts the messages that are not remembered one by one.
func (c *compromise) takeStory() {
	c.batch.merge(c.story)
	c.withStory, c.dense = true, true
	c.forgedMessages += c.story.foreignSenders(c.q.site)
}

func (c *compromise) take(i int) {
	r := c.records[i]
	c.counted[i] = true
	c.add(r)
	if c.forged[i] {
		c.forgedMessages++
	}
	if c.strange[i] {
		c.strangeMessages++
	} else if !c.q.site.IsOwn(r.client.IP) {
		c.direct++
	}
	c.hours[hourOf(r.time)]++
}

// absorb adds what o counts and c does not: where every other message of a window is forged, one of them has the forged messages and
// the other has all.
func (c *compromise) absorb(o *compromise) {
	before := c.Counts.Messages
	if o.withStory && !c.withStory {
		c.takeStory()
	}
	for i := range c.counted {
		if o.counted[i] && !c.counted[i] {
			c.take(i)
		}
	}
	slices.Sort(c.times)
	c.outside = max(0, c.outside-(c.Counts.Messages-before))
	c.countBeside()
	c.regular = c.regular && o.regular
	c.dense = c.dense || o.dense
}

// countBeside counts what else the account sent while it lasted.
func (c *compromise) countBeside() {
	c.beside = 0
	for i, r := range c.records {
		if !c.counted[i] && r.time >= c.Start && r.time <= c.End {
			c.beside++
		}
	}
}

// isEnough reports whether it is worth a judgement: not few messages, or few to very many recipients.
func (c *compromise) isEnough() bool {
	n := c.Counts.Messages
	return n >= c.q.thresholds.Burst.MinMessages || n >= fewestToMany && c.toMany()
}

// Whoever has a list of addresses may put a hundred of them into one message.
const (
	fewestToMany   = 3   // messages to many; fewer are somebody's invitation
	manyRecipients = 100 // of all of them together, …
	manyToEach     = 20  // … of each on average, …
	manyTimesUsual = 10  // … and so many times what the account's other messages have
)

// toMany reports whether the messages have far more recipients than the account's others.
func (c *compromise) toMany() bool {
	others, recipients := 0, 0
	for _, r := range c.records {
		if r.time >= c.Start && r.time <= c.End {
			continue
		}
		others++
		r.recipients(func(*recalled) { recipients++ })
	}
	each := ratio(c.Counts.Recipients, c.Counts.Messages)
	return c.Counts.Recipients >= manyRecipients && each >= manyToEach && each >= manyTimesUsual*ratio(recipients, others)
}

// ownerIsKnown reports whether enough was seen of the owner to call anything else new. In a log of one day, the only network of an
// account that sends its yearly newsletter may well be the owner's.
func (c *compromise) ownerIsKnown() bool { return c.outside+c.homeLogins() >= habit }

// othersCouldSend reports whether somebody else can have sent it: not most of it came from the owner's own addresses.
func (c *compromise) othersCouldSend() bool { return 2*c.direct < c.Counts.Messages }

// isElsewhere reports whether most came from networks that the account, as far as its owner is known, never uses otherwise.
func (c *compromise) isElsewhere() bool {
	return 2*c.strangeMessages > c.Counts.Messages && c.outside > 0 && c.ownerIsKnown()
}

// atHome reports whether most came from networks that are known to be the owner's.
func (c *compromise) atHome() bool {
	n := 0
	for ip, client := range c.batch.clients {
		if c.homeNetworks[NetworkOf(ip)] {
			n += client.Messages
		}
	}
	return 2*n > c.Counts.Messages
}
