package main

import (
	"crypto/tls"
	"slices"
	"strings"
	"time"

	"rbee/deploy"
	"rbee/internal/config"
	"rbee/internal/fresh"
	"rbee/internal/gateway/guard"
	"rbee/internal/keys"
)

// live is what a daemon reads from files that may change while it runs. Requests are not touched by a change: each
// looks when it begins. (What counts at once and what after a restart: config.Queen.) A key that is taken away is one
// for the very next request; the configuration, which every request asks for more than once, may be lookTime old.
type live struct {
	config *fresh.Value[*config.File]
	keys   *fresh.Value[keys.Set]
	cert   *fresh.Value[*tls.Certificate] // nil: no TLS
	log    *logs
	level  string // of the flag, which wins
}

// lookTime is far below what a person needs from the editor to the next command.
const lookTime = 50 * time.Millisecond

func newLive(env config.Env, log *logs, level string) (*live, error) {
	v := &live{log: log, level: level}
	source, err := env.ConfigFile("")
	if err != nil && source.Path == "" {
		source.Path = "/dev/null" // no place for one: as empty as one that is not there
	}
	load := func() (*config.File, error) {
		f, err := env.Load("")
		if err == nil {
			v.apply(f)
		}
		return f, err
	}
	v.config, err = fresh.New(load, func(err error) {
		log.Warn("the changed config file is not taken, the old one stays in force", "error", err)
	}, source.Path)
	if err != nil {
		return nil, err
	}
	v.config.Every(lookTime)
	path, err := env.KeysFile("")
	if err != nil {
		path = "/dev/null"
	}
	v.keys, err = fresh.New(func() (keys.Set, error) { return keys.Load(path) },
		func(err error) {
			log.Warn("the changed key file is not taken, the old keys stay in force", "error", err)
		}, path)
	return v, err
}

// apply sets what is not looked up for each request.
func (v *live) apply(f *config.File) {
	if v.level == "" {
		v.log.set(f.Queen.LogLevel)
		return
	}
	v.log.set(v.level)
}

// settings are what the guard looks up.
func (v *live) settings(require bool) guard.Settings {
	q := v.config.Get().Queen
	return guard.Settings{RequireKeys: require || q.RequireKeys, AllowedHosts: q.AllowedHosts, AllowedOrigins: q.AllowedOrigins}
}

// reload is SIGHUP: all files are read again, changed or not, and what came of it is said.
func (v *live) reload() {
	failed := v.config.Reload() != nil
	failed = v.keys.Reload() != nil || failed
	if v.cert != nil {
		failed = v.cert.Reload() != nil || failed
	}
	if !failed {
		v.log.Info("reloaded", "nodes", len(v.config.Get().Nodes), "keys", v.keys.Get().Len())
	}
}

// file is the configuration as it is now.
func (v *live) file() (*config.File, error) { return v.config.Get(), nil }

// node reports whether a name is one that the user set up: this machine, one of the file, or all of them.
func (v *live) node(name string) bool {
	f := v.config.Get()
	_, there := f.Nodes[name]
	return there || name == "any" || deploy.IsLocal(name) || slices.Contains(strings.Split(f.DefaultNode, ","), name)
}
