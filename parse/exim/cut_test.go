package exim

import (
	"strings"
	"testing"
	"time"

	"mailforensics/mail"
)

func TestIDLength(t *testing.T) {
	tests := []struct{ text, id string }{
		{"1ZwOv6-0005Hb-Di Completed", "1ZwOv6-0005Hb-Di"},
		{"1s6n4v-0000000017h-1Cr6 Completed", "1s6n4v-0000000017h-1Cr6"},
		{"1ZwOv6-0005Hb-Di", "1ZwOv6-0005Hb-Di"},
		{"1s6n4v-0000000017h-1Cr6", "1s6n4v-0000000017h-1Cr6"},
		{"1ZwOv6-0005Hb-Di  two", "1ZwOv6-0005Hb-Di"},
		{"1ZwOv6-0005Hb-Di: x", ""},       // no blank behind it
		{"1ZwOv6-0005Hb-Dix x", ""},       // too long
		{"1ZwOv6-0005H.-Di x", ""},        // not base 62
		{"1s6n4v-000000-0017-1Cr6 x", ""}, // a dash in the PID
		{"1s6n4v-0000000017h x", ""},      // cut
		{"foo-bar-baz", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if n := idLength(tt.text); tt.text[:n] != tt.id {
			t.Errorf("%q: got %q want %q", tt.text, tt.text[:n], tt.id)
		}
	}
}

// The functions that test eight bytes at once agree with those that test one at a time.
func TestWords(t *testing.T) {
	for c := range 256 {
		for i := range 9 {
			text := []byte("aZ09zA5qM")
			text[i] = byte(c)
			s := string(text)
			if got, want := alphanumerics(word(s)), i == 8 || alphanumeric(byte(c)); got != want {
				t.Errorf("%q is alphanumeric: got %v want %v", s[:8], got, want)
			}
		}
	}
}

func TestDuration(t *testing.T) {
	good := func(s string, want time.Duration) {
		t.Helper()
		if got, ok := duration(s); !ok || got != want {
			t.Errorf("%q: got %v %v want %v", s, got, ok, want)
		}
	}
	bad := func(s string) {
		t.Helper()
		if got, ok := duration(s); ok {
			t.Errorf("%q: got %v", s, got)
		}
	}
	good("0s", 0)
	good("3m45s", 3*time.Minute+45*time.Second)
	good("1w2d3h4m5s", 219*time.Hour+4*time.Minute+5*time.Second)
	good("0.016s", 16*time.Millisecond)
	good("4.999s", 4999*time.Millisecond)
	bad("5")
	bad("s")
	bad("5x")
	bad("99999999999999999999s")
	bad("9999999w") // would overflow
	bad("1.2.3s")
}

func TestUnescape(t *testing.T) {
	tests := []struct{ logged, want string }{
		{`say \"hi\" \\ back`, `say "hi" \ back`},
		{`caf\303\251`, "café"},
		{`x\n y\tz\r`, "x\n y\tz\r"},
		{`a\\n`, `a\n`}, // a backslash and an n
		{`\1`, "1"},
		{`end\`, `end\`},
		{`\b\v\f`, "\b\v\f"},
		{`\1/1 \181 \11/ \118`, "1/1 181 11/ 118"}, // no octal digits
		{`\400`, "400"},                            // no byte
	}
	for _, tt := range tests {
		if got := unescape(tt.logged); got != tt.want {
			t.Errorf("%s: got %q want %q", tt.logged, got, tt.want)
		}
	}
}

func TestReplyCode(t *testing.T) {
	tests := []struct {
		reply string
		code  int
		dsn   string
	}{
		{"250 OK", 250, ""},
		{"550 5.1.1 no", 550, "5.1.1"},
		{"550-5.7.26 no", 550, "5.7.26"},
		{"421", 421, ""},
		{"550 5.1 no", 550, ""},
		{"550 5.1. no", 550, ""},
		{"550 5.1.1.1 no", 550, "5.1.1"},
		{"550 5..1 no", 550, ""},
		{"550 5.7.1234567 no", 550, "5.7.12345"},
		{"5500 no", 0, ""},
		{"150 no", 0, ""},
		{"55", 0, ""},
		{"", 0, ""},
	}
	for _, tt := range tests {
		if code, dsn := replyCode(tt.reply); code != tt.code || dsn != tt.dsn {
			t.Errorf("%q: got %d %q want %d %q", tt.reply, code, dsn, tt.code, tt.dsn)
		}
	}
}

func TestCutPort(t *testing.T) {
	for in, want := range map[string]struct {
		port uint16
		rest string
	}{
		":25 x": {25, " x"}, ":65535": {65535, ""}, ":65536": {0, ":65536"}, ":655350": {0, ":655350"}, ": x": {0, ": x"}, "x": {0, "x"}, "": {},
	} {
		if port, rest := cutPort(in); port != want.port || rest != want.rest {
			t.Errorf("%q: got %d %q", in, port, rest)
		}
	}
}

func TestAddress(t *testing.T) {
	good := func(s, want string) {
		t.Helper()
		if got, ok := address(s); !ok || got.String() != want {
			t.Errorf("%s: got %v %v want %s", s, got, ok, want)
		}
	}
	bad := func(s string) {
		t.Helper()
		if got, ok := address(s); ok {
			t.Errorf("%s: got %v", s, got)
		}
	}
	good("192.0.2.1", "192.0.2.1")
	good("255.255.255.255", "255.255.255.255")
	good("2001:db8::5", "2001:db8::5")
	good("::1", "::1")
	good("::ffff:192.0.2.1", "192.0.2.1")
	good("2001:0db8:0000:0000:0000:0000:0000:0005", "2001:db8::5")
	bad("256.0.0.1")
	bad("1.2.3")
	bad("1.2.3.4.5")
	bad("1..2.3")
	bad("10:00:05")
	bad("aa:bb:cc:dd:ee:ff")
	bad("")
	bad("mail.example")
}

// Lines of a megabyte whose parts make a parser try again must not make it scan the whole line each time.
func TestHostileLength(t *testing.T) {
	const id = "1s6n4v-0000000017h-1Cr6 "
	heads := []string{
		"", id, id + "<= a@b H=(x) [192.0.2.1] P=esmtp S=1", id + "<= a@b H=(x) [192.0.2.1] P=esmtp A=x", id + "<= a@b H=(x) [192.0.2.1] U=x",
		id + `<= a@b H=(x) [192.0.2.1] DN="`, id + `<= a@b U=x P=local S=1 T="`, id + "=> |x", id + "=> a@b T=x", id + "** a@b: ", id + "** |a",
		id + "== a@b defer (110): ", "H=(x) [192.0.2.1] A=x ", "H=(x", "x authenticator failed for ", "SMTP call from ", "cwd=", "SMTP connection from ",
	}
	parts := []string{
		" [192.0.2.1] P=x", " [192.0.2.1]: 5", `"`, ` "`, " <a", ` <"`, " <a> R=b T=c", " T=a x=b", " x=y", " T=", " RCPT x", "gs: ", " args: ", " 1 args: ",
		" (", `\`, ": ", "a", " ", " a", "[", " [", " DT=1s", " H=x [192.0.2.1]", " F=<", ` DN="`, "1.1.1.1 ",
	}
	for _, head := range heads {
		for _, part := range parts {
			line := head + strings.Repeat(part, (1<<20)/len(part))
			start := time.Now()
			ev := mail.Event{Process: "exim"}
			Format.Parse(line, &ev)
			if took := time.Since(start); took > time.Second {
				t.Errorf("%q and a megabyte of %q took %v", head, part, took)
			}
		}
	}
}
