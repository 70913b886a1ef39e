package logfile

// converted is a reader of what fill makes of another reader.
type converted struct {
	fill func(out []byte) ([]byte, error) // appends what comes next, within the capacity of out; error: that of the source, which has ended
	out  []byte                           // not read yet; in room
	room [4096]byte                       // for out
	err  error                            // of fill; returned when out is empty
}

func (c *converted) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.out, c.err = c.fill(c.room[:0])
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}
