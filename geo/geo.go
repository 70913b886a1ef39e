// Package geo tells the network (ASN) and the country of an address from .mmdb files that the user has, such as GeoLite2
// and its free likenesses. It knows nothing of mail, and never asks the network.
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

// cacheSize bounds the answers that a DB remembers. A log asks for the same clients over and over: 4,096 of them are the
// active ones of a busy hour.
const cacheSize = 4096

// DB answers from one or more files. It is for one goroutine.
type DB struct {
	files []file
	cache map[netip.Addr]Place
	err   error // the first record that could not be read
}

type file struct {
	path string
	*maxminddb.Reader
}

// Place is what is known of an address; a zero field is not known.
type Place struct {
	ASN     uint32
	Org     string // the name of the network's holder
	Country string // ISO 3166-1 alpha-2
}

// Open reads the files. A file that cannot be used is an error that names it; the DB of the others is returned with it, so
// that what is known can still be said.
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

// openFile reads a file into memory: a mapped file that is replaced while we look into it would kill the program.
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

// Err is the first damage met while looking: verifying whole files beforehand would cost more than the log does.
func (db *DB) Err() error { return db.err }

// record holds the fields of GeoLite2-ASN, -Country and -City, and of the databases that are laid out as these are.
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

// Look says what the files know of ip. Later files fill what earlier ones left open.
func (db *DB) Look(ip netip.Addr) Place {
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
			continue // it knows of no such address, which is no damage
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

// fill takes over what p does not know yet.
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

// flat reads a record of the publishers that write plain texts: asn as "AS3209" or 3209, country_code as "DE", country as
// the code or the name. Only what no record could hold is damage.
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
