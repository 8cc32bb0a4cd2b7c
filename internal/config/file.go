package config

import (
	"maps"
	"slices"
	"time"
)

// File is what the user's config.toml says. A file that is not there says nothing, and is no error.
//
//	default_node = "mac"
//	default_worker = "llama.cpp"
//
//	[nodes.mac]
//	host = "mac.local"
//	user = "me"
//
//	[models]
//	coder = "hf:Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
//
//	[keep_alive]
//	coder = "1h"
//	demo = 0
type File struct {
	Path string // where it was read from, or would have been; "" if there is no place for it

	DefaultNode   string            // what --node means when it is not given: a name, or a list of them; "" = localhost
	DefaultWorker string            // the kind of worker of a request that names none; "" = llama.cpp
	Nodes         map[string]Node   // by name; never nil
	Models        map[string]string // a model reference by the user's short name for it; never nil
	Queen         Queen             // of a daemon
	// KeepAlive is how long a model's workers stay after their last answer, by the reference that requests use; never
	// nil. keepalive.Forever = for ever.
	KeepAlive map[string]time.Duration
}

// Node is how one machine is reached, and what is used of it. What is not in the file is the zero value, except
// for the weight.
type Node struct {
	Host     string   // as ssh takes it, an alias of the ssh config too; "" = the node's name
	Port     int      // 0 = the ssh config's, else 22
	User     string   // "" = the ssh config's, else the user of this machine
	Identity []string // private keys, absolute or ~/; empty = the ssh config's and the agent's
	Jump     string   // [user@]host[:port], several with commas, in the order they are passed
	Command  []string // instead of all of the above: a program that runs on the node what is put behind it, like docker exec -i box

	ModelsDir string   // on the node, absolute or ~/; "" = the node's own default
	CacheDir  string   // on the node, absolute or ~/; "" = the node's own default
	Devices   []string // the only ones to use; empty = all
	Weight    float64  // how much of the work it should get, against the others: 1 unless set
}

// NodeNames returns the names of all nodes, sorted.
func (f *File) NodeNames() []string { return slices.Sorted(maps.Keys(f.Nodes)) }
