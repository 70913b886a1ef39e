// Mailforensics reads mail logs and says who abused the server, when, how much, and how they got in.
//
// This package joins the stages (logfile, ingest, correlate, analyze, report) and is the only one that reads flags, the
// environment, the clock and the terminal. main.go runs a command and turns its error into an exit status; root.go turns
// flags into settings, once; scan.go joins the stages; every command has a file.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // for containers and machines without zoneinfo: --tz, and the zone that a log proves, must not depend on them

	"github.com/spf13/cobra"

	"mailforensics/where"
)

// Exit statuses.
const (
	exitDone        = 0   // whatever was found
	exitInput       = 1   // an input could not be read, or was no mail log; or the output could not be written
	exitUsage       = 2   // wrong flags or arguments
	exitFound       = 3   // a finding reaches --fail-on
	exitInterrupted = 130 // 128 + SIGINT, as shells have it
)

func main() {
	tuneMemory()
	ctx, stop := interruptible()
	status := run(ctx, os.Args[1:], console{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(status)
}

// console is what a command talks to.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// run executes a command line and returns the exit status.
func run(ctx context.Context, args []string, c console) int {
	root, state := newRoot(c)
	text := &helpText{Writer: c.out}
	root.SetOut(text)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case text.err != nil:
		err = text.err
	case err != nil && !state.started:
		err = misunderstood(root, args, err)
	}
	return explain(err, c.err)
}

// helpText remembers that help, a version or a completion could not be written, which cobra does not tell.
type helpText struct {
	io.Writer
	err error
}

func (h *helpText) Write(p []byte) (int, error) {
	n, err := h.Writer.Write(p)
	h.err = cmp.Or(h.err, err)
	return n, err
}

// usageError is a mistake of the user, with a hint where it can be guessed.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// wrong is a usageError without a hint.
func wrong(format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...)}
}

// misunderstood is cobra's error of a command line, as a usageError: an unknown command, for which the nearest is named, a log
// without a command, or an unknown flag.
func misunderstood(root *cobra.Command, args []string, err error) error {
	if _, ok := errors.AsType[*usageError](err); ok {
		return err
	}
	e := &usageError{err: err, hint: commandsHint}
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			continue
		}
		if _, err := os.Stat(arg); err == nil {
			e.hint = "a command comes before the files: mailforensics investigate " + arg
			break
		}
		if near := where.Nearest(arg, commandWords(root)); near != "" {
			e.hint = "did you mean mailforensics " + near + "?"
			break
		}
	}
	return e
}

const commandsHint = "mailforensics --help lists the commands"

// wrongValue is a flag that has a value which is not one of the allowed ones.
func wrongValue(flag, value string, allowed []string) error {
	e := &usageError{err: fmt.Errorf("--%s %q: want one of %s", flag, value, strings.Join(allowed, ", "))}
	if near := where.Nearest(value, allowed); near != "" {
		e.hint = "did you mean " + near + "?"
	}
	return e
}

// errSeverity says that a finding reached --fail-on. It is no failure, and nothing is printed.
var errSeverity = errors.New("a finding reaches --fail-on")

// errReported is an input that could not be read and was named already.
var errReported = errors.New("an input could not be read")

// hinted is an error with advice.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// explain says what went wrong and returns the exit status.
func explain(err error, stderr io.Writer) int {
	usage, isUsage := errors.AsType[*usageError](err)
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE): // a closed pipe: the reader has seen enough
		return exitDone
	case errors.Is(err, errSeverity):
		return exitFound
	case errors.Is(err, errReported):
		return exitInput
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case isUsage:
		say(stderr, usage.Error())
		if usage.hint != "" {
			hint(stderr, usage.hint)
		}
		return exitUsage
	}
	say(stderr, err.Error())
	if h, ok := errors.AsType[*hinted](err); ok {
		hint(stderr, h.hint)
	}
	return exitInput
}

// interruptible is a context that the first SIGINT or SIGTERM ends, so that a --follow can say what it knows and a temporary
// file is removed. Who is not done soon after, or gets a second signal, is ended.
func interruptible() (context.Context, context.CancelFunc) {
	signal.Ignore(syscall.SIGPIPE) // a write to a closed pipe is an error then, which explain takes for success
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		select {
		case <-signals:
		case <-time.After(patience):
		}
		os.Exit(exitInterrupted)
	}()
	return ctx, cancel
}

// patience is how long the end may take after a signal: the report of a --follow is written within it.
const patience = 10 * time.Second
