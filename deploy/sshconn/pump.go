package sshconn

import (
	"errors"
	"io"

	"golang.org/x/crypto/ssh"

	"rbee/deploy/remote"
)

// sink is where a stream of the command goes: End says that it ended.
type sink interface {
	io.Writer
	End(error)
}

// drain moves a stream here. Once nobody wants it any more it goes on, into nothing, so that the far side can come
// to its end.
func (s *Session) drain(to sink, from io.Reader) {
	b := make([]byte, 32<<10)
	for wanted := true; ; {
		n, err := from.Read(b)
		if wanted && n > 0 {
			_, werr := to.Write(b[:n])
			wanted = werr == nil
		}
		if err != nil {
			to.End(err)
			s.part()
			return
		}
	}
}

// feed moves what was written to the far side, and its end.
func (s *Session) feed() {
	defer close(s.fed)
	b := make([]byte, 32<<10)
	for {
		n, err := s.in.Read(b)
		if n > 0 {
			_, err = s.ch.Write(b[:n])
		}
		if err == io.EOF && n == 0 {
			_ = s.ch.CloseWrite()
		}
		if err != nil {
			s.in.Abandon(io.ErrClosedPipe)
			return
		}
	}
}

// requests takes the exit status, and the end of the channel.
func (s *Session) requests(reqs <-chan *ssh.Request) {
	exit := remote.Exit{Err: errors.New("the node ended the session without an exit status")}
	for r := range reqs {
		switch r.Type {
		case "exit-status":
			var m struct{ Status uint32 }
			if ssh.Unmarshal(r.Payload, &m) == nil {
				exit = remote.Exit{Known: true, Code: int(m.Status)}
			}
		case "exit-signal":
			var m struct {
				Signal     string
				CoreDumped bool
				Message    string
				Language   string
			}
			if ssh.Unmarshal(r.Payload, &m) == nil {
				if m.Signal = clean(m.Signal); m.Signal == "" {
					m.Signal = "?"
				}
				exit = remote.Exit{Known: true, Signal: m.Signal}
			}
		}
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
		if exit.Known {
			s.finish(exit)
		}
	}
	s.finish(exit)
	s.in.Abandon(io.ErrClosedPipe) // what arrived can still be read
	s.part()
}

// part is called by each of the three that serve the far side's end of the channel. After the last, nothing of the
// session waits for anybody.
func (s *Session) part() {
	if s.parted.Add(1) == 3 {
		s.conn.forget(s)
	}
}
