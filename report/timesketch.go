package report

import (
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// Timesketch imports a timeline as JSONL or CSV with three columns that it demands: message, datetime (ISO 8601) and
// timestamp_desc; it shows all others ("Create timeline from JSON/JSONL/CSV file", Timesketch user guide). Its importer takes
// the form of the first stamp for that of all and drops rows of another (timesketch/lib/utils.py, read_and_validate_csv), so
// stamps are UTC here and have a fraction whether they need one or not.
const timesketchTime = "2006-01-02T15:04:05.000000-07:00"

// moments are the entries of a timeline: the evidence lines, and the beginnings and ends that no line shows.
func moments(r *Report) []timesketchRow {
	var rows []timesketchRow
	files := r.fileNames()
	for i := range r.Findings {
		f := &r.Findings[i]
		rows = append(rows, timesketchRow{t: f.Start, text: f.Title, desc: "abuse begins", f: f}, timesketchRow{t: f.End, text: f.Title, desc: "abuse ends", f: f})
		for _, e := range f.Evidence {
			row := timesketchRow{t: e.Time, text: e.Text, desc: "log line (" + cmp.Or(e.Role, "evidence") + ")", f: f}
			if int(e.File) < len(files) {
				row.file, row.line = files[e.File], e.Line
			}
			rows = append(rows, row)
		}
	}
	rows = slices.DeleteFunc(rows, func(row timesketchRow) bool { return row.t == 0 })
	slices.SortStableFunc(rows, func(a, b timesketchRow) int { return cmp.Compare(a.t, b.t) })
	return rows
}

type timesketchRow struct {
	t          mail.Instant
	text, desc string
	f          *analyze.Finding
	file       string
	line       int64
}

// TimesketchJSONL writes what happened as a timeline for Timesketch.
func TimesketchJSONL(w io.Writer, r *Report) error {
	o := object{zone: time.UTC}
	for _, row := range moments(r) {
		o.open("")
		o.str("message", row.text)
		o.str("datetime", row.t.In(time.UTC).Format(timesketchTime))
		o.num("timestamp", int64(row.t)/1000)
		o.str("timestamp_desc", row.desc)
		o.str("data_type", "mailforensics:"+row.f.Detector)
		o.strs("tag", []string{row.f.Severity.String(), row.f.Detector})
		o.str("finding", row.f.ID)
		o.str("subject", row.f.Subject.Value)
		o.strIf("file", row.file)
		o.numIf("line", row.line)
		o.close()
		o.buf = append(o.buf, '\n')
	}
	_, err := w.Write(o.buf)
	return err
}

// TimesketchCSV is the same as CSV. Its cells are defused like those of every CSV here.
func TimesketchCSV(w io.Writer, r *Report) error {
	out := csv.NewWriter(w)
	writeCells(out, []string{"message", "datetime", "timestamp", "timestamp_desc", "data_type", "tag", "finding", "subject", "file", "line"})
	for _, row := range moments(r) {
		line := ""
		if row.line > 0 {
			line = strconv.FormatInt(row.line, 10)
		}
		writeCells(out, []string{row.text, row.t.In(time.UTC).Format(timesketchTime), strconv.FormatInt(int64(row.t)/1000, 10), row.desc,
			"mailforensics:" + row.f.Detector, row.f.Severity.String() + "," + row.f.Detector, row.f.ID, row.f.Subject.Value, row.file, line})
	}
	out.Flush()
	return out.Error()
}
