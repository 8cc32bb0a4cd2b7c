package transport

import cmap "github.com/orcaman/concurrent-map"

// The actor library keeps the names of a process's actors in 1,024 maps of 32 maps each. Names of reply streams are
// random, so after 100,000 requests each of the 32,768 had been used once and kept its first bucket: some 27 MB of a
// queen's memory, and 3 to 4 MB of every process's before it did anything. 1,024 are locks enough.
func init() { cmap.SHARD_COUNT = 1 }
