package report

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// ecsFields are the fields of ECS 8.17 that are used, with their types; those that ECS lists as arrays end in [].
var ecsFields = map[string]string{
	"@timestamp": "date", "ecs.version": "keyword", "message": "text", "host.name": "keyword", "service.type": "keyword",
	"event.kind": "keyword", "event.category": "keyword[]", "event.dataset": "keyword", "event.action": "keyword", "event.outcome": "keyword",
	"event.duration": "long", "event.start": "date", "event.end": "date", "event.id": "keyword", "event.severity": "long", "event.risk_score": "float",
	"source.ip": "ip", "source.domain": "keyword", "source.port": "long", "source.as.number": "long", "source.geo.country_iso_code": "keyword",
	"user.name": "keyword", "user.id": "keyword", "process.working_directory": "keyword",
	"email.message_id": "wildcard", "email.local_id": "keyword", "email.sender.address": "keyword", "email.to.address": "keyword[]",
	"email.subject": "keyword", "email.direction": "keyword", "tls.version": "keyword", "tls.version_protocol": "keyword", "tls.cipher": "keyword",
	"rule.name": "keyword", "related.ip": "ip[]", "related.user": "keyword[]", "related.hosts": "keyword[]",
}

// checkECS decodes a record and compares its names and values with the schema.
func checkECS(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var record map[string]any
	if err := json.Unmarshal(line, &record); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	for _, name := range []string{"@timestamp", "ecs.version", "event.kind", "event.category", "event.dataset", "event.action"} {
		if record[name] == nil {
			t.Errorf("no %s in %s", name, line)
		}
	}
	for name, value := range record {
		kind, known := ecsFields[name]
		if !known && !strings.HasPrefix(name, "smtp.") {
			t.Errorf("%s is no field of ECS, and not under smtp", name)
			continue
		}
		if of, isList := strings.CutSuffix(kind, "[]"); isList {
			list, ok := value.([]any)
			if !ok || len(list) == 0 {
				t.Errorf("%s: got %v, want a list with something in it", name, value)
			}
			for _, v := range list {
				checkKind(t, name, of, v)
			}
			continue
		}
		if known {
			checkKind(t, name, kind, value)
		}
	}
	return record
}

func checkKind(t *testing.T, name, kind string, value any) {
	t.Helper()
	text, isText := value.(string)
	number, isNumber := value.(float64)
	ok := isText && text != ""
	switch kind {
	case "long":
		ok = isNumber && number == float64(int64(number))
	case "float":
		ok = isNumber
	case "date":
		_, err := time.Parse(time.RFC3339Nano, text)
		ok = err == nil
	case "ip":
		_, err := netip.ParseAddr(text)
		ok = err == nil
	}
	if !ok {
		t.Errorf("%s: got %v, want a value of type %s", name, value, kind)
	}
}

func ecsOf(t *testing.T, m *mail.Message) map[string]any {
	t.Helper()
	var out bytes.Buffer
	w := MessagesECS(&out, berlin)
	if err := w.Write(m); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return checkECS(t, out.Bytes())
}

func TestMessageECS(t *testing.T) {
	m := full()
	m.Client.ASN, m.Client.Country = 3209, "DE"
	record := ecsOf(t, m)
	for name, want := range map[string]any{
		"event.kind": "event", "event.action": "message", "email.sender.address": m.Sender, "email.local_id": m.QueueIDs[0],
		"user.name": m.Account, "source.ip": m.Client.IP.String(), "source.as.number": 3209.0, "source.geo.country_iso_code": "DE",
		"email.direction": m.Direction.String(),
	} {
		if record[name] != want {
			t.Errorf("%s: got %v, want %v", name, record[name], want)
		}
	}
	to := record["email.to.address"].([]any)
	for _, name := range []string{"smtp.dispositions", "smtp.relays", "smtp.replies"} {
		if list := record[name].([]any); len(list) != len(to) || len(to) != len(m.Recipients) {
			t.Errorf("%s has %d values for %d recipients", name, len(list), len(to))
		}
	}
	ecsOf(t, &mail.Message{Time: at("12:00:00")}) // what is not known is left out
	bounce := ecsOf(t, notice())
	if bounce["smtp.notice"] != true || bounce["smtp.parent"] != notice().Parent {
		t.Errorf("a notice: got %v and parent %v", bounce["smtp.notice"], bounce["smtp.parent"])
	}
}

func TestECSOutcome(t *testing.T) {
	for _, tt := range []struct {
		fates []mail.Disposition
		want  any
	}{
		{nil, nil},
		{[]mail.Disposition{mail.Delivered, mail.Delivered}, "success"},
		{[]mail.Disposition{mail.Delivered, mail.Forwarded}, "success"},
		{[]mail.Disposition{mail.Bounced, mail.Expired}, "failure"},
		{[]mail.Disposition{mail.Delivered, mail.Bounced}, "unknown"},
		{[]mail.Disposition{mail.Deferred}, "unknown"}, // still on its way
	} {
		m := &mail.Message{Time: at("12:00:00")}
		for _, d := range tt.fates {
			m.Recipients = append(m.Recipients, mail.Recipient{Address: "a@b.example", Disposition: d})
		}
		if got := ecsOf(t, m)["event.outcome"]; got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.fates, got, tt.want)
		}
	}
}

func TestECSTLS(t *testing.T) {
	for _, tt := range []struct{ logged, version, protocol, cipher string }{
		{"TLSv1.3", "1.3", "tls", ""},
		{"TLSv1", "1.0", "tls", ""},
		{"SSLv3", "3.0", "ssl", ""},
		{"TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256", "1.3", "tls", "ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256"},
		{"", "", "", ""},
		{"unknown", "", "", ""},
	} {
		record := ecsOf(t, &mail.Message{Time: at("12:00:00"), TLS: tt.logged})
		for name, want := range map[string]string{"tls.version": tt.version, "tls.version_protocol": tt.protocol, "tls.cipher": tt.cipher} {
			if got, _ := record[name].(string); got != want {
				t.Errorf("%s of %q: got %q, want %q", name, tt.logged, got, want)
			}
		}
	}
}

func TestFindingsECS(t *testing.T) {
	r := sample()
	f := burst()
	f.ID = "burst/network/x"
	f.Accounts = []string{"maria"}
	f.Clients = append(f.Clients, analyze.ClientCount{Client: mail.Client{IP: netip.MustParseAddr("::ffff:192.0.2.9"), Name: "mx2"}},
		analyze.ClientCount{Client: mail.Client{IP: netip.MustParseAddr("fe80::1%eth0"), Name: "unknown"}}, analyze.ClientCount{})
	r.Findings = append(r.Findings, f)
	var out bytes.Buffer
	if err := FindingsECS(&out, r); err != nil {
		t.Fatal(err)
	}
	var records []map[string]any
	for line := range strings.Lines(out.String()) {
		records = append(records, checkECS(t, []byte(line)))
	}
	if len(records) != len(r.Findings) {
		t.Fatalf("got %d records of %d findings", len(records), len(r.Findings))
	}
	first := records[0]
	if first["event.kind"] != "alert" || first["event.severity"] != 73.0 || first["event.risk_score"] != 97.1235 || first["source.ip"] != "84.60.208.31" {
		t.Errorf("got %v", first)
	}
	last := records[len(records)-1]
	if last["source.ip"] != nil {
		t.Errorf("several clients, and one is the source: %v", last["source.ip"])
	}
	if ips := last["related.ip"].([]any); !slices.Equal(ips, []any{"84.60.208.31", "192.0.2.9", "fe80::1"}) {
		t.Errorf("got related.ip %v", ips)
	}
}
