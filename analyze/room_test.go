package analyze

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"mailforensics/mail"
)

// Where there is no room for one more address, those that were used once and have been quiet for a day are forgotten, and no others.
func TestRoomForAddresses(t *testing.T) {
	limits := DefaultThresholds()
	limits.Account.MaxPlaces = 4
	w := newAccountWatch(&Pass{Thresholds: limits})
	login := func(at time.Duration, last int) {
		w.Event(&mail.Event{Kind: mail.Auth, Time: streamStart.Add(at), Client: client(fmt.Sprintf("192.0.2.%d", last), "", ""), Account: "a@site.example", Raw: "line"})
	}
	for i := range 4 {
		login(time.Duration(i)*time.Minute, 1+i)
	}
	login(5*time.Minute, 1)
	login(6*time.Minute, 1)
	login(20*time.Hour, 2) // seen twice, and lately
	known := func() (all string) {
		for i := range 9 {
			if w.accounts.Find("a@site.example").places[netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i))] != nil {
				all += fmt.Sprint(i)
			}
		}
		return all
	}
	login(23*time.Hour, 5)
	if got := known(); got != "1234" || w.lost != 1 {
		t.Errorf("within a day: got %s, and %d lost, want 1234 and 1", got, w.lost)
	}
	login(25*time.Hour, 6)
	if got := known(); got != "126" || w.lost != 3 || w.places != 3 {
		t.Errorf("after a day: got %s, %d of them, and %d lost, want 126, 3 and 3", got, w.places, w.lost)
	}
}

// Names beyond those that are remembered are not told apart, until a client with many is forgotten.
func TestRoomForNames(t *testing.T) {
	limits := DefaultThresholds()
	limits.Guessing.MaxNames, limits.Guessing.MaxClients = 10, 4
	w := newGuessingWatch(&Pass{Thresholds: limits})
	try := func(last, times int, name string) *guesser {
		ev := mail.Event{Kind: mail.AuthFailed, Time: streamStart, Client: client(fmt.Sprintf("192.0.2.%d", last), "", ""), Account: name, Raw: "line"}
		for range times {
			w.Event(&ev)
		}
		return w.clients.Find(ev.Client.IP)
	}
	for i := range 10 {
		try(1, 1, fmt.Sprintf("a%d", i))
	}
	if g := try(1, 1, "a0"); g.named[bySession].Of("a0") != 2 || g.unnamed != 0 {
		t.Errorf("a known name: got %+v", g)
	}
	if g := try(2, 20, "b"); g.names() != 0 || g.unnamed != 20 {
		t.Errorf("one more name: got %d names, and %d tries without", g.names(), g.unnamed)
	}
	try(3, 20, "")
	try(4, 20, "")
	if g := try(5, 1, "e"); g.names() != 1 || g.unnamed != 0 || w.names != 1 {
		t.Errorf("when the first was forgotten: got %d names, %d tries without, and %d names in all", g.names(), g.unnamed, w.names)
	}
}
