package sshconn

import (
	"io"
	"os/exec"
	"sort"
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

// median reports the median time of f, since a mean of processes on a busy machine says little.
func median(b *testing.B, f func()) {
	var all []time.Duration
	for b.Loop() {
		start := time.Now()
		f()
		all = append(all, time.Since(start))
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "ms/median")
}

// Connect, run true, learn its exit status.
func BenchmarkTrue(b *testing.B) {
	target, argv := bench(b)
	b.Run("native", func(b *testing.B) {
		median(b, func() {
			c, err := Dial(b.Context(), target, Options{})
			if err != nil {
				b.Fatal(err)
			}
			s, err := c.Start(b.Context(), []string{"true"})
			if err != nil {
				b.Fatal(err)
			}
			<-s.Done()
			c.Close()
		})
	})
	b.Run("openssh", func(b *testing.B) {
		median(b, func() {
			if out, err := exec.Command(argv[0], append(argv[1:], "true")...).CombinedOutput(); err != nil {
				b.Fatal(err, string(out))
			}
		})
	})
	c := dial(b, target, Options{})
	b.Run("native, connected", func(b *testing.B) {
		median(b, func() {
			s, err := c.Start(b.Context(), []string{"true"})
			if err != nil {
				b.Fatal(err)
			}
			<-s.Done()
			s.Close()
		})
	})
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
