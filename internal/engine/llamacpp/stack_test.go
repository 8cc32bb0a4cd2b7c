package llamacpp_test

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"rbee/internal/engine"
)

// While a model loads, llama.cpp calls back into Go, which may move the stack of the goroutine that called it. What
// native code has pointers to must not lie there: others write to the memory as soon as it is free.
func TestLoadingSurvivesAStackThatMoves(t *testing.T) {
	e := open(t)
	done := make(chan struct{})
	var others sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				var young sync.WaitGroup
				for n := range 64 {
					young.Go(func() { deep(n) })
				}
				young.Wait()
			}
		})
	}
	defer others.Wait()
	defer close(done)
	for range 300 {
		m, err := e.Load(context.Background(), engine.LoadOptions{Path: demoModel, Context: 256})
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
	}
}

// deep writes over n KiB of its stack.
//
//go:noinline
func deep(n int) byte {
	var frame [1024]byte
	for i := range frame {
		frame[i] = 0xAA
	}
	if n > 0 {
		frame[n%len(frame)] = deep(n - 1)
	}
	return frame[7]
}
