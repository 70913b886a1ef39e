package analyze

const guessingDoc = `Every mail server that is reachable hears passwords being tried, all day. Most of it is noise: names like "admin" and "test",
a few tries each, from addresses that go round. This detector counts it, and above all looks whether somebody got in.

It counts failed logins as they stand in the log of the SMTP server (SASL), the mailbox server (IMAP, POP3, ManageSieve), the
webmail and the password server behind them; what two of these say of the same attempt is counted once. They are put together

  - by client: many tries, or tries on many accounts (spraying), fast or slow;
  - by network (/24, /64), where several of its addresses take turns;
  - by account, where many addresses try the same account, each seldom;
  - over all, where many addresses try many accounts, each so seldom that no limit notices.

A login that succeeds after such failures, from the same client or network, for an account that was tried, is high: the password
is known, lock the account now. So is one whose account no line names: Postfix names it with a message alone, and counts it in
the last line of the session (auth=1); after failures on several accounts it is told all the same. Without a success it is low or medium: medium where many accounts that exist are tried, or the
tries go into the thousands; names that nobody has here keep it low.

Honest failures that look alike: a telephone that has an old password (one account, at even distances, for days; often from
where its owner logs in with another device; elsewhere, one that is corrected at some moment and goes on looking for mail, where
a guesser's programme gets in when its next try is due, and has done); a forgotten password (a few tries, then success); an
office or a webmail host, from which many accounts log in and some fail. Clients that logged in before they failed, or to about as many accounts as they
failed on, are left out.

What it cannot see: names that the log leaves out (Postfix before 3.7.8 does not log sasl_username= where a login fails; the
password server's own lines have it, and where one of them stands before one of Postfix, and no other within two seconds, both
are of one login); passwords that were fished and needed no guessing (see phish and account); the browser
behind a webmail, unless its own log is given.`
