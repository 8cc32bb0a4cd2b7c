package main

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	"google.golang.org/protobuf/proto"

	"rbee/messages"
)

// asker asks the person at the keeper's terminal: this process has no terminal of its own, and as a background
// process group it would be stopped for reading one.
type asker struct {
	tell  func(proto.Message)
	ready chan struct{}   // closed when tell works
	gone  <-chan struct{} // closed when nobody can answer any more; set before ready

	mu      sync.Mutex
	next    int
	waiting map[string]chan *messages.Answer
}

func newAsker(tell func(proto.Message)) *asker {
	return &asker{tell: tell, ready: make(chan struct{}), waiting: map[string]chan *messages.Answer{}}
}

// passphrase blocks for as long as a person types.
func (a *asker) passphrase(file string) ([]byte, error) {
	<-a.ready
	answer := make(chan *messages.Answer, 1)
	a.mu.Lock()
	a.next++
	id := strconv.Itoa(a.next)
	a.waiting[id] = answer
	a.mu.Unlock()
	a.tell(&messages.Ask{Id: id, Text: fmt.Sprintf("passphrase for key %s: ", file)})
	select {
	case m := <-answer:
		if !m.GetGiven() {
			return nil, errors.New("no passphrase was given")
		}
		return m.GetSecret(), nil
	case <-a.gone:
		return nil, errors.New("nobody is there to give a passphrase")
	}
}

func (a *asker) answered(m *messages.Answer) {
	a.mu.Lock()
	answer := a.waiting[m.GetId()]
	delete(a.waiting, m.GetId())
	a.mu.Unlock()
	if answer != nil {
		answer <- m
	}
}
