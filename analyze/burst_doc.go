package analyze

const burstDoc = `bursts asks: did one client, network, account, local user or sender domain
send in minutes what it, or others like it, send in days?

What it looks for. The messages of each client address, each network (/24,
/64, and the autonomous system where --geo knows it), each login, each local
user and each envelope sender's domain are counted over time. A period is
dense if the rate of all other times does not explain the number in about ten
minutes: the chance is less than one in a million, and the rate at least four
times as high. It starts with its first message and ends with its last;
nothing is cut at full minutes. Periods with less than half an hour between
them are one burst. What a stranger does who was never seen before or after is
one burst over two hours. Fewer than seven messages are never a burst.

Why that means abuse. A number alone is no proof. Other signs are weighed
against what speaks for mail that people want. For a stranger: senders that
all differ, or look random; Message-IDs of just as many domains; one subject
in all of them; recipients that do not exist, or are damaged forms of known
ones; no reverse DNS name, or the name of a customer's line or a rented
machine; a HELO that is a bare number or no host name; a domain of ours as
sender; mail for strangers; only the secondary MX; for a network, machines
that each have a domain of their own, none seen before ("snowshoe"). For a
login or a local user: senders of foreign domains, several addresses at once,
addresses that the account never uses otherwise, bounces, and replies that
call it unwanted, because bought lists are full of dead addresses. Thirty
messages or more can be reported for their rate alone; fewer need several
signs that agree. Every finding lists its reasons with their weights. Their
sum is the score.

Honest mail that looks similar. Newsletters come in bursts. They are
recognised by servers with verified names in the sender's domain, by the
recipient written into the sender (VERP), and by List headers if these are
logged. A shop or a club that writes to its customers sends from its usual
address and in its own name, and hardly anything bounces, or a tenth if it
writes once a year; and up to a fifth, if it always writes from there in that
name, hardly any server refuses it as unwanted, and it does not begin deep in
the hours at which nothing of it is sent on any other day. Also left out are
mail to the administrators of a machine, automatic answers to those who wrote
here, bounces of other hosts, mail of the same people from the same server as
on other days that had to wait, what a server, or a line that gets a new
address each day, relays on other days in the same names or to the same
people, and what happens on other days too. All of these are not reported, or
are low: worth knowing. A busy server is measured against its own rate. A log shorter than six hours is treated as if the rest of the six
hours had been silent; "far more than usual" is not counted as a sign there,
because such a log does not show what is usual.

One story, one finding. An account that sends from many addresses is reported
as the account, one address as the address, three or more addresses of one
network as the network. A sender's domain is reported only if no single client
or account explains it. A webmail host is never reported when an account is.
For a host of ours that sends for many people without a login (a groupware
server behind a gateway), the sender of nearly all of it is reported. Of an
account or a local user, mail that goes on as at other times (the owner's own
address, the other pages of a web server) is not counted but mentioned.
Refused attempts of the same clients between start and end are counted as
rejected; later ones are mentioned with their number.

What it cannot see. Mail that is spread thinly: three messages from each of a
hundred networks are a campaign, not a burst. Abuse at the same rate for the
whole log, because nothing stands out: give it a longer log. The content: a
first message to forty local users from a well-kept server may be a club's or
an attacker's. Without Message-IDs, subjects or HELO names in the log, the
signs that need them are missing on both sides. In a very busy log, about
thirty thousand messages are remembered one by one, and bursts beyond that
only as totals; the notes of the report say what was dropped.`
