package bench

import (
	"os"
	"testing"
	"time"

	"rbee/internal/telemetry"
	"rbee/internal/testbed"
)

// BenchmarkSecondVisit is `rbee infer` on a node that has the bundle: from the start of the command until the worker is
// ready (its link is up and the model in memory), less the load of the model, less `ssh h1 true` of OpenSSH's own
// client; alternated. Goal: 150 ms at most. The spans of the trace say where it goes: hive-ms is the connection and the
// hive's start, worker-ms the worker's. The trace itself costs about 1 ms of it.
func BenchmarkSecondVisit(b *testing.B) {
	bed := hosts(b, 1)
	infer(b, "h1")
	for b.Loop() {
		all := samples{}
		for range *runs {
			all.add("ssh-true", sshTrue(b, bed, "h1"))
			all.visit(b, "", infer(b, "h1"))
		}
		all.report(b, "ready", "load", "ssh-true", "queen", "hive", "worker")
		added := all.ms("ready-less-load") - all.ms("ssh-true")
		b.ReportMetric(added, "added-ms")
		atMost(b, "second visit, command > worker ready, less load, less ssh true", "ms", 150, added)
	}
	b.ReportMetric(0, "ns/op")
}

func (s samples) visit(b *testing.B, prefix string, v visit) {
	s.add(prefix+"ready", v.ready)
	s.add(prefix+"load", v.load)
	s.add(prefix+"ready-less-load", v.ready-v.load)
	for name, span := range map[string]string{"queen": telemetry.SpanStartQueen, "hive": telemetry.SpanStartHive, "worker": telemetry.SpanStartWorker} {
		s.add(prefix+name, v.span(b, span).Took())
	}
}

// BenchmarkFirstVisit is `rbee infer` on a node that has nothing, on a line as fast as this machine: until the worker
// is ready, less what a second visit takes, less the transfer, which is `ssh h1 "cat >file"` of the same bundle by
// OpenSSH's own client; all alternated. Goal: 500 ms at most for what remains, which is an attempt to start what is
// not there, a look at the node, the unpacking and checking of 60 MB, and the start of programs that no cache holds.
// openssh-unpack-ms is what OpenSSH's client needs for the unpacking and checking alone, beside the transfer.
func BenchmarkFirstVisit(b *testing.B) {
	bed := hosts(b, 1)
	infer(b, "h1") // packs the bundle
	_, size := bundle(b)
	for b.Loop() {
		all := samples{}
		for range *runs {
			all.add("transfer", sendBundle(b, bed, "h1", store))
			all.add("unpack", sendBundle(b, bed, "h1", unpack))
			forget(b, bed.Host("h1"))
			all.visit(b, "first-", infer(b, "h1"))
			all.visit(b, "second-", infer(b, "h1"))
			all.add("ssh-true", sshTrue(b, bed, "h1"))
		}
		all.report(b, "first-ready", "first-load", "second-ready", "second-load", "transfer", "ssh-true")
		b.ReportMetric(all.ms("unpack")-all.ms("transfer"), "openssh-unpack-ms")
		b.ReportMetric(float64(size)/1e6, "bundle-MB")
		// The transfer holds one connection more than the visit, which has its own.
		transfer := all.ms("transfer") - all.ms("ssh-true")
		added := all.ms("first-ready-less-load") - all.ms("second-ready-less-load") - transfer
		b.ReportMetric(added, "added-ms")
		atMost(b, "first visit, unshaped, less a second visit, less the transfer", "ms", 500, added)
	}
	b.ReportMetric(0, "ns/op")
}

// What a host does with a bundle that OpenSSH's client sends it.
const (
	store  = "cat >bundle && rm bundle"
	unpack = "mkdir unpacked && gzip -dc | tee >(sha256sum >sum) | tar xmf - -C unpacked && rm -r unpacked sum"
)

// sendBundle sends the bundle to a command on a host by OpenSSH's own client.
func sendBundle(b *testing.B, bed *testbed.Bed, host, command string) time.Duration {
	b.Helper()
	path, _ := bundle(b)
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	c := ssh(bed, host, command)
	c.Stdin = f
	began := time.Now()
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return time.Since(began)
}

const slowRate = 20_000_000 // bits a second

// BenchmarkFirstVisitSlow is BenchmarkFirstVisit on a line of 20 Mbit/s: the whole time until the worker is ready, over
// the bundle's size by the line's rate, which no protocol can reach; the same of OpenSSH's copy beside it. A quarter of
// the runs, since each takes 20 s. Goal: 1.3 at most.
func BenchmarkFirstVisitSlow(b *testing.B) {
	bed := hosts(b, 1)
	infer(b, "h1")
	_, size := bundle(b)
	ideal := float64(size) * 8 / slowRate * 1000
	if err := bed.Host("h1").Slow(testbed.Line{Rate: slowRate}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		all := samples{}
		for range max(1, *runs/4) {
			all.add("transfer", sendBundle(b, bed, "h1", store))
			forget(b, bed.Host("h1"))
			all.visit(b, "", infer(b, "h1"))
		}
		all.report(b, "ready", "transfer")
		b.ReportMetric(ideal, "ideal-ms")
		b.ReportMetric(all.ms("transfer")/ideal, "openssh-times-ideal")
		b.ReportMetric(all.ms("ready")/ideal, "times-ideal")
		atMost(b, "first visit at 20 Mbit/s, over size / rate", "times", 1.3, all.ms("ready")/ideal)
	}
	b.ReportMetric(0, "ns/op")
}
