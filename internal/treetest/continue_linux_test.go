package treetest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/openai/openai-go/v3"

	"rbee/internal/transport"
)

// words is what the fake engine says at temperature 0.
func words(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " tok%d", i)
	}
	return b.String()
}

func TestTreeAnAnswerGoesOnAfterItsWorkerDied(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm string
		says string
		flag []string
	}{
		"crashed": {"crash=decode@7", "segmentation fault; going on with another worker after", nil},
		"exited":  {"exit=decode@7", "exit status 42", nil},
		"stalled": {"hang=decode@7", "going on with another worker after", []string{"--stall", "1s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			once := filepath.Join(t.TempDir(), "once")
			r := infer(t, fake, append([]string{"RBEE_FAKE_ENGINE=tokens=20,rate=100,once=" + once + "," + c.harm, "--temperature", "0"}, c.flag...)...)
			r.Want(0, c.says, "20 tokens", "4 processes stopped")
			if got := strings.TrimRight(r.Stdout.String(), "\n"); got != words(20) {
				t.Errorf("the answer is %q", got)
			}
			r.Clean(0)
		})
	}
}

// OpenAI's own client finds the mark in what it does not know of the choice; who reads the bytes finds the moment.
func TestTreeAnAnswerThatWentOnSaysSoToOpenAIsClients(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=60,rate=100"})
	ask := `{"model":"demo","stream":true,"temperature":0,"messages":[{"role":"user","content":"hi"}]}`
	resp, err := d.client().Post("http://queen/v1/chat/completions", "application/json", strings.NewReader(ask))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines, killed, moment, mark, text := bufio.NewScanner(resp.Body), false, false, "", ""
	for lines.Scan() {
		line := lines.Text()
		moment = moment || strings.HasPrefix(line, ": ") && strings.Contains(line, "going on with another worker after") && text != "" && text != words(60)
		var chunk openai.ChatCompletionChunk
		if data, ok := strings.CutPrefix(line, "data: "); !ok || json.Unmarshal([]byte(data), &chunk) != nil || len(chunk.Choices) == 0 {
			continue
		}
		one := chunk.Choices[0]
		text += one.Delta.Content
		if strings.Contains(text, "tok3") && !killed {
			killed = d.strike(syscall.SIGKILL)
		}
		if one.FinishReason != "" {
			mark = one.JSON.ExtraFields["rbee"].Raw()
		}
	}
	var rbee struct {
		Continued    int
		Worker, Node string
	}
	if err := json.Unmarshal([]byte(mark), &rbee); err != nil || rbee.Continued != 1 || rbee.Node != "localhost" || transport.Base(rbee.Worker) != "worker-0.2" {
		t.Errorf("the last chunk says %q, %v", mark, err)
	}
	if lines.Err() != nil || !killed || !moment || text != words(60) {
		t.Errorf("killed %v, the moment was told %v, %v: %q", killed, moment, lines.Err(), text)
	}
	d.stop(0)
}

// The stream says so too, for programs: once each time it changed hands.
func TestTreeADaemonsAnswerSaysThatItWentOn(t *testing.T) {
	t.Parallel()
	once := filepath.Join(t.TempDir(), "once")
	d := startDaemon(t, fake, []string{"RBEE_FAKE_ENGINE=tokens=20,rate=100,crash=decode@7,once=" + once})
	f := d.post("hello", nil).end()
	if f.done == nil || f.done.Continued != 1 || f.done.Usage.CompletionTokens != 20 || f.text.String() != words(20) {
		t.Errorf("%q, done %+v, failed %+v", f.text.String(), f.done, f.failed)
	}
	d.stop(0)
}
