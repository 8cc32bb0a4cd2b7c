// Command hostilehive stands where rbee-hive is looked for on a node, as somebody who owns that node could put it there.
// How it attacks its queen is told by RBEE_FAKE_HIVE:
//
//	garbage   random bytes, without end, instead of a handshake
//	giant     a handshake that announces 4 GB
//	flood     lines on stderr, without end, and no handshake
//	quiet     nothing at all
//	rubbish   a good handshake, and then random bytes for the multiplexer
//	takeover  a good hive that orders its queen about and speaks for others
package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"rbee/internal/transport"
	"rbee/internal/version"
	"rbee/messages"
	"rbee/supervisor"
)

func main() {
	switch os.Getenv("RBEE_FAKE_HIVE") {
	case "garbage":
		noise(os.Stdout)
	case "giant":
		giant()
	case "flood":
		for {
			if _, err := fmt.Fprintln(os.Stderr, strings.Repeat("spam ", 100)); err != nil {
				return
			}
		}
	case "quiet":
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "rubbish":
		rubbish()
	case "takeover":
		takeover()
	}
}

func noise(w io.Writer) {
	random := rand.NewChaCha8([32]byte{1})
	_, _ = io.Copy(w, random) // until it is closed
}

// boot reads the queen's first frame.
func boot() *messages.Boot {
	b := &messages.Boot{}
	if _, err := transport.ReadFrame(os.Stdin, "", b); err != nil {
		os.Exit(1)
	}
	return b
}

func giant() {
	frame, _ := transport.Frame(boot().GetNonce(), &messages.Hello{})
	at := bytes.LastIndex(frame, []byte{0, 0, 0, 0}) // the length
	copy(frame[at:], []byte{0xff, 0xff, 0xff, 0xff})
	_, _ = os.Stdout.Write(frame)
	noise(os.Stdout)
}

func rubbish() {
	_ = transport.WriteFrame(os.Stdout, boot().GetNonce(), &messages.Hello{Version: version.Build(), Pid: 1, Pgid: 1, Host: "localhost"})
	noise(os.Stdout)
}

// takeover says everything to everybody that a hive must not.
func takeover() {
	self, err := supervisor.Adopt()
	if err != nil {
		os.Exit(1)
	}
	b := self.Boot
	ep, err := transport.NewEndpoint(b.GetAddress(), transport.Options{})
	if err == nil {
		err = self.Join(ep)
	}
	if err != nil {
		os.Exit(1)
	}
	self.Tell(&messages.Ready{})
	root, owner := ep.System.Root, b.GetOwnerAddress()
	sibling := strings.Replace(b.GetAddress(), "hive-"+b.GetHive().GetNode(), "hive-good", 1)
	for _, to := range []*actor.PID{
		actor.NewPID(owner, transport.RootID), actor.NewPID(owner, transport.LinkPrefix+sibling), actor.NewPID(owner, "activator"),
		actor.NewPID(owner, "EndpointSupervisor"), actor.NewPID(sibling, transport.RootID), actor.NewPID("queen.1", transport.RootID),
	} {
		root.Stop(to)
		root.Poison(to)
		root.Send(to, &messages.Shutdown{Cause: "because I say so"})
		root.Send(to, &messages.Stopped{})
		root.Send(to, &messages.HiveState{Node: "good"})
		root.Send(to, &actor.Terminated{Who: actor.NewPID(sibling, transport.RootID)})
	}
	self.Tell(&messages.HiveState{Node: "good", Workers: []*messages.WorkerState{{Id: "worker-0.1", Address: sibling + "~worker-0.1", Node: "good", ModelRef: "demo", State: "idle", SlotsTotal: 4, SlotsAvailable: 4}}})
	self.Tell(&messages.Inventory{Processes: []*messages.ProcessEnd{{Address: sibling, Name: "rbee-hive", Pid: 1, Host: "good"}}})
	self.Tell(&messages.Ended{Processes: []*messages.ProcessEnd{{Address: sibling, Name: "\x1b[2Jrbee-hive", Pid: 1, Host: "good", Cause: strings.Repeat("x", 1<<16)}}})
	<-self.OwnerGone()
}
