package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// survey is what the heads of all inputs tell together.
type survey struct {
	o        Options
	files    []*file
	zones    map[string]zone // by file.group: those with proofs
	fallback zone            // of groups without proofs
	zone     *time.Location  // for the report
	zoneWhy  string          // in words
	warnings []string
}

// zone is the zone of some stamps, and why it is taken for theirs.
type zone struct {
	*time.Location
	why    string // in words
	proven bool
}

// survey reads the head of each input, and gives each file its clock.
func (r *run) survey(ctx context.Context, inputs []*logfile.Input) *survey {
	s := &survey{o: r.o}
	for i, in := range inputs {
		s.files = append(s.files, &file{index: i, in: in, rejectLog: isRejectLog(in.Path), live: r.growing && in.Size < 0})
	}
	s.each(func(_ int, f *file) { f.look(ctx) })
	s.findZones()
	s.findYears(ctx)
	s.nameHosts(ctx)
	s.report()
	for _, f := range s.files {
		f.proofs = nil
	}
	return s
}

// each calls do for all files, concurrently if there are workers.
func (s *survey) each(do func(i int, f *file)) {
	if s.o.Workers == 1 {
		for i, f := range s.files {
			do(i, f)
		}
		return
	}
	var wait sync.WaitGroup
	queue := make(chan *file)
	for range s.o.Workers {
		wait.Go(func() {
			for f := range queue {
				do(f.index, f)
			}
		})
	}
	for _, f := range s.files {
		queue <- f
	}
	close(queue)
	wait.Wait()
}

// findZones finds the zone of each group of files, and that of groups without proofs.
func (s *survey) findZones() {
	proofs := make(map[string][]parse.Proof)
	for _, f := range s.files {
		for _, p := range f.proofs {
			proofs[f.group(p.Host)] = append(proofs[f.group(p.Host)], p)
		}
	}
	s.zones = make(map[string]zone)
	var timeless, stamped []zone
	for _, group := range slices.Sorted(maps.Keys(proofs)) {
		z := s.solve(group, proofs[group])
		s.zones[group] = z
		if slices.ContainsFunc(proofs[group], func(p parse.Proof) bool { return p.Kind != parse.ByStamp }) {
			timeless = append(timeless, z)
		} else {
			stamped = append(stamped, z)
		}
	}
	// A host whose stamps have an offset is often a container, which says UTC wherever it runs. So for groups without proofs, the
	// zones of groups whose stamps have no offset count first.
	like := timeless
	if len(like) == 0 {
		like = stamped
	}
	agree := !slices.ContainsFunc(like, func(z zone) bool { return z.String() != like[0].String() })
	switch {
	case s.o.Zone != nil:
		s.fallback = zone{Location: s.o.Zone, why: s.o.Zone.String() + ", as asked for"}
	case len(like) > 0 && agree:
		s.fallback = zone{Location: like[0].Location, why: like[0].String() + ", as in the other files"}
	default:
		s.fallback = zone{Location: s.o.LocalZone, why: s.o.LocalZone.String() + ", the zone of this machine: nothing in the log proves it"}
	}
}

// solve returns the zone of a group. One that was asked for is taken even against proofs, with a warning.
func (s *survey) solve(group string, proofs []parse.Proof) zone {
	if timeless := slices.DeleteFunc(slices.Clone(proofs), func(p parse.Proof) bool { return p.Kind == parse.ByStamp }); len(timeless) > 0 {
		proofs = timeless
	}
	if asked := s.o.Zone; asked != nil {
		if proofs[0].Kind != parse.ByStamp && !parse.Agrees(asked, proofs) {
			found, _ := parse.ZoneOf(proofs, s.o.LocalZone, otherZones)
			s.warnings = append(s.warnings, fmt.Sprintf("stamps%s are read in %s, as asked for, but %s say %s",
				ofGroup(group), asked, parse.Proven(proofs), found))
		}
		return zone{Location: asked, why: asked.String() + ", as asked for"}
	}
	found, ok := parse.ZoneOf(proofs, s.o.LocalZone, otherZones)
	z := zone{Location: found, why: found.String() + ", proven by " + parse.Proven(proofs), proven: ok}
	if !ok {
		s.warnings = append(s.warnings, fmt.Sprintf("the offset from UTC%s changes, and no zone explains how: stamps are read in %s", ofGroup(group), found))
	}
	return z
}

func ofGroup(group string) string {
	if group[0] == 0 {
		return " in " + group[1:]
	}
	return " of " + group
}

// otherZones returns zones that together have all rules of summer time in use, of each rule the zone with the most people. They are
// tried if a log proves that its offset changes.
func otherZones() (zones []*time.Location) {
	for _, name := range [...]string{
		"Europe/Berlin", "America/New_York", "America/Chicago", "America/Los_Angeles", "Europe/London", "America/Denver",
		"Europe/Athens", "Australia/Sydney", "Pacific/Auckland", "America/Sao_Paulo", "America/Mexico_City", "Asia/Jerusalem",
		"Asia/Tehran", "Africa/Cairo", "Asia/Beirut", "Asia/Amman", "Europe/Moscow", "Europe/Istanbul", "America/Santiago",
		"America/Asuncion", "America/Havana", "America/Halifax", "America/St_Johns", "America/Anchorage", "Atlantic/Azores",
		"Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Chatham", "Africa/Casablanca", "America/Argentina/Buenos_Aires",
	} {
		if zone, err := time.LoadLocation(name); err == nil {
			zones = append(zones, zone)
		}
	}
	return zones
}

// zoneOf returns the zone of a file.
func (s *survey) zoneOf(f *file) zone {
	if z, ok := s.zones[f.group(f.host)]; ok {
		return z
	}
	return s.fallback
}

// ownZones returns the zones of those hosts in a file whose lines prove that they are in another zone than the file.
func (s *survey) ownZones(f *file) map[string]*time.Location {
	if s.o.Zone != nil {
		return nil
	}
	byHost := make(map[string][]parse.Proof)
	for _, p := range f.timeless() {
		if p.Host != f.host {
			byHost[p.Host] = append(byHost[p.Host], p)
		}
	}
	const enough = 3
	own := make(map[string]*time.Location)
	for host, proofs := range byHost {
		if len(proofs) < enough || parse.Agrees(s.zoneOf(f).Location, proofs) {
			continue
		}
		if z, ok := parse.ZoneOf(proofs, s.o.LocalZone, otherZones); ok {
			own[host] = z
		}
	}
	return own
}

// setClock gives a file its clock: its first stamp is at about first, and none is after latest.
func (s *survey) setClock(f *file, first, latest mail.Instant, why string) {
	z := s.zoneOf(f)
	f.latest = latest
	f.clock = parse.NewClock(z.Location, min(first.Add(elevenMonths), latest))
	f.clock.YearRule, f.clock.ZoneRule = why, z.why
	if own := s.ownZones(f); len(own) > 0 {
		f.clock.SetHosts(own)
		for _, host := range slices.Sorted(maps.Keys(own)) {
			f.clock.ZoneRule += fmt.Sprintf("; %s: %s", host, own[host])
		}
	}
	reader := f.headers(f.clock)
	for _, line := range append([]string{f.firstLine}, f.more...) {
		var ev mail.Event
		reader.Read(line, &ev)
		if ev.Time != 0 && (f.first == 0 || ev.Time < f.first) {
			f.first = ev.Time
		}
	}
}

// report chooses the zone in which the report shows times: that of the log if it is known, else that of this machine.
func (s *survey) report() {
	var all []parse.Proof
	for _, f := range s.files {
		all = append(all, f.proofs...)
	}
	switch {
	case s.o.Zone != nil:
		s.zone, s.zoneWhy = s.o.Zone, "as asked for"
	case len(all) == 0:
		s.zone, s.zoneWhy = s.o.LocalZone, "the zone of this machine"
	default:
		var ok bool
		s.zone, ok = parse.ZoneOf(all, s.o.LocalZone, otherZones)
		switch {
		case !ok:
			s.zoneWhy = "the zone of most stamps of the log"
		case s.zone == s.o.LocalZone:
			s.zoneWhy = "the zone of this machine and of the log"
		default:
			s.zoneWhy = "the zone of the log"
		}
	}
}
