package chat

import (
	"errors"

	"github.com/ardanlabs/jinja"
)

// Limits on one rendering. Sizes grow with what the template is given: a long conversation makes a long prompt.
const (
	maxSteps  = 1_000_000
	maxCalls  = 100 // macros inside each other
	maxText   = 4 << 20
	maxValues = 300_000 // in one value
	maxLevels = 100     // of values inside each other
)

// errTooMuch is the fault of the template, not of the conversation.
var errTooMuch = errors.New("the template does more than a template may")

// budget is what one rendering may still use.
type budget struct {
	steps, text, calls int
	largest            int
}

func newBudget(given int) *budget {
	return &budget{steps: maxSteps, text: 8*given + maxText, largest: 4*given + maxText/4, calls: maxCalls}
}

// pay takes from the budget, or fails.
func (b *budget) pay(steps, text int) error {
	b.steps -= steps
	b.text -= text
	if b.steps < 0 || b.text < 0 {
		return errTooMuch
	}
	return nil
}

// measure walks through a value: it may be large, but not larger than the limit, and must end.
func (b *budget) measure(v jinja.Value, level int, left, text *int) error {
	*left--
	if level > maxLevels || *left < 0 {
		return errTooMuch
	}
	switch {
	case v.IsString():
		if *text -= len(v.AsString()); *text < 0 {
			return errTooMuch
		}
	case v.IsList():
		for _, item := range v.AsList().Items {
			if err := b.measure(item, level+1, left, text); err != nil {
				return err
			}
		}
	case v.IsDict():
		for _, key := range v.AsDict().Keys {
			*text -= len(key)
			if err := b.measure(v.AsDict().Data[key], level+1, left, text); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *budget) check(values []jinja.Value) error {
	left, text := maxValues, b.largest
	for _, v := range values {
		if err := b.measure(v, 0, &left, &text); err != nil {
			return err
		}
	}
	return b.pay(maxValues-left, 0)
}

// guards are the functions that guarded writes calls of.
func (b *budget) guards(vars map[string]jinja.Value) {
	set := func(name string, f func(args []jinja.Value) (jinja.Value, error)) {
		vars[name] = jinja.NewCallable(name, func(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) { return f(args) })
	}
	none := jinja.None()
	set(guardTick, func(args []jinja.Value) (jinja.Value, error) {
		return none, b.pay(1, int(args[0].AsInt()))
	})
	set(guardEnter, func(args []jinja.Value) (jinja.Value, error) {
		if b.calls--; b.calls < 0 {
			return none, errTooMuch
		}
		return none, b.check(args)
	})
	set(guardLeave, func([]jinja.Value) (jinja.Value, error) { b.calls++; return none, nil })
	set(guardSize, func(args []jinja.Value) (jinja.Value, error) { return none, b.check(args) })
	set(guardOut, func(args []jinja.Value) (jinja.Value, error) {
		if len(args) == 0 {
			return none, nil
		}
		if err := b.check(args); err != nil {
			return none, err
		}
		text := str(args[0])
		return jinja.NewString(text), b.pay(1, len(text))
	})
}
