package sshconn

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"rbee/internal/fault"
)

// hostile serves TCP connections on loopback, one after the other, and returns a target that leads there with its
// host key known, and patience for a short while only.
func hostile(t testing.TB, key ssh.PublicKey, serve func(net.Conn)) Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	h := newHome(t)
	s := &server{dir: h.dir, port: l.Addr().(*net.TCPAddr).Port, user: "ana", hostKey: key}
	if key != nil {
		h.knows(t, s)
	}
	h.host("mac", s)
	target := h.resolve(t, "mac")
	target.ConnectTimeout = 200 * time.Millisecond
	return target
}

func swallow(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func TestAServerThatNeverSpeaksIsATimeout(t *testing.T) {
	start := time.Now()
	err := refused(t, hostile(t, nil, swallow), Options{}, fault.SSHTimeout)
	if !strings.Contains(err.Message, "3 attempts") || !strings.Contains(err.Message, "200ms") || time.Since(start) < 600*time.Millisecond {
		t.Errorf("after %v: %s", time.Since(start), err.Message)
	}
}

func TestAServerThatNeverEndsItsGreetingIsGivenUp(t *testing.T) {
	for what, greeting := range map[string]string{
		"lines":      "welcome\r\n",
		"one line":   "welcome ",
		"nul":        "\x00",
		"empty line": "\n",
		"handshake":  "SSH-2.0-x\r\n",
	} {
		t.Run(what, func(t *testing.T) {
			target := hostile(t, nil, func(c net.Conn) {
				if what == "handshake" {
					_, _ = io.WriteString(c, greeting)
					swallow(c)
					return
				}
				for b := bytes.Repeat([]byte(greeting), 1000); ; {
					if _, err := c.Write(b); err != nil {
						return
					}
				}
			})
			c, err := Dial(t.Context(), target, Options{Attempts: 1})
			if err == nil {
				c.Close()
			}
			if code := fault.CodeOf(err); code != fault.SSHTimeout && code != fault.SSHUnreachable {
				t.Errorf("%v: %v", code, err)
			}
		})
	}
}

func TestGarbageIsNoReasonToTryAgain(t *testing.T) {
	for what, said := range map[string][]byte{
		"http":           []byte("HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat("x", 300)),
		"giant packet":   append(binary.BigEndian.AppendUint32([]byte("SSH-2.0-x\r\n"), 1<<31), make([]byte, 100)...),
		"empty packet":   append([]byte("SSH-2.0-x\r\n"), make([]byte, 64)...),
		"random packet":  append([]byte("SSH-2.0-x\r\n\x00\x00\x00\x1c\x04\x14"), bytes.Repeat([]byte{0xff}, 100)...),
		"old version":    []byte("SSH-1.5-old\r\n\x00\x00\x00\x01\x00" + strings.Repeat("\x00", 40)),
		"escape codes":   []byte("SSH-2.0-\x1b[31m\r\n\xff\xff\xff\xff\xff\xff"),
		"early messages": append([]byte("SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x5e"), make([]byte, 200)...),
	} {
		t.Run(what, func(t *testing.T) {
			err := refused(t, hostile(t, nil, func(c net.Conn) {
				_, _ = c.Write(said)
				swallow(c)
			}), Options{Notify: once(t)}, fault.SSHUnreachable)
			if strings.ContainsAny(err.Message, "\x1b\x00\n") || len(err.Message) > 600 {
				t.Errorf("%q", err.Message)
			}
		})
	}
}

// sshServer is a server made with the SSH library, which lets anybody in, and then does what serve says.
func sshServer(t testing.TB, serve func(*ssh.ServerConn, <-chan ssh.NewChannel, <-chan *ssh.Request), change ...func(*ssh.ServerConfig)) Target {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hostKey, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(hostKey)
	for _, f := range change {
		f(config)
	}
	return hostile(t, hostKey.PublicKey(), func(c net.Conn) {
		conn, chans, reqs, err := ssh.NewServerConn(c, config)
		if err == nil {
			serve(conn, chans, reqs)
		}
	})
}

// session is a server whose sessions do what serve says once a command was asked for.
func session(t testing.TB, serve func(ssh.Channel, <-chan *ssh.Request)) *Conn {
	t.Helper()
	return dial(t, sshServer(t, func(_ *ssh.ServerConn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) {
		go ssh.DiscardRequests(reqs)
		for n := range chans {
			ch, reqs, err := n.Accept()
			if err != nil {
				return
			}
			go func() {
				if r := <-reqs; r != nil {
					_ = r.Reply(true, nil)
					serve(ch, reqs)
				}
			}()
		}
	}), Options{})
}

func TestAFloodOfBannersIsGivenUp(t *testing.T) {
	banner := strings.Repeat("spam ", 1000)
	target := sshServer(t, func(*ssh.ServerConn, <-chan ssh.NewChannel, <-chan *ssh.Request) {}, func(c *ssh.ServerConfig) {
		c.NoClientAuth = true
		c.NoClientAuthCallback = func(m ssh.ConnMetadata) (*ssh.Permissions, error) {
			for m.(ssh.ServerPreAuthConn).SendAuthBanner(banner) == nil {
			}
			return nil, io.EOF
		}
	})
	refused(t, target, Options{Attempts: 1}, fault.SSHTimeout)
}

func TestAnAuthenticationThatNeverAnswersIsATimeout(t *testing.T) {
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	target := sshServer(t, nil, func(c *ssh.ServerConfig) {
		c.NoClientAuthCallback = func(ssh.ConnMetadata) (*ssh.Permissions, error) {
			<-never
			return nil, io.EOF
		}
	})
	refused(t, target, Options{Attempts: 1}, fault.SSHTimeout)
}

func TestAServerThatHangsUpIsTriedAgain(t *testing.T) {
	attempts := 0
	err := refused(t, hostile(t, nil, func(net.Conn) {}), Options{Notify: func(n int) { attempts = n }}, fault.SSHUnreachable)
	if attempts != 3 {
		t.Errorf("%d attempts: %s", attempts, err.Message)
	}
}

func TestARefusedChannelIsAnError(t *testing.T) {
	c := dial(t, sshServer(t, func(_ *ssh.ServerConn, chans <-chan ssh.NewChannel, _ <-chan *ssh.Request) {
		for n := range chans {
			_ = n.Reject(ssh.Prohibited, "no\x1b[31m\nway")
		}
	}), Options{})
	_, err := c.Start(t.Context(), []string{"true"})
	if f := fault.From(err); f.Code != fault.SSHUnreachable || strings.ContainsAny(f.Message, "\x1b\n") || !strings.Contains(f.Message, "way") {
		t.Errorf("%q", err)
	}
}

func TestARefusedCommandIsAnError(t *testing.T) {
	c := dial(t, sshServer(t, func(_ *ssh.ServerConn, chans <-chan ssh.NewChannel, _ <-chan *ssh.Request) {
		for n := range chans {
			_, reqs, err := n.Accept()
			if err == nil {
				go ssh.DiscardRequests(reqs) // says no to each
			}
		}
	}), Options{})
	_, err := c.Start(t.Context(), []string{"true"})
	if f := fault.From(err); f.Code != fault.SSHUnreachable || !strings.Contains(f.Message, "refused to run a command") {
		t.Error(err)
	}
}

func TestACommandThatEndsWithoutAStatusProvesNothing(t *testing.T) {
	c := session(t, func(ch ssh.Channel, _ <-chan *ssh.Request) {
		_, _ = io.WriteString(ch, "half")
		_ = ch.Close()
	})
	out, exit := output(t, c, "true")
	if out != "half" || exit.Known || exit.OK() || exit.Err == nil {
		t.Errorf("%q, %+v", out, exit)
	}
}

func TestAForgedStatusIsHarmless(t *testing.T) {
	c := session(t, func(ch ssh.Channel, _ <-chan *ssh.Request) {
		_, _ = ch.SendRequest("exit-status", false, []byte{1})
		_, _ = ch.SendRequest("exit-signal", false, []byte{0xff, 0xff, 0xff, 0xff})
		_, _ = ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			S string
			C bool
			M string
			L string
		}{"\x1b[31mKILL\n", true, "m", "l"}))
		_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ S uint32 }{0}))
		_ = ch.Close()
	})
	if _, exit := output(t, c, "true"); !exit.Known || exit.OK() || strings.ContainsAny(exit.Signal, "\x1b\n") {
		t.Errorf("%+v", exit)
	}
}

func TestEndlessStderrHoldsUpNothing(t *testing.T) {
	c := session(t, func(ch ssh.Channel, _ <-chan *ssh.Request) {
		go func() {
			for b := make([]byte, 32<<10); ; {
				if _, err := ch.Stderr().Write(b); err != nil {
					return
				}
			}
		}()
		for i := range 1000 {
			_, _ = fmt.Fprintln(ch, i)
		}
		_ = ch.CloseWrite()
		_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ S uint32 }{0}))
	})
	out, exit := output(t, c, "true")
	if !strings.HasSuffix(out, "\n999\n") || !exit.OK() {
		t.Errorf("%d bytes, %v", len(out), exit)
	}
}

// Nothing waits for a reader who never comes, once the connection was closed here. More has arrived than there is
// room for: the answer to a request comes behind it.
func TestClosingTheConnectionFreesASessionNobodyReads(t *testing.T) {
	for _, ends := range []bool{false, true} { // the far side, before we do
		wrote := make(chan bool)
		c := session(t, func(ch ssh.Channel, _ <-chan *ssh.Request) {
			if _, _ = ch.Write(make([]byte, 2<<20)); ends {
				_ = ch.Close()
			}
			wrote <- true
		})
		before := goleak.IgnoreCurrent()
		s, err := c.Start(t.Context(), []string{"true"})
		if err != nil {
			t.Fatal(err)
		}
		<-wrote
		if _, _, err := c.clients[0].SendRequest("are you there", true, nil); err != nil {
			t.Fatal(err)
		}
		if ends {
			<-s.Done()
		}
		c.Close()
		<-s.Done()
		goleak.VerifyNone(t, before)
	}
}

func TestASignalIsAskedFor(t *testing.T) {
	got := make(chan string, 1)
	c := session(t, func(_ ssh.Channel, reqs <-chan *ssh.Request) {
		for r := range reqs {
			var m struct{ Signal string }
			if err := ssh.Unmarshal(r.Payload, &m); err == nil {
				got <- fmt.Sprint(r.Type, " ", m.Signal, " ", r.WantReply)
			}
		}
	})
	s := start(t, c, "")
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if g := <-got; g != "signal TERM false" {
		t.Error(g)
	}
	if err := s.Signal(syscall.SIGWINCH); err == nil {
		t.Error("a signal without a name is no error")
	}
	s.Close()
	if err := s.Signal(syscall.SIGTERM); err == nil {
		t.Error("a signal to a session that was given up is no error")
	}
}

// What a server may ask of a client: nothing.
func TestAServerCannotOpenAnythingHere(t *testing.T) {
	told := make(chan string, 3)
	dial(t, sshServer(t, func(conn *ssh.ServerConn, _ <-chan ssh.NewChannel, _ <-chan *ssh.Request) {
		for _, kind := range []string{"forwarded-tcpip", "auth-agent@openssh.com", "x11"} {
			_, _, err := conn.OpenChannel(kind, nil)
			told <- fmt.Sprint(err)
		}
		_ = conn.Wait()
	}), Options{})
	for range 3 {
		if e := <-told; !strings.Contains(e, "unknown channel type") {
			t.Error(e)
		}
	}
}
