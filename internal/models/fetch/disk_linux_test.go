package fetch

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"rbee/internal/fault"
	"rbee/internal/models/fetch/fetchtest"
)

// onDiskOf runs a test again in a process of its own, which sees a disk of that size where the model directory is:
// a tmpfs in a mount namespace, so that nobody else sees it and nothing is left of it.
func onDiskOf(t *testing.T, size string, test func(p *place)) {
	const disk = "RBEE_FETCH_TEST_DISK"
	if dir := os.Getenv(disk); dir != "" {
		if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
			t.Fatal(err)
		}
		p := newPlace(t)
		p.dir = dir
		test(p)
		return
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), disk+"="+t.TempDir())
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := c.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestADiskThatIsTooSmallIsFoundBeforeTheDownload(t *testing.T) {
	onDiskOf(t, "1m", func(p *place) {
		p.hub.Add("Org/Repo", "m-Q4_K_M.gguf", random(2<<20))
		e := p.refuses(ref, fault.DiskFull, "2.1 MB (2097152 bytes) are needed", "1.0 MB (1048576 bytes) are free", "--models-dir")
		if e.Details["needed"] != int64(2<<20) || e.Details["free"] != int64(1<<20) {
			t.Errorf("%v", e.Details)
		}
		if n := len(p.hub.Requests(fetchtest.Resolve)); n != 0 {
			t.Error("the file was asked for")
		}
		if names := p.names("."); len(names) != 0 {
			t.Errorf("left on disk: %q", names)
		}
	})
}

// What a partial file has counts: the rest fits, so the download goes on.
func TestTheSpaceOfAPartialFileIsCounted(t *testing.T) {
	onDiskOf(t, "1m", func(p *place) {
		content := random(900 << 10)
		p.hub.Add("Org/Repo", "m-Q4_K_M.gguf", content)
		p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.Status(400)})
		p.refuses(ref, fault.DownloadFailed)
		p.hub.Mend()
		p.gets(ref)
		p.has(base, content)
	})
}

func TestAPartialFileOfAFullDiskIsRemoved(t *testing.T) {
	onDiskOf(t, "1m", func(p *place) {
		p.hub.Add("Org/Repo", "m-Q4_K_M.gguf", random(900<<10))
		p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Do: fetchtest.Status(400)})
		p.refuses(ref, fault.DownloadFailed)
		p.hub.Mend()
		p.hub.Replace("Org/Repo", "m-Q4_K_M.gguf", random(2<<20)) // it has grown
		p.refuses(ref, fault.DiskFull)
		if names := p.names("."); len(names) != 0 {
			t.Errorf("left on disk: %q", names)
		}
	})
}

// Somebody else fills the disk while the first part comes. What is whole stays.
func TestADiskThatFillsUpDuringTheDownload(t *testing.T) {
	onDiskOf(t, "1m", func(p *place) {
		first := random(300 << 10)
		p.hub.Add("Org/Repo", "m-00001-of-00002.gguf", first)
		p.hub.Add("Org/Repo", "m-00002-of-00002.gguf", random(300<<10))
		p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Path: "m-00001-of-00002.gguf", Times: 1, Do: func(*fetchtest.Answer, *http.Request) bool {
			if err := os.WriteFile(filepath.Join(p.dir, "junk"), make([]byte, 600<<10), 0o600); err != nil {
				t.Error(err)
			}
			return false
		}})
		p.refuses(ref, fault.DiskFull, "307200 bytes")
		p.has("org--repo/m-00001-of-00002.gguf", first)
		if names := p.names("."); !slices.Contains(names, "junk") {
			t.Errorf("on disk: %q", names)
		}
	})
}

// The file has its space from the start, so a disk that others fill does not end it.
func TestADownloadThatHasItsSpaceGoesOnOnAFullDisk(t *testing.T) {
	onDiskOf(t, "1m", func(p *place) {
		content := random(512 << 10)
		p.hub.Add("Org/Repo", "m-Q4_K_M.gguf", content)
		p.f.options.SaveEvery = 1
		p.hub.Break(fetchtest.Fault{Kind: fetchtest.Bytes, Times: 1, Do: func(*fetchtest.Answer, *http.Request) bool {
			if f, err := os.Create(filepath.Join(p.dir, "junk")); err == nil {
				for err == nil {
					_, err = f.Write(make([]byte, 4096))
				}
				f.Close()
			}
			return false
		}})
		p.gets(ref)
		p.has(base, content)
	})
}
