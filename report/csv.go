package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"mailforensics/analyze"
	"mailforensics/mail"
)

// CSV writes the findings, one per row; or the tables, one after another, each under its own head where columns differ.
func CSV(w io.Writer, r *Report) error {
	out := csv.NewWriter(w)
	if r.Schema == findingsSchema {
		csvFindings(out, r)
	}
	tables := r.tablesFor(Program)
	for i := range tables {
		csvTable(out, tables, i, r.Zone)
	}
	out.Flush()
	return out.Error()
}

// writeCells writes cells that are made harmless; the error stays in out.
func writeCells(out *csv.Writer, cells []string) {
	for i := range cells {
		cells[i] = cell(cells[i])
	}
	out.Write(cells)
}

var findingColumns = []string{
	"id", "detector", "severity", "score", "subject_kind", "subject", "title", "start", "end", "messages", "recipients", "delivered",
	"bounced", "deferred", "rejected", "senders", "sender_domains", "recipient_domains", "clients", "per_minute", "peak_per_minute",
	"peak_at", "client", "rdns", "helo", "asn", "country", "accounts", "hosts", "reasons", "evidence_file", "evidence_line",
}

func csvFindings(out *csv.Writer, r *Report) {
	writeCells(out, append([]string(nil), findingColumns...))
	files := r.fileNames()
	for i := range r.Findings {
		writeCells(out, findingCells(&r.Findings[i], files, r.Zone))
	}
}

func findingCells(f *analyze.Finding, files []string, zone *time.Location) []string {
	cells := []string{
		f.ID, f.Detector, f.Severity.String(), decimal(f.Score), string(f.Subject.Kind), f.Subject.Value, f.Title,
		moment(f.Start, zone), moment(f.End, zone),
	}
	for _, n := range countsOf(&f.Counts) {
		if n.known {
			cells = append(cells, strconv.Itoa(n.n))
		} else {
			cells = append(cells, "")
		}
	}
	switch {
	case f.Rate == nil:
		cells = append(cells, "", "", "")
	case f.Rate.PeakPerMinute == 0:
		cells = append(cells, decimal(f.Rate.PerMinute), "", "")
	default:
		cells = append(cells, decimal(f.Rate.PerMinute), strconv.Itoa(f.Rate.PeakPerMinute), moment(f.Rate.PeakAt, zone))
	}
	cells = append(cells, firstClient(f.Clients)...)
	cells = append(cells, strings.Join(f.Accounts, " "), strings.Join(f.Hosts, " "), reasonTexts(f.Reasons))
	return append(cells, firstEvidence(f.Evidence, files)...)
}

// firstClient are the cells of the client with the most messages.
func firstClient(cs []analyze.ClientCount) []string {
	if len(cs) == 0 {
		return make([]string, 5)
	}
	c := &cs[0].Client
	cells := []string{"", c.Name, c.HELO, "", c.Country}
	if c.IP.IsValid() {
		cells[0] = c.IP.Unmap().String()
	}
	if c.ASN != 0 {
		cells[3] = strconv.FormatUint(uint64(c.ASN), 10)
	}
	return cells
}

func reasonTexts(rs []analyze.Reason) string {
	texts := make([]string, len(rs))
	for i := range rs {
		texts[i] = rs[i].Text
	}
	return strings.Join(texts, "; ")
}

func firstEvidence(es []analyze.Evidence, files []string) []string {
	if len(es) == 0 || int(es[0].File) >= len(files) {
		return make([]string, 2)
	}
	return []string{files[es[0].File], strconv.FormatInt(es[0].Line, 10)}
}

// csvTable writes table i, and its head unless the table before it had the same.
func csvTable(out *csv.Writer, ts []Table, i int, zone *time.Location) {
	t := &ts[i]
	if i == 0 || ts[i-1].Name != t.Name {
		head := make([]string, len(t.Columns))
		for j := range t.Columns {
			head[j] = t.Columns[j].Name
		}
		writeCells(out, head)
	}
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for j, v := range row {
			cells[j] = exact(v, zone)
		}
		writeCells(out, cells)
	}
}

// exact is a value for a program: nothing rounded, nothing grouped.
func exact(v Value, zone *time.Location) string {
	switch v.kind {
	case textValue:
		return v.text
	case intValue:
		return strconv.FormatInt(v.whole, 10)
	case momentValue:
		return moment(instant(v), zone)
	case durationValue:
		return decimal(duration(v).Seconds())
	case seriesValue:
		texts := make([]string, len(v.series))
		for i, n := range v.series {
			texts[i] = strconv.Itoa(n)
		}
		return strings.Join(texts, " ")
	}
	return ""
}

func instant(v Value) mail.Instant   { return mail.Instant(v.whole) }
func duration(v Value) time.Duration { return time.Duration(v.whole) }

func decimal(x float64) string {
	o := object{}
	o.float("", x)
	return string(o.buf)
}

// moment is t in RFC 3339, "" where it is not known.
func moment(t mail.Instant, zone *time.Location) string {
	if t == 0 {
		return ""
	}
	return string(appendTime(nil, t, zone))
}

// messageColumns are those of the CSV of messages; recipients stand in one cell, separated by blanks.
var messageColumns = []string{
	"time", "mta", "host", "queue_ids", "message_id", "client_ip", "client_name", "helo", "protocol", "tls", "account", "auth_method",
	"uid", "user", "script", "directory", "sender", "subject", "size", "direction", "recipient_count", "recipients", "delivered",
	"bounced", "deferred", "relay", "dsn", "reply", "queued_seconds", "completed", "notice", "parent",
}

// MessagesCSV writes the messages as CSV.
func MessagesCSV(w io.Writer, zone *time.Location) Messages {
	out := csv.NewWriter(w)
	writeCells(out, append([]string(nil), messageColumns...))
	flush := func() error {
		out.Flush()
		return out.Error()
	}
	return Messages{
		Write: func(m *mail.Message) error {
			writeCells(out, messageCells(m, zone))
			return out.Error()
		},
		Flush: flush,
		Close: flush,
	}
}

func messageCells(m *mail.Message, zone *time.Location) []string {
	var ip, uid, size, queued, mta string
	if m.Client.IP.IsValid() {
		ip = m.Client.IP.Unmap().String()
	}
	if m.Has(mail.HasUID) {
		uid = strconv.Itoa(m.UID)
	}
	if m.Size > 0 {
		size = strconv.FormatInt(m.Size, 10)
	}
	if m.Completed {
		queued = strconv.FormatFloat(m.Queued.Seconds(), 'f', -1, 64)
	}
	if m.MTA != mail.UnknownMTA {
		mta = m.MTA.String()
	}
	cells := []string{
		moment(m.Time, zone), mta, m.Host, strings.Join(m.QueueIDs, " "), m.MessageID, ip, m.Client.Name, m.Client.HELO,
		m.Protocol, m.TLS, m.Account, m.AuthMethod, uid, m.User, m.Script, m.Directory, m.Sender, m.Subject, size, m.Direction.String(),
	}
	cells = append(cells, recipientCells(m.Recipients)...)
	return append(cells, queued, strconv.FormatBool(m.Completed), strconv.FormatBool(m.Notice), m.Parent)
}

// recipientCells sums the recipients up: how many, who, what became of them, and the next hop and answer of the last one.
func recipientCells(rs []mail.Recipient) []string {
	var addresses []string
	var by [mail.Probed + 1]int
	var relay, dsn, reply string
	for i := range rs {
		r := &rs[i]
		addresses = append(addresses, r.Envelope())
		by[r.Disposition]++
		if r.Disposition != mail.NoDisposition {
			relay, dsn, reply = r.Relay, r.DSN, r.Reply
		}
	}
	return []string{
		strconv.Itoa(len(rs)), strings.Join(addresses, " "), strconv.Itoa(by[mail.Delivered]),
		strconv.Itoa(by[mail.Bounced] + by[mail.Expired]), strconv.Itoa(by[mail.Deferred]), relay, dsn, reply,
	}
}
