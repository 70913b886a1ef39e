package analyze

const campaignDoc = `A spam run comes from many addresses: rented machines, other people's infected computers. Each sends a few messages, stays
below every limit, and looks like nothing; the limits never see that all of it is one hand. But the program that sends is
one program, and writes alike: the same subject, the same kind of HELO, Message-IDs of one pattern, the same list of damaged
recipients, the sender that is always the recipient himself; and the addresses come one after another, because one list is
worked off.

This detector remembers what strangers send, without a login, in names that are not their own: refused attempts, too, since a
blocklist often stops most of a run. It joins clients by a mark that they share:

  - the sender is the recipient;
  - HELO is a bare number, a name of ours, or the same odd word;
  - the same subject; the same forged domain of the sender; each message in another name;
  - names by reverse look-up that are cut from one pattern (#-static.reverse.softlayer.com), or one network;
  - recipients that are known addresses, damaged.

Then it asks what else they have in common: do all senders differ, do the Message-IDs look alike, and do their domains ever
match the sender's, how many are customers' lines or have no name, how many does a blocklist know, do the recipients exist,
did they speak to the secondary MX only, did each come once, one after another, and at no other time? Rarity is measured on this
log: a subject or HELO that honest mail has, too, counts little. One mark is chance; several that agree are not.

A run that is refused before its subject can be seen, and whose parts send as different domains, is told as one where the parts
follow each other within minutes, say HELO alike, write to the same recipients and are refused in the same words.

The signature is an expression for --where (trace, messages) that selects the messages of the run: its marks and its time, and
the addresses themselves where the marks would select others as well.

Honest mail that looks alike: newsletters, mailing lists and big providers send from many addresses (in their own name, or
from servers of one provider); a subject such as "Rechnung" or "Re: …" from unrelated senders, over days, from servers that
have a name; programs that scan the whole Internet with HELO "ylmf-pc" or "User" (low at most, since all of it is refused, and nothing
where they come at all hours, or are refused for different reasons, as strangers are to each other); a
camera or a printer on a customer's line that writes to its owner in his own name, again and again from the same place (it is
left out of a run, too, that comes in between); the branches of a company, on lines of one provider, that all write to one mailbox.
That each came once, and at no other time, is no mark in a log of less than six hours.

What it cannot see: a run whose every message is in the name of the sending machine, with an own domain for each (snowshoe: see bursts,
where they are in one network); runs of one or two addresses (see bursts); what the log does not tell: Postfix logs HELO of refused mail only and no subjects,
unless header_checks does (/^Subject:/ INFO); Exim logs subjects with log_selector = +subject. What relays through this host to
others is a campaign, too, but the open relay is the graver thing: it is low here (see relays).`
