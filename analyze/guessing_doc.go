package analyze

const guessingDoc = `Every mail server on the Internet sees passwords being tried, all day. Most of
it is noise: names like "admin" and "test", a few tries each, from changing
addresses. This detector counts the failed logins and, above all, checks
whether somebody got in.

It counts failed logins in the log of the SMTP server (SASL), the mailbox
server (IMAP, POP3, ManageSieve), the webmail and the password server behind
them. If two of these log the same attempt, it counts once. The attempts are
grouped

  - by client: many tries, or tries on many accounts (password spraying), fast
    or slow;
  - by network (/24, /64), if several of its addresses take turns;
  - by account, if many addresses try the same account, each rarely;
  - over all, if many addresses try many accounts, each so rarely that no
    limit notices.

A login that succeeds after such failures, from the same client or network and
for an account that was tried, is high: the attacker knows the password, so
lock the account now. The same goes for a success whose account no line names:
Postfix names the account only with a message, and otherwise only counts it in
the last line of the session (auth=1). After failures on several accounts it is
reported anyway. In a wave of many addresses, several that got in to the one
account that they tried, and whose owners are elsewhere, count as such, too.
Without a success it is low or medium: medium if many existing
accounts are tried, or if there are thousands of tries. Names that nobody has
here keep it low.

Honest failures that look similar:

  - a phone with an old password: one account, at even intervals, for days,
    often from where its owner logs in with another device. Elsewhere, the
    owner corrects the password at some moment and the phone goes on checking
    mail; a guessing program succeeds just when its next try is due, and then
    stops;
  - a mail program with an old password that opens several connections whenever
    it checks: even tries go on for hours beside logins of another device at the
    same address, or give way to logins at the same pace (low). Tries that only
    go on say nothing: a guessing program may work through its list to the end;
  - a forgotten password: a few tries, then success;
  - telephones of a provider that users here have, which change their addresses
    all day: each tries the account of somebody who logs in from that provider;
  - a campus on the first day of term: most of the addresses fail a few times and
    then log in, each to the very account that it tried;
  - an office or a webmail host, from which many accounts log in and some
    fail.

Clients that logged in before they failed, or that logged in to about as many
accounts as they failed on, are left out.

What it cannot see: login names that are not logged. Postfix before 3.7.8 does
not log sasl_username= for a failed login, but the password server's own lines
have it; if one of them comes within two seconds before a line of Postfix, and
no other does, both are taken for one login. Passwords that were phished, so
that nobody had to guess (see phish and accounts). The browser behind a
webmail, unless the webmail's own log is given.`
