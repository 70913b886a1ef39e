package analyze

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// roles tells what each host is for: as given, else as it behaves. Where the log contradicts what was given, the log is
// believed, because a role that is wrong turns honest clients into offenders.
func (s *Survey) roles(site *Site) {
	for _, name := range slices.Sorted(maps.Keys(s.hosts)) {
		if name == "" {
			continue
		}
		behaves := s.behaves(s.hosts[name])
		given, ok := s.givenRole(name)
		switch {
		case !ok || given == UnknownRole:
		case behaves.Role == UnknownRole || behaves.Role == given:
			behaves = RoleOf{given, Known{Value: name, Given: true, Why: strings.TrimSuffix("--mx; "+behaves.Why, "; ")}}
		default:
			site.Notes = append(site.Notes, fmt.Sprintf("%s was given as %s, but behaves as %s (%s): the log is believed",
				name, given, behaves.Role, behaves.Why))
		}
		site.Roles[name] = behaves
	}
	for name := range s.pass.Roles {
		if !s.hostSeen(name) {
			site.Notes = append(site.Notes, fmt.Sprintf("--mx names %s, of which there is no line", name))
		}
	}
}

// givenRole is what --mx says about a host of the log; either may have the first label only.
func (s *Survey) givenRole(host string) (Role, bool) {
	if r, ok := s.pass.Roles[host]; ok {
		return r, true
	}
	for _, name := range slices.Sorted(maps.Keys(s.pass.Roles)) {
		if sameHost(name, host) || sameHost(host, name) {
			return s.pass.Roles[name], true
		}
	}
	return UnknownRole, false
}

func (s *Survey) hostSeen(given string) bool {
	for name := range s.hosts {
		if name != "" && (sameHost(given, name) || sameHost(name, given)) {
			return true
		}
	}
	return false
}

// behaves is the role that a host shows: a secondary passes nearly all that it takes from strangers to one other host
// whose log is given, too.
func (s *Survey) behaves(h *hostSeen) RoleOf {
	unknown := RoleOf{UnknownRole, Known{Value: h.name, Why: fmt.Sprintf("%s from strangers only", plural(h.strangers, "message", "messages"))}}
	if h.strangers < s.pass.Thresholds.Site.RoleFrom {
		return unknown
	}
	to, n := s.passedTo(h)
	if to != "" && float64(n) >= s.pass.Thresholds.Site.SecondaryShare*float64(h.strangers) {
		why := say("passed %d of %s from strangers to %s", n, plural(h.strangers, "message", "messages"), to)
		return RoleOf{Secondary, Known{Value: h.name, Why: why}}
	}
	if h.ended > 0 {
		why := say("%d of %s from strangers ended in mailboxes here", h.ended, plural(h.strangers, "message", "messages"))
		return RoleOf{Primary, Known{Value: h.name, Why: why}}
	}
	unknown.Why = fmt.Sprintf("%s from strangers, none ended here", plural(h.strangers, "message", "messages"))
	return unknown
}

// passedTo is the other host of the logs to which h passed most, and how much. What the next host refused or put off was for that host, too,
// if the rest for its domain went there: a secondary gets the mail to users that are none, and the name by which it knows the primary may
// have nothing of the name in the primary's log.
func (s *Survey) passedTo(h *hostSeen) (string, int) {
	best, most := "", 0
	for _, name := range slices.Sorted(maps.Keys(s.hosts)) {
		if name == "" || name == h.name {
			continue
		}
		n := h.passed.Of(name)
		for _, c := range h.relays.Top(topMost) {
			if sameHost(c.Value, name) {
				n += c.Messages
			}
		}
		for value, failed := range h.failed.All {
			domain, relay, _ := strings.Cut(value, " ")
			if !sameHost(relay, name) && h.domains.Of(domain+" "+name) > 0 {
				n += failed
			}
		}
		if n > most {
			best, most = name, n
		}
	}
	return best, most
}
