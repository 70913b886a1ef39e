package analyze

const phishDoc = `Many stolen passwords were not guessed but given away: somebody wrote to all our users in the name of the administration, and
some answered. The run stands in the log days before the abuse, and tells who else may have answered.

This detector looks for runs: one origin (an envelope sender; or a network, where the senders differ) that writes to many users
of ours within minutes or hours. Then it looks for answers: messages of users whom the run reached, to the sender of the run or
its domain; or, because the address to answer to stands in a header that is not logged, to an address to which nobody here ever
wrote before and which never wrote to us: several users who each write to it once soon after; a name like that of a mail
administration (helpdesk, webteam, quota) at a public provider; the run's subject, where subjects are logged.

A run matters when somebody answered: those accounts need new passwords now, and so do all others that wrote to that address.
Without an answer it is low: spam filters see a hundred such runs.

Honest mail that looks alike: newsletters and lists (each recipient stands in the sender; they say so of themselves; they come
again), invitations to a whole department, which are answered, too: to their sender, who has a mail server of his own name. Those
stay low or absent; investigate names such a run, as low, where an account of those who answered it was abused soon after.

What it cannot see: answers on a web page, which are the most by now; the headers From and Reply-To; answers sent from
elsewhere.`
