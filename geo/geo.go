// Package geo looks up the network (ASN) and the country of an address in .mmdb files of the user, such as GeoLite2 and databases
// in the same format. It knows nothing of mail, and opens no connection.
package geo

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// cacheSize bounds the answers that a DB remembers. The same clients come again and again: 4,096 are those of a busy hour.
const cacheSize = 4096

// DB answers from one or more files. It may be used by one goroutine at a time. A nil DB knows nothing.
type DB struct {
	files []file
	cache map[netip.Addr]Place
	err   error // the first record that could not be read
}

type file struct {
	path string
	*maxminddb.Reader
}

// Place is what is known of an address. A zero field is not known.
type Place struct {
	ASN     uint32
	Org     string // the name of the network's holder
	Country string // ISO 3166-1 alpha-2
}

// Open reads the files. A file that cannot be used is an error that names it; the DB of the others is still returned, and is never
// nil.
func Open(paths []string) (*DB, []error) {
	db := &DB{cache: make(map[netip.Addr]Place)}
	var errs []error
	for _, path := range paths {
		r, err := openFile(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
			continue
		}
		db.files = append(db.files, file{path, r})
	}
	return db, errs
}

// openFile reads a file into memory. It is not mapped: a mapped file that is truncated kills the program with SIGBUS.
func openFile(path string) (*maxminddb.Reader, error) {
	text, err := os.ReadFile(path)
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, pathErr.Err // Open names the path
	}
	if err != nil {
		return nil, err
	}
	r, err := maxminddb.OpenBytes(text)
	if err != nil {
		return nil, fmt.Errorf("not a usable .mmdb database: %w", err)
	}
	return r, nil
}

// Empty reports whether there is no file to ask.
func (db *DB) Empty() bool { return len(db.files) == 0 }

// Close releases the files.
func (db *DB) Close() {
	for _, f := range db.files {
		f.Close()
	}
}

// Err returns the first damage that Lookup met; nil: none. Open does not verify whole files, which would take longer than reading
// the log.
func (db *DB) Err() error { return db.err }

// record holds the fields of GeoLite2-ASN, GeoLite2-Country, GeoLite2-City and databases with the same layout.
// https://dev.maxmind.com/geoip/docs/databases
type record struct {
	ASN     uint32 `maxminddb:"autonomous_system_number"`
	Org     string `maxminddb:"autonomous_system_organization"`
	Country struct {
		ISO string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Registered struct {
		ISO string `maxminddb:"iso_code"`
	} `maxminddb:"registered_country"`
}

// Lookup returns what the files know of ip. Later files fill in what earlier ones leave open.
func (db *DB) Lookup(ip netip.Addr) Place {
	if db == nil || len(db.files) == 0 || !ip.IsValid() {
		return Place{}
	}
	ip = ip.Unmap().WithZone("")
	if place, ok := db.cache[ip]; ok {
		return place
	}
	var place Place
	for _, f := range db.files {
		if ip.Is6() && f.Metadata.IPVersion == 4 {
			continue // the lookup would fail, which is no damage
		}
		if err := place.fill(f.Lookup(ip)); err != nil && db.err == nil {
			db.err = fmt.Errorf("%s: %s: damaged .mmdb database: %w", f.path, ip, err)
		}
	}
	if len(db.cache) >= cacheSize {
		clear(db.cache)
	}
	db.cache[ip] = place
	return place
}

// fill adds what p does not know yet.
func (p *Place) fill(found maxminddb.Result) error {
	if err := found.Err(); err != nil || !found.Found() {
		return err
	}
	var r record
	if err := found.Decode(&r); err != nil || r == (record{}) {
		if r, err = flat(found); err != nil {
			return err
		}
	}
	if p.ASN == 0 {
		p.ASN, p.Org = r.ASN, r.Org
	}
	if p.Country == "" {
		p.Country = cmp.Or(r.Country.ISO, r.Registered.ISO)
	}
	return nil
}

// flat reads a record of publishers that do not nest fields, as IPinfo and others: asn is "AS3209" or 3209, country_code "DE",
// country the code or the name. Unknown fields are no error.
func flat(found maxminddb.Result) (record, error) {
	var fields map[string]any
	if err := found.Decode(&fields); err != nil {
		return record{}, err
	}
	var r record
	for _, name := range []string{"as_name", "as_organization", "org"} {
		if org, ok := fields[name].(string); ok && r.Org == "" {
			r.Org = org
		}
	}
	for _, name := range []string{"country_code", "country"} {
		if iso, ok := fields[name].(string); ok && len(iso) == 2 && r.Country.ISO == "" {
			r.Country.ISO = iso
		}
	}
	text := strings.TrimPrefix(fmt.Sprint(fields["asn"]), "AS")
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		r.ASN = uint32(n)
	}
	return r, nil
}
