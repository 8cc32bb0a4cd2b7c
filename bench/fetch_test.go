package bench

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rbee/internal/models"
	"rbee/internal/models/fetch"
)

// hubAlone in the environment makes the test binary a hub with one model, that file: a process of its own, so that
// curl and rbee have the same server.
const hubAlone = "RBEE_BENCH_HUB"

func serveHub(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	commit := strings.Repeat("0", 40)
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/revision/"):
			fmt.Fprintf(w, `{"sha":%q}`, commit)
		case strings.Contains(r.URL.Path, "/tree/"):
			fmt.Fprintf(w, `[{"type":"file","path":"m.gguf","size":%d,"lfs":{"oid":%q,"size":%d}}]`, size, hex.EncodeToString(sum.Sum(nil)), size)
		default:
			w.Header().Set("ETag", `"1"`)
			http.ServeFile(w, r, file)
		}
	}))
}

// startHub starts a hub with a model of that size and returns its address.
func startHub(b *testing.B, size int64) string {
	file := filepath.Join(b.TempDir(), "m.gguf")
	out, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.CopyN(out, rand.NewChaCha8([32]byte{}), size); err != nil {
		b.Fatal(err)
	}
	out.Sync() // else its way to the disk would be measured
	out.Close()
	exe, _ := os.Executable()
	c := exec.Command(exe)
	c.Env = append(os.Environ(), hubAlone+"="+file)
	c.Stderr = os.Stderr
	said, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Process.Kill(); c.Wait() })
	address, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// BenchmarkDownload is a download of 600 MB from a local server, verified, against curl from the same server to the
// same disk, which verifies nothing; alternated, 7 pairs. Both are told to be on the disk at the end: rbee syncs
// the file before it gives it its name, curl is followed by sync of its file. Goal: 90 % of curl's rate.
func BenchmarkDownload(b *testing.B) {
	const size = 600 << 20
	address := startHub(b, size)
	dir := b.TempDir()
	env := map[string]string{"HF_ENDPOINT": address}
	f := fetch.New(fetch.Options{Getenv: func(n string) string { return env[n] }})
	r, err := models.ParseRef("hf:org/repo")
	if err != nil {
		b.Fatal(err)
	}
	rate := func(d time.Duration) float64 { return size / 1e6 / d.Seconds() }
	for b.Loop() {
		var ours, curls, unsynced []time.Duration
		for range 7 {
			os.RemoveAll(dir)
			os.MkdirAll(dir, 0o700)
			began := time.Now()
			if out, err := exec.Command("curl", "-sSfL", "-o", dir+"/m", address+"/org/repo/resolve/x/m.gguf").CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			unsynced = append(unsynced, time.Since(began))
			if out, err := exec.Command("sync", dir+"/m").CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			curls = append(curls, time.Since(began))
			os.RemoveAll(dir)
			began = time.Now()
			err := f.Fetch(context.Background(), models.Want{Ref: r, Dir: dir, Folder: models.FolderName(r), Org: "org", Repo: "repo"})
			if err != nil {
				b.Fatal(err)
			}
			ours = append(ours, time.Since(began))
		}
		b.ReportMetric(rate(median(ours)), "rbee-MB/s")
		b.ReportMetric(rate(median(curls)), "curl-MB/s")
		b.ReportMetric(rate(median(unsynced)), "curl-unsynced-MB/s")
		b.ReportMetric(100*rate(median(ours))/rate(median(curls)), "%")
		atLeast(b, "download, against curl's rate", "%", 90, 100*rate(median(ours))/rate(median(curls)))
	}
	b.ReportMetric(0, "ns/op")
}
