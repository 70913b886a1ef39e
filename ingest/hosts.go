package ingest

import (
	"context"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
	"mailforensics/parse"
)

// Exim's own log files name no host. Where those of several hosts are given together, only their paths tell them apart:
// mx1/mainlog and mx2/mainlog, mx1.mainlog.gz and mx2.mainlog.gz. But parts of one host's log have such paths, too. Files are
// taken for those of several hosts where three things come together: the paths differ in what may be a name, the logs cover
// the same time, which parts do not, and none has a message of another, which copies have.

//
// To know that takes little of the logs, mostly their beginnings: an archive is not decompressed for it as a whole.

// site is the files whose paths give one name.
type site struct {
	name  string
	files []*file
	first mail.Instant
	ids   []string     // of some messages at the beginning
	till  mail.Instant // when the last of these came in
}

// nameHosts finds out whether the files that name no host are of several, and names these.
func (s *survey) nameHosts(ctx context.Context) {
	sites := sitesOf(s.files)
	if len(sites) == 1 {
		nameLone(ctx, sites[0], s.files)
	}
	if len(sites) < 2 {
		return
	}
	for _, one := range sites {
		if !isHostName(one.name) || !one.look(ctx) {
			return
		}
	}
	slices.SortStableFunc(sites, func(a, b *site) int { return int(min(1, max(-1, a.first-b.first))) })
	for i, one := range sites[1:] {
		if !slices.ContainsFunc(sites[:1+i], func(earlier *site) bool { return earlier.goesBeyond(ctx, one.first) }) {
			return // one goes on where the other ended
		}
	}
	of := make(map[string]*site)
	var till mail.Instant
	for _, one := range sites {
		till = max(till, one.till)
		for _, id := range one.ids {
			of[id] = one
		}
	}
	for _, one := range sites {
		if one.holdsAnother(ctx, of, till) {
			return
		}
	}
	for _, one := range sites {
		for _, f := range one.files {
			f.name = one.name
		}
	}
}

// nameLone names the one site without a host after its path, where all files of other hosts, which name themselves, are called
// after these: mx2/mainlog beside mx1/mail.log of mx1. Anything else may be one more log of a host that names itself.
func nameLone(ctx context.Context, lone *site, files []*file) {
	var read []*file
	var dirs []string
	for _, f := range files {
		if f.host != "" || slices.Contains(lone.files, f) {
			read, dirs = append(read, f), append(dirs, filepath.Dir(f.in.Path))
		}
	}
	name := lone.name
	dirs = unlike(dirs)
	for i, f := range read {
		if f.host == "" && name == "" {
			name = dirs[i]
		}
	}
	if len(read) == len(lone.files) || !isHostName(name) {
		return
	}
	for i, f := range read {
		if f.host != "" && (!isCalledAfter(f.in.Path, dirs[i], f.host) || strings.EqualFold(labelOf(f.host), labelOf(name))) {
			return
		}
	}
	if !lone.look(ctx) || len(lone.ids) == 0 {
		return // the log of a webmail, which stands anywhere
	}
	for _, f := range lone.files {
		f.name = name
	}
}

// isCalledAfter reports whether a file, or the directory in which it differs from the others, has the name of a host.
func isCalledAfter(path, dir, host string) bool {
	file, _, _ := strings.Cut(filepath.Base(path), ".")
	label := labelOf(host)
	return strings.EqualFold(labelOf(dir), label) || strings.EqualFold(file, label)
}

// sitesOf groups the files that name no host by what their paths call them, in the order of the files.
func sitesOf(files []*file) (sites []*site) {
	var nameless []*file
	var dirs []string
	for _, f := range files {
		if f.host == "" && f.firstLine != "" && !f.other && f.err == nil && f.in.Size >= 0 {
			nameless = append(nameless, f)
			dirs = append(dirs, filepath.Dir(f.in.Path))
		}
	}
	dirs = unlike(dirs)
	for i, f := range nameless {
		name := nameIn(f.in.Path)
		if name == "" {
			name = dirs[i]
		}
		at := slices.IndexFunc(sites, func(one *site) bool { return one.name == name })
		if at < 0 {
			at = len(sites)
			sites = append(sites, &site{name: name})
		}
		sites[at].files = append(sites[at].files, f)
	}
	return sites
}

// unlike is the part of each path in which the paths first differ; "" where they are all the same.
func unlike(paths []string) []string {
	parts := make([][]string, len(paths))
	for i, path := range paths {
		parts[i] = strings.Split(filepath.ToSlash(path), "/")
	}
	part := func(i, n int) string {
		if n < len(parts[i]) {
			return parts[i][n]
		}
		return ""
	}
	for n := 0; ; n++ {
		names, longer := make([]string, len(paths)), false
		for i := range paths {
			names[i] = part(i, n)
			longer = longer || n < len(parts[i])
		}
		if !longer || len(slices.Compact(slices.Sorted(slices.Values(names)))) > 1 {
			return names
		}
	}
}

// nameIn is what the name of a log file says beside being a log: "mx1" of mx1.mainlog.2.gz.
func nameIn(path string) string {
	words := strings.FieldsFunc(filepath.Base(logfile.Family(path)), func(c rune) bool { return c == '.' || c == '_' || c == '-' })
	words = slices.DeleteFunc(words, func(word string) bool {
		switch strings.ToLower(word) {
		case "exim", "exim4", "mail", "main", "mainlog", "reject", "rejectlog", "panic", "paniclog", "log", "txt":
			return true
		}
		return false
	})
	return strings.Join(words, ".")
}

// isHostName reports whether a part of a path may name a host. A date or a number does not.
func isHostName(name string) bool {
	return strings.IndexFunc(name, func(c rune) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }) >= 0
}

// look finds the first moment of the site's main logs, and some of their messages; false where there are none.
func (s *site) look(ctx context.Context) bool {
	const samples = 8
	for f := range s.mainLogs {
		reader := parse.NewHeaderReader(f.clock)
		for text := range f.texts(ctx) {
			for line := range strings.Lines(text) {
				var ev mail.Event
				body, ok := reader.Read(strings.TrimRight(line, "\r\n"), &ev)
				if !ok || ev.Time == 0 {
					continue
				}
				if s.first == 0 || ev.Time < s.first {
					s.first = ev.Time
				}
				if id, rest, _ := strings.Cut(body, " "); strings.HasPrefix(rest, "<= ") && len(s.ids) < samples {
					s.ids, s.till = append(s.ids, strings.Clone(id)), max(s.till, ev.Time)
				}
			}
			break
		}
	}
	return s.first != 0
}

// mainLogs yields the site's files but its reject logs.
func (s *site) mainLogs(yield func(*file) bool) {
	for _, f := range s.files {
		if !f.rejectLog && !yield(f) {
			return
		}
	}
}

// goesBeyond reports whether a main log of the site has lines after t.
func (s *site) goesBeyond(ctx context.Context, t mail.Instant) bool {
	for f := range s.mainLogs {
		if f.first > t {
			return true
		}
	}
	for f := range s.mainLogs {
		for text := range f.texts(ctx) {
			if f.lastOf(text) > t {
				return true
			}
		}
	}
	return false
}

// lastOf is the time of the last line that has one; 0: none has.
func (f *file) lastOf(text string) mail.Instant {
	reader := parse.NewHeaderReader(f.clock)
	for text != "" {
		text = strings.TrimRight(text, "\r\n")
		begin := strings.LastIndexByte(text, '\n') + 1
		var ev mail.Event
		if _, ok := reader.Read(text[begin:], &ev); ok && ev.Time != 0 {
			return ev.Time
		}
		text = text[:begin]
	}
	return 0
}

// holdsAnother reports whether the site's files have a message of another site. of tells whose some messages are, none of which
// is later than till: a copy of a line has its stamp.
func (s *site) holdsAnother(ctx context.Context, of map[string]*site, till mail.Instant) bool {
	const outOfOrder = time.Hour
	for _, f := range s.files {
		if f.first > till.Add(outOfOrder) {
			continue
		}
		for text := range f.texts(ctx) {
			for rest := text; ; {
				before, after, found := strings.Cut(rest, " <= ")
				if !found {
					break
				}
				if owner := of[before[strings.LastIndexByte(before, ' ')+1:]]; owner != nil && owner != s {
					return true
				}
				rest = after
			}
			if f.lastOf(text) > till.Add(outOfOrder) {
				break
			}
		}
	}
	return false
}

// texts yields the text of the file, piece by piece, as far as it can be read. A piece is read into the memory of the one before.
func (f *file) texts(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		var pool logfile.Pool
		r := logfile.Open(ctx, f.in, logfile.Options{Pool: &pool})
		defer r.Close()
		for {
			c, err := r.Next()
			if err != nil || !yield(c.Text) {
				return
			}
			pool.Put(c)
		}
	}
}
