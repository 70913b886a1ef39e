package report

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// The same phrases are replaced as if each were looked for at each place.
func TestPhrasesFindAll(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "aab "[random.IntN(4)]
		}
		return string(b)
	}
	for range 3000 {
		of := make(map[string]string)
		for i := range random.IntN(12) {
			of[word(1+random.IntN(8))] = fmt.Sprint("<", i, ">")
		}
		s := word(random.IntN(60))
		covered := make([]bool, len(s))
		for phrase := range of {
			for i := 0; len(phrase) > 2 && i+len(phrase) <= len(s); i++ {
				for j := 0; s[i:i+len(phrase)] == phrase && j < len(phrase); j++ {
					covered[i+j] = true
				}
			}
		}
		got := make([]bool, len(s))
		end := 0
		for _, m := range apart(newPhrases(of).find(s, nil)) {
			if m.at < end {
				t.Fatalf("%q in %q: %v is not behind the one before it", of, s, m)
			}
			end = m.end
			for i := m.at; i < m.end; i++ {
				got[i] = true
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(covered) {
			t.Fatalf("%q in %q: got %v, want %v", of, s, got, covered)
		}
	}
}

// Of two phrases at one place the longer one is replaced, and a pseudonym is not searched again: a sender can write a subject
// that is a part of one.
func TestRedactPutsEachPseudonymOnce(t *testing.T) {
	r := sample()
	r.Findings[0].Subjects = []analyze.Count{{Value: "Your new bill", Messages: 2}, {Value: "new bill", Messages: 1}, {Value: `1" for b`, Messages: 1}, {Value: "ple> R=", Messages: 1}}
	x := newRedactor(r)
	for _, tt := range []struct{ line, want string }{
		{`2024-05-14 10:00:05 1s6ox3-0001Cx-1T <= a@b.example U=shop P=local S=8 T="Your new bill" for b@c.example`,
			`2024-05-14 10:00:05 1s6ox3-0001Cx-1T <= user-1@domain-1.example U=name-3 P=local S=8 T="subject-1" for user-2@domain-2.example`},
		{`2024-05-14 10:00:05 1s6ox3-0001Cx-1T => ann <a'b@d.example> R=dnslookup T=remote_smtp`,
			`2024-05-14 10:00:05 1s6ox3-0001Cx-1T => user-4 <user-3@domain-3.examplesubject-4dnslookup T=remote_smtp`},
	} {
		if got := x.line(tt.line); got != tt.want {
			t.Errorf("got\n%s\nwant\n%s", got, tt.want)
		}
	}
}

// Whatever the line, none of the names in it is left, and each has one pseudonym.
func TestRedactLeavesNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	odd := []string{"", "'", "!", " ", `"`, "=", "+", "<", ">", "(", "-1", "user-1", "example", "/", "#"}
	for range 500 {
		r := sample()
		r.Findings[0].Subjects = nil
		var secrets []string
		secret := func() string {
			s := "Zq"
			for range 1 + random.IntN(3) {
				s += odd[random.IntN(len(odd))] + fmt.Sprint("zq", random.IntN(30))
			}
			secrets = append(secrets, s)
			return s
		}
		var line strings.Builder
		line.WriteString("2024-05-14 10:00:05 1s6ox3-0001Cx-1T <= ")
		for range 1 + random.IntN(8) {
			s := secret()
			r.Findings[0].Subjects = append(r.Findings[0].Subjects, analyze.Count{Value: s, Messages: 1})
			line.WriteString(s + odd[random.IntN(len(odd))])
		}
		x := newRedactor(r)
		first := x.line(line.String())
		for _, s := range secrets {
			if strings.Contains(first, s) || strings.Contains(first, "zq") {
				t.Fatalf("%q of %q is left in %q", s, line.String(), first)
			}
		}
		if again := x.line(line.String()); again != first {
			t.Fatalf("got %q, and then %q", first, again)
		}
	}
}

// Lines that were made long, of phrases to be replaced and of beginnings of such.
func TestRedactLongLines(t *testing.T) {
	const n = 10_000
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "o'neil%d@r%d.example ", i, i)
	}
	all := mail.Event{Recipients: b.String()}
	for name, s := range map[string]string{
		"recipients": all.Recipients, "signs": strings.Repeat("a=", 10*n), "parentheses": strings.Repeat("(", 20*n), "brackets": strings.Repeat("<a b", 5*n),
		"quotes": strings.Repeat(`a"@`, 7*n), "hosts": strings.Repeat("a.example[", 2*n), "addresses": strings.Repeat("[x y", 5*n), "certificate": ` DN="` + strings.Repeat(`"`, 20*n),
	} {
		x := newRedactor(sample())
		x.read = func(line string, ev *mail.Event) bool { *ev = all; return true }
		start := time.Now()
		out := x.line("2024-05-14 10:00:05 1s6ox3-0001Cx-1T " + s)
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s: %d bytes took %s", name, len(s), d)
		}
		if strings.Contains(out, "neil") {
			t.Errorf("%s: a name is left", name)
		}
	}
}
