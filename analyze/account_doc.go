package analyze

const accountDoc = `A password that was guessed, fished or read from an infected computer is worth money because mail sent with it is believed:
our server signs it, and nobody blocks us yet. From the outside it looks like this: somebody logs in from a network that the
account was never used from, often the evening before, and sends nothing (the look round). Then mail goes out in numbers that no
person writes, in the name of strangers or of the account, to a bought list of which many addresses are dead; other servers
begin to refuse it. It ends when the password is changed, or when the thief has done.

This detector looks at one login at a time. It asks

  - how much: messages in minutes or hours, against what the account sends otherwise and what accounts here send in a day;
  - in whose name: envelope senders that are neither the account nor of a domain of ours, nor used by it before;
  - from where: addresses and networks that the account was never used from, several of them within minutes, many networks
    (/16) within a day, countries (with --geo) that are new or too far apart;
  - what the others said: dead addresses, refusals as spam;
  - what came before: failed logins from elsewhere, the first login from a strange network, the time until the first message;
  - by which way: through a webmail host of ours, by submission, by the port for other servers; and, of what comes from elsewhere,
    whether another program made its Message-IDs than all others, and whether the account ever wrote to any of the recipients.

Counted are the messages of the abuse alone. What the owner wrote at the same time or at other times is left out; it is told
apart by sender and network, and where these say nothing (a thief in the webmail, writing in the account's own name) by the
rate. The clients are the addresses that sent, and those that only logged in while it went on; the addresses at which the owner
is at home are named beside, not among them.

Honest mail that looks alike: a newsletter by its own account from its usual address (rate alone, few bounces: low or nothing);
a club's letter to its members from a hotel or a new line (one name, one network, and a list of people who exist, as far as
their own servers answer us: low; a thief's list has dead addresses, or he comes from several networks, or in other names); an
application that is all that a log shows of its login (low, where hardly a letter bounces);
a phone that changes its address all day (the provider is one where other accounts are at home, too); an account that a
branch office, a ticket system or a customer's mail server shares, in many names, every day (senders and networks that it
always had); a programme that collects mail and logs in every minute.

What it cannot see: a thief at the owner's own computer who sends little; the browser behind a webmail, unless the webmail's own
log is given, too (Roundcube: userlogins, and sendmail where the mail server lets the webmail send without a login); logins at
the mailbox server, unless its log is given. An account that was first used in this log on the day of its abuse has no
past to be compared with; where the log shows hardly anything but abuse of it, it is compared with the other accounts, and
must have a fifth of its recipients refused.`
