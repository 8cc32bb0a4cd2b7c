package api

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Validate returns the first field that is wrong, as a *FieldError, or nil. It is run by the command line, before
// anything is started, and again by the queen, which trusts nobody.
func (r *GenerateRequest) Validate() error {
	for _, e := range []*FieldError{
		identifier("id", r.ID),
		name("model", r.Model, MaxNameBytes, true),
		nodes("node", r.Node),
		name("cwd", r.Cwd, MaxNameBytes, false),
		absolute("cwd", r.Cwd),
		name("models_dir", r.ModelsDir, MaxNameBytes, false),
		name("env_models_dir", r.EnvModelsDir, MaxNameBytes, false),
		r.input(),
		within("max_tokens", r.MaxTokens, 1, MaxTokens),
		between("temperature", r.Temperature, 0, 2),
		within("top_k", r.TopK, 0, MaxTopK),
		between("top_p", r.TopP, 0, 1),
		between("min_p", r.MinP, 0, 1),
		positive("repeat_penalty", r.RepeatPenalty, MaxPenalty),
		within("seed", r.Seed, 0, MaxSeed),
		stops(r.Stop),
		within("context", r.Context, 1, MaxContext),
		within("threads", r.Threads, 1, MaxThreads),
		backend("backend", r.Backend),
		device("device", r.Device, r.Backend),
		within("gpu_layers", r.GPULayers, 0, MaxGPULayers),
		worker("worker", r.Worker),
		within("deadline_ms", r.DeadlineMS, 1, MaxDeadlineMS),
		within("grace_ms", r.GraceMS, 0, MaxGraceMS),
		keepAlive("keep_alive", r.KeepAlive),
		traceparent("traceparent", r.Traceparent),
	} {
		if e != nil {
			return e
		}
	}
	return nil
}

// input checks what the model is to read: a prompt (with or without a system text), or messages, never both.
func (r *GenerateRequest) input() *FieldError {
	if len(r.Messages) > 0 {
		switch {
		case r.Prompt != "":
			return &FieldError{"prompt", shown(r.Prompt), "nothing when messages are given"}
		case r.System != "":
			return &FieldError{"system", shown(r.System), "nothing when messages are given: make it the first of them"}
		case r.Raw:
			return &FieldError{"raw", "true", "false when messages are given"}
		}
		return r.chat()
	}
	if r.Prompt == "" || !r.Raw && strings.TrimSpace(r.Prompt) == "" {
		return &FieldError{"prompt", "empty", "some text"}
	}
	if r.Raw && r.System != "" {
		return &FieldError{"system", shown(r.System), "nothing when the prompt is raw: write it into the prompt"}
	}
	if n := len(r.Prompt) + len(r.System); n > MaxTextBytes {
		return &FieldError{"prompt", fmt.Sprintf("%d bytes long", n), fmt.Sprintf("up to %d", MaxTextBytes)}
	}
	if e := text("prompt", r.Prompt); e != nil {
		return e
	}
	return text("system", r.System)
}

func (r *GenerateRequest) chat() *FieldError {
	if n := len(r.Messages); n > MaxMessages {
		return &FieldError{"messages", fmt.Sprintf("%d long", n), fmt.Sprintf("up to %d", MaxMessages)}
	}
	total := 0
	for i, m := range r.Messages {
		at := fmt.Sprintf("messages[%d]", i)
		switch m.Role {
		case "system", "user", "assistant":
		default:
			return &FieldError{at + ".role", shown(m.Role), "system, user or assistant"}
		}
		if e := text(at+".content", m.Content); e != nil {
			return e
		}
		total += len(m.Content)
	}
	if total > MaxTextBytes {
		return &FieldError{"messages", fmt.Sprintf("%d bytes long", total), fmt.Sprintf("up to %d", MaxTextBytes)}
	}
	if strings.TrimSpace(r.Messages[len(r.Messages)-1].Content) == "" {
		return &FieldError{fmt.Sprintf("messages[%d].content", len(r.Messages)-1), "empty", "some text"}
	}
	return nil
}

// text refuses what would reach the engine as something else: broken UTF-8, and the NUL at which C would cut it.
func text(field, s string) *FieldError {
	if !utf8.ValidString(s) {
		return &FieldError{field, shown(s), "UTF-8"}
	}
	if i := strings.IndexByte(s, 0); i >= 0 {
		return &FieldError{field, fmt.Sprintf("text with a NUL at byte %d", i), "text without NUL"}
	}
	return nil
}

// name checks a short text on one line: a reference, a path, a node.
func name(field, s string, most int, required bool) *FieldError {
	allowed := fmt.Sprintf("1 to %d bytes of UTF-8 without control characters", most)
	if s == "" {
		if required {
			return &FieldError{field, "empty", allowed}
		}
		return nil
	}
	if len(s) > most || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return &FieldError{field, shown(s), allowed}
	}
	return nil
}

// nodes checks a node's name, or several with commas. Which nodes there are is the queen's to know.
func nodes(field, s string) *FieldError {
	if s == "" {
		return nil
	}
	all := strings.Split(s, ",")
	if n := len(all); n > MaxNodes {
		return &FieldError{field, fmt.Sprintf("a list of %d nodes", n), fmt.Sprintf("up to %d", MaxNodes)}
	}
	for _, one := range all {
		if e := name(field, one, MaxNodeBytes, true); e != nil {
			if len(all) > 1 {
				e.Value = fmt.Sprintf("a list with %s in it", e.Value)
				e.Allowed += ", each"
			}
			return e
		}
	}
	return nil
}

func absolute(field, path string) *FieldError {
	if path != "" && !filepath.IsAbs(path) {
		return &FieldError{field, shown(path), "an absolute path"}
	}
	return nil
}

func identifier(field, s string) *FieldError {
	odd := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}
	if len(s) > MaxIDBytes || strings.ContainsFunc(s, odd) {
		return &FieldError{field, shown(s), fmt.Sprintf("up to %d letters, digits, - and _", MaxIDBytes)}
	}
	return nil
}

func stops(all []string) *FieldError {
	if len(all) > MaxStops {
		return &FieldError{"stop", fmt.Sprintf("%d strings", len(all)), fmt.Sprintf("up to %d", MaxStops)}
	}
	for _, s := range all {
		if s == "" || len(s) > MaxStopBytes {
			return &FieldError{"stop", shown(s), fmt.Sprintf("1 to %d bytes", MaxStopBytes)}
		}
		if e := text("stop", s); e != nil {
			return e
		}
	}
	return nil
}

func within(field string, v *int64, least, most int64) *FieldError {
	if v == nil || *v >= least && *v <= most {
		return nil
	}
	return &FieldError{field, strconv.FormatInt(*v, 10), fmt.Sprintf("%d to %d", least, most)}
}

func between(field string, v *float64, least, most float64) *FieldError {
	if v == nil || *v >= least && *v <= most { // false for NaN
		return nil
	}
	return &FieldError{field, number(*v), fmt.Sprintf("%v to %v", least, most)}
}

func positive(field string, v *float64, most float64) *FieldError {
	if v == nil || *v > 0 && *v <= most {
		return nil
	}
	return &FieldError{field, number(*v), fmt.Sprintf("more than 0, up to %v (1 is off)", most)}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// traceparent checks version 00 of the W3C trace context: 00-<32 hex>-<16 hex>-<2 hex>, lower case, no zero ids.
func traceparent(field, s string) *FieldError {
	if s == "" || ValidTraceparent(s) {
		return nil
	}
	return &FieldError{field, shown(s), "00-<32 hex>-<16 hex>-<2 hex>"}
}

// ValidTraceparent reports whether s is a trace context that can be passed on.
func ValidTraceparent(s string) bool {
	part := strings.Split(s, "-")
	if len(part) != 4 || part[0] != "00" || len(part[1]) != 32 || len(part[2]) != 16 || len(part[3]) != 2 {
		return false
	}
	for _, p := range part[1:] {
		if strings.Trim(p, "0123456789abcdef") != "" {
			return false
		}
	}
	return strings.Trim(part[1], "0") != "" && strings.Trim(part[2], "0") != ""
}
