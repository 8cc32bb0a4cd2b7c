package main

import (
	"os"

	"rbee/internal/api"
	"rbee/internal/config"
)

// settings are the config file, read when a command wants it.
type settings struct {
	env  config.Env
	file string // --config
}

// load reads and checks the file.
func (s *settings) load() (*config.File, error) { return s.env.Load(s.file) }

// pass has the queen that this command starts read the same file.
func (s *settings) pass() error {
	if s.file == "" {
		return nil
	}
	source, err := s.env.ConfigFile(s.file)
	if err != nil {
		return err
	}
	return os.Setenv("RBEE_CONFIG", source.Path)
}

// edit changes the file.
func (s *settings) edit(change func(*config.Document) error) error {
	source, err := s.env.ConfigFile(s.file)
	if err != nil {
		return err
	}
	return source.Edit(change)
}

// node is where to run: what was asked for, else the file's default_node, else this machine.
func (s *settings) node(asked string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	f, err := s.load()
	switch {
	case err != nil:
		return "", err
	case f.DefaultNode != "":
		return f.DefaultNode, nil
	}
	return api.DefaultNode, nil
}

// worker is the kind of worker to use: what was asked for, else the file's default_worker, else the usual one ("").
func (s *settings) worker(asked string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	f, err := s.load()
	if err != nil {
		return "", err
	}
	return f.DefaultWorker, nil
}
