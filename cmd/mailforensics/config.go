package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"mailforensics/analyze"
	"mailforensics/mail"
	"mailforensics/where"
)

// configFile is what --config may hold:
//
//	local-domains = ["club.example"]
//	allow = ["192.0.2.0/24", "newsletter@club.example"]
//
//	[mx]
//	mx2 = "secondary"
//
//	[thresholds]
//	burst.min-messages = 7
//
// It is strict: a key that is not known is an error, because a threshold with a typing error would silently not hold.
type configFile struct {
	LocalDomains []string          `toml:"local-domains"`
	Allow        []string          `toml:"allow"`
	MX           map[string]string `toml:"mx"`
	Thresholds   map[string]any    `toml:"thresholds"`
}

var configKeys = []string{"local-domains", "allow", "mx", "thresholds"}

const configLong = `The --config file describes the site, whom never to report, and the thresholds:

  local-domains = ["club.example"]       # as --local-domain
  allow = ["192.0.2.0/24", "maria"]      # as the lines of --allow

  [mx]                                   # as --mx
  mx2 = "secondary"

  [thresholds]
  burst.min-messages = 7

An unknown key is an error. The thresholds and their defaults:
`

// newConfigTopic is a topic of help: mailforensics help config.
func newConfigTopic() *cobra.Command {
	return &cobra.Command{Use: "config", Short: "what the --config file may contain", Long: configLong + thresholdDocs()}
}

func thresholdDocs() string {
	var b strings.Builder
	defaults := analyze.DefaultThresholds()
	for _, key := range defaults.Keys() {
		fmt.Fprintf(&b, "\n  %-32s ", key.Name)
		switch v := key.Value.(type) {
		case *int:
			fmt.Fprintf(&b, "%d", *v)
		case *float64:
			fmt.Fprintf(&b, "%g", *v)
		case *time.Duration:
			fmt.Fprintf(&b, "%q", shortSpan(*v))
		}
	}
	return b.String()
}

// shortSpan is a duration without zeros at its end: 10m, not 10m0s.
func shortSpan(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

func (s *settings) setConfig(t *typed) error {
	if t.config == "" {
		return nil
	}
	var c configFile
	meta, err := toml.DecodeFile(t.config, &c)
	if err != nil {
		return wrong("--config %w", atPath(t.config, err))
	}
	for _, key := range meta.Undecoded() {
		if key[0] != "thresholds" { // those are checked below
			return unknownKey(t.config, key.String(), configKeys)
		}
	}
	for _, d := range c.LocalDomains {
		if err := s.setLocal("--config "+t.config+": local-domains", d); err != nil {
			return err
		}
	}
	for name, role := range c.MX {
		if err := s.setRole(t.config+": mx", name+"="+role); err != nil {
			return err
		}
	}
	allowed := &allowList{}
	for _, entry := range c.Allow {
		if err := allowed.add(entry); err != nil {
			return wrong("--config %s: allow: %w", t.config, err)
		}
	}
	s.allow(allowed)
	return s.setThresholds(t.config, meta, c.Thresholds)
}

// setThresholds sets every value under [thresholds]; tables in it are the parts of a key: burst.min-messages.
func (s *settings) setThresholds(path string, meta toml.MetaData, values map[string]any) error {
	var names []string
	for _, key := range s.pass.Thresholds.Keys() {
		names = append(names, key.Name)
	}
	for _, key := range meta.Keys() { // in the order of the file
		if len(key) < 2 || key[0] != "thresholds" || meta.Type(key...) == "Hash" {
			continue
		}
		name := strings.Join(key[1:], ".")
		if !slices.Contains(names, name) {
			return unknownKey(path, name, names)
		}
		if err := s.pass.Thresholds.Set(name, lookup(values, key[1:])); err != nil {
			return wrong("--config %s: %w", path, err)
		}
	}
	return nil
}

// lookup is the value at a path of nested tables.
func lookup(table map[string]any, path []string) any {
	for _, name := range path[:len(path)-1] {
		table, _ = table[name].(map[string]any)
	}
	return table[path[len(path)-1]]
}

func unknownKey(path, name string, names []string) error {
	e := &usageError{err: fmt.Errorf("--config %s: unknown key %s", path, name)}
	if near := where.Nearest(name, names); near != "" {
		e.hint = "did you mean " + near + "?"
	} else {
		e.hint = "the keys are " + strings.Join(names, ", ")
	}
	return e
}

// atPath puts the path before an error that does not have it.
func atPath(path string, err error) error {
	if strings.HasPrefix(err.Error(), path+": ") {
		return err
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// allowList is whom the user never wants to see reported.
type allowList struct {
	networks []netip.Prefix
	names    map[string]bool // accounts and addresses, folded
	domains  map[string]bool
}

func (s *settings) setAllow(t *typed) error {
	if t.allow == "" {
		return nil
	}
	f, err := os.Open(t.allow)
	if err != nil {
		return wrong("--allow %w", atPath(t.allow, err))
	}
	defer f.Close()
	allowed := &allowList{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		entry, _, _ := strings.Cut(lines.Text(), "#")
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		if err := allowed.add(entry); err != nil {
			return wrong("--allow %s: line %d: %w", t.allow, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return wrong("--allow %w", atPath(t.allow, err))
	}
	s.allow(allowed)
	return nil
}

// allow adds a list to what is allowed already.
func (s *settings) allow(l *allowList) {
	s.pass.AllowedIPs = append(s.pass.AllowedIPs, l.networks...)
	if before := s.pass.Allowed; before != nil {
		s.pass.Allowed = func(kind analyze.SubjectKind, value string) bool { return before(kind, value) || l.has(kind, value) }
		return
	}
	s.pass.Allowed = l.has
}

// add reads an entry: 192.0.2.7, 192.0.2.0/24, @club.example or club.example, an address or a login.
func (l *allowList) add(entry string) error {
	if strings.ContainsAny(entry, " \t,;") {
		return fmt.Errorf("%q: want one address, network, domain or account", shorten(entry, 80))
	}
	if ip, err := netip.ParseAddr(entry); err == nil {
		l.networks = append(l.networks, netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()))
		return nil
	}
	if strings.Contains(entry, "/") {
		p, err := netip.ParsePrefix(entry)
		if err != nil {
			return fmt.Errorf("%q: not a network such as 192.0.2.0/24", entry)
		}
		l.networks = append(l.networks, p.Masked())
		return nil
	}
	if strings.HasPrefix(entry, ".") || strings.Contains(entry, "*") || isLikeAddress(entry) {
		return fmt.Errorf("%q: want one address, network such as 192.0.2.0/24, domain such as club.example, or account", entry)
	}
	if l.names == nil {
		l.names, l.domains = make(map[string]bool), make(map[string]bool)
	}
	if domain, ok := strings.CutPrefix(entry, "@"); ok {
		l.domains[mail.FoldDomain(domain)] = true
		return nil
	}
	l.names[mail.Fold(entry)] = true
	if !strings.Contains(entry, "@") && strings.Contains(entry, ".") {
		l.domains[mail.FoldDomain(entry)] = true
	}
	return nil
}

// isLikeAddress reports whether an entry that is no IP address or network was meant to be one, or a range of them.
func isLikeAddress(entry string) bool {
	return strings.ContainsAny(entry, ".:") && strings.Trim(entry, "0123456789.:-") == ""
}

// has reports whether a subject is on the list. A network is only when all of it is; an address or a login, when it or its
// domain is.
func (l *allowList) has(kind analyze.SubjectKind, value string) bool {
	switch kind {
	case analyze.IP:
		ip, err := netip.ParseAddr(value)
		return err == nil && slices.ContainsFunc(l.networks, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
	case analyze.Network:
		n, err := netip.ParsePrefix(value)
		return err == nil && slices.ContainsFunc(l.networks, func(p netip.Prefix) bool { return p.Bits() <= n.Bits() && p.Contains(n.Addr()) })
	case analyze.SenderDomain:
		return l.domains[mail.FoldDomain(value)]
	case analyze.Account, analyze.Sender:
		return l.names[mail.Fold(value)] || l.domains[mail.Domain(value)]
	}
	return l.names[value]
}
