package analyze

const campaignDoc = `A spam run comes from many addresses: rented machines and other people's
infected computers. Each sends a few messages and stays below every limit, and
no limit sees that all of them belong together. But one program sends them
all, and it leaves the same traces: the same subject, the same kind of HELO,
Message-IDs of one pattern, the same list of damaged recipients, the recipient
as sender. And the addresses come one after another, because they work through
one list.

This detector remembers what strangers send without a login in names that are
not their own, including refused attempts, because a blocklist often stops
most of a run. It groups clients by something they share:

  - the sender is the recipient;
  - HELO is a bare number, a name of ours, or the same odd word;
  - the same subject; the same forged sender domain; another name in each
    message;
  - reverse DNS names of one pattern (#-static.reverse.softlayer.com), or one
    network;
  - recipients that are damaged forms of known addresses.

Then it looks for more that they have in common. Do all senders differ? Do the
Message-IDs look alike, and do their domains ever match the sender's? How many
clients are customers' lines or have no name? How many are on a blocklist? Do
the recipients exist? Did they speak only to the secondary MX? Did each come
once, one after another, and at no other time? What counts as rare is measured
on this log: a subject or HELO that honest mail has too counts little. One
sign is chance; several that agree are not.

A run may be refused before its subject is seen, and its parts may send as
different domains. The parts are reported as one run if they follow each other
within minutes, use similar HELO names, write to the same recipients and are
refused in the same words.

Whoever is refused when he connects or says HELO has named no sender. He is
counted if he is a client of the run, or if he says HELO as all of it does,
does nothing else, and comes only while it lasts.

The signature is an expression for --where (trace, messages) that selects the
messages of the run by what they share and by time, and by the addresses
themselves if it would otherwise select other mail too.

Honest mail that looks similar:

  - newsletters, mailing lists and big providers, which send from many
    addresses in their own name, or from servers of one provider;
  - a subject such as "Rechnung" or "Re: …" from unrelated senders, over days,
    from servers with a name;
  - programs that scan the whole Internet with HELO "ylmf-pc" or "User": low
    at most, because all of it is refused, and nothing if they come at all
    hours or are refused for different reasons, as unrelated clients are;
  - a camera or a printer on a customer's line that writes to its owner in the
    owner's name, again and again from the same place; it is also left out of
    a run that happens at the same time;
  - the branches of a company, on lines of one provider, that all write to one
    mailbox.

In a log shorter than six hours, "came once, and at no other time" is not
counted as a sign.

What it cannot see: a run in which every message is in the name of the sending
machine, each with a domain of its own (snowshoe: see bursts if they are in
one network). Runs of one or two addresses (see bursts). What was not logged:
Postfix logs the HELO of refused mail only, and no subjects unless
header_checks does (/^Subject:/ INFO); Exim logs subjects with log_selector =
+subject, and never the recipient of what it refused after DATA; who is refused
at MAIL has not named one yet (in a run whose senders are the recipients, both
are counted if they came from strangers in names of ours, while the run lasted). A run that is relayed through this host to others
is low here, because the open relay is the more serious problem (see relays).`
