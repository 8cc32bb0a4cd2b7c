package gateway

import (
	"maps"

	"rbee/internal/api"
)

// about is what the document says of a field beyond its type. Low and high are both allowed; high 0 = no range is told.
type about struct {
	text      string
	low, high float64
}

// required are the fields without which a request of that type is refused.
var required = map[string][]string{
	"openai_ChatRequest":       {"model", "messages"},
	"openai_CompletionRequest": {"model", "prompt"},
	"openai_EmbeddingRequest":  {"model", "input"},
	"api_GenerateRequest":      {"model"},
	"api_StopRequest":          {"target"},
}

// sampling is what all requests for text have.
var sampling = map[string]about{
	"model":       {text: "demo, a short name, hf:ORG/REPO, or whatever --model takes"},
	"temperature": {"how freely a token is chosen; 0 is always the likeliest", 0, 2},
	"top_p":       {"only the likeliest tokens that have so much probability together", 0, 1},
	"min_p":       {"only tokens at least so likely in proportion to the likeliest", 0, 1},
	"stop":        {text: "texts at which the answer ends; they are not part of it"},
	"ignore_eos":  {text: "goes on past the model's own end, up to max_tokens"},
	"node":        {text: "where it runs: a node, several by commas, or any"},
	"keep_alive":  {text: "how long the worker stays without work: seconds, or a text like 5m; 0 = it ends with the answer, -1 = for ever"},
	"deadline_ms": {"time for all of it, in milliseconds", 1, api.MaxDeadlineMS},
	"no_pull":     {text: "a model that is not there is not downloaded"},
	"no_continue": {text: "an answer whose worker is lost fails, with what there is of it, and does not go on with another worker"},
}

// openAIs is what OpenAI's two requests for text have.
var openAIs = map[string]about{
	"n":                 {"how many answers", 1, 64},
	"presence_penalty":  {"makes tokens that were there less likely", -2, 2},
	"frequency_penalty": {"makes tokens less likely the more often they were there", -2, 2},
	"top_k":             {"only so many of the likeliest tokens; 0 or -1 = all", -1, api.MaxTopK},
	"repeat_last_n":     {"how many tokens back the penalties look; -1 = all", -1, api.MaxContext},
	"stream":            {text: "the answer comes in chunks, as it is made"},
	"seed":              {text: "the same seed gives the same answer"},
	"logit_bias":        {text: "adds to the logits of tokens, by their number; -100 to 100"},
}

// fieldsOf is by type what is said of its fields.
var fieldsOf = map[string]map[string]about{
	"openai_ChatRequest": joined(sampling, openAIs, map[string]about{
		"messages":              {text: "the chat so far, oldest first"},
		"max_tokens":            {"the most tokens of an answer", 1, api.MaxTokens},
		"max_completion_tokens": {"the newer name of max_tokens", 1, api.MaxTokens},
		"top_logprobs":          {"how many of the likeliest tokens are told at each place; needs logprobs", 0, 20},
		"tools":                 {text: "functions that the model may call"},
		"response_format":       {text: "holds the answer to JSON, or to a schema"},
	}),
	"openai_CompletionRequest": joined(sampling, openAIs, map[string]about{
		"prompt":     {text: "a text, several, or their tokens"},
		"max_tokens": {"the most tokens of an answer", 1, api.MaxTokens},
		"best_of":    {"so many answers are made and the best n given", 1, 64},
		"echo":       {text: "the answer begins with its prompt"},
	}),
	"openai_EmbeddingRequest": {
		"input":       {text: "a text, several, or their tokens"},
		"dimensions":  {"of each vector; the model's own number is the only one that fits", 1, 1 << 20},
		"deadline_ms": sampling["deadline_ms"],
	},
	"api_GenerateRequest": joined(sampling, map[string]about{
		"prompt":     {text: "what the user says; without it there are messages"},
		"system":     {text: "what the model is told before"},
		"raw":        {text: "the prompt is read as it is, without the model's template"},
		"max_tokens": {"the most tokens of the answer", 1, api.MaxTokens},
		"top_k":      {"only so many of the likeliest tokens; 0 = all", 0, api.MaxTopK},
		"seed":       {"the same seed gives the same answer", 0, api.MaxSeed},
		"context":    {"tokens that prompt and answer may have together", 1, api.MaxContext},
		"threads":    {"of the processor, to compute with", 1, api.MaxThreads},
		"gpu_layers": {"how many of the model's layers a GPU has", 0, api.MaxGPULayers},
		"grace_ms":   {"what a worker that is stopped has to end by itself, in milliseconds", 0, api.MaxGraceMS},
	}),
	"api_StopRequest": {"target": {text: "a node, a worker or a model; node:, worker: or model: before it says which"}},
}

func joined(all ...map[string]about) map[string]about {
	sum := map[string]about{}
	for _, m := range all {
		maps.Copy(sum, m)
	}
	return sum
}

// describe adds to an object's schema what is said of its fields.
func describe(name string, schema map[string]any) {
	if need := required[name]; need != nil {
		schema["required"] = need
	}
	for field, property := range schema["properties"].(map[string]any) {
		a, ok := fieldsOf[name][field]
		if !ok {
			continue
		}
		p := property.(map[string]any)
		p["description"] = a.text
		if a.high != 0 {
			p["minimum"], p["maximum"] = a.low, a.high
		}
	}
}
