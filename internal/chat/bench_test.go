package chat

import (
	"os"
	"testing"
)

// BenchmarkRender shows what a request pays for its template: a short conversation with tools.
func BenchmarkRender(b *testing.B) {
	c := readConversations(b)
	tpl := family(b, "qwen-tools")
	for b.Loop() {
		if _, err := tpl.Render(messagesOf(c.Call), Options{ToolsJSON: string(c.Tools), AddGenerationPrompt: true}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParse shows what a worker pays once for its model's template, with the trials of what it can show.
func BenchmarkParse(b *testing.B) {
	source, err := os.ReadFile("testdata/families/qwen-tools.jinja")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Parse(string(source), "<s>", "</s>"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkToolParser shows what an answer's text costs on its way, four bytes at a time.
func BenchmarkToolParser(b *testing.B) {
	text := "Text that is no call, <b>but</b> has tags. "
	p := NewToolParser(FormatHermes, weather)
	b.SetBytes(4)
	i := 0
	for b.Loop() {
		p.Push(text[i : i+4])
		i = (i + 4) % (len(text) - 4)
	}
}
