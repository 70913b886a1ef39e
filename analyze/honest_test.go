package analyze

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

// honest is traffic that looks like abuse to somebody who only counts, and is not: no detector may report it above low.
type honest struct {
	name     string
	messages func(midnight) []mail.Message
	events   func(midnight) []mail.Event
}

// midnight is the beginning of a Monday.
type midnight mail.Instant

func (d midnight) at(hour, minute, second int) mail.Instant {
	return mail.Instant(d).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
}

// some makes n messages, gap apart, from the given time on.
func some(n int, start mail.Instant, gap time.Duration, each func(i int, m *mail.Message)) []mail.Message {
	list := make([]mail.Message, n)
	for i := range list {
		m := &list[i]
		*m = mail.Message{
			Origin: mail.Origin{Line: int64(2_000_000 + i)}, Line: "line", Host: "mx1", Hosts: []string{"mx1"}, MTA: mail.Postfix,
			Time: start.Add(time.Duration(i) * gap), Completed: true, QueueIDs: []string{fmt.Sprintf("%X", 0x90000+i)},
		}
		each(i, m)
	}
	return list
}

// logins makes n login events.
func logins(n int, kind mail.Kind, start mail.Instant, gap time.Duration, each func(i int, ev *mail.Event)) []mail.Event {
	list := make([]mail.Event, n)
	for i := range list {
		list[i] = mail.Event{Kind: kind, MTA: mail.Dovecot, Service: "imap", Host: "mx1", Time: start.Add(time.Duration(i) * gap),
			Origin: mail.Origin{Line: int64(3_000_000 + i)}, Raw: "line", AuthMethod: "PLAIN"}
		each(i, &list[i])
	}
	return list
}

func rejects(n int, start mail.Instant, gap time.Duration, each func(i int, ev *mail.Event)) []mail.Event {
	return logins(n, mail.Reject, start, gap, func(i int, ev *mail.Event) {
		ev.MTA, ev.Service, ev.Stage, ev.Code = mail.Postfix, "", "RCPT", 550
		each(i, ev)
	})
}

func user(i int) string { return fmt.Sprintf("user%d@site.example", i) }

// away adds a recipient outside.
func away(m *mail.Message, i int, d mail.Disposition) {
	to(m, fmt.Sprintf("x%d@r%d.example", i, i%60), d)
	m.Recipients[0].Relay, m.Recipients[0].RelayIP = fmt.Sprintf("mx.r%d.example", i%60), netip.AddrFrom4([4]byte{198, 51, 100, byte(i % 60)})
}

var honestScenes = []honest{
	{name: "school starts on Monday at eight", // everybody logs in, writes one mail, and some have forgotten their password
		messages: func(d midnight) []mail.Message {
			return some(300, d.at(8, 0, 0), 2*time.Second, func(i int, m *mail.Message) {
				m.Client, m.Account, m.Sender = client("100.64.1.1", "", "pc"), user(i), user(i)
				away(m, i, bouncing(i, 50))
			})
		},
		events: func(d midnight) []mail.Event {
			all := logins(400, mail.Auth, d.at(7, 55, 0), 2*time.Second, func(i int, ev *mail.Event) {
				ev.Account, ev.Client = user(i), client("100.64.1.1", "", "")
			})
			return append(all, logins(60, mail.AuthFailed, d.at(7, 56, 0), 10*time.Second, func(i int, ev *mail.Event) {
				ev.Account, ev.Client = user(i/3), client("100.64.1.1", "", "")
			})...)
		}},
	{name: "a conference behind one address", // forty people whom nobody ever saw there
		messages: func(d midnight) []mail.Message {
			return some(80, d.at(10, 0, 0), 3*time.Minute, func(i int, m *mail.Message) {
				m.Client, m.Account, m.Sender = client("203.0.113.50", "nat.hotel.example", "laptop"), user(i%40), user(i%40)
				away(m, i, mail.Delivered)
			})
		},
		events: func(d midnight) []mail.Event {
			return logins(400, mail.Auth, d.at(9, 0, 0), 40*time.Second, func(i int, ev *mail.Event) {
				ev.Account, ev.Client = user(i%40), client("203.0.113.50", "", "")
			})
		}},
	{name: "a phone, an office and a home at once", // and the mobile network changes its address all the time
		events: func(d midnight) []mail.Event {
			return logins(600, mail.Auth, d.at(0, 0, 0), 2*time.Minute, func(i int, ev *mail.Event) {
				ips := []string{"100.64.2.1", "100.64.3.1", fmt.Sprintf("203.0.113.%d", i/60)}
				ev.Account, ev.Client = user(3), client(ips[i%3], "", "")
			})
		},
		messages: func(d midnight) []mail.Message {
			return some(25, d.at(8, 0, 0), 20*time.Minute, func(i int, m *mail.Message) {
				m.Client, m.Account, m.Sender = client([]string{"100.64.2.1", "100.64.3.1"}[i%2], "", ""), user(3), user(3)
				away(m, i, mail.Delivered)
			})
		}},
	{name: "an old password in a phone", // tries for days, from its owner's own address
		events: func(d midnight) []mail.Event {
			all := logins(800, mail.AuthFailed, d.at(0, 0, 0), 5*time.Minute, func(i int, ev *mail.Event) {
				ev.Account, ev.Client = user(5), client("100.64.4.1", "", "")
			})
			return append(all, logins(40, mail.Auth, d.at(0, 1, 0), time.Hour, func(i int, ev *mail.Event) {
				ev.Account, ev.Client = user(5), client("100.64.4.1", "", "")
			})...)
		}},
	{name: "a ticket system", // one login, a sender for each ticket, many recipients
		messages: func(d midnight) []mail.Message {
			return some(400, d.at(7, 0, 0), 90*time.Second, func(i int, m *mail.Message) {
				m.Client, m.Account = client("100.64.5.1", "tickets.site.example", "tickets.site.example"), "tickets@site.example"
				m.Sender = fmt.Sprintf("tickets+%d@site.example", 1000+i/3)
				away(m, i, bouncing(i, 60))
			})
		}},
	{name: "a bounce storm that somebody's forgery caused",
		messages: func(d midnight) []mail.Message {
			return some(900, d.at(3, 0, 0), 4*time.Second, func(i int, m *mail.Message) {
				stranger(m, fmt.Sprintf("198.51.%d.7", i%200), fmt.Sprintf("mx.v%d.example", i%200))
				m.Sender = mail.NullSender
				to(m, user(7), mail.Delivered)
			})
		},
		events: func(d midnight) []mail.Event {
			return rejects(2000, d.at(3, 0, 0), 2*time.Second, func(i int, ev *mail.Event) {
				ev.Client = client(fmt.Sprintf("198.51.%d.7", i%200), fmt.Sprintf("mx.v%d.example", i%200), "")
				ev.Sender, ev.Recipient, ev.DSN = mail.NullSender, fmt.Sprintf("qx%d@site.example", i*7919), "5.1.1"
			})
		}},
	{name: "a migration", // the old server hands over a week of mail at once
		messages: func(d midnight) []mail.Message {
			return some(1500, d.at(2, 0, 0), time.Second, func(i int, m *mail.Message) {
				m.Client, m.Flags = client("100.64.6.1", "old.site.example", "old.site.example"), mail.Verified
				m.Sender = fmt.Sprintf("a%d@firm%d.example", i, i%200)
				m.MessageID = fmt.Sprintf("%d@firm%d.example", i, i%200)
				to(m, user(i%300), mail.Delivered)
			})
		}},
	{name: "an office that may relay by its address", // printers and programs without a login, known senders
		messages: func(d midnight) []mail.Message {
			return some(60, d.at(7, 0, 0), 10*time.Minute, func(i int, m *mail.Message) {
				m.Client, m.Sender = client("100.64.7.1", "office.site.example", "office"), user(i%20)
				away(m, i, mail.Delivered)
			})
		}},
	{name: "a gateway that passes all on to a host behind it",
		messages: func(d midnight) []mail.Message {
			return some(900, d.at(0, 0, 0), 90*time.Second, func(i int, m *mail.Message) {
				c := i % 300
				stranger(m, fmt.Sprintf("198.%d.%d.9", 20+c/100, c%100+1), fmt.Sprintf("mx.p%d.example", c))
				m.Sender = fmt.Sprintf("a%d@p%d.example", i%5, c)
				m.Recipients = []mail.Recipient{{Address: fmt.Sprintf("u%d@customer%d.example", i%40, i%4), Disposition: mail.Delivered,
					Relay: "exchange.customer.example", RelayIP: netip.MustParseAddr("203.0.113.80")}}
			})
		}},
	{name: "a dictionary attack that got nowhere",
		events: func(d midnight) []mail.Event {
			return rejects(3000, d.at(4, 0, 0), time.Second, func(i int, ev *mail.Event) {
				ev.Client = client("203.0.113.66", "", "User")
				ev.Sender, ev.Recipient, ev.DSN = "a@b.example", fmt.Sprintf("n%d@site.example", i), "5.1.1"
			})
		}},
	{name: "scanners that guess names", // a few tries each, from everywhere, without success
		events: func(d midnight) []mail.Event {
			names := strings.Fields("admin info test root sales web office postmaster user scan")
			return logins(600, mail.AuthFailed, d.at(0, 0, 0), 4*time.Minute, func(i int, ev *mail.Event) {
				ev.MTA, ev.Service = mail.Postfix, ""
				ev.Account, ev.Client = names[i%len(names)], client(fmt.Sprintf("198.51.%d.%d", i%40, i%7+1), "", "")
			})
		}},
	{name: "greylisting everywhere", // other servers ask us to come again
		messages: func(d midnight) []mail.Message {
			return some(300, d.at(6, 0, 0), 2*time.Minute, func(i int, m *mail.Message) {
				m.Client, m.Account, m.Sender = client(fmt.Sprintf("100.64.9.%d", i%40+1), "", "pc"), user(i%40), user(i%40)
				away(m, i, mail.Delivered)
				if i%9 == 0 {
					r := &m.Recipients[0]
					r.Disposition, r.DSN, r.Code, r.Reply = mail.Deferred, "4.7.1", 451, "451 4.7.1 Greylisted, try again in 300 seconds"
				}
			})
		}},
	{name: "aliases that lead outside",
		messages: func(d midnight) []mail.Message {
			return some(120, d.at(0, 0, 0), 10*time.Minute, func(i int, m *mail.Message) {
				stranger(m, fmt.Sprintf("198.51.%d.9", i%60), fmt.Sprintf("mx.p%d.example", i%60))
				m.Sender = fmt.Sprintf("a@p%d.example", i%60)
				m.Recipients = []mail.Recipient{{Address: fmt.Sprintf("u%d@big%d.example", i%5, i%5), Original: user(i % 5), Disposition: mail.Delivered,
					Relay: fmt.Sprintf("mx.big%d.example", i%5), RelayIP: netip.MustParseAddr("203.0.113.90")}}
			})
		}},
	{name: "a form on the web site",
		messages: func(d midnight) []mail.Message {
			return some(80, d.at(0, 0, 0), 17*time.Minute, func(i int, m *mail.Message) {
				m.Flags, m.UID, m.User, m.Directory = mail.HasUID, 33, "www-data", "/var/www/html"
				m.Sender = "www-data@site.example"
				to(m, user(9), mail.Delivered)
			})
		}},
	{name: "a school on Monday at eight, which writes to classes of whom somebody has always left",
		messages: func(d midnight) []mail.Message {
			return some(110, d.at(32, 0, 0), 31*time.Second, func(i int, m *mail.Message) {
				m.Client = mail.Client{IP: netip.MustParseAddr("193.235.2.11"), Name: "unknown"}
				m.Account, m.Sender = user(100+i%35), user(100+i%35)
				for k := range 1 + i*7%25 {
					n := i*25 + k
					m.Recipients = append(m.Recipients, mail.Recipient{Address: fmt.Sprintf("parent%d@p%d.example", n*13%700, n%9), Disposition: bouncing(n, 30), Relay: "mx.p.example"})
				}
			})
		},
		events: func(d midnight) []mail.Event {
			return logins(700, mail.Auth, d.at(7, 30, 0), 3*time.Minute, func(i int, ev *mail.Event) {
				ev.Client.IP, ev.Account = netip.MustParseAddr("193.235.2.11"), user(100+i%35)
			})
		}},
	{name: "a newsletter of which the panel's hourly limit gives up a third",
		messages: func(d midnight) []mail.Message {
			return some(800, d.at(34, 0, 0), 1500*time.Millisecond, func(i int, m *mail.Message) {
				m.MTA, m.User, m.Directory, m.Sender = mail.Exim, "shop", "/home/shop/public_html/newsletter", "news@site.example"
				away(m, i, bouncing(i, 50))
				if i >= 500 {
					m.Recipients[0] = mail.Recipient{Address: m.Recipients[0].Address, Disposition: mail.Bounced,
						Reply: "\"Domain site.example has exceeded the max emails per hour (501/500 (100%)) allowed. Message discarded.\""}
				}
			})
		}},
	{name: "two hundred machines of one company report to its keepers in the morning", // each in a domain of its own, some without a name
		messages: func(d midnight) []mail.Message {
			return some(200, d.at(6, 25, 0), 1200*time.Millisecond, func(i int, m *mail.Message) {
				name := fmt.Sprintf("host%d.webfarm.example", i)
				stranger(m, fmt.Sprintf("46.4.%d.%d", 10+i/100, i%100+5), name)
				m.Sender = "root@" + name
				if i%3 == 0 {
					m.Client.Name, m.Flags = "", 0
				}
				to(m, user(7), mail.Delivered)
			})
		}},
	{name: "a scanner in a branch office", // eighty pages to three people, in a name of ours, without a login
		messages: func(d midnight) []mail.Message {
			return some(80, d.at(34, 0, 0), 11*time.Second, func(i int, m *mail.Message) {
				m.Client, m.Sender = client("84.130.7.3", "", "KM77"), "scan@site.example"
				to(m, user(i%3), mail.Delivered)
			})
		}},
	{name: "our own reports about DMARC", // to addresses that nobody reads, of which many are dead
		messages: func(d midnight) []mail.Message {
			return some(300, d.at(24, 5, 0), 300*time.Millisecond, func(i int, m *mail.Message) {
				m.Flags, m.UID, m.User, m.Sender = mail.HasUID, 119, "opendmarc", "opendmarc@site.example"
				to(m, fmt.Sprintf("dmarc-reports@firm%d.example", i), bouncing(i, 7))
			})
		}},
	{name: "a program that answers for those who are away",
		messages: func(d midnight) []mail.Message {
			return some(400, d.at(0, 5, 0), 10*time.Minute, func(i int, m *mail.Message) {
				m.Flags, m.UID, m.Sender = mail.HasUID, 5000, mail.NullSender
				to(m, fmt.Sprintf("x%d@r%d.example", i, i%60), bouncing(i, 4))
			})
		}},
	{name: "a customer who has wrong addresses in his book", // and hundreds that are right
		messages: func(d midnight) []mail.Message {
			return some(300, d.at(7, 0, 0), 9*time.Minute, func(i int, m *mail.Message) {
				stranger(m, "212.3.4.5", "mail.customer.example")
				m.Sender = "orders@customer.example"
				to(m, user(i%200), mail.Delivered)
			})
		},
		events: func(d midnight) []mail.Event {
			return rejects(12, d.at(8, 0, 0), 4*time.Hour, func(i int, ev *mail.Event) {
				ev.Client, ev.Sender = client("212.3.4.5", "mail.customer.example", ""), "orders@customer.example"
				ev.Recipient, ev.DSN = "orders"+user(i%4), "5.1.1"
			})
		}},
	{name: "an old password in one device of a house, and a new one in the other",
		events: func(d midnight) []mail.Event {
			all := logins(96, mail.AuthFailed, d.at(0, 0, 0), 15*time.Minute, func(i int, ev *mail.Event) {
				ev.Account, ev.Client = user(5), client("100.64.4.1", "", "")
			})
			all = append(all, logins(30, mail.Auth, d.at(8, 0, 0), time.Hour, func(i int, ev *mail.Event) {
				ev.Account, ev.Client = user(5), client("87.1.9.1", "", "")
			})...)
			return append(all, logins(1, mail.Auth, d.at(23, 55, 0), time.Hour, func(i int, ev *mail.Event) {
				ev.Account, ev.Client = user(5), client("100.64.4.1", "", "")
			})...)
		}},
	{name: "an old password in a telephone that changes its address all day",
		events: func(d midnight) []mail.Event {
			all := logins(192, mail.AuthFailed, d.at(0, 0, 0), 15*time.Minute, func(i int, ev *mail.Event) {
				ev.Account, ev.Client = user(5), client(fmt.Sprintf("80.187.60.%d", 2+i*7%200), "", "")
			})
			return append(all, logins(60, mail.Auth, d.at(7, 0, 0), time.Hour, func(i int, ev *mail.Event) {
				ev.Account, ev.Client = user(i%6), client(fmt.Sprintf("80.187.%d.%d", 70+i, i), "", "")
			})...)
		}},
	{name: "a mail program with an old password, and a telephone with the new one, in one house",
		events: func(d midnight) []mail.Event {
			return append(connections(4, 200, d.at(0, 1, 0)), homecoming(d, d.at(7, 1, 30), 5, 3*time.Hour)...)
		}},
	{name: "a mail program with an old password, until it is corrected in the evening",
		events: func(d midnight) []mail.Event {
			return append(connections(4, 200, d.at(0, 1, 0)), homecoming(d, d.at(16, 42, 0), 60, 5*time.Minute)...)
		}},
	{name: "orders of a shop",
		messages: func(d midnight) []mail.Message {
			return some(150, d.at(0, 0, 0), 9*time.Minute, func(i int, m *mail.Message) {
				m.Flags, m.UID, m.User, m.Directory = mail.HasUID, 1001, "shop", "/home/shop/public_html"
				m.Sender = "shop@site.example"
				away(m, i, bouncing(i, 40))
			})
		}},
	{name: "everybody is on holiday", // and a mailing gets automatic answers
		messages: func(d midnight) []mail.Message { return holidays(d, "bounce-%d@mailing.example") }},
	{name: "a school that writes to all who ever went there", // of whom one in six has another address by now
		messages: func(d midnight) []mail.Message { return reunion(d, 300, 6) }},
	{name: "a portal that has all its customers choose a new password", // and reaches the oldest, too
		messages: func(d midnight) []mail.Message {
			return program(d, "portal@site.example", "portal@site.example", 2000, 8)
		}},
	{name: "an older portal that does so", // one in six is gone
		messages: func(d midnight) []mail.Message {
			return program(d, "portal@site.example", "portal@site.example", 2000, 6)
		}},
	{name: "a portal that has them do so in the evening, when it does not write otherwise",
		messages: func(d midnight) []mail.Message { return daily(d, 2*time.Hour, d.at(48+21, 0, 0), 7) }},
	{name: "a portal that has them do so at night, when it writes on other days, too",
		messages: func(d midnight) []mail.Message { return daily(d, 4*time.Hour, d.at(48+2, 0, 0), 7) }},
	{name: "a portal on another host of ours that has them do so in three parts",
		messages: func(d midnight) []mail.Message { return threeTimes(d, d.at(24+11, 0, 0)) }},
	{name: "a portal that has them do so at night, whose list is younger",
		messages: func(d midnight) []mail.Message { return daily(d, 2*time.Hour, d.at(48+2, 0, 0), 10) }},
	{name: "an office before Christmas", // twenty of it write to their customers, as every year
		messages: func(d midnight) []mail.Message { return christmas(d, 11) }},
	{name: "the first newsletter of a web site",
		messages: func(d midnight) []mail.Message {
			return program(d, "wordpress@site.example", "news@site.example", 1200, 11)
		}},
}

// holidays is a mailing of somebody else's to all of us, in names of its own for each or in one, and the answers of those who are on
// holiday, many of which nobody wants.
func holidays(d midnight, sender string) []mail.Message {
	named := func(i int) string {
		if strings.Contains(sender, "%d") {
			return fmt.Sprintf(sender, i)
		}
		return sender
	}
	all := some(400, d.at(34, 0, 0), time.Second, func(i int, m *mail.Message) {
		stranger(m, "198.51.100.70", "mta1.mailing.example")
		m.Sender = named(i)
		to(m, user(i), mail.Delivered)
	})
	return append(all, some(250, d.at(34, 0, 2), 1600*time.Millisecond, func(i int, m *mail.Message) {
		m.Flags, m.UID, m.User, m.Sender = mail.HasUID, 5000, "vmail", mail.NullSender
		away(m, i, mail.Delivered)
		r := &m.Recipients[0]
		if r.Address = fmt.Sprintf("bounce-%d@mailing.example", i); i%4 == 0 {
			r.Disposition, r.DSN, r.Code, r.Reply = mail.Bounced, "5.7.1", 550, "550 5.7.1 we accept no mail to this address"
		}
	})...)
}

// reunion is a letter of a school to so many, one by one, of whom every so manyth has left; the school's office writes every day.
func reunion(d midnight, n, dead int) []mail.Message {
	office := func(i int, m *mail.Message) {
		m.Client, m.Account, m.Sender = client("100.64.1.1", "gw.site.example", ""), user(7), user(7)
		m.Flags = mail.Verified
		away(m, i, mail.Delivered)
	}
	all := some(12, d.at(9, 0, 0), 6*time.Hour, office)
	for k := range 8 {
		all = append(all, some(6, d.at(9, 30, k), 11*time.Hour, func(i int, m *mail.Message) {
			office(i, m)
			m.Account, m.Sender = user(20+k), user(20+k)
		})...)
	}
	return append(all, some(n, d.at(34, 0, 0), 3*time.Second, func(i int, m *mail.Message) {
		office(1000+i, m)
		m.Recipients[0].Disposition = bouncing(i, dead)
	})...)
}

// christmas is forty letters from each of twenty people in an office, of which every so manyth is to nobody.
func christmas(d midnight, dead int) (all []mail.Message) {
	for k := range 20 {
		all = append(all, some(46, d.at(9, 0, 7*k), 6*time.Hour, func(i int, m *mail.Message) {
			m.Client, m.Account, m.Sender = client("100.64.1.1", "gw.site.example", ""), user(20+k), user(20+k)
			m.Flags = mail.Verified
			if away(m, 100*k+i, mail.Delivered); i >= 6 {
				m.Time = d.at(34, 3*k, 5*(i-6))
				m.Recipients[0].Disposition = bouncing(7*k+i, dead)
			}
		})...)
	}
	return all
}

// program is what a program on this host sends to so many in one name, after a few on other days in another or the same.
func program(d midnight, usual, sender string, n, dead int) []mail.Message {
	of := func(sender string, first, dead int) func(int, *mail.Message) {
		return func(i int, m *mail.Message) {
			m.Flags, m.UID, m.User, m.Directory, m.Sender = mail.HasUID, 1007, "portal", "/var/www/portal", sender
			away(m, first+i, bouncing(i+1, dead))
		}
	}
	return append(some(40, d.at(8, 0, 0), 97*time.Minute, of(usual, 0, 30)), some(n, d.at(58, 0, 0), 2*time.Second, of(sender, 1000, dead))...)
}

// daily is what a program on this host sends to eight hundred, of whom every so manyth does not exist, in the name in which it writes six
// messages a day, from eight o'clock on, for five days.
func daily(d midnight, gap time.Duration, start mail.Instant, dead int) (all []mail.Message) {
	of := func(first, dead int) func(int, *mail.Message) {
		return func(i int, m *mail.Message) {
			m.Flags, m.UID, m.User, m.Directory, m.Sender = mail.HasUID, 1007, "portal", "/var/www/portal", "portal@site.example"
			away(m, first+i, bouncing(i+1, dead))
		}
	}
	for day := range 5 {
		all = append(all, some(6, d.at(24*day+8, 7*day, 0), gap, of(10*day, 30))...)
	}
	return append(all, some(800, start, 2*time.Second, of(1000, dead))...)
}

// threeTimes is what a host of ours sends to three parts of such a list, a day apart, beside as little each day.
func threeTimes(d midnight, start mail.Instant) (all []mail.Message) {
	for k := range 3 {
		all = append(all, daily(d, 2*time.Hour, start.Add(time.Duration(k)*24*time.Hour), 7)[min(k, 1)*5*6:]...)
	}
	for i := range all {
		m := &all[i]
		m.Client, m.Flags, m.UID, m.User, m.Directory = client("100.64.1.9", "app.site.example", ""), mail.Verified, 0, "", ""
	}
	return all
}

// connections are the tries of a program that opens so many connections whenever it checks mail, every five minutes.
func connections(each, visits int, start mail.Instant) (all []mail.Event) {
	for k := range each {
		all = append(all, logins(visits, mail.AuthFailed, start.Add(time.Duration(k)*1500*time.Millisecond), 5*time.Minute, func(i int, ev *mail.Event) {
			ev.Account, ev.Client = user(5), client("100.64.4.1", "", "")
		})...)
	}
	return all
}

// homecoming is logins of an account whose owner is elsewhere by day, and from some time on at that address.
func homecoming(d midnight, from mail.Instant, n int, gap time.Duration) []mail.Event {
	away := logins(9, mail.Auth, d.at(5, 0, 0), time.Hour, func(i int, ev *mail.Event) {
		ev.Account, ev.Client = user(5), client("87.1.9.1", "", "")
	})
	return append(away, logins(n, mail.Auth, from, gap, func(i int, ev *mail.Event) {
		ev.Account, ev.Client = user(5), client("100.64.4.1", "", "")
	})...)
}

// inThreeDays adds messages to three ordinary days, and runs every detector over them.
func inThreeDays(messages []mail.Message, events []mail.Event) []Finding {
	e := NewEngine(&Pass{Thresholds: DefaultThresholds()}, Detectors())
	for n := range 3 {
		for _, m := range honestDay(1500) {
			m.Time = m.Time.Add(time.Duration(n) * 24 * time.Hour)
			m.Origin.Line += int64(n) * 10_000
			e.Message(&m)
		}
	}
	for i := range messages {
		e.Message(&messages[i])
	}
	for i := range events {
		e.Event(&events[i])
	}
	findings, _ := e.Findings()
	return findings
}

// Nothing above low is found in honest traffic.
func TestHonestTraffic(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	scene := func(name string, messages []mail.Message, events []mail.Event) {
		t.Run(name, func(t *testing.T) {
			findings := inThreeDays(messages, events)
			for i := range findings {
				if f := &findings[i]; f.Severity > Low {
					t.Errorf("%s by %s: %s %v", f.Severity, f.Detector, f.Title, f.Reasons)
				}
			}
		})
	}
	for _, h := range honestScenes {
		var messages []mail.Message
		var events []mail.Event
		if h.messages != nil {
			messages = h.messages(monday)
		}
		if h.events != nil {
			events = h.events(monday)
		}
		scene(h.name, messages, events)
	}
	for _, s := range scenes {
		if s.want <= Low {
			scene(s.name, s.messages(), nil)
		}
	}
}

// Abuse that resembles an honest scene, except for what distinguishes them, is found.
func TestLookAlikes(t *testing.T) {
	monday := midnight(mail.InstantOf(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)))
	for _, tt := range []honest{
		{name: "two hundred machines of a network, each in another's name, to one", // a mailbox that is bombed
			messages: func(d midnight) []mail.Message {
				return some(100, d.at(6, 25, 0), 1200*time.Millisecond, func(i int, m *mail.Message) {
					stranger(m, fmt.Sprintf("46.4.10.%d", i+5), fmt.Sprintf("host%d.webfarm.example", i))
					m.Sender = fmt.Sprintf("root@shop%d.example", i)
					to(m, user(7), mail.Delivered)
				})
			}},
		{name: "one line that writes in a name of ours to eighty of us",
			messages: func(d midnight) []mail.Message {
				return some(80, d.at(34, 0, 0), 11*time.Second, func(i int, m *mail.Message) {
					m.Client, m.Sender = client("84.130.7.3", "", "KM77"), "scan@site.example"
					to(m, user(i), mail.Delivered)
				})
			}},
		{name: "with the null sender, to addresses of which nobody wrote here",
			messages: func(d midnight) []mail.Message { return holidays(d, "news@mailing.example") }},
		{name: "to all who ever went to a school, of whom some mind",
			messages: func(d midnight) []mail.Message {
				return minded(reunion(d, 300, 6), 30)
			}},
		{name: "an office with a worm",
			messages: func(d midnight) []mail.Message { return christmas(d, 7) }},
		{name: "an office with a worm, at which some mind",
			messages: func(d midnight) []mail.Message { return minded(christmas(d, 11), 20) }},
		{name: "to more dead than a school has",
			messages: func(d midnight) []mail.Message { return reunion(d, 300, 4) }},
		{name: "to all customers of a portal, of whom some mind",
			messages: func(d midnight) []mail.Message {
				return minded(program(d, "portal@site.example", "portal@site.example", 2000, 8), 30)
			}},
		{name: "to all customers of a portal, at night, when it does not write otherwise",
			messages: func(d midnight) []mail.Message { return daily(d, 2*time.Hour, d.at(48+2, 0, 0), 7) }},
		{name: "by a portal on another host of ours, three nights in turn, when it does not write otherwise",
			messages: func(d midnight) []mail.Message { return threeTimes(d, d.at(24+2, 0, 0)) }},
		{name: "to more dead than a portal has, in a new name",
			messages: func(d midnight) []mail.Message {
				return program(d, "portal@site.example", "news@site.example", 2000, 6)
			}},
		{name: "a script that writes from nobody to a list that was bought, at night",
			messages: func(d midnight) []mail.Message {
				return some(400, d.at(26, 5, 0), 3*time.Second, func(i int, m *mail.Message) {
					m.Flags, m.UID, m.Sender = mail.HasUID, 5000, mail.NullSender
					to(m, fmt.Sprintf("x%d@r%d.example", i, i%60), bouncing(i, 4))
				})
			}},
		{name: "a client that has a damaged list", // and some addresses that are right
			messages: func(d midnight) []mail.Message {
				return some(40, d.at(8, 0, 0), time.Hour, func(i int, m *mail.Message) {
					stranger(m, "212.3.4.5", "mail.customer.example")
					m.Sender = "orders@customer.example"
					to(m, user(i), mail.Delivered)
				})
			},
			events: func(d midnight) []mail.Event {
				return rejects(12, d.at(8, 0, 0), 4*time.Hour, func(i int, ev *mail.Event) {
					ev.Client, ev.Sender = client("212.3.4.5", "mail.customer.example", ""), "orders@customer.example"
					ev.Recipient, ev.DSN = "orders"+user(i), "5.1.1"
				})
			}},
		{name: "a network that tries one account now and then, where nobody is at home",
			events: func(d midnight) []mail.Event {
				all := logins(192, mail.AuthFailed, d.at(0, 0, 0), 15*time.Minute, func(i int, ev *mail.Event) {
					ev.Account, ev.Client = user(5), client(fmt.Sprintf("45.9.60.%d", 2+i*7%200), "", "")
				})
				return append(all, logins(60, mail.Auth, d.at(7, 0, 0), time.Hour, func(i int, ev *mail.Event) {
					ev.Account, ev.Client = user(i%6), client(fmt.Sprintf("80.187.%d.%d", 70+i, i), "", "")
				})...)
			}},
		{name: "a guesser who tries four passwords every five minutes, and has it",
			events: func(d midnight) []mail.Event {
				return append(connections(4, 200, d.at(0, 1, 0)), homecoming(d, d.at(16, 42, 0), 2, time.Hour)...)
			}},
		{name: "a guesser who tries four passwords every five minutes, and goes on to the end of his list",
			events: func(d midnight) []mail.Event {
				return append(connections(4, 200, d.at(0, 1, 0)), homecoming(d, d.at(8, 2, 0), 1, time.Hour)...)
			}},
		{name: "a guesser who tries now and then, and goes on although he has it, and uses it",
			events: func(d midnight) []mail.Event {
				all := logins(400, mail.AuthFailed, d.at(1, 0, 0), time.Minute, func(i int, ev *mail.Event) {
					ev.Time = ev.Time.Add(time.Duration(i*i%53) * time.Second)
					ev.Account, ev.Client = user(5), client("100.64.4.1", "", "")
				})
				return append(all, homecoming(d, d.at(5, 30, 20), 5, 20*time.Minute)...)
			}},
		{name: "a guesser who tries a password every two minutes, and sends as soon as he has it",
			events: func(d midnight) []mail.Event {
				all := logins(96, mail.AuthFailed, d.at(10, 0, 0), 2*time.Minute, func(i int, ev *mail.Event) {
					ev.Account, ev.Client = user(5), client("100.64.4.1", "", "")
				})
				return append(all, homecoming(d, d.at(13, 12, 0), 300, 4*time.Second)...)
			}},
		{name: "a guesser who tries a password a minute, and has it",
			events: func(d midnight) []mail.Event {
				all := logins(96, mail.AuthFailed, d.at(22, 10, 0), time.Minute, func(i int, ev *mail.Event) {
					ev.Account, ev.Client = user(5), client("100.64.4.1", "", "")
				})
				all = append(all, logins(30, mail.Auth, d.at(8, 0, 0), time.Hour, func(i int, ev *mail.Event) {
					ev.Account, ev.Client = user(5), client("87.1.9.1", "", "")
				})...)
				return append(all, logins(1, mail.Auth, d.at(23, 55, 0), time.Hour, func(i int, ev *mail.Event) {
					ev.Account, ev.Client = user(5), client("100.64.4.1", "", "")
				})...)
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var messages []mail.Message
			var events []mail.Event
			if tt.messages != nil {
				messages = tt.messages(monday)
			}
			if tt.events != nil {
				events = tt.events(monday)
			}
			findings := inThreeDays(messages, events)
			if len(findings) == 0 || findings[0].Severity <= Low {
				t.Errorf("nothing above low: %+v", findings)
			}
		})
	}
}

// minded has every so manyth of a run of messages refused as unwanted.
func minded(messages []mail.Message, nth int) []mail.Message {
	for i := range messages {
		if r := &messages[i].Recipients[0]; i%nth == nth-1 && r.Disposition == mail.Delivered {
			r.Disposition, r.DSN, r.Code, r.Reply = mail.Bounced, "5.7.1", 550, "550 5.7.1 Message rejected as spam"
		}
	}
	return messages
}

// A client that prefers the secondary is odd; one that does so in the names of many companies is more.
func TestSecondaryChoice(t *testing.T) {
	for _, tt := range []struct {
		sender string
		grave  bool
	}{
		{"b-%d-user=site.example@news.shop.example", false},
		{"x@firm%d.example", true},
	} {
		e := newTwiceTold(t, &Pass{Thresholds: DefaultThresholds()}, []Detector{secondaryMX})
		at := mail.InstantOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
		n := 0
		hand := func(i int, ip, sender string, hosts ...string) {
			n++
			m := mail.Message{Origin: mail.Origin{Line: int64(n)}, Line: "line", Host: hosts[0], Hosts: hosts, MTA: mail.Postfix, Time: at.Add(time.Duration(i) * 20 * time.Second), Completed: true, Sender: sender}
			stranger(&m, ip, "mx."+mail.Domain(sender))
			to(&m, user(i%60), mail.Delivered)
			if m.Subject = "a bargain"; !tt.grave {
				m.Subject = fmt.Sprint("number ", i)
			}
			e.Message(&m)
		}
		for i := range 600 {
			hosts := []string{"mx1"}
			if i%20 == 0 {
				hosts = []string{"mx2", "mx1"}
			}
			hand(i, fmt.Sprintf("198.51.%d.9", i%50), fmt.Sprintf("a%d@p%d.example", i%7, i%50), hosts...)
		}
		for i := range 100 {
			hand(100+i, "203.0.113.5", fmt.Sprintf(tt.sender, i), "mx2", "mx1")
		}
		findings, _ := e.Findings()
		if len(findings) == 0 || (findings[0].Severity > Low) != tt.grave {
			t.Errorf("%s: %+v", tt.sender, findings)
			continue
		}
		if said := slices.Contains(findings[0].Facts, Fact{"subject", "one subject in all of them"}); said != tt.grave {
			t.Errorf("%s: that all have one subject: %v", tt.sender, said)
		}
	}
}
