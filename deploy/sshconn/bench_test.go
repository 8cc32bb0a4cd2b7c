package sshconn

import (
	"errors"
	"io"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// bench is one sshd, and both clients' way to it.
func bench(b *testing.B) (Target, []string) {
	b.Helper()
	s, h := serve(b), newHome(b)
	h.knows(b, s)
	h.host("mac", s)
	return h.resolve(b, "mac"), sshArgv(b, h)
}

// Connect, run true, learn its exit status; and the same on a connection that is open. All in turns, since on a busy
// machine two runs one after the other compare the load. The median is the figure, the best shows what is intrinsic.
func BenchmarkTrue(b *testing.B) {
	target, argv := bench(b)
	open := dial(b, target, Options{})
	ways := []struct {
		name string
		run  func() error
		took []time.Duration
	}{
		{name: "native", run: func() error {
			c, err := Dial(b.Context(), target, Options{})
			if err != nil {
				return err
			}
			defer c.Close()
			return runTrue(b, c)
		}},
		{name: "openssh", run: func() error { return exec.Command(argv[0], append(argv[1:], "true")...).Run() }},
		{name: "connected", run: func() error { return runTrue(b, open) }},
	}
	for b.Loop() {
		for i := range ways {
			start := time.Now()
			if err := ways[i].run(); err != nil {
				b.Fatal(ways[i].name, err)
			}
			ways[i].took = append(ways[i].took, time.Since(start))
		}
	}
	for _, w := range ways {
		slices.Sort(w.took)
		b.ReportMetric(float64(w.took[len(w.took)/2].Microseconds())/1000, w.name+"-ms/median")
		b.ReportMetric(float64(w.took[0].Microseconds())/1000, w.name+"-ms/best")
	}
}

func runTrue(b *testing.B, c *Conn) error {
	s, err := c.Start(b.Context(), []string{"true"})
	if err != nil {
		return err
	}
	defer s.Close()
	if <-s.Done(); !s.Exit().OK() {
		return errors.New(s.Exit().String())
	}
	return nil
}

const pipeSize = 200 << 20

// 200 MiB from the node.
func BenchmarkPipe(b *testing.B) {
	target, argv := bench(b)
	c := dial(b, target, Options{})
	b.Run("native", func(b *testing.B) {
		b.SetBytes(pipeSize)
		for b.Loop() {
			s, err := c.Start(b.Context(), []string{"head", "-c", "209715200", "/dev/zero"})
			if err != nil {
				b.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, onlyReader{s}); n != pipeSize || err != nil {
				b.Fatal(n, err)
			}
			s.Close()
		}
	})
	b.Run("openssh", func(b *testing.B) {
		b.SetBytes(pipeSize)
		for b.Loop() {
			cmd := exec.Command(argv[0], append(argv[1:], "head -c 209715200 /dev/zero")...)
			out, err := cmd.StdoutPipe()
			if err != nil {
				b.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, onlyReader{out}); n != pipeSize || err != nil {
				b.Fatal(n, err)
			}
			_ = cmd.Wait()
		}
	})
	b.Run("native up", func(b *testing.B) {
		b.SetBytes(pipeSize)
		for b.Loop() {
			s, err := c.Start(b.Context(), []string{"wc", "-c"})
			if err != nil {
				b.Fatal(err)
			}
			if n, err := io.Copy(onlyWriter{s}, zeros()); n != pipeSize || err != nil {
				b.Fatal(n, err)
			}
			_ = s.CloseWrite()
			if out, err := io.ReadAll(s); string(out) != "209715200\n" || err != nil {
				b.Fatal(string(out), err)
			}
			s.Close()
		}
	})
	b.Run("openssh up", func(b *testing.B) {
		b.SetBytes(pipeSize)
		for b.Loop() {
			cmd := exec.Command(argv[0], append(argv[1:], "wc -c")...)
			in, err := cmd.StdinPipe()
			if err != nil {
				b.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			if n, err := io.Copy(onlyWriter{in}, zeros()); n != pipeSize || err != nil {
				b.Fatal(n, err)
			}
			in.Close()
			_ = cmd.Wait()
		}
	})
}

type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

type zero struct{}

func (zero) Read(b []byte) (int, error) { return len(b), nil }

func zeros() io.Reader { return onlyReader{io.LimitReader(zero{}, pipeSize)} }
