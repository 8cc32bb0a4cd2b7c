package main

import (
	"os"

	"rbee/actors/queen"
	"rbee/deploy"
	"rbee/deploy/sshconn"
	"rbee/internal/config"
)

// nodes resolves what the user gave to machines, by the configuration as it is at that moment. ask may be nil: then
// there is nobody who could give a passphrase.
func nodes(env config.Env, ask sshconn.Passphrase) func(spec string) ([]queen.Node, error) {
	exe, _ := os.Executable() // without it nothing can be sent, which then is the error
	known := deploy.Nodes{Config: func() (*config.File, error) { return env.Load("") }, Getenv: os.Getenv, Executable: exe, SSH: sshconn.Options{Passphrase: ask}}
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

// alias is what the configuration says a model's short name stands for. A configuration that cannot be read is
// reported when the node is resolved.
func alias(env config.Env) func(ref string) string {
	return func(ref string) string {
		f, err := env.Load("")
		if err != nil {
			return ""
		}
		return f.Models[ref]
	}
}
