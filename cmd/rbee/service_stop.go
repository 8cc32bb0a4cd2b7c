package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"rbee/internal/api"
	"rbee/internal/fault"
	"rbee/internal/proc"
)

func newServiceStop(at func() (*service, error)) *cobra.Command {
	var now, kill, asJSON bool
	c := &cobra.Command{
		Use:   "stop",
		Short: "Stop the daemon and everything below it, and say what became of it",
		Long: `stop asks the daemon to end (SIGTERM, to that very process): it takes no new requests, finishes the running ones for
as long as its --drain says, and stops its hives and workers. stop waits for that and prints the receipt. Ctrl-C ends
the waiting, not the stop; a second stop waits for the first.`,
		Example: `  rbee queen stop
  rbee queen stop --now`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := at()
			if err != nil {
				return err
			}
			ended, err := s.stop(c.Context(), now, kill, asJSON)
			if err == nil && !ended {
				_, err = fmt.Fprintf(s.t.stdout, "no queen serves %s\n", s.path)
			}
			return err
		},
	}
	c.Flags().BoolVar(&now, "now", false, "do not wait for running requests: end everything below at once")
	c.Flags().BoolVar(&kill, "kill", false, "kill the daemon itself if it does not answer; what is below it then ends by itself")
	c.Flags().BoolVar(&asJSON, "json", false, "write the receipt as one JSON object")
	return c
}

// stop ends the daemon; false if there is none.
func (s *service) stop(ctx context.Context, now, kill, asJSON bool) (ended bool, err error) {
	id, there := s.holder()
	if !there {
		if q, err := s.look(ctx); err != nil || q == nil {
			return false, err
		}
		return false, fault.New(fault.SocketInUse, "a queen serves %s, and did not say in %s.lock which process it is", s.path, s.path).
			WithHint("end it the way it was started")
	}
	receipt := make(chan api.Receipt, 1)
	asked := make(chan struct{})
	lost := make(chan error, 1)
	go func() {
		r, err := s.client.Receipt(ctx, func() { close(asked) })
		if err != nil {
			lost <- err
			return
		}
		receipt <- r
	}()
	select {
	case <-asked:
	case <-lost: // of another build, or it is about to end
	case <-time.After(daemonAnswer):
		if !kill {
			return false, fault.New(fault.QueenLost, "the queen at %s (pid %d) does not answer (waited %v)", s.path, id.PID, daemonAnswer).
				WithHint("rbee queen stop --kill ends it; what is below it then ends by itself")
		}
	}
	if kill || now || !s.stops(ctx) { // a second SIGTERM would end what it still answers
		if err := s.signal(id, kill, now); err != nil {
			return false, err
		}
	}
	if err := waitGone(ctx, id); err != nil {
		return false, err
	}
	select {
	case r := <-receipt:
		return true, s.printReceipt(id, r, asJSON)
	default: // it was sent before the end, or never
	}
	select {
	case r := <-receipt:
		return true, s.printReceipt(id, r, asJSON)
	case <-lost:
	case <-time.After(daemonAnswer):
	}
	_, err = fmt.Fprintf(s.t.stdout, "queen-rbee, pid %d, is gone, without a receipt; rbee doctor lists what it may have left\n", id.PID)
	return true, err
}

// stops says whether the daemon was told to stop already: then there is only its end to wait for.
func (s *service) stops(ctx context.Context) bool {
	q, err := s.look(ctx)
	return err == nil && q != nil && q.State == "stopping"
}

func (s *service) signal(id proc.Identity, kill, now bool) error {
	sig := syscall.SIGTERM
	if kill {
		sig = syscall.SIGKILL
	}
	err := id.Signal(sig)
	if err == nil && now && !kill {
		// Two that are pending are one for the kernel: the second counts once the first was taken.
		for range 200 {
			if q, err := s.look(context.Background()); err != nil || q == nil || q.State == "stopping" {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		err = id.Signal(sig)
	}
	if errors.Is(err, os.ErrProcessDone) || err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return fault.Wrap(fault.QueenLost, err, "the queen at %s (pid %d) is another user's", s.path, id.PID).WithHint("ask that user")
	}
	return fault.Wrap(fault.QueenLost, err, "cannot stop the queen, pid %d: %v", id.PID, root(err))
}

// waitGone waits for a process that is nobody's child here; there is nothing to wait on but to look.
func waitGone(ctx context.Context, id proc.Identity) error {
	for id.Alive() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// printReceipt says what became of the processes; one that could not be proven gone is exit code 3.
func (s *service) printReceipt(id proc.Identity, r api.Receipt, asJSON bool) error {
	host, _ := os.Hostname()
	r.Processes = append(r.Processes, api.Process{Name: "queen-rbee", PID: id.PID, Host: host, Cause: "stopped", TookMS: r.TookMS})
	if asJSON {
		if err := json.NewEncoder(s.t.stdout).Encode(r); err != nil {
			return err
		}
	} else {
		s.t.narrator(false).Receipt(r)
	}
	if !r.Clean {
		return exitError{3}
	}
	return nil
}
