package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// demanded are the columns that Timesketch's importer insists on (TIMESKETCH_FIELDS in timesketch/lib/utils.py).
var demanded = []string{"message", "datetime", "timestamp_desc"}

// oneForm is the one form that stamps must have, because the importer drops those of another than the first.
var oneForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$`)

func TestTimesketchJSONL(t *testing.T) {
	r := sample()
	r.Findings[0].Evidence[0].Time = r.Findings[0].Evidence[0].Time.Add(123 * time.Millisecond) // a log with fractions
	var out bytes.Buffer
	if err := TimesketchJSONL(&out, r); err != nil {
		t.Fatal(err)
	}
	before, lines := int64(0), 0
	for line := range strings.Lines(out.String()) {
		var row map[string]any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		for _, name := range demanded {
			if s, _ := row[name].(string); s == "" {
				t.Errorf("no %s in %s", name, line)
			}
		}
		stamp := row["datetime"].(string)
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil || !oneForm.MatchString(stamp) {
			t.Errorf("got the time %q (%v)", stamp, err)
		}
		if got := int64(row["timestamp"].(float64)); got != at.UnixMicro() || got < before {
			t.Errorf("got timestamp %d, want %d, and not before %d", got, at.UnixMicro(), before)
		} else {
			before = got
		}
		if _, ok := row["tag"].([]any); !ok {
			t.Errorf("tag is no list in %s", line)
		}
		lines++
	}
	if want := 2 + len(r.Findings[0].Evidence); lines < want {
		t.Errorf("got %d lines, want the beginning, the end and %d lines of evidence", lines, want-2)
	}
}

func TestTimesketchCSV(t *testing.T) {
	r := sample()
	r.Findings[0].Title = "=cmd|' /C calc'!A0"
	var out bytes.Buffer
	if err := TimesketchCSV(&out, r); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	head := rows[0]
	for _, name := range demanded {
		if !slices.Contains(head, name) {
			t.Errorf("got the columns %q, want %s among them", head, name)
		}
	}
	column := func(row []string, name string) string { return row[slices.Index(head, name)] }
	files := 0
	for _, row := range rows[1:] {
		if strings.HasPrefix(column(row, "message"), "=") {
			t.Errorf("a formula: %q", row)
		}
		if !oneForm.MatchString(column(row, "datetime")) {
			t.Errorf("got the time %q", column(row, "datetime"))
		}
		if tags := strings.Split(column(row, "tag"), ","); len(tags) != 2 {
			t.Errorf("got tags %q, want severity and detector", tags)
		}
		if column(row, "file") != "" {
			files++
			if n, err := strconv.Atoi(column(row, "line")); err != nil || n < 1 {
				t.Errorf("a line of a file has no number: %q", row)
			}
		}
	}
	if files == 0 {
		t.Error("no evidence names its file")
	}
}
