package report

import (
	"io"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"mailforensics/mail"
)

// messageRow is a message as a row of Parquet: the members of "mailforensics.message/1" under the same names, those of the
// client at the top. Times are UTC.
type messageRow struct {
	Time       *int64         `parquet:"time,optional,timestamp(microsecond)"`
	MTA        string         `parquet:"mta,dict"`
	Host       string         `parquet:"host,dict"`
	QueueIDs   []string       `parquet:"queue_ids,list"`
	MessageID  string         `parquet:"message_id,optional"`
	ClientIP   string         `parquet:"client_ip,optional,dict"`
	ClientName string         `parquet:"client_name,optional,dict"`
	HELO       string         `parquet:"helo,optional,dict"`
	ASN        uint32         `parquet:"asn,optional"`
	Country    string         `parquet:"country,optional,dict"`
	Protocol   string         `parquet:"protocol,optional,dict"`
	TLS        string         `parquet:"tls,optional,dict"`
	Account    string         `parquet:"account,optional,dict"`
	AuthMethod string         `parquet:"auth_method,optional,dict"`
	UID        *int64         `parquet:"uid,optional"`
	User       string         `parquet:"user,optional,dict"`
	Script     string         `parquet:"script,optional,dict"`
	Directory  string         `parquet:"directory,optional,dict"`
	Sender     string         `parquet:"sender,optional,dict"`
	Subject    string         `parquet:"subject,optional,dict"`
	Size       int64          `parquet:"size,optional"`
	Direction  string         `parquet:"direction,dict"`
	Recipients []recipientRow `parquet:"recipients,list"`
	Queued     *float64       `parquet:"queued_seconds,optional"`
	Completed  bool           `parquet:"completed"`
	Notice     bool           `parquet:"notice"`
	Parent     string         `parquet:"parent,optional"`
}

type recipientRow struct {
	Address     string   `parquet:"address,dict"`
	Original    string   `parquet:"original,optional,dict"`
	Disposition string   `parquet:"disposition,optional,dict"`
	Time        *int64   `parquet:"time,optional,timestamp(microsecond)"`
	Relay       string   `parquet:"relay,optional,dict"`
	RelayIP     string   `parquet:"relay_ip,optional,dict"`
	DSN         string   `parquet:"dsn,optional,dict"`
	Reply       string   `parquet:"reply,optional,dict"`
	Attempts    int64    `parquet:"attempts,optional"`
	Delay       *float64 `parquet:"delay_seconds,optional"`
}

// rowsPerGroup bounds the memory: a row group is held until it is full.
const (
	rowsPerGroup = 50_000
	rowsPerWrite = 500
)

// MessagesParquet writes the messages as Parquet. Bytes that are not UTF-8 are visible escapes, as in JSON; other characters
// stay as they are, because nobody reads this form with the eyes.
func MessagesParquet(w io.Writer, version string) Messages {
	out := parquet.NewGenericWriter[messageRow](w, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.CreatedBy("mailforensics", version, ""), parquet.KeyValueMetadata("schema", "mailforensics.message/1"))
	rows := make([]messageRow, 0, rowsPerWrite)
	flush := func() error {
		_, err := out.Write(rows)
		rows = rows[:0]
		return err
	}
	return Messages{
		Write: func(m *mail.Message) error {
			rows = append(rows, rowOf(m))
			if len(rows) < rowsPerWrite {
				return nil
			}
			return flush()
		},
		Flush: func() error { return nil }, // a row group is written when it is full, or at the end
		Close: func() error {
			if err := flush(); err != nil {
				return err
			}
			return out.Close()
		},
	}
}

func rowOf(m *mail.Message) messageRow {
	row := messageRow{
		Time: micros(m.Time), Host: valid(m.Host), MessageID: valid(m.MessageID), HELO: valid(m.Client.HELO), ASN: m.Client.ASN, Country: m.Client.Country,
		Protocol: valid(m.Protocol), TLS: valid(m.TLS), Account: valid(m.Account), AuthMethod: valid(m.AuthMethod), User: valid(m.User),
		Script: valid(m.Script), Directory: valid(m.Directory), Sender: valid(m.Sender), Subject: valid(m.Subject), Size: m.Size,
		Direction: m.Direction.String(), Completed: m.Completed, Notice: m.Notice, Parent: valid(m.Parent),
	}
	if m.MTA != mail.UnknownMTA {
		row.MTA = m.MTA.String()
	}
	if m.Client.IP.IsValid() {
		row.ClientIP = m.Client.IP.Unmap().String()
	}
	if m.Client.Name != "unknown" {
		row.ClientName = valid(m.Client.Name)
	}
	if m.Has(mail.HasUID) {
		uid := int64(m.UID)
		row.UID = &uid
	}
	if m.Completed {
		queued := m.Queued.Seconds()
		row.Queued = &queued
	}
	for _, id := range m.QueueIDs {
		row.QueueIDs = append(row.QueueIDs, valid(id))
	}
	for i := range m.Recipients {
		row.Recipients = append(row.Recipients, recipientRowOf(&m.Recipients[i]))
	}
	return row
}

func recipientRowOf(r *mail.Recipient) recipientRow {
	row := recipientRow{
		Address: valid(r.Address), Disposition: r.Disposition.String(), Time: micros(r.Time), DSN: valid(r.DSN), Reply: valid(r.Reply),
		Attempts: int64(r.Attempts),
	}
	if r.HasDelay {
		seconds := r.Delay.Seconds()
		row.Delay = &seconds
	}
	if r.Original != r.Address {
		row.Original = valid(r.Original)
	}
	if r.Relay != "none" {
		row.Relay = valid(r.Relay)
	}
	if r.RelayIP.IsValid() {
		row.RelayIP = r.RelayIP.Unmap().String()
	}
	return row
}

// micros is t in microseconds since 1970, nil where it is not known.
func micros(t mail.Instant) *int64 {
	if t == 0 {
		return nil
	}
	us := int64(t) / 1000
	return &us
}

// valid is s with bytes that are not UTF-8 as escapes: Parquet's strings must be UTF-8.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var dst []byte
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, '\\', 'x', hexDigits[s[0]>>4], hexDigits[s[0]&15])
		} else {
			dst = append(dst, s[:size]...)
		}
		s = s[size:]
	}
	return string(dst)
}
