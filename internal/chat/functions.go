package chat

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ardanlabs/jinja"
)

// refusal is what a template says itself with raise_exception.
type refusal struct{ message string }

func (r refusal) Error() string { return r.message }

// maxRange is how many numbers range may make.
const maxRange = 100_000

// functions are those that templates expect beside the library's, or in place of them.
func (b *budget) functions(vars map[string]jinja.Value, now func() time.Time) {
	set := func(name string, f func(args []jinja.Value, named map[string]jinja.Value) (jinja.Value, error)) {
		vars[name] = jinja.NewCallable(name, f)
	}
	set("raise_exception", func(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
		message := "it gives no reason"
		if len(args) > 0 {
			message = str(args[0])
		}
		return jinja.None(), refusal{message}
	})
	set("strftime_now", func(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
		format := "%Y-%m-%d"
		if len(args) > 0 {
			format = str(args[0])
		}
		return jinja.NewString(strftime(now(), format)), nil
	})
	set("dict", func(args []jinja.Value, named map[string]jinja.Value) (jinja.Value, error) {
		d := jinja.NewDict() // the library has lost the order of named arguments: the same one every time at least
		for _, k := range slices.Sorted(maps.Keys(named)) {
			d.AsDict().Set(k, named[k])
		}
		return d, nil
	})
	set("range", func(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) { return b.numbers(args) })
	for name, f := range textFunctions {
		set(guardPrefix+name, func(args []jinja.Value, named map[string]jinja.Value) (jinja.Value, error) {
			if len(args) == 0 {
				return jinja.None(), fmt.Errorf("%s needs a value", name)
			}
			return f(b, args, named)
		})
	}
	set(guardPrefix+"tojson", func(args []jinja.Value, named map[string]jinja.Value) (jinja.Value, error) {
		if len(args) == 0 {
			return jinja.None(), fmt.Errorf("tojson needs a value")
		}
		if err := b.check(args[:1]); err != nil {
			return jinja.None(), err
		}
		w := jsonStyleOf(args[1:], named)
		w.write(args[0], 0)
		return jinja.NewString(w.out.String()), b.pay(1, w.out.Len())
	})
}

func (b *budget) numbers(args []jinja.Value) (jinja.Value, error) {
	n := make([]int64, len(args))
	for i, a := range args {
		if !a.IsInt() {
			return jinja.None(), fmt.Errorf("range needs whole numbers")
		}
		n[i] = a.AsInt()
	}
	start, stop, step := int64(0), int64(0), int64(1)
	switch len(n) {
	case 1:
		stop = n[0]
	case 2:
		start, stop = n[0], n[1]
	case 3:
		start, stop, step = n[0], n[1], n[2]
	default:
		return jinja.None(), fmt.Errorf("range needs one, two or three numbers")
	}
	if step == 0 {
		return jinja.None(), fmt.Errorf("range needs a step that is not 0")
	}
	const far = 1 << 40
	if max(start, stop, step) > far || min(start, stop, step) < -far {
		return jinja.None(), errTooMuch
	}
	var items []jinja.Value
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(items) == maxRange {
			return jinja.None(), errTooMuch
		}
		items = append(items, jinja.NewInt(i))
	}
	return jinja.NewList(items), b.pay(len(items), 0)
}

// strftime writes a time in C's format, as far as prompts use it.
func strftime(t time.Time, format string) string {
	layouts := map[byte]string{
		'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
		'B': "January", 'b': "Jan", 'h': "Jan", 'A': "Monday", 'a': "Mon", 'Z': "MST", 'z': "-0700",
		'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'D': "01/02/06", 'j': "002",
	}
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out.WriteByte(format[i])
			continue
		}
		i++
		pad := true
		if format[i] == '-' && i+1 < len(format) { // %-d: without the leading zero
			i, pad = i+1, false
		}
		layout, ok := layouts[format[i]]
		switch {
		case format[i] == '%':
			out.WriteByte('%')
		case !ok:
			out.WriteString(format[i-1 : i+1])
		case pad:
			out.WriteString(t.Format(layout))
		default:
			out.WriteString(strings.TrimLeft(t.Format(layout), "0 "))
		}
	}
	return out.String()
}
