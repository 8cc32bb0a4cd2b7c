package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"rbee/deploy/argvconn"
	"rbee/deploy/bundle"
	"rbee/deploy/install"
	"rbee/deploy/remote"
	"rbee/internal/config"
	"rbee/internal/engine"
	"rbee/internal/fault"
	"rbee/internal/workerkind"
	"rbee/supervisor"
)

// Step is one thing that must hold for a node to work.
type Step struct {
	Name string        `json:"step"` // reach, host key, auth, exec, latency, system, space, bundle, engine, devices
	OK   bool          `json:"ok"`
	Text string        `json:"text"` // what was found
	Took time.Duration `json:"-"`
	MS   float64       `json:"took_ms"`
	Err  *fault.Error  `json:"error,omitempty"`
}

// Detected is what models can be loaded on at a node, over all its sets of the engine's libraries, and by which kinds
// of workers.
type Detected struct {
	Engine  string            `json:"engine,omitempty"`
	Release string            `json:"release,omitempty"`
	Devices []engine.Device   `json:"devices"`
	Sets    []EngineSet       `json:"sets"`
	Workers []workerkind.Kind `json:"workers"`
	Error   *fault.Error      `json:"error,omitempty"`
}

// EngineSet is one installed build of the engine.
type EngineSet struct {
	Backend string `json:"backend"`
	Folder  string `json:"folder"`
	Error   string `json:"error,omitempty"` // why its backend has no device; "" = it has
}

// checker goes through the steps.
type checker struct {
	nodes   *Nodes
	name    string
	report  func(Step)
	send    bool
	way     Way
	conn    remote.Conn
	facts   install.Facts
	program string
}

// Check looks at a node step by step, as an answer would need it, and reports each step as it ends; it stops at the
// first that fails, whose error it returns. send: what is not there yet may be sent. Without that the engine and the
// devices of a node that was never used stay unknown.
func (n *Nodes) Check(ctx context.Context, name string, send bool, report func(Step)) error {
	c := &checker{nodes: n, name: name, report: report, send: send}
	defer func() {
		if c.conn != nil {
			c.conn.Close()
		}
	}()
	for _, s := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"name", c.resolve}, {"reach", c.reach}, {"host key", c.hostKey}, {"auth", c.auth}, {"exec", c.exec}, {"latency", c.latency},
		{"system", c.system}, {"space", c.space}, {"bundle", c.bundle}, {"engine", c.engine},
	} {
		if c.program != "" && c.way.Dial == nil && s.name != "engine" {
			continue // this machine
		}
		began := time.Now()
		text, err := s.do(ctx)
		if text == "" && err == nil {
			continue // does not apply
		}
		took := time.Since(began)
		step := Step{Name: s.name, OK: err == nil, Text: text, Took: took, MS: float64(took.Microseconds()) / 1000}
		if err != nil {
			step.Err = fault.From(err)
			report(step)
			return step.Err
		}
		report(step)
	}
	return nil
}

func (c *checker) resolve(context.Context) (text string, err error) {
	if IsLocal(c.name) { // its programs are here, and only the engine is to be looked at
		c.conn, c.program, err = here()
		return "this machine", err
	}
	if c.way, err = c.nodes.Way(c.name); err != nil {
		return "", err
	}
	if c.way.Target == nil {
		return strings.Join(c.way.Argv, " "), nil
	}
	text = c.way.Target.String()
	if c.way.From != "" {
		text += ", from the " + c.way.From
	}
	if n := len(c.way.Target.Jumps); n > 0 {
		text += fmt.Sprintf(", over %d jump host", n) + map[bool]string{true: "s"}[n > 1]
	}
	return text, nil
}

func (c *checker) reach(ctx context.Context) (string, error) {
	if c.way.Target == nil {
		return "", nil
	}
	k, err := c.nodes.HostKey(ctx, c.name)
	if fault.CodeOf(err) == fault.SSHHostKeyChanged {
		err = nil // it answers; the next step says the rest
	}
	return k.Address + " answers", err
}

func (c *checker) hostKey(ctx context.Context) (string, error) {
	if c.way.Target == nil {
		return "", nil
	}
	k, err := c.nodes.HostKey(ctx, c.name)
	if err == nil && !k.Trusted {
		err = fault.New(fault.SSHHostKeyUnknown, "%s shows a key nobody has trusted: %s %s", k.Address, k.Kind, k.Fingerprint).
			WithHint("compare it with the machine's own, then run: rbee node trust %s", c.name)
	}
	return k.Kind + " " + k.Fingerprint, err
}

func (c *checker) auth(ctx context.Context) (text string, err error) {
	if c.conn, err = c.way.Dial(ctx); err != nil {
		return "", err
	}
	return "connected to " + c.conn.String(), nil
}

func (c *checker) exec(ctx context.Context) (string, error) {
	said, exit, err := remote.Output(ctx, c.conn, []string{"true"}, nil)
	switch {
	case err != nil:
		return "", err
	case !exit.OK():
		return "", fault.New(fault.HiveStartFailed, "a command on %s ends with %s%s", c.name, exit, lastLine(said.Stderr)).
			WithHint("%s", c.byHand())
	}
	if said.Stdout != "" || said.Stderr != "" {
		return fmt.Sprintf("commands run; the login shell prints %d bytes of its own, which is harmless", len(said.Stdout)+len(said.Stderr)), nil
	}
	return "commands run", nil
}

// byHand says how a person finds out why commands do not run.
func (c *checker) byHand() string {
	if c.way.Target == nil {
		return "run it by hand: " + strings.Join(c.way.Argv, " ") + " true"
	}
	return "the account must be able to run commands over SSH (no forced command, a working login shell)"
}

func (c *checker) latency(ctx context.Context) (string, error) {
	best := time.Hour
	for range 5 {
		began := time.Now()
		if _, _, err := remote.Output(ctx, c.conn, []string{"true"}, nil); err != nil {
			return "", err
		}
		best = min(best, time.Since(began))
	}
	return fmt.Sprintf("a command and back in %.1f ms", float64(best.Microseconds())/1000), nil
}

func (c *checker) system(ctx context.Context) (text string, err error) {
	if c.facts, err = install.Probe(ctx, c.conn, c.entry().CacheDir); err != nil {
		return "", err
	}
	text = c.facts.OS + "/" + c.facts.Arch
	if c.facts.Libc != "" {
		text += ", " + c.facts.Libc
	}
	return text, c.facts.Check()
}

func (c *checker) entry() config.Node {
	file, err := c.nodes.file()
	if err != nil {
		return config.Node{}
	}
	return file.Nodes[c.name]
}

func (c *checker) space(context.Context) (string, error) {
	var bad []string
	for _, p := range c.facts.Places {
		dir := p.Dir
		if !path.IsAbs(dir) {
			dir = "~/" + dir
		}
		if p.Bad == "" {
			if p.Free < 0 {
				return dir, nil
			}
			return fmt.Sprintf("%s, %.1f GB free", dir, float64(p.Free)/1e9), nil
		}
		bad = append(bad, dir+" "+p.Bad)
	}
	return "", fault.New(fault.HiveStartFailed, "there is no folder on %s where a hive could live: %s", c.name, strings.Join(bad, "; ")).
		WithHint("set cache_dir of this node to one that is yours, writable and executable")
}

func (c *checker) options() install.Options {
	return install.Options{Node: c.name, CacheDir: c.entry().CacheDir, Device: engineDevice(c.entry()),
		Getenv: c.nodes.Getenv, Executable: c.nodes.Executable}
}

func (c *checker) bundle(ctx context.Context) (string, error) {
	b, err := bundle.Find(c.nodes.Getenv, c.nodes.Executable, c.facts.Platform(engineDevice(c.entry())))
	if err != nil {
		return "", err
	}
	for _, hive := range c.hives(b) {
		if _, exit, err := remote.Output(ctx, c.conn, []string{hive, "--version"}, nil); err == nil && exit.OK() {
			c.program = hive
			return fmt.Sprintf("this build is installed (%.1f MB)", float64(b.Size)/1e6), nil
		}
	}
	if !c.send {
		return fmt.Sprintf("not there yet: the first use sends %.1f MB (--install sends it now)", float64(b.Packed)/1e6), nil
	}
	if c.program, _, err = install.Ensure(ctx, c.conn, c.options()); err != nil {
		return "", err
	}
	return fmt.Sprintf("sent (%.1f MB)", float64(b.Packed)/1e6), nil
}

// hives is where this build may be: where the next visit looks first, and in every place that a hive can live in.
// Those below /var/tmp are among them: the probe has just looked whose they are.
func (c *checker) hives(b bundle.Bundle) (paths []string) {
	if guess, _, err := install.Guess(c.options()); err == nil && guess != "" {
		paths = append(paths, guess)
	}
	for _, p := range c.facts.Places {
		if hive := install.HivePath(p.Dir, b); p.Bad == "" && !slices.Contains(paths, hive) {
			paths = append(paths, hive)
		}
	}
	return paths
}

func (c *checker) engine(ctx context.Context) (string, error) {
	if c.program == "" {
		return "", nil
	}
	d, err := detect(ctx, c.conn, c.program)
	if err != nil {
		return "", err
	}
	var on []string
	for _, dev := range d.Devices {
		on = append(on, fmt.Sprintf("%s %s, %.1f of %.1f GB free", dev.ID, dev.Description, float64(dev.FreeBytes)/1e9, float64(dev.TotalBytes)/1e9))
	}
	return d.Engine + " " + d.Release + " on " + strings.Join(on, "; "), nil
}

// here is this machine as a node whose hive lies beside this program.
func here() (remote.Conn, string, error) {
	path, err := supervisor.Beside("rbee-hive")
	if err != nil {
		return nil, "", err
	}
	c, err := argvconn.New(Localhost, []string{"env"})
	if err != nil {
		return nil, "", err // not a nil *Conn in the interface
	}
	return c, path, nil
}

// Detect asks a node what models can be loaded on there. What is not there yet is sent, as the first use would.
func (n *Nodes) Detect(ctx context.Context, name string, say func(text string, progress float64)) (Detected, error) {
	if IsLocal(name) {
		conn, program, err := here()
		if err != nil {
			return Detected{}, err
		}
		defer conn.Close()
		return detect(ctx, conn, program)
	}
	way, err := n.Way(name)
	if err != nil {
		return Detected{}, err
	}
	conn, err := way.Dial(ctx)
	if err != nil {
		return Detected{}, err
	}
	defer conn.Close()
	c := &checker{nodes: n, name: name}
	p := programs{c.options()}
	if guess := p.Guess(); guess != "" {
		if d, err := detect(ctx, conn, guess); err == nil {
			return d, nil
		}
	}
	path, _, err := p.Install(ctx, conn, 0, say)
	if err != nil {
		return Detected{}, err
	}
	return detect(ctx, conn, path)
}

func detect(ctx context.Context, conn remote.Conn, program string) (d Detected, err error) {
	said, exit, err := remote.Output(ctx, conn, []string{program, "detect"}, nil)
	if err != nil {
		return d, err
	}
	// A login shell may print before it: the last line that is ours counts.
	lines := strings.Split(strings.TrimSpace(said.Stdout), "\n")
	if json.Unmarshal([]byte(lines[len(lines)-1]), &d) != nil || d.Error == nil && d.Engine == "" {
		return d, fault.New(fault.EngineUnavailable, "the hive on the node does not say what it can run on: %s%s", exit, lastLine(said.Stderr))
	}
	if d.Error != nil {
		return d, d.Error
	}
	return d, nil
}
