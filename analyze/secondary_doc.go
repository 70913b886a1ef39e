package analyze

const secondaryDoc = `RFC 5321 (section 5.1) tells a client to try the MX with the lowest preference
value first. Spam programs do the opposite: the secondary often has weaker
filters and no list of recipients, and the primary trusts it. A client that
comes several times, only to the secondary, while the primary was up and
answering others, did not come there by accident.

This detector needs the logs of both hosts. It takes the roles from --mx, or
recognises a host that passes nearly all it accepts from strangers to another
one whose log is given. It compares each client with the others: if a
twentieth of all mail comes through the secondary, the chance of five messages
in a row there is one in three million.

Honest mail that looks similar: a client that met a greylisting or overloaded
primary and went on to the secondary (it speaks to the primary, too); a few
old programs that pick any MX at random; a time when the primary was down
(visits count only if within five minutes of them the primary's log shows that
it was up, or it answered for mail that the secondary passed on). One sender
and one subject suggest an honest, if odd, client; many senders do not.

An IPv6 host may take a new address for every connection: those of one /64 are
one client here.

What it cannot see: a client that connected to the primary and hung up without
a word counts as one that never came there.`
