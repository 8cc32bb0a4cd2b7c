package gateway_test

import (
	"strings"
	"testing"

	"rbee/internal/gateway"
	"rbee/internal/gateway/gatewaytest"
	"rbee/messages"
)

// losesItsWorker answers a b c d, and after b with another worker.
func losesItsWorker(between func(s *gatewaytest.Stream)) *gatewaytest.Backend {
	return &gatewaytest.Backend{
		Rows: []*messages.WorkerState{{Address: "q.1~h.1~w.1", Node: "mac"}, {Address: "q.1~h.2~w.2", Node: "nas"}},
		Play: func(s *gatewaytest.Stream) {
			s.Event(gateway.Event{Accepted: &messages.Accepted{Worker: "q.1~h.1~w.1"}})
			s.Tokens("a", "b")
			between(s)
			s.Event(gateway.Event{Accepted: &messages.Accepted{Worker: "q.1~h.2~w.2"}})
			s.Tokens("c", "d")
			s.Event(gateway.Event{Done: &messages.Done{FinishReason: "stop", Usage: &messages.Usage{CompletionTokens: 4}, Continued: 1}})
		}}
}

func TestAnAnswerThatWentOnElsewhereSaysSo(t *testing.T) {
	_, h, _ := serve(t, losesItsWorker(func(s *gatewaytest.Stream) {
		s.Say("queen-rbee", "warn", "w.1 is gone; going on\nwith another worker")
		s.Say("rbee-hive", "start", "starting worker")
	}), gateway.Options{})
	const mark = `"finish_reason":"stop","rbee":{"continued":1,"worker":"q.1~h.2~w.2","node":"nas"}}`
	for path, ask := range map[string]string{"/v1/chat/completions": `"messages":[{"role":"user","content":"hi"}]`, "/v1/completions": `"prompt":"hi"`} {
		for _, how := range []string{"true", "false"} {
			body := v1(t, h, path, `{"model":"demo","stream":`+how+`,`+ask+`}`, 200)
			if strings.Count(body, mark) != 1 {
				t.Errorf("%s, stream %s: no mark in\n%s", path, how, body)
			}
			before, after, found := strings.Cut(body, "\n: w.1 is gone; going on with another worker\n")
			if found != (how == "true") || found && (!strings.Contains(before, `"b"`) || !strings.Contains(after, `"c"`)) || strings.Contains(body, "starting worker") {
				t.Errorf("%s, stream %s: the moment is not told once, between b and c:\n%s", path, how, body)
			}
		}
	}
}

func TestAnAnswerThatStayedSaysNothing(t *testing.T) {
	_, h, _ := serve(t, says("a"), gateway.Options{})
	if body := v1(t, h, "/v1/chat/completions", `{"model":"demo","messages":[{"role":"user","content":"hi"}]}`, 200); strings.Contains(body, `"rbee":`) {
		t.Error(body)
	}
}

// The call that was half written when the worker died is still a call.
func TestACallThatWentOnElsewhereIsACall(t *testing.T) {
	b := &gatewaytest.Backend{Play: func(s *gatewaytest.Stream) {
		s.Event(gateway.Event{Accepted: &messages.Accepted{ToolFormat: "hermes"}})
		s.Tokens("<tool_call>\n{\"name\": \"weather\", \"argum")
		s.Event(gateway.Event{Accepted: &messages.Accepted{ToolFormat: "hermes"}})
		s.Tokens("ents\": {\"city\": \"Rome\"}}\n</tool_call>")
		s.Done("stop", 2)
	}}
	_, h, _ := serve(t, b, gateway.Options{})
	body := v1(t, h, "/v1/chat/completions", `{"model":"demo","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"weather"}}]}`, 200)
	if !strings.Contains(body, `"finish_reason":"tool_calls"`) || !strings.Contains(body, `{\"city\": \"Rome\"}`) {
		t.Error(body)
	}
}
