package analyze

const relayDoc = `A mail server accepts mail from strangers for its own domains, and from its
own users for everybody. A server that accepts mail from strangers for
strangers is an open relay, and spammers find it within hours. The log does
not say "open relay". It says that a client which did not log in and is not
ours handed in a message whose recipients are not ours either.

This detector collects those messages by the domain of the envelope sender
(the usual hole is an access rule that trusts a sender's domain, which anybody
can forge) and by client. If many clients write in any name, all that was
relayed is reported as one finding, even if each client sent little. It shows:

  - the words with which an access rule or a policy let them in, if the server
    logs them ("whitelisted in local domains whitelist"): that is the rule to
    fix;
  - what the senders look like: random letters, or addresses of our own domain
    that never received anything;
  - how many clients from how many networks came, what was delivered, what
    bounced, and what is still in the queue, including the bounces that cannot
    be delivered because their senders never existed.

Honest mail that looks similar:

  - an office, a printer or a monitor that may relay because its address is
    trusted (mynetworks, +relay_from_hosts): few addresses, seen all the time,
    with senders that are known here;
  - a gateway or secondary MX that passes mail on to another host: few
    recipient domains, each passed to one relay, and many strangers write to
    them. If this is not recognised, give --local-domain or the other host's
    log;
  - a mail service that has part of our mailboxes and hands in our own people's
    mail: it passes on what they forward, too;
  - a forwarder or a list server that hands in all it sends: its senders are
    made from others (SRS, VERP), and look random;
  - the customers of one provider, whose lines get another address each day;
  - aliases that lead outside: the envelope recipient is ours, perhaps in a
    domain that forwards all its mail.

Those stay below medium or are left out.

What it cannot see: relaying through a login (see accounts) or a script (see
scripts). Whether a trusted office address was itself abused, unless its
traffic changes so much that it is a burst. Mail that was handed in but never
tried.`
