package mail

import (
	"net/netip"
	"strings"
)

// RecentClients remembers the clients that Postfix's processes named last. All lines of a session are of one process and name the
// same client, and to compare its text is several times faster than to take it apart. What a line means does not depend on it. The
// zero value remembers nothing; it may be used by one goroutine at a time.
type RecentClients [64]recentClient // by the lowest bits of the PID, as a busy server has some dozens of processes

// recentClient is a client, and the text that names it. The text is a copy: that of a line is overwritten by later ones.
type recentClient struct {
	text   [80]byte // name[address]; longer ones are not remembered
	length uint8    // of text; 0: there is none
	name   uint8    // length of the name
	ip     netip.Addr
}

// Cut is Client.Cut for a line that the process pid wrote. r may be nil.
func (r *RecentClients) Cut(s string, pid int, c *Client) (rest string, ok bool) {
	if r == nil {
		return c.Cut(s)
	}
	last := &r[uint(pid)%uint(len(r))]
	if n := int(last.length); n > 0 && n <= len(s) && string(last.text[:n]) == s[:n] {
		c.Name, c.IP = s[:last.name], last.ip
		c.Port, rest = cutPort(s[n:])
		return rest, true
	}
	if rest, ok = c.Cut(s); ok {
		last.remember(s, c)
	}
	return rest, ok
}

// remember keeps the client with which s begins.
func (last *recentClient) remember(s string, c *Client) {
	n := len(c.Name) + strings.IndexByte(s[len(c.Name):], ']') + 1
	if n > len(last.text) {
		return
	}
	copy(last.text[:], s[:n])
	last.length, last.name, last.ip = uint8(n), uint8(len(c.Name)), c.IP
}
