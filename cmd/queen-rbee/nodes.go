package main

import (
	"os"
	"time"

	"rbee/actors/queen"
	"rbee/deploy"
	"rbee/deploy/sshconn"
	"rbee/internal/config"
)

// nodes resolves what the user gave to machines, by the configuration as it is at that moment. ask may be nil: then
// there is nobody who could give a passphrase.
func nodes(load func() (*config.File, error), ask sshconn.Passphrase) func(spec string) ([]queen.Node, error) {
	exe, _ := os.Executable() // without it nothing can be sent, which then is the error
	known := deploy.Nodes{Config: load, Getenv: os.Getenv, Executable: exe, SSH: sshconn.Options{Passphrase: ask}}
	return func(spec string) ([]queen.Node, error) {
		found, err := known.Resolve(spec)
		if err != nil {
			return nil, err
		}
		var ns []queen.Node
		for _, n := range found {
			ns = append(ns, queen.Node{Name: n.Name, Local: n.Local, ModelsDir: n.ModelsDir, Devices: n.Devices, Weight: n.Weight, Spawner: n.Spawner})
		}
		return ns, nil
	}
}

// keepAlive is how long the configuration keeps a model's workers; false if it does not say.
func keepAlive(load func() (*config.File, error)) func(ref string) (time.Duration, bool) {
	return func(ref string) (time.Duration, bool) {
		f, err := load()
		if err != nil {
			return 0, false
		}
		d, ok := f.KeepAlive[ref]
		return d, ok
	}
}

// alias is what the configuration says a model's short name stands for. A configuration that cannot be read is
// reported when the node is resolved.
func alias(load func() (*config.File, error)) func(ref string) string {
	return func(ref string) string {
		f, err := load()
		if err != nil {
			return ""
		}
		return f.Models[ref]
	}
}
