package install

import (
	"fmt"
	"io"
	"sync/atomic"
)

// upload is the bundle on its way.
type upload struct {
	total    int64
	progress func(sent, total int64)
	sent     atomic.Int64
}

// run copies the bundle to w. An error means that the far side stopped reading: it will say why.
func (u *upload) run(w io.Writer, file io.Reader) error {
	u.progress(0, u.total)
	_, err := io.CopyBuffer(struct{ io.Writer }{&watched{w, u}}, struct{ io.Reader }{file}, make([]byte, 64<<10))
	return err
}

type watched struct {
	io.Writer
	u *upload
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.u.progress(w.u.sent.Add(int64(n)), w.u.total)
	return n, err
}

// describe says how far it came, for an error: "" before the first byte and after the last.
func (u *upload) describe() string {
	if sent := u.sent.Load(); sent > 0 && sent < u.total {
		return fmt.Sprintf(" after %s of %s", mega(sent), mega(u.total))
	}
	return ""
}
