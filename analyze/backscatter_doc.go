package analyze

const backscatterDoc = `Spam has a forged sender. A server that accepts it and only later finds that
it cannot deliver it sends a bounce to somebody who has nothing to do with it.
This is backscatter. There are two kinds.

We send it: this host accepted mail from outside, could not deliver it, and
sent bounces to strangers. The usual causes are a secondary MX that does not
know the recipients (Postfix: relay_recipient_maps,
reject_unverified_recipient), a catch-all that forwards, a filter that bounces
instead of rejecting, and mailboxes over quota. The signs: many of these
bounces cannot be delivered themselves, their recipients have nothing in
common and look invented, one client caused many of them, and they came all at
once. It is our fault and should be fixed, but it is seldom an emergency:
medium at most. Bounces to senders in our own domains that do not exist only
fill our own queue, and are low. Those that still wait, of a client or account
that caused several, most of which could not be delivered, are named, to be
held and deleted.

We receive it: bounces (with the null sender) arrive from everywhere for mail
that we never sent, because somebody forged one of our addresses. That is a
nuisance and no break-in: never more than low, however many there are. An
address that did send as much is left out: its bounces are its own (a
newsletter to an old list; see accounts and bursts for one that is abused).

What looks like that and comes from one host without a name, for one made-up
address after another, is no bounce: somebody looks for addresses that exist.
That is low, and told for the host.

Honest mail that looks similar: out-of-office replies, reports and receipts
have the null sender, too. There are a few each day, to many addresses, at all
hours.

What it cannot see: bounces with an ordinary sender.`
