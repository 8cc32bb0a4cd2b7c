package main

import (
	"rbee/actors/queen"
	"rbee/deploy"
)

// nodes resolves what the user gave to machines.
func nodes(spec string) ([]queen.Node, error) {
	found, err := deploy.Resolve(spec)
	if err != nil {
		return nil, err
	}
	var ns []queen.Node
	for _, n := range found {
		ns = append(ns, queen.Node{Name: n.Name, Local: n.Local, ModelsDir: n.ModelsDir, Weight: n.Weight, Spawner: n.Spawner})
	}
	return ns, nil
}
