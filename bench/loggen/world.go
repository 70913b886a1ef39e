package loggen

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

var firstNames = [...]string{"anna", "bernd", "carla", "dirk", "elke", "frank", "gerda", "holger", "ines", "jens", "katrin", "lars", "maren",
	"norbert", "olga", "petra", "ralf", "silke", "thomas", "ulrike", "volker", "werner", "yvonne", "birgit", "dieter", "heike", "juergen",
	"monika", "stefan", "uwe", "claudia", "martin"}

var lastNames = [...]string{"ahlers", "behrens", "claasen", "dierks", "eggers", "feddersen", "gerdes", "hansen", "ihnen", "janssen", "kramer",
	"luehrs", "meinert", "nissen", "ohlsen", "petersen", "quast", "rickmers", "steffens", "thomsen", "ulferts", "voss", "wulf", "brandt"}

var places = [...]string{"alster", "berg", "elb", "feld", "garten", "hafen", "kirch", "linden", "markt", "nord", "rhein", "sonnen", "stadt", "stern",
	"tal", "wald", "wiesen", "wind", "ost", "see"}

var trades = [...]string{"apotheke", "bau", "consult", "druck", "elektro", "handel", "kanzlei", "logistik", "moebel", "optik", "reisen", "software",
	"technik", "textil", "verlag", "werk"}

var countries = [...]string{"de", "de", "de", "com", "net", "org", "at", "ch", "eu", "co.uk"}

var subjects = [...]string{"Rechnung 4711", "Holiday plans", "Protokoll", "Re: Fwd: photos", "Status update", "Reservation", "Lieferung", "Termin am Freitag",
	"Newsletter", "Re: Angebot", "Question about order", "Urlaub"}

var localDomains = [...]string{"stadtverein.example", "bootswerft.example", "buchladen.example"}

// host is a machine that sends to us, or that we send to.
type host struct {
	name   string // "unknown" if it has no reverse DNS name that resolves back
	ip     string
	helo   string
	domain string // of its senders
}

// world is the hosts and users that exist. They are computed from their number, so that millions of hosts take no memory.
type world struct {
	*rand.Rand
	o       Options
	hosts   []host   // the first ones, computed in advance
	users   []string // addresses of the local mailboxes
	homes   []host   // of each user: the line at home
	targets []host   // that our users write to
	fresh   int      // how many hosts came for the first time; see Options.Fresh
}

func newWorld(o Options) *world {
	w := &world{Rand: rand.New(rand.NewPCG(o.Seed, 0x6d61696c)), o: o}
	for i := range min(o.Clients, 4096) {
		w.hosts = append(w.hosts, hostOf(i))
	}
	for i := range o.Users {
		w.users = append(w.users, userOf(i))
		w.homes = append(w.homes, homeOf(i))
	}
	for i := range 500 {
		t := hostOf(1_000_000_007 + i*31)
		t.name = "mx." + t.domain
		w.targets = append(w.targets, t)
	}
	return w
}

// scatter hashes a number (the finaliser of splitmix64).
func scatter(i int) uint64 {
	x := uint64(i)*0x9e3779b97f4a7c15 + 0x1234567
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func domainOf(x uint64) string {
	d := places[x%uint64(len(places))] + trades[x/32%uint64(len(trades))]
	if n := x / 1024 % 40; n > 3 {
		d += strconv.FormatUint(n, 10)
	}
	return d + "." + countries[x/65536%uint64(len(countries))]
}

// hostOf returns the i-th host. Hosts have different addresses, because the multiplication in 32 bits is a bijection; see ipOf.
func hostOf(i int) host {
	x := scatter(i)
	h := host{domain: domainOf(x), ip: ipOf(uint32(i)*2654435761 + 17)}
	switch x >> 40 % 8 {
	case 0:
		h.name, h.helo = "unknown", "mail."+h.domain
	case 1:
		h.name = "static-" + h.ip + ".dyn." + h.domain
		h.helo = h.name
	default:
		h.name = "mail" + strconv.FormatUint(x>>48%20, 10) + "." + h.domain
		h.helo = h.name
	}
	return h
}

// ipOf maps 32 bits to a public unicast address. The first octet has fewer values than eight bits, so that some numbers share an
// address.
func ipOf(x uint32) string {
	b := make([]byte, 0, 15)
	first := 11 + x>>24%200
	if first == 127 {
		first = 211
	}
	for i, part := range [...]uint32{first, x >> 16 & 255, x >> 8 & 255, x & 255} {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(part), 10)
	}
	return string(b)
}

func userOf(i int) string {
	n := len(firstNames) * len(lastNames)
	name := firstNames[i%len(firstNames)] + "." + lastNames[i/len(firstNames)%len(lastNames)]
	if i >= n {
		name += strconv.Itoa(i / n)
	}
	return name + "@" + localDomains[i%len(localDomains)]
}

func homeOf(i int) host {
	ip := ipOf(uint32(2_000_000_011+i*7919) * 2654435761)
	return host{name: "dslb-" + ip + ".pools.netz.example", ip: ip, helo: "[192.168.1." + strconv.Itoa(2+i%200) + "]"}
}

// client draws a host that sends to us: a few send much, many send little; some come for the first time.
func (w *world) client() host {
	if w.o.Fresh > 0 && w.Float64() < w.o.Fresh {
		w.fresh++
		return hostOf(100_000_000 + w.fresh)
	}
	u := w.Float64()
	i := int(u * u * u * float64(w.o.Clients))
	if i < len(w.hosts) {
		return w.hosts[i]
	}
	return hostOf(i)
}

// user draws the number of a local mailbox, some much more often than others.
func (w *world) user() int {
	u := w.Float64()
	return int(u * u * float64(len(w.users)))
}

// target draws a host that our users write to, some much more often than others.
func (w *world) target() *host {
	return &w.targets[int(w.Float64()*w.Float64()*float64(len(w.targets)))]
}

// stranger draws an address in a domain.
func (w *world) stranger(domain string) string {
	x := w.Uint64()
	name := firstNames[x%uint64(len(firstNames))] + lastNames[x/64%uint64(len(lastNames))]
	if w.o.Fresh > 0 || x>>40%3 == 0 {
		name += strconv.FormatUint(x>>20%100000, 10)
	}
	return name + "@" + domain
}

// chance is true with the given probability.
func (w *world) chance(p float64) bool { return w.Float64() < p }

// between is a number from low to high, both included.
func (w *world) between(low, high int64) int64 { return low + w.Int64N(high-low+1) }

// local reports whether a mailbox is ours.
func local(address string) bool { return strings.HasSuffix(address, ".example") }

// exchange returns the mail exchanger of an address.
func exchange(address string) host {
	_, domain, _ := strings.Cut(address, "@")
	sum := uint32(2166136261)
	for i := range len(domain) {
		sum = (sum ^ uint32(domain[i])) * 16777619
	}
	return host{name: "mx." + domain, ip: ipOf(sum)}
}

// missing returns an address that nobody has. The extra digit is at the end, like a typo: at the beginning it would look like a
// damaged list of recipients, for which there is a detector.
func missing(address string) string { return strings.Replace(address, "@", "7@", 1) }
