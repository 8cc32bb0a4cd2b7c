package chat

import (
	"strings"
	"testing"

	"rbee/internal/fault"
)

func TestATemplateCannotDoWithoutEnd(t *testing.T) {
	user := []Message{{Role: "user", Content: "hello"}}
	double := func(n int) string { return strings.Repeat("{% set x = x ~ x %}", n) }
	for name, source := range map[string]string{
		"loops in loops":            strings.Repeat("{% for i in range(90000) %}", 4) + "x" + strings.Repeat("{% endfor %}", 4),
		"a range without end":       "{% for i in range(1000000000000) %}{% endfor %}",
		"a macro that calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
		"macros that call each other": "{% macro f(g) %}{{ g(f) }}{% endmacro %}{% macro h(k) %}{{ k(h) }}{% endmacro %}" +
			"{{ f(h) }}",
		"a macro with a growing argument":  "{% macro f(x) %}{{ f(x ~ x) }}{% endmacro %}{{ f('aaaaaaaa') }}",
		"doubling text":                    "{% set x = 'aaaaaaaa' %}" + double(60),
		"doubling a list":                  "{% set x = ['a'] %}" + strings.Repeat("{% set x = [x, x] %}", 60) + "{{ x }}",
		"doubling a block":                 "{% set x %}aaaaaaaa{% endset %}" + strings.Repeat("{% set x %}{{ x }}{{ x }}{% endset %}", 60),
		"a list in itself":                 "{% set x = ['a'] %}{% set y = x.append(x) %}{{ x }}",
		"a namespace in itself":            "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
		"a namespace in itself as JSON":    "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns | tojson }}",
		"text in a loop":                   "{% for i in range(100000) %}" + strings.Repeat("a", 10000) + "{% endfor %}",
		"writing one text again and again": "{% set x = 'a' %}" + double(19) + strings.Repeat("{{ x }}", 3000),
		"a replacement that multiplies":    "{% set x = 'a' %}" + double(19) + "{% set y = x.replace('a', x) %}",
		"a filter that multiplies":         "{% set x = 'a' %}" + double(19) + "{{ x | replace('a', x) }}",
		"a join that multiplies":           "{% set x = 'a' %}" + double(19) + "{{ x | join(x) }}",
		"a loop in a condition":            "{% for i in range(100000) if range(100000) | length > 5 %}{% endfor %}",
	} {
		t.Run(name, func(t *testing.T) {
			tpl, err := Parse(source, "", "")
			if err == nil {
				_, err = tpl.Render(user, Options{})
			}
			if fault.CodeOf(err) != fault.ModelCorrupt {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestATemplateThatCannotBeUsedIsRefusedWhenItIsRead(t *testing.T) {
	for name, source := range map[string]string{
		"a power of a text":     "{{ 'a' * 100000000000 }}",
		"products of texts":     "{% set n = 100000000000 %}{{ 'a' * n }}",
		"powers":                "{{ 9 ** 9 ** 9 }}",
		"nested brackets":       "{{ " + strings.Repeat("(", 100000) + "1" + strings.Repeat(")", 100000) + " }}",
		"nested blocks":         strings.Repeat("{% if true %}", 100000) + strings.Repeat("{% endif %}", 100000),
		"a chain of terms":      "{{ " + strings.Repeat("x ~ ", 5000) + "x }}",
		"too long":              strings.Repeat("a", maxSource+1),
		"a guard's name":        "{% set rbee_out = 1 %}",
		"a file":                "{% include '/etc/passwd' %}",
		"a tag that is open":    "{% if x",
		"a string that is open": "{{ 'a }}",
		"a block that is open":  "{% for x in y %}",
		"an end too many":       "{% endset %}",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(source, "", ""); fault.CodeOf(err) != fault.ModelCorrupt {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestALongConversationIsNotTooMuch(t *testing.T) {
	tpl, err := Parse("{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}", "", "")
	if err != nil {
		t.Fatal(err)
	}
	var messages []Message
	for range 5000 {
		messages = append(messages, Message{Role: "user", Content: strings.Repeat("hello ", 200)})
	}
	got, err := tpl.Render(messages, Options{})
	if err != nil || len(got) < 5000*1200 {
		t.Error(len(got), err)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("{% for m in messages %}{{ m.role ~ m.content | trim }}{% endfor %}{% if x is defined %}{{ x[1:] }}{% endif %}")
	f.Add("{%- set ns = namespace(a=1) -%}{% macro f(a, b=2) %}{{ a | tojson(indent=2) }}{% endmacro %}{{ f({'k': [1, 2.5]}) }}")
	f.Fuzz(func(t *testing.T, source string) {
		tpl, err := Parse(source, "<s>", "</s>")
		if err == nil {
			_, err = tpl.Render([]Message{{Role: "user", Content: "hello"}}, Options{AddGenerationPrompt: true})
		}
		if c := fault.CodeOf(err); err != nil && c != fault.ModelCorrupt && c != fault.InvalidRequest {
			t.Errorf("%T %v", err, err)
		}
	})
}
