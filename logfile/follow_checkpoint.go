package logfile

import (
	"crypto/sha256"
	"encoding/hex"
)

// A Checkpoint is the place up to which the lines of a log were handed out: which file, and where in it. The file is identified
// by its first bytes, because these stay the same when it is renamed, copied or compressed; device and inode do not. The zero
// value, which FollowPipe saves, is no place that can be resumed from.
type Checkpoint struct {
	Head     string `json:"head"`      // SHA-256 of the first HeadSize bytes, hex
	HeadSize int    `json:"head_size"` // at most 1024
	Offset   int64  `json:"offset"`    // of the first byte that was not handed out, from 0
	Line     int64  `json:"line"`      // number of the line that begins there, from 1
}

const checkpointHead = 1024

// save reports the place that was reached. The middle of a line that was cut is none: nobody could go on from there.
func (f *follower) save() {
	if f.o.Saved == nil || f.current.split.skipping {
		return
	}
	d := f.current
	head := make([]byte, min(d.offset, checkpointHead))
	n, _ := d.file.ReadAt(head, 0)
	f.o.Saved(Checkpoint{Head: sumOf(head[:n]), HeadSize: n, Offset: d.offset - int64(d.split.n), Line: d.split.line})
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// identifies reports whether a file that begins with head is the one that c is a place in.
func (c *Checkpoint) identifies(head []byte) bool {
	return len(head) >= c.HeadSize && sumOf(head[:c.HeadSize]) == c.Head
}

// resume continues at the checkpoint, and reports whether that is in this file.
func (d *followed) resume(c *Checkpoint) bool {
	head := make([]byte, checkpointHead)
	n, _ := d.file.ReadAt(head, 0)
	info, err := d.file.Stat()
	if err != nil || info.Size() < c.Offset || c.HeadSize > checkpointHead || !c.identifies(head[:n]) {
		return false
	}
	d.offset, d.split.line = c.Offset, c.Line
	return true
}
