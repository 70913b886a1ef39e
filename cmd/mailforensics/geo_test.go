package main

import (
	"bytes"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/rogpeppe/go-internal/testscript"
)

// mmdb makes a database as --geo wants it: mmdb FILE NETWORK asn=N,country=CC …
// With "damaged" as the last argument, its records point outside of it: it opens, and fails when it is asked.
func mmdb(ts *testscript.TestScript, neg bool, args []string) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", RecordSize: 24, IncludeReservedNetworks: true})
	ts.Check(err)
	damaged := args[len(args)-1] == "damaged"
	if damaged {
		args = args[:len(args)-1]
	}
	for i := 1; i+1 < len(args); i += 2 {
		_, network, err := net.ParseCIDR(args[i])
		ts.Check(err)
		record := make(mmdbtype.Map)
		for pair := range strings.SplitSeq(args[i+1], ",") {
			name, value, _ := strings.Cut(pair, "=")
			switch name {
			case "asn":
				n, err := strconv.ParseUint(value, 10, 32)
				ts.Check(err)
				record["autonomous_system_number"] = mmdbtype.Uint32(n)
			case "country":
				record["country"] = mmdbtype.Map{"iso_code": mmdbtype.String(value)}
			}
		}
		ts.Check(tree.Insert(network, record))
	}
	var out bytes.Buffer
	_, err = tree.WriteTo(&out)
	ts.Check(err)
	data := out.Bytes()
	if damaged {
		data[bytes.Index(data, []byte("iso_code"))-1] = 0x5f // a string that is longer than the file
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o666))
}
