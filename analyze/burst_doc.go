package analyze

const burstDoc = `bursts asks: did one client, network, account, local user or sender domain send in
minutes what it, or its like, sends in days?

What it looks for. The messages of each client address, of its network (/24, /64,
and the autonomous system where --geo tells it), of each login, of each local user
and of each envelope sender's domain are put on a line of time. A stretch is dense
when its number in some ten minutes cannot be explained by the rate of the rest:
less than one chance in a million, and at least four times as dense. Its start and
end are those of its first and last message; nothing is cut at full minutes.
Stretches with less than half an hour between them are one burst, and what a
stranger does who was never seen before or after belongs together over two hours.
Seven messages are the least that is looked at.

Why that means abuse. A number alone is no proof, so what else is odd is weighed
against what speaks for mail that people want. For a stranger: senders that all
differ, or are drawn at random; Message-IDs of as many domains; one subject over all
of them; recipients that do not exist, or are known ones, damaged; no name that
resolves back, the name of a customer's line or of a machine for rent; a HELO that
is a bare number or no name; a domain of ours as sender; mail for strangers; only
the secondary MX; of a network, that each of its machines has a domain of its own and
none was seen before ("snowshoe"). For a login or a local user: senders of foreign domains, several
addresses at once, addresses that the account uses at no other time, bounces, and
replies that call it unwanted: bought lists are full of dead addresses. Thirty
messages or more may stand on their rate; fewer need marks that agree. Every finding
lists its reasons with their weights; their sum is the score.

Which honest mail looks alike. Newsletters come in bursts: they are known by servers
whose verified names lie in the sender's domain, by recipients written into the
sender (VERP), by List headers where these are logged. A shop or a club that writes
to its customers sends from its usual address, in its own name, and hardly a mail
bounces, or a tenth where it does so once a year. Mail to a machine's keepers, bounces of other hosts, what is regular on
other days, are no bursts either. Such are left out, or are low: worth knowing. A
busy server is measured against its own rate, and a log of less than six hours is
taken as if the rest of the six had been silent; that somebody sends far more than
otherwise is no mark in it, since it does not show what he sends otherwise.

One story is told once: an account that sends from many addresses is the account's,
an address is the address's, three or more addresses of one network are the
network's; a sender's domain is told only where no single client or account explains
it. A webmail host is never the offender when an account is; of a host of ours that
hands in for many people without a login (a groupware server behind a gateway), the
sender is told in whose name nearly all of it is. Of an account or a local user,
what goes on as at other times (its owner's own address, the other pages of a web
server) is not counted, and named beside it. Refused attempts of the same clients
between start and end are counted as rejected; of later ones it is told how many came.

What it cannot see. Mail that is spread thinly: three messages from each of a
hundred networks are a campaign, not a burst. Abuse that goes on at the same rate
for the whole of the log, since then nothing is unusual: give it a longer one. The
content: a first letter to forty local users from a well-kept server may be a club's
or a thief's. A log without Message-IDs, subjects or HELO names takes the marks that
need them from both sides. In a very busy log, some thirty thousand messages are
remembered one by one and bursts beyond that only as sums; what was dropped is said
in the notes of the report.`
