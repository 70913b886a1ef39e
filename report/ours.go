package report

import (
	"cmp"

	"mailforensics/analyze"
)

// isOwn reports whether a client is a host of ours, as far as the logs tell.
func isOwn(r *Report, c *analyze.ClientCount) bool {
	return c.IP.Unmap().IsLoopback() || r.Site != nil && r.Site.IsOwnClient(&c.Client)
}

// behindIt reports whether the one client of a finding may stand for all who come in by it: a router, a proxy, Docker's gateway.
func behindIt(f *analyze.Finding) bool {
	c := &f.Clients[0].Client
	return c.IP.IsPrivate() && (c.Name == "" || c.Name == "unknown")
}

// ownHost is the name of the one client of a finding that is about it, where that is a host of ours and another machine.
func ownHost(r *Report, f *analyze.Finding) string {
	if f.Subject.Kind != analyze.IP && f.Subject.Kind != analyze.Sender || len(f.Clients) != 1 || isLoopback(f) || !isOwn(r, &f.Clients[0]) {
		return ""
	}
	return cmp.Or(f.Clients[0].Name, f.Clients[0].IP.String())
}
