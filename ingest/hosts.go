package ingest

import (
	"cmp"
	"context"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mailforensics/logfile"
	"mailforensics/mail"
)

// Exim's own log files do not name the host. If those of several hosts are given together, only their paths tell them apart:
// mx1/mainlog and mx2/mainlog, mx1.mainlog.gz and mx2.mainlog.gz. But parts and copies of one host's log can have such paths,
// too. Files are taken for those of several hosts if three things are true: their paths differ in what may be a name; the logs
// cover the same time, which parts of one log do not; and none has a message of another, which copies have.
//
// To decide that, mostly the beginnings of the logs are read: no file is decompressed as a whole for it.

// candidate is the files whose paths give one name, which may be that of a host.
type candidate struct {
	name  string
	files []*file
	first mail.Instant // of the main logs; 0: not known
	ids   []string     // of some messages at the beginning
	till  mail.Instant // when the last of these came in
}

// nameHosts finds out whether the files that name no host are of several hosts, and if so, names them.
func (s *survey) nameHosts(ctx context.Context) {
	all := candidatesOf(s.files)
	if len(all) == 1 {
		nameSingle(ctx, all[0], s.files)
	}
	if len(all) < 2 {
		return
	}
	for _, one := range all {
		if !isHostName(one.name) || !one.sample(ctx) {
			return
		}
	}
	slices.SortStableFunc(all, func(a, b *candidate) int { return cmp.Compare(a.first, b.first) })
	for i, one := range all[1:] {
		if !slices.ContainsFunc(all[:1+i], func(earlier *candidate) bool { return earlier.goesOnAfter(ctx, one.first) }) {
			return // parts of one log: each begins after the earlier ones end
		}
	}
	of := make(map[string]*candidate)
	var till mail.Instant
	for _, one := range all {
		till = max(till, one.till)
		for _, id := range one.ids {
			of[id] = one
		}
	}
	for _, one := range all {
		if one.sharesMessage(ctx, of, till) {
			return
		}
	}
	for _, one := range all {
		for _, f := range one.files {
			f.name = one.name
		}
	}
}

// nameSingle names the only candidate after its path, if the paths of all other files, whose lines name their hosts, contain these
// names: mx2/mainlog beside mx1/mail.log of mx1. Otherwise it may be a further log of a host that another file names.
func nameSingle(ctx context.Context, lone *candidate, files []*file) {
	var read []*file
	var dirs []string
	for _, f := range files {
		if f.host != "" || slices.Contains(lone.files, f) {
			read, dirs = append(read, f), append(dirs, filepath.Dir(f.in.Path))
		}
	}
	name := lone.name
	dirs = firstDifference(dirs)
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
	if !lone.sample(ctx) || len(lone.ids) == 0 {
		return // the log of a webmail, which may be anywhere
	}
	for _, f := range lone.files {
		f.name = name
	}
}

// isCalledAfter reports whether a file, or dir, the part of its path in which it differs from the others, has the name of the host.
func isCalledAfter(path, dir, host string) bool {
	file, _, _ := strings.Cut(filepath.Base(path), ".")
	label := labelOf(host)
	return strings.EqualFold(labelOf(dir), label) || strings.EqualFold(file, label)
}

// candidatesOf groups the files that name no host by the names in their paths, in the order of the files.
func candidatesOf(files []*file) (all []*candidate) {
	var nameless []*file
	var dirs []string
	for _, f := range files {
		if f.host == "" && f.firstLine != "" && !f.notExim && f.err == nil && f.in.Size >= 0 {
			nameless = append(nameless, f)
			dirs = append(dirs, filepath.Dir(f.in.Path))
		}
	}
	dirs = firstDifference(dirs)
	for i, f := range nameless {
		name := nameIn(f.in.Path)
		if name == "" {
			name = dirs[i]
		}
		at := slices.IndexFunc(all, func(one *candidate) bool { return one.name == name })
		if at < 0 {
			at = len(all)
			all = append(all, &candidate{name: name})
		}
		all[at].files = append(all[at].files, f)
	}
	return all
}

// firstDifference returns of each path the first element in which the paths differ; "" if they are all the same.
func firstDifference(paths []string) []string {
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

// nameIn returns what is in the name of a log file beside the usual words: "mx1" of mx1.mainlog.2.gz.
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

// isHostName reports whether an element of a path may be the name of a host: a date or a number is not.
func isHostName(name string) bool {
	return strings.IndexFunc(name, func(c rune) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }) >= 0
}

// sample reads the beginning of the main logs: when the first one begins, and the IDs of some messages. false: there is no main
// log.
func (c *candidate) sample(ctx context.Context) bool {
	const samples = 8
	for f := range c.mainLogs {
		reader := f.headers(f.clock)
		for text := range f.texts(ctx) {
			for line := range strings.Lines(text) {
				var ev mail.Event
				body, ok := reader.Read(strings.TrimRight(line, "\r\n"), &ev)
				if !ok || ev.Time == 0 {
					continue
				}
				if c.first == 0 || ev.Time < c.first {
					c.first = ev.Time
				}
				if id, rest, _ := strings.Cut(body, " "); strings.HasPrefix(rest, "<= ") && len(c.ids) < samples {
					c.ids, c.till = append(c.ids, strings.Clone(id)), max(c.till, ev.Time)
				}
			}
			break
		}
	}
	return c.first != 0
}

// mainLogs yields the files, except reject logs.
func (c *candidate) mainLogs(yield func(*file) bool) {
	for _, f := range c.files {
		if !f.rejectLog && !yield(f) {
			return
		}
	}
}

// goesOnAfter reports whether a main log has lines after t.
func (c *candidate) goesOnAfter(ctx context.Context, t mail.Instant) bool {
	for f := range c.mainLogs {
		if f.first > t {
			return true
		}
	}
	for f := range c.mainLogs {
		for text := range f.texts(ctx) {
			if f.lastOf(text) > t {
				return true
			}
		}
	}
	return false
}

// lastOf returns the time of the last line of text that has one; 0: none has.
func (f *file) lastOf(text string) mail.Instant {
	reader := f.headers(f.clock)
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

// sharesMessage reports whether the files have a message of another candidate. of tells by ID whose some messages are. None of
// them came in after till, so later lines need not be read: a copy of a line has the same time stamp.
func (c *candidate) sharesMessage(ctx context.Context, of map[string]*candidate, till mail.Instant) bool {
	const outOfOrder = time.Hour
	for _, f := range c.files {
		if f.first > till.Add(outOfOrder) {
			continue
		}
		for text := range f.texts(ctx) {
			for rest := text; ; {
				before, after, found := strings.Cut(rest, " <= ")
				if !found {
					break
				}
				if owner := of[before[strings.LastIndexByte(before, ' ')+1:]]; owner != nil && owner != c {
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

// texts yields the text of the file, piece by piece, as far as it can be read. A piece is valid until the next one is yielded.
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
