package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// hostileInvestigation has hostile text wherever a log can put it, and findings that tell one story.
func hostileInvestigation() *Report {
	r := hostileReport()
	r.Command, r.Course = investigateCommand, course()
	r.Findings = append(r.Findings[:1:1], abuse(), phish())
	r.Findings[0].ID, r.Findings[0].Related = hostile, []string{r.Findings[1].ID, r.Findings[2].ID}
	a, p := &r.Findings[1], &r.Findings[2]
	a.Title, a.Subject.Value, a.Hosts = hostile, hostile, []string{hostile}
	a.Accounts = []string{hostile, "-o" + hostile}
	a.QueueIDs = []string{hostile, "$(reboot)"}
	a.Clients[0].Name, a.Clients[1].HELO, a.Clients[1].Country = hostile, hostile, hostile
	a.Senders[0].Value, a.RecipientDomains[0].Value = hostile, hostile
	a.Evidence[0].Role, a.Evidence[0].Text, a.Evidence[1].Text = hostile, hostile, strings.Repeat(hostile, 1000)
	p.Facts[0] = analyze.Fact{Name: "answered", Text: hostile}
	p.Accounts = []string{hostile}
	r.Incidents = analyze.Incidents(r.Findings)
	r.Advice = []analyze.Advice{{Why: hostile, Setting: hostile}}
	thresholds := analyze.DefaultThresholds()
	r.Thresholds = &thresholds
	r.Options = []string{"--tz", hostile}
	return r
}

// pages are reports of every kind that can be a page.
func pages() map[string]*Report {
	quiet := investigation()
	quiet.Findings, quiet.Incidents, quiet.Course, quiet.Thresholds = nil, nil, nil, nil
	return map[string]*Report{
		"large": largeInvestigation(), "many": manyInvestigations(), "investigate": investigation(), "hostile": hostileInvestigation(), "nothing": quiet, "bursts": sample(), "nothing of a detector": nothing(),
	}
}

func webPageOf(t *testing.T, r *Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := HTML(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Text from the log makes no element and no attribute, and does not change the direction of writing.
func TestPageMarkup(t *testing.T) {
	elements := strings.Fields(`html head meta title style body a header p h1 h2 h3 nav ul li main section article span dl div dt dd pre code ol time figure
		figcaption strong svg desc rect path line text details summary table caption thead tr th tbody td footer script`)
	attributes := strings.Fields(`lang charset http-equiv content name class href id aria-label aria-labelledby aria-hidden tabindex role datetime scope open
		viewbox x y width height x1 x2 y1 y2 d`)
	for name, r := range pages() {
		text := webPageOf(t, r)
		for i := 0; i < len(text); {
			c, size := utf8.DecodeRune(text[i:])
			if c != '\n' && (!harmless(c) || c == utf8.RuneError && size == 1) {
				t.Fatalf("%s: %q reaches the reader: %q", name, text[i:i+size], text[max(0, i-60):i+20])
			}
			i += size
		}
		ids, links := make(map[string]bool), make(map[string]bool)
		z := html.NewTokenizer(bytes.NewReader(text))
		var open []string
		for z.Next() != html.ErrorToken {
			token := z.Token()
			switch {
			case token.Type == html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != token.Data {
					t.Fatalf("%s: </%s> ends %q", name, token.Data, open)
				}
				open = open[:len(open)-1]
				continue
			case token.Type == html.StartTagToken && token.Data != "meta": // which has no end
				open = append(open, token.Data)
			case token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken:
				continue
			}
			if !slices.Contains(elements, token.Data) {
				t.Errorf("%s: element %s", name, token.Data)
			}
			for _, a := range token.Attr {
				if !slices.Contains(attributes, strings.ToLower(a.Key)) {
					t.Errorf("%s: attribute %s of %s", name, a.Key, token.Data)
				}
				switch a.Key {
				case "id":
					if ids[a.Val] {
						t.Errorf("%s: id %q twice", name, a.Val)
					}
					ids[a.Val] = true
				case "href":
					to, ok := strings.CutPrefix(a.Val, "#")
					if !ok {
						t.Errorf("%s: a link out of the page: %q", name, a.Val)
					}
					links[to] = true
				}
			}
		}
		if len(open) > 0 {
			t.Errorf("%s: %q have no end", name, open)
		}
		for to := range links {
			if !ids[to] {
				t.Errorf("%s: a link to nothing: #%s", name, to)
			}
		}
	}
}

// The page's own policy allows its own style and script, and nothing else.
func TestPagePolicy(t *testing.T) {
	text := string(webPageOf(t, hostileInvestigation()))
	policy := inner(text, `Content-Security-Policy" content="`, `"`)
	for _, element := range []string{"style", "script"} {
		if n := strings.Count(text, "<"+element+">"); n != 1 {
			t.Errorf("%d %s elements", n, element)
		}
		sum := sha256.Sum256([]byte(inner(text, "<"+element+">", "</"+element+">")))
		want := element + "-src &#39;sha256-" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(sum[:]), "+", "&#43;") + "&#39;"
		if !strings.Contains(policy, want) {
			t.Errorf("%s: no %s in %s", element, want, policy)
		}
	}
	if !strings.HasPrefix(policy, "default-src &#39;none&#39;;") {
		t.Errorf("policy: %s", policy)
	}
}

func inner(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	text, _, _ = strings.Cut(rest, to)
	return text
}

// The page says everything that a post-mortem must.
func TestPageContent(t *testing.T) {
	text := string(webPageOf(t, investigation()))
	for _, want := range []string{
		"<h1>Account maria@club.example sent 2,339 messages in 2 h 31 min, beginning on Wednesday, 24 January 2024, at 14:04</h1>",
		"What to do now", "doveadm kick maria@club.example", "What happened", "mx2.log:100", "How they got in", "Who did it", "203.0.113.0/24", "AS64500",
		"What went out, and to whom", "one.example", "Who else is affected", "jo@club.example", "Damage", "Spamhaus 45", "Why we say so", "How to prevent it",
		"Looked for and not found", "failed logins", "Not covered", "permission denied", "truncated gzip", "What better logging would have shown", "Method",
		strings.Repeat("0123456789abcdef", 4), "burst.min-messages", "Lines that were not understood", "mx2 secondary", "year 2024, from queue IDs",
		`id="i1-pulse"`, `id="i1-lanes"`, `id="i1-domains"`, `id="i1-refusals"`, `id="all-mail"`, `id="all-queue"`, `id="all-hours"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, figure := range strings.Split(text, "<figure")[1:] {
		if inside, _, _ := strings.Cut(figure, "</figure>"); !strings.HasPrefix(figure, ` class="line"`) && !strings.Contains(inside, "<svg") {
			t.Errorf("a figure without a picture: %s", inside)
		}
	}
	empty := string(webPageOf(t, pages()["nothing"]))
	for _, want := range []string{"<h1>Nothing found</h1>", "none of what was looked for stands out", "a login that somebody else uses", "Not covered", "permission denied"} {
		if !strings.Contains(empty, want) {
			t.Errorf("nothing found: no %q", want)
		}
	}
	if again := string(webPageOf(t, investigation())); again != text {
		t.Error("the same report gives another page")
	}
}

// Whatever was found, a page is smaller than 2 MB.
func TestPageSize(t *testing.T) {
	for name, r := range pages() {
		if text := webPageOf(t, r); len(text) > 2_000_000 {
			t.Errorf("%s: %d bytes", name, len(text))
		}
	}
}

// largeInvestigation is an incident of 60,000 messages from 20,000 clients, with 500 findings and very long lines.
func largeInvestigation() *Report {
	r := investigation()
	f := &r.Findings[0]
	random, start := rand.New(rand.NewPCG(5, 6)), at("08:00:00")
	f.Clients = nil
	for i := range 20_000 {
		c := analyze.ClientCount{Client: mail.Client{IP: netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)}),
			Name: fmt.Sprintf("host-%d.dynamic.provider.example", i), HELO: "[100.64.0.1]"}, Messages: 3, First: start, Last: start.Add(12 * time.Hour)}
		for range 10 + 60*((i+999)/1000%20/19) {
			c.Lane.Add(start.Add(time.Duration(random.Int64N(int64(12*time.Hour)))), 1)
		}
		f.Clients = append(f.Clients, c)
	}
	f.Senders, f.RecipientDomains, f.Subjects = manyCounts("sender-%d@some.rather.long.domain.example"), manyCounts("domain-%d.example"), manyCounts("Subject %d of many")
	f.Counts.Messages, f.Counts.Senders, f.QueueIDs = 60_000, 60_000, nil
	for i := range 1000 {
		f.QueueIDs = append(f.QueueIDs, "4TKgZ0"+strconv.Itoa(i))
	}
	for i := range 500 {
		g := burst()
		g.ID, g.Related = fmt.Sprintf("burst/%d", i), []string{f.ID}
		for len(g.Evidence) < 10 {
			g.Evidence = append(g.Evidence, g.Evidence[0])
		}
		g.Evidence[5].Text = strings.Repeat("a very long line ", 1000)
		r.Findings = append(r.Findings, g)
	}
	r.Incidents = analyze.Incidents(r.Findings)
	return r
}

func manyCounts(format string) (all []analyze.Count) {
	for i := range 100 {
		all = append(all, analyze.Count{Value: fmt.Sprintf(format, i), Messages: 100 - i})
	}
	return all
}

// manyInvestigations are 600 incidents of some findings each.
func manyInvestigations() *Report {
	r := investigation()
	r.Findings = nil
	for i := range 600 {
		f, g := burst(), abuse()
		f.ID, g.ID = fmt.Sprintf("burst/%d", i), fmt.Sprintf("account/%d", i)
		f.Related, g.Related = []string{g.ID}, []string{f.ID}
		g.Senders, g.Subjects = manyCounts("sender-%d@some.rather.long.domain.example"), manyCounts("Subject %d of many")
		r.Findings = append(r.Findings, f, g)
	}
	r.Incidents = analyze.Incidents(r.Findings)
	return r
}

// A page takes a moment at most, beside reading gigabytes: what does it cost over JSON?
func BenchmarkHTML(b *testing.B) {
	r := investigation()
	for b.Loop() {
		var out bytes.Buffer
		if err := HTML(&out, r); err != nil {
			b.Fatal(err)
		}
	}
}
