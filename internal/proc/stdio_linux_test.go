package proc

import (
	"io"
	"testing"
	"time"
)

// Neither a stray print nor a grandchild with every descriptor gets at the stream.
func TestATakenStreamCarriesNothingElseAndEndsInTime(t *testing.T) {
	c := another(t, "noisy")
	if got := c.line() + ", " + c.line(); got != "a print, a print of native code" {
		t.Errorf("stderr: %q", got)
	}
	if _, err := c.Stream().Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() { b, _ := io.ReadAll(c.Stream()); read <- string(b) }()
	select {
	case got := <-read:
		if got != "stdin is at 0 bytes, EOF; hello" {
			t.Errorf("%q", got)
		}
	case <-time.After(patience / 4):
		t.Fatal("the child closed the stream, and somebody else holds it")
	}
	c.grows(2) // the child and its grandchild are still there
}

func TestCloseOfATakenStreamUnblocksItsReader(t *testing.T) {
	c := another(t, "closer")
	if got := c.line(); got != "read link-in: file already closed" {
		t.Errorf("%q", got)
	}
}
