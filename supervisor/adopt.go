package supervisor

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"rbee/internal/proc"
	"rbee/internal/transport"
	"rbee/internal/version"
	"rbee/messages"
)

// Self is the child's end of a link: this process, as its owner knows it.
type Self struct {
	Boot    *messages.Boot
	stream  *proc.Stream
	session *transport.Session
	ep      *transport.Endpoint
}

// bootTime is how long a child waits for its first frame, which an owner writes before it does anything else: the
// lease, since an owner may be frozen before it could name one. Somebody who runs the program by hand gets an error
// after it.
func bootTime() time.Duration {
	if d, err := time.ParseDuration(os.Getenv(proc.EnvLease)); err == nil && d > 0 {
		return d
	}
	return DefaultLease
}

// Adopt takes the link over from stdin and stdout, reads Boot and answers Hello. It is the first thing that a
// child's main does.
func Adopt() (*Self, error) {
	began := time.Now()
	stream, err := proc.TakeStdio()
	if err != nil {
		return nil, fmt.Errorf("cannot take over stdin and stdout: %w", err)
	}
	s := &Self{stream: stream, Boot: &messages.Boot{}}
	guard := time.AfterFunc(bootTime(), func() { stream.Close() })
	defer guard.Stop()
	if _, err := transport.ReadFrame(stream, "", s.Boot); err != nil {
		return nil, fmt.Errorf("this program is started by rbee, not by hand: %w", err)
	}
	host, _ := os.Hostname()
	err = transport.WriteFrame(stream, s.Boot.GetNonce(), &messages.Hello{Version: version.Build(), Pid: int64(os.Getpid()),
		Pgid: int64(os.Getpid()), Host: host, StartedUnixNano: began.UnixNano()})
	if err != nil {
		return nil, fmt.Errorf("cannot greet the owner: %w", err)
	}
	if v := s.Boot.GetVersion(); v != version.Build() {
		return nil, fmt.Errorf("the owner is of build %s, this is %s", v, version.Build())
	}
	return s, nil
}

// Lease is how long a silent owner counts as alive.
func (s *Self) Lease() time.Duration { return time.Duration(s.Boot.GetLeaseMs()) * time.Millisecond }

// Join opens the way up. From now on the owner's messages arrive in ep.
func (s *Self) Join(ep *transport.Endpoint) (err error) {
	s.ep = ep
	s.session, err = ep.AttachUp(s.stream, s.Lease())
	return err
}

// OwnerGone is closed when the link to the owner is over.
func (s *Self) OwnerGone() <-chan struct{} { return s.session.Closed() }

// Tell sends a message to this process's link at its owner.
func (s *Self) Tell(m proto.Message) {
	s.ep.System.Root.Send(actor.NewPID(s.Boot.GetOwnerAddress(), transport.LinkPrefix+s.Boot.GetAddress()), m)
}

// leaveTime is how long a process that has reported "stopped" waits for its owner to close the link, which is the
// permission to exit: nothing that was sent before is lost then.
const leaveTime = 2 * time.Second

// Leave sends the last message and returns when the owner has taken it.
func (s *Self) Leave(m *messages.Stopped) {
	s.Tell(m)
	select {
	case <-s.OwnerGone():
	case <-time.After(leaveTime):
	}
}

// Live blocks until this process is to exit and returns its exit code: after the report that arrives on done, or
// when the owner is gone. Signals are passed to onSignal; they do not end a process that has an owner by
// themselves.
func (s *Self) Live(done <-chan *messages.Stopped, onSignal func(os.Signal)) int {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	for {
		select {
		case m := <-done:
			s.Leave(m)
			return 0
		case <-s.OwnerGone():
			s.LastWill()
			return 1
		case sig := <-signals:
			onSignal(sig)
		}
	}
}

// LastWill ends everything below this process without grace, because its owner is gone: the children's groups
// first, then by identity whatever carries an address at or below this life. It takes 2 s at most.
func (s *Self) LastWill() {
	proc.KillAll()
	ctx, cancel := context.WithTimeout(context.Background(), proofTime)
	defer cancel()
	Sweep(ctx, s.Boot.GetRunId(), s.Boot.GetAddress())
}

// Sweep kills whatever is left at or below that life on this host, by identity, and returns what would not die.
// This process is spared.
func Sweep(ctx context.Context, run, life string) []proc.Found {
	proc.EndStrays()
	_, left := proc.End(ctx, func(f proc.Found) bool { return f.Run == run && transport.Within(f.Life, life) })
	return left
}
