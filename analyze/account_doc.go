package analyze

const accountDoc = `A stolen password (guessed, phished, or read from an infected computer) is
worth money, because mail sent with it is trusted: our server signs it, and
nobody blocks us yet. The usual course: somebody logs in from a network that
the account never used before, often the evening before, and sends nothing.
The attacker is trying the password. Then far more mail goes out than a person
writes, in the name of strangers or of the account, to a bought list with many
dead addresses. Other servers begin to refuse it. It ends when the password is
changed, or when the attacker has finished.

This detector examines one login at a time. It asks

  - how much: messages in minutes or hours, compared with what this account
    sends at other times and what accounts here send in a day;
  - in whose name: envelope senders that are neither the account nor in a
    domain of ours, and that it never used before;
  - from where: addresses and networks that the account never used before,
    several of them within minutes, many networks (/16) within a day,
    countries (with --geo) that are new or too far apart;
  - with what result: dead addresses, refusals as spam;
  - what came before: failed logins from elsewhere, the first login from a
    strange network, the time until the first message;
  - by which way: a webmail host of ours, submission, or port 25; and, for
    mail from strange networks, whether another program made its Message-IDs,
    and whether the account ever wrote to any of the recipients before.

Only the messages of the attacker are counted. What the owner wrote at the
same time or at other times is left out. The two are told apart by sender and
network, or by the rate where these say nothing (an attacker in the webmail
who writes in the account's own name). The clients are the addresses that
sent, and those that only logged in at that time. The owner's usual addresses
are listed separately.

Honest mail that looks similar:

  - a newsletter sent by its own account from its usual address: only the rate
    is unusual and few messages bounce (low or nothing);
  - a letter to all who ever went to a school: up to a fifth of the addresses
    is dead, but it goes out by day, in the account's own name, from where it
    always writes, and hardly any server refuses it as unwanted (low). Of
    spam, some always do;
  - a club's mail to its members from a hotel or a new line: one name, one
    network, and recipients who exist, as far as their servers answer us
    (low). An attacker's list has dead addresses, or the mail comes from
    several networks or in other names;
  - an application that is all the log shows of its login (low, if hardly
    anything bounces);
  - a phone that changes its address all day: other accounts use the same
    provider regularly (which is no excuse where logins to this account failed
    there again and again before one succeeded);
  - an account shared by a branch office, a ticket system or a customer's mail
    server, in many names, every day: it always had these senders and
    networks;
  - an application in a cloud that hands in its customers' mail, each time from
    another address: the same names every day, at the hours at which people
    write, and no mailbox that anybody but the application reads (low);
  - a service that asks for opinions with a login of ours: several machines of
    one network, which send in the account's own name to people who exist, are
    one place (low);
  - a program that collects mail and logs in every minute.

What it cannot see: an attacker at the owner's own computer who sends little.
The browser behind a webmail, unless the webmail's own log is given too
(Roundcube: userlogins; also sendmail, if the mail server lets the webmail
send without a login). Logins at the mailbox server, unless its log is given.
An account first used in this log on the day of its abuse has no past to
compare with. If the log shows hardly anything but abuse, the account is
compared with the others, and is reported only if a fifth of its recipients
were refused.`
