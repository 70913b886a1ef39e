package logfile

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFamily(t *testing.T) {
	for path, want := range map[string]string{
		"maillog":                     "maillog",
		"maillog.1":                   "maillog",
		"maillog.0":                   "maillog", // newsyslog
		"maillog.2.gz":                "maillog",
		"maillog.10.bz2":              "maillog",
		"maillog-20151111":            "maillog",
		"maillog-20151111.gz":         "maillog",
		"maillog-20240131-1706659201": "maillog-20240131-1706659201", // more digits than a date has
		"maillog-20240131.1.xz":       "maillog",                     // logrotate, when the name was taken
		"maillog-2024-01-31.zst":      "maillog",
		"maillog-20240131T235959":     "maillog",
		"maillog-1706659201":          "maillog", // dateformat -%s
		"mail.log.1":                  "mail.log",
		"mail.1.log":                  "mail.log", // logrotate's "extension .log"
		"mail-20240131.log":           "mail.log",
		"mail-20240131.log.gz":        "mail.log",
		"mail.log-20240131":           "mail.log",
		"mainlog.01":                  "mainlog", // exicyclog
		"mainlog.10.Z":                "mainlog",
		"mx1/maillog.1":               "mx1/maillog",
		"./mx1/../mx1/maillog.1":      "mx1/maillog",
		"192.0.2.1":                   "192.0.2.1", // a log host names files after its clients
		"192.0.2.1.log":               "192.0.2.1.log",
		"mx-10.0.0.1.log":             "mx-10.0.0.1.log",
		"maillog-99999999":            "maillog-99999999", // no date
		"maillog.12345":               "maillog.12345",    // rather a pid
		"EVENT.1":                     "EVENT",
		"log4j":                       "log4j",
		"mx2.log":                     "mx2.log",
		"mx2-20240131.gz":             "mx2",
		"mx2.1":                       "mx2",
		"mx2.mail.1":                  "mx2.mail",
		"mx10.0.0.1":                  "mx10.0.0.1",
		"mx2":                         "mx2",
		"maillog.":                    "maillog.",
		"maillog-18991231":            "maillog-18991231", // no day of a log
		"maillog-21000101":            "maillog-21000101",
		"maillog-0706659201":          "maillog-0706659201",
		"maillog-9706659201":          "maillog-9706659201",
		"-":                           "-",
	} {
		if got := Family(path); got != want {
			t.Errorf("Family(%q): got %q, want %q", path, got, want)
		}
	}
}

func TestOrder(t *testing.T) {
	for name, want := range map[string]string{
		"numbered":             "m.10.gz m.9.gz m.2.gz m.1 m",
		"exicyclog":            "mainlog.11.Z mainlog.10.Z mainlog.02.Z mainlog.01 mainlog",
		"newsyslog":            "m.2.bz2 m.1.bz2 m.0.bz2 m",
		"dated":                "m-20151231.gz m-20160101.gz m-20160108 m",
		"dated, with times":    "m-20160101 m-20160101-1200 m-20160101-2359 m-20160102 m",
		"Unix time":            "m-1451606400.gz m-1451692800 m",
		"dated, then numbered": "m-20151231 m-20160101 m.2 m.1 m",
		"live log only":        "m",
		"extension":            "mail-20240130.log.gz mail-20240131.log mail.log",
	} {
		var inputs []*Input
		for path := range strings.FieldsSeq(want) {
			inputs = append(inputs, &Input{Path: path})
		}
		for seed := range uint64(10) {
			shuffled := slices.Clone(inputs)
			rand.New(rand.NewPCG(seed, 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if got := pathsOf(Order(shuffled)); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
	}
}

// With dated and numbered names side by side, modification times tell which kind is newer.
func TestOrderMixed(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2024, 1, n, 0, 0, 0, 0, time.UTC) }
	inputs := []*Input{
		{Path: "m", ModTime: day(30)},
		{Path: "m-20240120", ModTime: day(20)}, {Path: "m-20240127", ModTime: day(27)},
		{Path: "m.1", ModTime: day(13)}, {Path: "m.2", ModTime: day(6)},
	}
	if got, want := pathsOf(Order(inputs)), "m.2 m.1 m-20240120 m-20240127 m"; got != want {
		t.Errorf("numbers first: got %s, want %s", got, want)
	}
	inputs[3].ModTime, inputs[4].ModTime = day(29), day(28)
	if got, want := pathsOf(Order(inputs)), "m-20240120 m-20240127 m.2 m.1 m"; got != want {
		t.Errorf("dates first: got %s, want %s", got, want)
	}
}

func TestOrderKeepsFamiliesTogether(t *testing.T) {
	var inputs []*Input
	for path := range strings.FieldsSeq("b/m a/m.1 - b/m.1 a/m a/m.2 other") {
		inputs = append(inputs, &Input{Path: filepath.FromSlash(path)})
	}
	if got, want := pathsOf(Order(inputs)), "b/m.1 b/m a/m.2 a/m.1 a/m - other"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func pathsOf(inputs []*Input) string {
	var paths []string
	for _, in := range inputs {
		paths = append(paths, filepath.ToSlash(in.Path))
	}
	return strings.Join(paths, " ")
}
