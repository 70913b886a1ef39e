package analyze

const reputationDoc = `When spam is sent through a server, the server pays for it. Hours later, other
servers refuse its mail or accept it slowly, and name a blocklist, its
reputation or a rate limit. Then the honest mail of everybody here suffers,
even after the spam has stopped. The replies are in the log.

This detector reads every reply with which outgoing mail was bounced or
deferred, and decides whether it is about us, and not about the recipient or
the content. It shows when that began and whether it ended, who says so (which
providers and which lists: ask these to remove us once the cause is gone),
what share of the outgoing mail was affected, and who on our side sent most in
the hours before and since: the account, script, client or sender domain. The
severity is that of the damage: the share that was affected.

Not counted: greylisting (every new client is asked to try again), full
mailboxes, recipients that do not exist, mail refused only for its content,
and missing SPF, DKIM or DMARC. One provider that says "too many connections"
now and then is normal for a mailing list; so are single refusals by a strict
site.

What it cannot see: providers that put our mail into the spam folder and say
nothing; blocklists that no recipient uses. Mail that is refused because
somebody here forwards his spam elsewhere looks similar: then the cause is
named as forwarding.`
