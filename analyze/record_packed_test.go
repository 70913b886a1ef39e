package analyze

import (
	"net/netip"
	"reflect"
	"testing"

	"mailforensics/mail"
)

// All fields of a record survive packing, except the owner.
func TestPackedRecord(t *testing.T) {
	full := record{
		time: 4711, line: "the line", host: "mx1", account: "susan", sender: "susan@site.example", subject: "Grüße",
		messageID: "1@site.example", queueID: "3F2A", completed: true, listed: true,
		client: mail.Client{IP: netip.MustParseAddr("192.0.2.7"), Name: "pc.site.example", HELO: "pc", Port: 4711, ASN: 64500, Country: "DE"},
		first:  recalled{address: "a@b.example", reply: "550 no such user", disposition: mail.Bounced, unknown: true},
		more: []recalled{
			{address: "c@b.example", reply: "554 spam", disposition: mail.Bounced, blocked: true},
			{address: "d@b.example", disposition: mail.Deferred, limited: true},
		},
		local:  &submission{user: "33", script: "33:mailer.php", directory: "/srv/www"},
		Origin: mail.Origin{File: 2, Line: 12}, Flags: mail.Verified | mail.HasUID,
	}
	for i, fields := 0, reflect.ValueOf(full); i < fields.NumField(); i++ {
		if name := fields.Type().Field(i).Name; fields.Field(i).IsZero() && name != "in" && name != "hotness" {
			t.Errorf("%s is not tried", name)
		}
	}
	bare := full
	bare.local, bare.first, bare.more = nil, recalled{}, nil
	for name, want := range map[string]record{"full": full, "neither submission nor recipient": bare, "empty": {}} {
		packed := want.pack()
		var got record
		packed.unpack(&got)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}
