# Everything a developer needs. Go alone is enough for all but `make bench`, which wants the tools that it compares with.

GO ?= go
STATICCHECK = $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 1m
# Megabytes of log that `make bench` writes and reads, and how often it measures.
SIZE ?= 1000
RUNS ?= 3

.PHONY: all build test race check fuzz bench eval docs golden clean

all: check test build

## build: the program, as it is shipped
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w -X main.version=$(VERSION)' -o mailforensics ./cmd/mailforensics

## test: every test, in random order
test:
	$(GO) test -shuffle=on ./...

## race: every test under the race detector
race:
	$(GO) test -race ./...

## check: what needs no run: format, vet, staticcheck
check:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(STATICCHECK) ./...

## fuzz: every fuzz target for FUZZTIME; hardly any of it is spent on making inputs shorter, which else takes most
fuzz:
	@grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file" | while read -r target; do \
			echo "$$(dirname "$$file") $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "$$(dirname "$$file")" || exit 1; \
		done || exit 1; \
	done

## bench: against grep, ripgrep, pflogsumm, eximstats and exigrep, on SIZE MB of generated log; docs/benchmarks.md
bench:
	$(GO) run ./bench -size $(SIZE) -runs $(RUNS)

## eval: what is found in the samples against what is known to be in them
eval:
	$(GO) test -count=1 -run '^TestEval$$' -v ./samples

## docs: man pages, completions, pages, pictures, and the output of every command in the documents
docs:
	$(GO) test -count=1 -run '^Test(ManPages|Completions|DetectorPages|ThresholdPage|ReadmeIsOfThisProgram|Pictures|Docs)$$' ./cmd/mailforensics -update

## golden: rewrite every expectation; the diff is the review
golden:
	@for package in $$(grep -rlE --include='*_test.go' 'flag\.Bool\("update"|parsetest\.' . | xargs -n1 dirname | sort -u); do \
		$(GO) test "$$package" -update || exit 1; \
	done

clean:
	rm -f mailforensics
