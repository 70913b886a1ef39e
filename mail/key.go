package mail

import (
	"net/netip"
	"strconv"
)

// Key is a property by which messages and refusals are grouped (--by) and chosen (--where).
type Key struct {
	Name string // as the user types it: "sender-domain"
	Doc  string // half a line, for help

	// Message calls add with each value that the message has, perhaps several times with the same one. If the value is not known, it
	// does not call add.
	Message func(m *Message, add func(value string))

	// Event does the same for an event that belongs to no message (a refusal, a login). nil: such events never have the key.
	Event func(ev *Event, add func(value string))
}

// Keys returns all keys, in the order in which they are shown.
func Keys() []Key {
	return []Key{
		{"ip", "client address", ipOfMessage, ipOfEvent},
		{"network", "client network, /24 or /64", networkOfMessage, networkOfEvent},
		{"asn", "autonomous system of the client (--geo)", asnOfMessage, asnOfEvent},
		{"country", "country of the client (--geo)",
			oneOfMessage(func(m *Message) string { return m.Client.Country }), oneOfEvent(func(ev *Event) string { return ev.Client.Country })},
		{"account", "login that sent", oneOfMessage(func(m *Message) string { return m.Account }), oneOfEvent(func(ev *Event) string { return ev.Account })},
		{"sender", "envelope sender", oneOfMessage(func(m *Message) string { return Fold(m.Sender) }), oneOfEvent(func(ev *Event) string { return Fold(ev.Sender) })},
		{"sender-domain", "domain of the envelope sender",
			oneOfMessage(func(m *Message) string { return senderDomain(m.Sender) }), oneOfEvent(func(ev *Event) string { return senderDomain(ev.Sender) })},
		{"recipient", "envelope recipient", recipientOfMessage(Fold), oneOfEvent(func(ev *Event) string { return Fold(ev.Recipient) })},
		{"recipient-domain", "domain of the envelope recipient", recipientOfMessage(Domain), oneOfEvent(func(ev *Event) string { return Domain(ev.Recipient) })},
		{"helo", "what the client says of itself", oneOfMessage(func(m *Message) string { return m.Client.HELO }), oneOfEvent(func(ev *Event) string { return ev.Client.HELO })},
		{"script", "script or command that wrote it", oneOfMessage(func(m *Message) string { return m.Script }), nil},
		{"uid", "local user id that handed it in", uidOfMessage, nil},
		{"relay", "next hop", relayOfMessage, nil},
		{"user", "local user that handed it in", oneOfMessage(func(m *Message) string { return m.User }), nil},
		{"directory", "working directory of the command that wrote it", oneOfMessage(func(m *Message) string { return m.Directory }), nil},
		{"subject", "subject, where it is logged", oneOfMessage(func(m *Message) string { return m.Subject }), nil},
		{"direction", "inbound, outbound, relay or local", oneOfMessage(func(m *Message) string { return m.Direction.String() }), nil},
		{"disposition", "what became of the recipients", dispositionOfMessage, nil},
		{"host", "host that took it", oneOfMessage(func(m *Message) string { return m.Host }), oneOfEvent(func(ev *Event) string { return ev.Host })},
	}
}

// KeyNamed returns the key with that name; false: there is none.
func KeyNamed(name string) (Key, bool) {
	for _, k := range Keys() {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}

func oneOfMessage(of func(*Message) string) func(*Message, func(string)) {
	return func(m *Message, add func(string)) {
		if v := of(m); v != "" {
			add(v)
		}
	}
}

func oneOfEvent(of func(*Event) string) func(*Event, func(string)) {
	return func(ev *Event, add func(string)) {
		if v := of(ev); v != "" {
			add(v)
		}
	}
}

// senderDomain returns the domain of a sender; the null sender counts as a domain of its own.
func senderDomain(sender string) string {
	if sender == NullSender {
		return NullSender
	}
	return Domain(sender)
}

func ipOfMessage(m *Message, add func(string)) { addIP(m.Client.IP, add) }
func ipOfEvent(ev *Event, add func(string))    { addIP(ev.Client.IP, add) }

func addIP(ip netip.Addr, add func(string)) {
	if ip.IsValid() {
		add(ip.Unmap().String())
	}
}

func networkOfMessage(m *Message, add func(string)) { addNetwork(m.Client.IP, add) }
func networkOfEvent(ev *Event, add func(string))    { addNetwork(ev.Client.IP, add) }

func addNetwork(ip netip.Addr, add func(string)) {
	if ip.IsValid() {
		add(Network(ip).String())
	}
}

// Network returns the /24 of an IPv4 address or the /64 of an IPv6 address: the smallest networks that often belong to one customer.
func Network(ip netip.Addr) netip.Prefix {
	bits := 24
	if ip = ip.Unmap(); ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}

func asnOfMessage(m *Message, add func(string)) { addASN(m.Client.ASN, add) }
func asnOfEvent(ev *Event, add func(string))    { addASN(ev.Client.ASN, add) }

func addASN(asn uint32, add func(string)) {
	if asn != 0 {
		add("AS" + strconv.FormatUint(uint64(asn), 10))
	}
}

func recipientOfMessage(of func(string) string) func(*Message, func(string)) {
	return func(m *Message, add func(string)) {
		for i := range m.Recipients {
			if v := of(m.Recipients[i].Envelope()); v != "" {
				add(v)
			}
		}
	}
}

func uidOfMessage(m *Message, add func(string)) {
	if m.Has(HasUID) {
		add(strconv.Itoa(m.UID))
	}
}

func relayOfMessage(m *Message, add func(string)) {
	for i := range m.Recipients {
		if r := m.Recipients[i].Relay; r != "" && r != "none" {
			add(r)
		}
	}
}

func dispositionOfMessage(m *Message, add func(string)) {
	for i := range m.Recipients {
		if d := m.Recipients[i].Disposition; d != NoDisposition {
			add(d.String())
		}
	}
}
