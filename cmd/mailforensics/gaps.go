package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"mailforensics/mail"
	"mailforensics/report"
)

// gapFinder looks for spans in which a host logged nothing: a lost rotation, a dead syslog, or a quiet night. It says which,
// and leaves the judgement to the reader. A webmail's own log is not looked at: it is silent whenever nobody logs in.
type gapFinder struct {
	hosts map[string]*hostGaps
	all   hostGaps // in which no host logged anything
}

// hostGaps is what is known of a host.
type hostGaps struct {
	host  string
	last  mail.Instant
	found []report.Gap // longest first, at most mostGaps
	count int
}

const (
	shortestGap = time.Hour
	mostGaps    = 10
	mostHosts   = 1000
)

func (g *gapFinder) add(events []mail.Event) {
	var h *hostGaps
	name := "" // of h: mostly the very same string as in the next event, which is told at once
	for i := range events {
		ev := &events[i]
		if ev.Time == 0 || ev.MTA == mail.Webmail {
			continue
		}
		if h == nil || ev.Host != name {
			if h, name = g.of(ev.Host), ev.Host; h == nil {
				continue
			}
		}
		if ev.Time <= h.last {
			continue
		}
		if ev.Time.Sub(h.last) >= shortestGap {
			g.silence(h, ev.Time)
		}
		h.last = ev.Time
	}
}

// silence books that a host logged nothing until now, and whether any other did.
func (g *gapFinder) silence(h *hostGaps, now mail.Instant) {
	if h.last != 0 {
		h.add(report.Gap{Host: h.host, From: h.last, To: now})
	}
	var last mail.Instant
	for _, o := range g.hosts {
		last = max(last, o.last)
	}
	if last != 0 && now.Sub(last) >= shortestGap {
		g.all.add(report.Gap{From: last, To: now})
	}
}

// of is what is known of a host; nil when there are too many.
func (g *gapFinder) of(host string) *hostGaps {
	h := g.hosts[host]
	if h == nil {
		if len(g.hosts) >= mostHosts {
			return nil
		}
		if g.hosts == nil {
			g.hosts = make(map[string]*hostGaps)
		}
		h = &hostGaps{host: strings.Clone(host)}
		g.hosts[h.host] = h
	}
	return h
}

func (h *hostGaps) add(gap report.Gap) {
	h.count++
	h.found = append(h.found, gap)
	slices.SortStableFunc(h.found, longerGap)
	h.found = h.found[:min(len(h.found), mostGaps)]
}

func longerGap(a, b report.Gap) int {
	return cmp.Or(cmp.Compare(b.To-b.From, a.To-a.From), cmp.Compare(a.From, b.From), cmp.Compare(a.Host, b.Host))
}

// longest are the longest gaps of all hosts, and how many there were. Beside logs of one host, an Exim log without a host name is of
// this host, too: a night in which nobody read mail is no gap while it came.
func (g *gapFinder) longest() ([]report.Gap, int) {
	if g.hosts[""] != nil && len(g.hosts) == 2 {
		gaps := slices.Clone(g.all.found)
		for host := range g.hosts {
			for i := range gaps {
				gaps[i].Host = cmp.Or(host, gaps[i].Host)
			}
		}
		return gaps, g.all.count
	}
	var gaps []report.Gap
	count := 0
	for _, h := range g.hosts {
		gaps = append(gaps, h.found...)
		count += h.count
	}
	slices.SortFunc(gaps, longerGap)
	return gaps[:min(len(gaps), mostGaps)], count
}
