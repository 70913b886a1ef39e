package analyze

const phishDoc = `Many stolen passwords are not guessed but given away: somebody writes to all
our users in the name of the administration, and some answer. The log shows
this phishing run days before the abuse, and shows who else may have answered.

This detector looks for runs: one origin (an envelope sender, or a network if
the senders differ) that writes to many of our users within minutes or hours.
Then it looks for answers: messages from users whom the run reached, to the
sender of the run or its domain. The address to answer to is often in a header
that is not logged. So it also looks for mail to an address that nobody here
wrote to before and that never wrote to us, if several users each write to it
once soon after, if it is named like a mail administration (helpdesk, webteam,
quota) at a public provider, or if the message has the run's subject (where
subjects are logged). If only two wrote to it, and nothing else speaks for it,
they are named once the account of one of them was abused within three days.

A run matters if somebody answered: those accounts need new passwords now, and
so does everybody else who wrote to that address. Without an answer it is low:
spam filters see a hundred such runs.

Honest mail that looks similar: newsletters and mailing lists (each recipient
is written into the sender, the headers say bulk, they come again);
invitations to a whole department, which people also answer, but to their
sender, whose mail server is in the sender's own domain. Those stay low or are
not reported. investigate reports such a run, as low, if the account of
somebody who answered was abused soon after.

What it cannot see: answers on a web page, which are the most common today;
the headers From and Reply-To; answers sent from elsewhere.`
