package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"rbee/internal/testbed"
	"rbee/internal/testkit"
)

// BenchmarkStopFleet is SIGTERM to a daemon queen until it has exited, with 4 hosts reached by ssh and 16 real workers
// with the demo model on each: 68 processes there, none of which may be left at that moment. There is no other side.
// Goal: 250 ms at most; p95 is reported.
func BenchmarkStopFleet(b *testing.B) {
	const machines, workers = 4, 16
	bed := hosts(b, machines)
	for b.Loop() {
		all := samples{}
		for range *runs {
			d := startDaemon(b)
			if err := fill(d, bed, workers); err != nil {
				b.Fatal(err)
			}
			if n := len(remote(b, bed, d.run)); n != machines*(1+workers) {
				b.Fatalf("%d processes run on the hosts, want %d", n, machines*(1+workers))
			}
			began := time.Now()
			d.stop()
			all.add("stop", time.Since(began))
			if left := remote(b, bed, d.run); len(left) > 0 {
				b.Fatalf("left: %v", left)
			}
		}
		all.report(b, "stop")
		b.ReportMetric(all.at("stop", 95), "stop-p95-ms")
		atMost(b, "4 hosts x 16 workers, whole stop", "ms", 250, all.ms("stop"))
	}
	b.ReportMetric(0, "ns/op")
}

// fill starts so many workers on every host: another context is another worker.
func fill(d *daemon, bed *testbed.Bed, workers int) error {
	var wg sync.WaitGroup
	errs := make([]error, len(bed.Hosts))
	for i, h := range bed.Hosts {
		wg.Go(func() {
			for w := range workers {
				if _, err := d.ask(h.Name, int64(512+32*w), 1); err != nil {
					errs[i] = fmt.Errorf("worker %d of %s: %w", w, h.Name, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// remote lists the living processes of a run on all hosts, as the hosts' kernel has them.
func remote(b *testing.B, bed *testbed.Bed, run string) (all []testbed.Process) {
	b.Helper()
	for _, h := range bed.Hosts {
		found, err := h.Find(testbed.OfRun(run))
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// BenchmarkSilentCut is the moment at which every packet to and from a host vanishes, during decoding and with a lease
// of 3 s, until the last process of the run on that host is gone, seen by the kernel that both share. There is no other
// side. Goal: 4 s at most. The keeper's own end, with NODE_LOST, is reported beside it.
func BenchmarkSilentCut(b *testing.B) {
	bed := hosts(b, 1)
	infer(b, "h1")
	for b.Loop() {
		all := samples{}
		for range *runs {
			silentCut(b, bed.Host("h1"), all)
		}
		all.report(b, "gone", "keeper")
		b.ReportMetric(all.at("gone", 100), "gone-max-ms")
		atMost(b, "silent cut, lease 3 s > last remote process gone", "ms", 4000, all.ms("gone"))
	}
	b.ReportMetric(0, "ns/op")
}

func silentCut(b *testing.B, h *testbed.Host, all samples) {
	b.Helper()
	c := exec.Command(bin+"/rbee", "infer", "--node", h.Name, "--lease", "3s", "--model", "demo", "--prompt", "hello world", "--ignore-eos",
		"--ctx", "4096", "--max-tokens", "4000")
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		c.Wait()
		b.Fatalf("%v\n%s", err, said.String())
	}
	mine, err := h.Find(func(p testbed.Process) bool { return p.Run != "" })
	if err != nil || len(mine) != 2 {
		b.Fatalf("on the host run %v, %v; want a hive and a worker", mine, err)
	}
	began := time.Now()
	if err := h.Cut(testbed.DropBoth); err != nil {
		b.Fatal(err)
	}
	ended := make(chan time.Duration, 1)
	go func() {
		io.Copy(io.Discard, out)
		c.Wait()
		ended <- time.Since(began)
	}()
	left, err := testkit.WaitGone(20*time.Second, func(p testkit.Process) bool { return p.PID == mine[0].PID || p.PID == mine[1].PID })
	if err != nil || len(left) > 0 {
		c.Process.Signal(syscall.SIGTERM)
		b.Fatalf("left after 20 s: %v, %v", left, err)
	}
	all.add("gone", time.Since(began))
	all.add("keeper", <-ended)
	if !bytes.Contains(said.Bytes(), []byte("NODE_LOST")) {
		b.Fatalf("the keeper did not say NODE_LOST:\n%s", said.String())
	}
	if err := h.Heal(); err != nil {
		b.Fatal(err)
	}
}
