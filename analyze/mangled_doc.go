package analyze

const mangledDoc = `Spammers' address lists are collected from web pages, news articles and stolen
mailboxes by programs that cut in the wrong place: smtpsusan@, 0susan@,
example.comsusan@ (something was added in front), usan@ (the beginning is
missing), osan@ (the beginning was replaced). Mail to such an address is
rejected or bounces. It shows that the sender never got the address from its
owner: nobody who means Susan writes to usan@.

This detector takes every recipient in a domain of ours that was rejected or
bounced, and looks for a known recipient (one that mail was delivered to,
before or since) of which it is a damaged form. One such address proves
nothing: people mistype, and a dictionary attack tries so many names that some
look damaged by chance. The proof is one client that does it to several
addresses, and for a good part of its rejected recipients, or several clients
in different networks that use the same damaged address: they share a list,
and most likely one person sends with it. Where many machines try names at
that time, it must be more than some of them have by chance. The addresses of
an IPv6 host (a /64) are one client here.

Honest mail that looks similar: a web form in which users type their address,
or a mailing list with one wrong subscriber: one address each. A list with
people who have left (a.harms, where t.harms is known): an address with
another first letter counts only beside other damage, to the same address or
to three others. The same goes for what may be an earlier form of an address,
or one with another separator: harms@ or t_harms@ for t.harms@, tom_harms@ for
harms@; and for what anybody may be called, and strangers guess everywhere:
sales@ for morales@, anna@ for hanna@. And a list server whose list a
spreadsheet damaged: it sends for its own organisation, and either writes the
recipient into the sender or is right about most of its list (low); its other
servers, in whatever network, are no second proof. One that does neither is
reported: nothing distinguishes it from a spammer with a server of his own.

What it cannot see: damage in a domain that accepts and delivers every address
(a catch-all), and known recipients that got no mail within the log. On a
gateway or a secondary MX alone, what the next host accepted counts as known;
give its log too, if you have it.`
