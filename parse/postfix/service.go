package postfix

import (
	"strings"

	"mailforensics/mail"
	"mailforensics/parse"
)

// service parses the lines of the daemons and commands that serve the others: they say nothing about a message, only when and how
// Postfix ran.
func service(body string, ev *mail.Event) parse.Verdict {
	switch ev.Daemon {
	case "anvil", "scache":
		return known(body, ev, "statistics: ")
	case "master":
		return known(body, ev, "daemon started -- ", "reload -- ", "reload configuration", "terminating on signal ", "stopping", "master exit time has arrived")
	case "postfix-script", "postfix":
		return known(body, ev, "starting the Postfix mail system", "stopping the Postfix mail system", "refreshing the Postfix mail system",
			"the Postfix mail system is ", "waiting for the Postfix mail system", "stopping", "flushing", "aborting the Postfix mail system",
			"rotating ")
	case "tlsmgr":
		return known(body, ev, "open smtp TLS cache", "open smtpd TLS cache", "open lmtp TLS cache",
			"exiting to reopen external entropy source ", "cannot read from entropy device ", "lost connection to EGD server ")
	}
	return parse.Unfamiliar
}

// known makes a remark of the line if it begins with one of the words.
func known(body string, ev *mail.Event, words ...string) parse.Verdict {
	for _, w := range words {
		if strings.HasPrefix(body, w) {
			return remark(body, ev)
		}
	}
	return parse.Unfamiliar
}

// chatter reports whether a line is one that any daemon may write, and that is of no use here: changed tables, caches,
// compatibility, the TLS engine (util/dict.c, util/dict_cache.c, global/mail_params.c, tls/*.c).
func chatter(body string) bool {
	for _, begin := range chatterBegins {
		if strings.HasPrefix(body, begin) {
			return true
		}
	}
	return strings.HasPrefix(body, "table ") && strings.Contains(body, " has changed -") || // restarting, or finishing in the background
		strings.HasPrefix(body, "cache ") && strings.Contains(body, " cleanup: retained=") ||
		strings.Contains(body, ": using backwards-compatible default setting ") || // master.cf and the line in front
		strings.Contains(body, "subject_CN=") ||
		tlsDetail(body)
}

// chatterBegins are what such lines begin with. Those of TLS are of higher log levels.
var chatterBegins = [...]string{
	"using backwards-compatible default setting ", "discarding EHLO keywords: ", "skipping address family ", "mapping DSN status ",
	"SMTPS wrappermode ", "setting up TLS connection ", "initializing the ", "TLS SNI ", "SSL3 alert ", "subject=", "issuer=",
	"reloaded session ", "remove session ", "write smtp", "read smtp", "put smtp", "delete smtp", "close smtp", // of a session cache
	"starting TLS engine", "Reusing old session", "verify error:num=", "Peer certificate could not be verified", "Server certificate could not be verified",
	"Peer verification: ", "cert has expired", // until 2.4
	"DIGEST-MD5 ", "OTP unavailable because ", "unable to open Berkeley db ", "sql auxprop plugin ", "sql plugin", "sql_select option missing",
	"auxpropfunc error ", "_sasl_plugin_load failed ", "ldapdb_canonuser_plug_init() failed ", "begin transaction", "commit transaction", // of Cyrus SASL
	"gethostby*.getanswer: ", // of the C library
}

// tlsDetail reports whether a line is about the encryption of one session: "mx.example.com[192.0.2.25]:25: Matched …"
// (tls/tls_client.c, tls_server.c, tls_verify.c), or about a reply that was replaced by smtp_reply_filter (smtp/smtp_chat.c).
func tlsDetail(body string) bool {
	_, rest, ok := mail.CutClient(body)
	rest, found := strings.CutPrefix(rest, ": ")
	if !ok || !found {
		return false
	}
	for _, word := range [...]string{"Matched ", "matched peername: ", "depth=", "certificate ", "TLS cipher list", "re-using session", "save session",
		"looking up session ", "reloaded session ", "remove session ", "Reusing old session", "SNI ", "Issuing session ticket", "Decrypting session ticket",
		"Trusted", "Verified", "Untrusted", "subject_", "fingerprint", "Issuer ", "replacing server reply "} {
		if strings.HasPrefix(rest, word) {
			return true
		}
	}
	return false
}

// verbose reports whether a line is one of the many that "-v" and debug_peer_list add. They contain the SMTP dialogue, with
// passwords in base64: nothing of them may be kept.
func verbose(body string) bool {
	if strings.HasPrefix(body, "< ") || strings.HasPrefix(body, "> ") || strings.HasPrefix(body, ">>> ") {
		return true
	}
	for _, begin := range verboseBegins {
		if strings.HasPrefix(body, begin) {
			return true
		}
	}
	word, rest, ok := strings.Cut(body, " ")
	if !ok {
		return false
	}
	if strings.HasPrefix(rest, "= ") && strings.IndexByte(word, '_') > 0 { // unknown_helo_hostname_tempfail_action = defer_if_permit
		return true
	}
	if strings.HasSuffix(word, ":") && strings.IndexByte(word, '_') > 0 { // match_hostname: the name of a C function
		return true
	}
	switch word {
	case "send", "input": // send attr request = connect; input attribute name: status
		return strings.HasPrefix(rest, "attr")
	case "trying...", "fsspace:", "mynetworks:": // trying... [192.0.2.25]
		return true
	case "connection": // established, closed
		return !strings.Contains(rest, " ") || strings.HasPrefix(rest, "established fd ") || strings.HasPrefix(rest, "closed fd ")
	case "read", "write": // read from 561141B988B0 [561141BA5103] (5 bytes => 5 (0x5))
		return strings.Contains(rest, " bytes => ")
	case "begin", "end", "start": // begin example.com address list; start sorted recipient list
		return strings.HasSuffix(rest, " list")
	case "report": // report connect to all milters
		return strings.HasSuffix(rest, " to all milters")
	case "process": // process generation: 1 (1)
		return strings.HasPrefix(rest, "generation: ")
	case "idle":
		return rest == "timeout -- exiting"
	case "before", "after": // before input_transp_cleanup: cleanup flags = …
		return strings.HasPrefix(rest, "input_transp_cleanup: ")
	case "looking", "save": // looking for session … in smtp cache
		return strings.Contains(rest, "session ")
	}
	return strings.HasSuffix(word, ":") && strings.HasPrefix(rest, "recipient limit ") || // QID: recipient limit 5000
		strings.HasPrefix(word, "SSL_") || strings.Contains(rest, "wanted attribute: ") || hexDump(body)
}

// verboseBegins are what other lines of "-v" begin with: of the queue file's records (cleanup), the transports and queue runs
// (qmgr), the rewriting (trivial-rewrite), the look-ups of a host (smtp).
var verboseBegins = [...]string{
	"initial envelope ", "extracted envelope ", "client flags = ", "server flags = ", "open incoming/", "POP boundary ", "PUSH boundary ",
	"connect to subsystem ", "rewrite stream ", "proxymap stream ", "received master trigger", "fd=", "frag_len=", "`",
	"request: ", "request ignored", "done incoming queue scan", "done deferred queue scan", "wakeup ",
	"lookup ", "connecting to ", "pref ", "host name lookup methods: ", "global TLS level: ", "effective TLS level: ",
	"server features: ", "Using ESMTP PIPELINING", "Compiled against Berkeley DB", "Run-time linked against ",
}

// hexDump reports whether a line is part of a dump of a TLS record: "0000 16 03 01 00 …".
func hexDump(body string) bool {
	if len(body) < 8 || body[4] != ' ' {
		return false
	}
	for i := range 4 {
		if c := body[i]; c-'0' > 9 && c|0x20-'a' > 'f'-'a' {
			return false
		}
	}
	return body[7] == ' ' || body[5:7] == "- " // 019a - <SPACES/NULLS>
}
