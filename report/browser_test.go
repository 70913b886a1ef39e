package report

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browser is a Chromium that is spoken to over a pipe, in the DevTools protocol: commands go to its file descriptor 3, answers
// and events come from 4, each a JSON object with a NUL behind (chromium: content/browser/devtools/devtools_pipe_handler.cc).
type browser struct {
	t       *testing.T
	in      *os.File
	lines   chan []byte
	serial  int
	session string
	events  []event
}

type event struct {
	Method string
	Params json.RawMessage
}

var browserNames = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// newBrowser starts a browser, or skips the test if there is none.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("the page is not looked at with -short")
	}
	path := ""
	for _, name := range browserNames {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium here, so nobody looks at the page: apt-get install chromium (Debian), or any of " + strings.Join(browserNames, ", "))
	}
	commands, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
		"--disable-extensions", "--no-first-run", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{commands, answers}
	if err := cmd.Start(); err != nil {
		t.Skipf("%s does not start: %v", path, err)
	}
	commands.Close()
	answers.Close()
	b := &browser{t: t, in: in, lines: make(chan []byte, 100)}
	go func() {
		defer close(b.lines)
		for r := bufio.NewReaderSize(out, 1<<20); ; {
			line, err := r.ReadBytes(0)
			if err != nil {
				return
			}
			b.lines <- bytes.TrimSuffix(line, []byte{0})
		}
	}()
	t.Cleanup(func() {
		b.session = ""
		b.send("Browser.close", nil)
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-done
		}
		in.Close()
		out.Close()
	})
	return b
}

// open attaches to a new page and asks for what the tests look at.
func (b *browser) open() {
	b.t.Helper()
	b.session = ""
	var target struct{ TargetID string }
	b.ask("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.ask("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.ask(domain+".enable", nil, nil)
	}
}

func (b *browser) send(method string, params any) int {
	b.serial++
	m := map[string]any{"id": b.serial, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	if err != nil {
		b.t.Fatal(err)
	}
	b.in.Write(append(text, 0))
	return b.serial
}

// ask sends a command and waits for its answer; events that come before it are kept.
func (b *browser) ask(method string, params, result any) {
	b.t.Helper()
	id := b.send(method, params)
	for {
		var m struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
			event
		}
		b.read(&m)
		switch {
		case m.Method != "":
			b.events = append(b.events, m.event)
		case m.ID == id && m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		case m.ID == id:
			if result != nil {
				if err := json.Unmarshal(m.Result, result); err != nil {
					b.t.Fatalf("%s: %v", method, err)
				}
			}
			return
		}
	}
}

func (b *browser) read(into any) {
	b.t.Helper()
	select {
	case line, ok := <-b.lines:
		if !ok {
			b.t.Fatal("the browser is gone")
		}
		if err := json.Unmarshal(line, into); err != nil {
			b.t.Fatal(err)
		}
	case <-time.After(30 * time.Second):
		b.t.Fatal("the browser does not answer")
	}
}

// show opens a page in a window of that size and waits until it is loaded.
func (b *browser) show(r *Report, width, height int) {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "incident.html")
	if err := os.WriteFile(path, webPageOf(b.t, r), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.ask("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
	b.events = nil
	b.ask("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	b.loaded()
}

func (b *browser) loaded() {
	b.t.Helper()
	for range 200 {
		if b.text(`location.protocol + document.readyState + !!document.querySelector("footer")`) == "file:completetrue" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.t.Fatal("the page does not load")
}

// text is the value of a JavaScript expression in the page.
func (b *browser) text(expression string) string {
	b.t.Helper()
	var result struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Text string }
	}
	b.ask("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &result)
	if result.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, result.ExceptionDetails.Text)
	}
	return fmt.Sprint(result.Result.Value)
}

// complaints are what the browser said about the page: errors, warnings, refused styles.
func (b *browser) complaints() (all []string) {
	for _, e := range b.events {
		switch e.Method {
		case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown":
			all = append(all, e.Method+" "+string(e.Params))
		}
	}
	return all
}

// requests are the addresses that the page asked for.
func (b *browser) requests() (all []string) {
	for _, e := range b.events {
		var params struct{ Request struct{ URL string } }
		if e.Method == "Network.requestWillBeSent" && json.Unmarshal(e.Params, &params) == nil {
			all = append(all, params.Request.URL)
		}
	}
	return all
}

func (b *browser) key(key string, code int) {
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		b.ask("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
	}
}

// contrast finds words that are hard to read: less than 4.5 to 1 against what is behind them, 3 to 1 for large ones (WCAG 2.2, 1.4.3).
const contrast = `(function () {
  function rgb(s) { var m = s.match(/[\d.]+/g).map(Number); return m.length > 3 && m[3] === 0 ? null : m; }
  function light(c) { return c.slice(0, 3).map(function (v) { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); })
    .reduce(function (sum, v, i) { return sum + v * [0.2126, 0.7152, 0.0722][i]; }, 0); }
  function behind(n) { for (; n; n = n.parentElement) { var c = rgb(getComputedStyle(n).backgroundColor); if (c) return c; } return [255, 255, 255]; }
  function check(n, front, back, large) {
    var a = light(front), b = light(back), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (large ? 3 : 4.5)) bad[n.tagName + "." + (n.getAttribute("class") || "") + " " + ratio.toFixed(2)] = n.textContent.slice(0, 40);
  }
  var bad = {};
  document.querySelectorAll("body *").forEach(function (n) {
    if (n.namespaceURI.indexOf("svg") > 0) {
      if (n.tagName !== "text") return;
      var box = n.classList.contains("t-cell") ? rgb(getComputedStyle(n.previousElementSibling).fill) : null;
      check(n, rgb(getComputedStyle(n).fill), box || behind(n), false);
      return;
    }
    var own = Array.from(n.childNodes).some(function (c) { return c.nodeType === 3 && c.textContent.trim(); });
    if (!own || !n.getClientRects().length) return;
    var style = getComputedStyle(n), size = parseFloat(style.fontSize);
    check(n, rgb(style.color), behind(n), size >= 24 || size >= 18.66 && style.fontWeight >= 700);
  });
  return JSON.stringify(bad);
})()`

// TestBrowser looks at the page as a person sees it.
func TestBrowser(t *testing.T) {
	b := newBrowser(t)
	for _, look := range []struct {
		name string
		at   func(*testing.T, *browser)
	}{
		{"sizes", lookAtSizes}, {"first screen", lookAtFirstScreen}, {"keyboard", lookAtKeyboard}, {"script", lookAtScript},
		{"without script", lookWithoutScript}, {"paper", lookAtPaper},
	} {
		t.Run(look.name, func(t *testing.T) {
			b.t = t
			b.open()
			look.at(t, b)
		})
	}
	b.t = t
}

// The page as a person sees it, on a phone and on a laptop, in light and dark: nothing sticks out, nothing is hard to read,
// nothing complains and nothing is loaded.
func lookAtSizes(t *testing.T, b *browser) {
	for _, name := range []string{"investigate", "hostile", "nothing", "bursts"} {
		r := pages()[name]
		for _, size := range []struct{ width, height int }{{360, 740}, {1366, 768}} {
			b.show(r, size.width, size.height)
			if got := b.text("document.documentElement.scrollWidth - document.documentElement.clientWidth"); got != "0" {
				t.Errorf("%s: sticks out of a window of %d by %s: %s", name, size.width, got, b.text(`Array.from(document.querySelectorAll("body *")).filter(function (n) {
					return n.getBoundingClientRect().right > innerWidth + 1 && !n.closest(".scroll, svg"); }).slice(0, 5).map(function (n) { return n.outerHTML.slice(0, 100); }).join("\n")`))
			}
			if said := b.complaints(); len(said) > 0 {
				t.Errorf("%s: the browser says %s", name, said)
			}
			if asked := b.requests(); len(asked) != 1 || !strings.HasPrefix(asked[0], "file://") {
				t.Errorf("%s: the page asks for %s", name, asked)
			}
			for _, scheme := range []string{"light", "dark"} {
				b.ask("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]string{"name": "prefers-color-scheme", "value": scheme}}}, nil)
				if bad := b.text(contrast); bad != "{}" {
					t.Errorf("%s, %s, %d wide: hard to read: %s", name, scheme, size.width, bad)
				}
			}
			b.ask("Emulation.setEmulatedMedia", map[string]any{"features": []any{}}, nil)
		}
	}
	if got := b.text("document.title.includes('<script>') || document.querySelectorAll('script').length === 1"); got != "true" {
		t.Errorf("scripts: %s", got)
	}
}

// What to do now begins on the first screen of a laptop.
func lookAtFirstScreen(t *testing.T, b *browser) {
	b.show(investigation(), 1366, 768)
	for _, id := range []string{"i1-title", "i1-now"} {
		if got := b.text(`document.getElementById("` + id + `").getBoundingClientRect().top < innerHeight - 60`); got != "true" {
			t.Errorf("%s is at %s", id, b.text(`document.getElementById("`+id+`").getBoundingClientRect().top`))
		}
	}
	picture := b.picture()
	if colours := coloursOf(picture); colours < 20 {
		t.Errorf("a picture of %d colours", colours)
	}
}

// picture is what the window shows. With KEEP_SCREENSHOTS it is kept, to be looked at.
func (b *browser) picture() image.Image {
	b.t.Helper()
	var shot struct{ Data string }
	b.ask("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if dir := os.Getenv("KEEP_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "screen.png"), data, 0o666); err != nil {
			b.t.Fatal(err)
		}
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	return picture
}

func coloursOf(picture image.Image) int {
	seen := make(map[[3]uint32]bool)
	box := picture.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y += 2 {
		for x := box.Min.X; x < box.Max.X; x += 2 {
			r, g, b, _ := picture.At(x, y).RGBA()
			seen[[3]uint32{r, g, b}] = true
		}
	}
	return len(seen)
}

// Everything can be reached by keyboard: past the navigation, over the tables, which can be sorted.
func lookAtKeyboard(t *testing.T, b *browser) {
	b.show(investigation(), 1366, 768)
	b.key("Tab", 9)
	if got := b.text(`document.activeElement.className + " " + (document.activeElement.getBoundingClientRect().left >= 0)`); got != "skip true" {
		t.Errorf("the first stop is %q", got)
	}
	reached := make(map[string]bool)
	for range 400 {
		b.key("Tab", 9)
		at := b.text(`(function () { var n = document.activeElement, s = getComputedStyle(n);
			return n === document.body ? "" : n.tagName + (parseFloat(s.outlineWidth) >= 2 && s.outlineStyle !== "none" ? "" : " without outline"); })()`)
		if at == "" {
			break
		}
		reached[at] = true
	}
	for _, want := range []string{"A", "BUTTON", "SUMMARY", "DIV", "PRE"} {
		if !reached[want] {
			t.Errorf("the keyboard does not reach a %s with an outline: %v", want, reached)
		}
	}
	b.text(`document.querySelector("#i1-who th.num button").focus()`)
	b.ask("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}, nil)
	b.ask("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}, nil)
	if got := b.text(`document.querySelector("#i1-who th.num").getAttribute("aria-sort")`); got != "descending" {
		t.Errorf("sorted: %s", got)
	}
}

// The script sorts by number, filters, unfolds what a link leads to, and offers to copy.
func lookAtScript(t *testing.T, b *browser) {
	b.show(investigation(), 1366, 768)
	if got := b.text(`Array.from(document.querySelectorAll(".held")).every(function (h) { return h.querySelector("button").textContent === "Copy" && h.querySelector("pre"); })`); got != "true" {
		t.Errorf("buttons to copy: %s", got)
	}
	rows := `Array.from(document.querySelectorAll("#i1-domains tbody tr")).map(function (tr) { return tr.cells[0].textContent; }).join(" ")`
	b.text(`var th = document.querySelectorAll("#i1-domains th.num button")[0]; th.click(); th.click()`)
	if got, want := b.text(rows), "three.example two.example one.example"; got != want {
		t.Errorf("sorted: got %s, want %s", got, want)
	}
	b.text(`var input = document.querySelector("#i1-pulse .filter input"); input.value = "14:1"; input.dispatchEvent(new Event("input"))`)
	if got := b.text(`Array.from(document.querySelectorAll("#i1-pulse tbody tr")).filter(function (tr) { return !tr.hidden; }).length`); got == "0" || got == b.text(`document.querySelectorAll("#i1-pulse tbody tr").length`) {
		t.Errorf("%s rows are left by the filter", got)
	}
	b.text(`location.hash = "#f3"`)
	if got := b.text(`new Promise(function (done) { setTimeout(function () { done(document.getElementById("f3").open); }, 100); })`); got != "true" {
		t.Errorf("a link into something folded: open is %s", got)
	}
	b.text(`document.querySelector("nav button").click()`)
	if got := b.text(`document.querySelectorAll("details:not([open])").length`); got != "0" {
		t.Errorf("unfold all leaves %s", got)
	}
	if said := b.complaints(); len(said) > 0 {
		t.Errorf("the browser says %s", said)
	}
}

// Without the script, everything is visible, and there is no control that does nothing.
func lookWithoutScript(t *testing.T, b *browser) {
	b.ask("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	path := filepath.Join(t.TempDir(), "incident.html")
	if err := os.WriteFile(path, webPageOf(t, investigation()), 0o600); err != nil {
		t.Fatal(err)
	}
	b.ask("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	b.loaded()
	if got := b.text(`document.querySelectorAll("button, input").length + " " + document.querySelectorAll("article").length`); got != "0 2" {
		t.Errorf("buttons and incidents: got %s, want 0 2", got)
	}
}

// On paper, what is folded on a screen is shown, and there are no buttons.
func lookAtPaper(t *testing.T, b *browser) {
	b.show(investigation(), 794, 1123)
	b.ask("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	if got := b.text(`document.querySelector("#f2 .lines").getBoundingClientRect().height > 0`); got != "true" {
		t.Errorf("folded evidence has a height: %s", got)
	}
	if got := b.text(`Array.from(document.querySelectorAll("nav, .held button, .filter")).every(function (n) { return getComputedStyle(n).display === "none"; })`); got != "true" {
		t.Errorf("buttons are hidden: %s", got)
	}
	if got := b.text(`getComputedStyle(document.querySelector("#i1-who th button")).display`); got == "none" {
		t.Error("the heads of tables are not on paper")
	}
	var pdf struct{ Data string }
	b.ask("Page.printToPDF", map[string]any{"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": true}, &pdf)
	data, err := base64.StdEncoding.DecodeString(pdf.Data)
	if err != nil || !bytes.HasPrefix(data, []byte("%PDF")) {
		t.Errorf("no PDF: %v", err)
	}
	if dir := os.Getenv("KEEP_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "paper.pdf"), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
