package models

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// llorch is what the older llorch-models script left: .test-models in the working directory, a folder for each short
// name, and in it the file as the hub calls it. The table is written out: it must not follow ours.
var llorch = map[string]string{
	"tinyllama": "tinyllama/tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf",
	"qwen":      "qwen/qwen2.5-0.5b-instruct-q4_k_m.gguf",
	"phi3":      "phi3/Phi-3-mini-4k-instruct-q4.gguf",
	"llama3":    "llama3/Meta-Llama-3-8B-Instruct.Q4_K_M.gguf",
	"llama2":    "llama2/llama-2-7b.Q8_0.gguf",
}

func TestATreeOfTheOlderScriptWorksAsItIs(t *testing.T) {
	p := newPlace(t)
	for _, path := range llorch {
		p.model(".test-models/" + path)
	}
	for name, path := range llorch {
		p.finds(name, ".test-models/"+path)
		p.finds(strings.ToUpper(name), ".test-models/"+path)
		p.finds(".test-models/"+path, ".test-models/"+path)
		if w, err := WantOf(name, p.env); err != nil || w == nil || !strings.HasSuffix(table[name], "/"+filepath.Base(path)) {
			t.Errorf("%s: a download would bring another file: %+v, %v", name, w, err)
		}
	}
	all, err := List(context.Background(), p.env)
	if err != nil || len(all) != len(llorch) {
		t.Errorf("%d listed, want %d: %v", len(all), len(llorch), err)
	}
}
