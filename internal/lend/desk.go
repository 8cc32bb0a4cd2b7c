package lend

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"rbee/internal/models"
	"rbee/messages"
)

// Desk is the queen's side. It is an http.Handler for the streams of its hives.
type Desk struct {
	// Resolve finds a model on this machine's disk.
	Resolve func(context.Context, *messages.ModelRef) (*models.Model, error)
	// Getenv reads the access to the hub.
	Getenv func(string) string

	mu      sync.Mutex
	loans   map[string]*loan            // by name
	granted map[string]map[string]*loan // by hive and what it is for
	digests map[string]digest           // by path
}

// loan is what one hive may ask for.
type loan struct {
	// constant
	name string
	hive string             // address of the life
	ref  *messages.ModelRef // as the caller gave it
	hub  bool               // the access to the hub
	push bool               // the copy of ref

	mu   sync.Mutex
	copy *models.Model // once resolved
}

// digest of a file as it was.
type digest struct {
	size     int64
	modified time.Time
	sha256   string
}

// maxLoans bounds what is remembered for one hive: references are the clients'. Past it all of them begin anew, and a
// request under way that has not asked yet has lost its loan.
const maxLoans = 1024

// Grant lets a hive ask for what it needs to bring m, and returns under which name.
func (d *Desk) Grant(hive string, m *messages.ModelRef) (name string) {
	m = proto.Clone(m).(*messages.ModelRef)
	if !m.GetPush() {
		m = &messages.ModelRef{} // the access to the hub is the same for all models
	}
	what := key(m)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.loans == nil {
		d.loans, d.granted = map[string]*loan{}, map[string]map[string]*loan{}
	}
	if l := d.granted[hive][what]; l != nil {
		return l.name
	}
	if len(d.granted[hive]) >= maxLoans {
		d.revoke(hive)
	}
	if d.granted[hive] == nil {
		d.granted[hive] = map[string]*loan{}
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	l := &loan{name: hex.EncodeToString(b[:]), hive: hive, ref: m, push: m.GetPush(), hub: !m.GetPush()}
	d.loans[l.name], d.granted[hive][what] = l, l
	return l.name
}

// Revoke ends all loans of a hive whose life is over.
func (d *Desk) Revoke(hive string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.revoke(hive)
}

func (d *Desk) revoke(hive string) {
	for _, l := range d.granted[hive] {
		delete(d.loans, l.name)
	}
	delete(d.granted, hive)
}

// find returns the loan of that name if it is that hive's.
func (d *Desk) find(name string, from net.Addr) *loan {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.loans[name]
	if l == nil || from.String() != l.hive {
		return nil
	}
	return l
}

// model is what the loan's reference means on this machine. It is found once: what is sent must not become another
// file in the middle.
func (d *Desk) model(ctx context.Context, l *loan, again bool) (*models.Model, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.copy != nil && !again {
		return l.copy, nil
	}
	m, err := d.Resolve(ctx, l.ref)
	if err == nil {
		l.copy = m
	}
	return m, err
}

// Words are the reference as it is to be resolved: what the caller wrote, or what that stands for in the configuration.
// A place on the hub is an alias of its own kind: the model keeps its short name on the disk.
func Words(m *messages.ModelRef) string {
	if a := m.GetAlias(); a != "" && !strings.HasPrefix(a, "hf:") {
		return a
	}
	return m.GetRef()
}

// key tells two references apart.
func key(m *messages.ModelRef) string {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil { // a string that is no UTF-8, which no client gets this far with
		return m.String()
	}
	return string(b)
}
