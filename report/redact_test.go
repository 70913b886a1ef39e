package report

import (
	"bytes"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"mailforensics/analyze"
)

// TestRedact writes the sample in every format and looks for whom it names.
func TestRedact(t *testing.T) {
	r := sample()
	r.Findings[0].Facts = append(r.Findings[0].Facts, analyze.Fact{Name: "relay", Text: "susan@club.example, [84.60.208.31]:4711, susan and mx2 said Software."})
	r.Findings[0].Accounts = []string{"Maria", "susan@club.example"}
	red := Redact(r, nil)
	for name, write := range map[string]func(io.Writer, *Report) error{
		"json": JSON, "ndjson": NDJSON, "csv": CSV, "markdown": Markdown,
		"table": func(w io.Writer, r *Report) error { return Terminal(w, r, Style{}) },
	} {
		var out bytes.Buffer
		if err := write(&out, red); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"84.60.208", "dslb", "pools", "club.", "susan", "anna", "one.example", "Software", "Maria", "mx1", "mx2", "my logs", "12345"} {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%s names %q:\n%s", name, secret, out.String())
			}
		}
	}
	f := &red.Findings[0]
	if f.Subject.Value != f.Clients[0].IP.String() || !strings.Contains(f.Title, f.Subject.Value) || !strings.Contains(f.Evidence[0].Text, f.Subject.Value) {
		t.Errorf("one client has several pseudonyms: %q, %v, %q, %q", f.Subject.Value, f.Clients[0].IP, f.Title, f.Evidence[0].Text)
	}
	if !strings.HasPrefix(f.Evidence[0].Text, "Jan 24 14:44:11 ") || !strings.Contains(f.Evidence[0].Text, "4TKgZ01: client=") {
		t.Errorf("the line cannot be followed any more: %q", f.Evidence[0].Text)
	}
	for name, n := range map[string][2]int{
		"accounts": {len(f.Accounts), 2}, "hosts": {len(f.Hosts), len(r.Findings[0].Hosts)}, "senders": {len(f.Senders), len(r.Findings[0].Senders)},
		"facts": {len(f.Facts), len(r.Findings[0].Facts)}, "clients": {len(f.Clients), len(r.Findings[0].Clients)}, "evidence": {len(f.Evidence), len(r.Findings[0].Evidence)},
	} {
		if n[0] != n[1] || n[1] == 0 {
			t.Errorf("%d %s of %d are left", n[0], name, n[1])
		}
	}
	if r.Findings[0].Subject.Value != "84.60.208.31" {
		t.Errorf("the report itself was changed: %q", r.Findings[0].Subject.Value)
	}
	var a, b bytes.Buffer
	JSON(&a, Redact(sample(), nil))
	JSON(&b, Redact(sample(), nil))
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same report got other pseudonyms")
	}
}

func TestRedactKeepsNetworksTogether(t *testing.T) {
	x := newRedactor(sample())
	a, b, c := x.word("192.0.2.7"), x.word("192.0.2.9"), x.word("198.51.100.7")
	if a == b || a[:strings.LastIndexByte(a, '.')] != b[:strings.LastIndexByte(b, '.')] || a[:strings.LastIndexByte(a, '.')] == c[:strings.LastIndexByte(c, '.')] {
		t.Errorf("got %s, %s and %s, want the first two in one network", a, b, c)
	}
	for _, w := range []string{"127.0.0.1", "2.0.0", "0.35", "TLSv1.3", "14:44:11", "maillog.gz", "2024-05-10T10:17:05.123456+01:00", "250", "status"} {
		if got := x.word(w); got != w {
			t.Errorf("%s: got %s, want it as it is", w, got)
		}
	}
	if got, want := x.text("all of 192.0.2.0/24, 84.60.208.31/32/x"), "all of "+a[:strings.LastIndexByte(a, '.')]+".0/24, 198.18.1.1/32/x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := x.ip(netip.MustParseAddr("::ffff:192.0.2.7")).String(); got != a {
		t.Errorf("got %s for 192.0.2.7 in the notation of IPv6, want %s as for itself", got, a)
	}
	if got := x.word("2001:db8:5::1"); !strings.HasPrefix(got, "2001:db8:") || got == "2001:db8:5::1" {
		t.Errorf("IPv6: got %s", got)
	}
}

// A table says what its values are.
func TestRedactTables(t *testing.T) {
	r := offenders()
	r.Tables = []Table{{Name: "offenders", Columns: []Column{{Name: "by"}, {Name: "value"}, {Name: "name"}, {Name: "reason"}}}}
	for _, row := range [][4]string{
		{"account", "maria", "", ""}, {"user", "Maria", "", ""}, {"subject", "Dear customer", "", ""}, {"helo", "laptop", "laptop", ""},
		{"directory", "/home/maria/www", "", ""}, {"sender", "anna@club.example", "", ""}, {"sender-domain", "club.example", "", ""},
		{"ip", "192.0.2.7", "", "blocked: anna@club.example"}, {"uid", "33", "", ""}, {"country", "DE", "", ""}, {"sender", "<>", "", ""},
	} {
		r.Tables[0].Rows = append(r.Tables[0].Rows, []Value{Text(row[0]), Text(row[1]), Text(row[2]), Text(row[3])})
	}
	var got []string
	for _, row := range Redact(r, nil).Tables[0].Rows {
		got = append(got, row[1].text+" "+row[2].text+row[3].text)
	}
	want := []string{"name-3 ", "name-3 ", "subject-1 ", "name-4 name-4", "/home/name-3/www ", "user-1@domain-1.example ", "domain-1.example ",
		"198.18.1.1 blocked: user-1@domain-1.example", "33 ", "DE ", "<> "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// Lines contain what people typed: mistyped passwords, and addresses whose local part is quoted, after any other text.
func TestRedactTypedText(t *testing.T) {
	x := newRedactor(sample())
	for line, secrets := range map[string][]string{
		"auth: sql(eva@example.org,192.0.2.66): Password mismatch (given password: Hunter2-0) tail) x":                                                             {"Hunter2", "tail"},
		`1s6n4v-0000000017h-1Cr6 <= a@ext.example id="secret 65"@d.example T="x" for "Geheim Nr 65"@b.example`:                                                     {"secret 65", "Geheim"},
		`1s6n4v-0000000017h-1Cr6 <= a@ext.example H=(y) [192.0.2.10] P=esmtps X=TLS1.3:x:256 CV=no DN="/O="Firma" Berg/CN=Eva Berg" SNI=intern S=3 T="x" for karl`: {"Firma", "Berg", "intern"},
		`H=(y) [192.0.2.10] X=TLS1.3:x:256 CV=no DN="CN=Eva Berg" SNI="intern" F=<a@ext.example> rejected RCPT <b@c.example>: no`:                                  {"Berg", "intern"},
		`[192.0.2.10] SSL verify error: depth=0 error=self-signed certificate cert=/CN=Eva Berg`:                                                                   {"Berg"},
		`mx1 postfix/smtpd[1]: x.example[192.0.2.7]: Untrusted: subject_CN=Eva Berg, issuer=Berg CA, fingerprint=00:11`:                                            {"Berg"},
		`Auth failed: ip=192.0.2.7 user=eva host=mailbox port=143`:                                                                                                 {"eva", "mailbox"},
		`odd"@d.example and "Geheim Nr 65"@b.example`:                                                                                                              {"Geheim"},
	} {
		got := x.line(line)
		for _, secret := range secrets {
			if strings.Contains(got, secret) {
				t.Errorf("%s: got %s", line, got)
			}
		}
	}
}
