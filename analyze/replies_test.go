package analyze

import "testing"

func TestProviderOf(t *testing.T) {
	for relay, want := range map[string]string{
		"gmail-smtp-in.l.google.com": "google.com", "mx1.firm.co.uk": "firm.co.uk", "firm.co.uk": "firm.co.uk", "mx.web.de": "web.de",
		"ASPMX.L.GOOGLE.COM": "google.com", "MX1.Firm.CO.UK": "firm.co.uk", "MX": "mx", "mail": "mail", "192.0.2.1": "192.0.2.1", "": "",
	} {
		if got := providerOf(relay); got != want {
			t.Errorf("providerOf(%s) = %s, want %s", relay, got, want)
		}
	}
}
