package logfile

import (
	"sync/atomic"
	"time"
)

// Progress counts the bytes on disk that were read, and those that will be. It may be used from any goroutine.
type Progress struct {
	total int64
	read  atomic.Int64
}

// NewProgress returns the progress of reading all the inputs.
func NewProgress(inputs []*Input) *Progress {
	p := &Progress{}
	for _, in := range inputs {
		if in.Size < 0 {
			p.total = -1
			break
		}
		p.total += in.Size
	}
	return p
}

// Read returns the number of bytes read so far.
func (p *Progress) Read() int64 { return p.read.Load() }

// Total returns the number of bytes that will be read; -1: not known, because an input is a pipe.
func (p *Progress) Total() int64 { return p.total }

// Left returns the time that the rest will take at the rate so far, where elapsed is the time since the start; 0: not known.
func (p *Progress) Left(elapsed time.Duration) time.Duration {
	read := p.Read()
	if read == 0 || p.total <= read {
		return 0
	}
	return time.Duration(float64(elapsed) * float64(p.total-read) / float64(read))
}
