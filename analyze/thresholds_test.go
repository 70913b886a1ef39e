package analyze

import (
	"math"
	"reflect"
	"testing"
	"time"
)

func TestThresholds(t *testing.T) {
	limits := DefaultThresholds()
	good := func(name string, value any) {
		t.Helper()
		if err := limits.Set(name, value); err != nil {
			t.Error(err)
		}
	}
	bad := func(name string, value any) {
		t.Helper()
		if limits.Set(name, value) == nil {
			t.Errorf("%s = %v was accepted", name, value)
		}
	}
	good("burst.min-messages", int64(5))
	good("burst.span", "5m")
	good("score.low", 0.3)
	good("score.high", int64(1))
	bad("burst.min-messages", "many")
	bad("burst.min-messages", int64(-1))
	bad("burst.span", int64(5))
	bad("burst.span", "-5m")
	bad("score.low", "low")
	bad("score.low", math.NaN()) // TOML has it, and nothing is more than it
	bad("relay.random", math.Inf(1))
	bad("burst.spam", int64(5)) // no such
	if limits.Burst.MinMessages != 5 || limits.Burst.Span != 5*time.Minute || limits.Score.Low != 0.3 || limits.Score.High != 1 {
		t.Errorf("got %+v", limits)
	}
}

// A field without a key could not be set, and two keys for one field would be a mistake.
func TestThresholdKeys(t *testing.T) {
	var limits Thresholds
	fields := 0
	for _, group := range reflect.ValueOf(limits).Fields() {
		fields += group.NumField()
	}
	names, values := make(map[string]bool), make(map[any]bool)
	for _, key := range limits.Keys() {
		names[key.Name], values[key.Value] = true, true
	}
	if len(names) != fields || len(values) != fields {
		t.Errorf("%d names and %d values of %d fields", len(names), len(values), fields)
	}
}
