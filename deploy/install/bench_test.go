package install

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkInstall is a first visit without the network: a bundle of a real one's size, through pipes. What counts is
// what remains beside the transfer: "after" is from the last byte sent to the hive in its place.
func BenchmarkInstall(b *testing.B) {
	bundle := small(b, "", 20<<20)
	for _, shell := range []string{"", "/bin/bash"} {
		b.Run(flavour(shell), func(b *testing.B) {
			b.SetBytes(bundle.Packed)
			for b.Loop() {
				c := node(b, shell)
				if _, err := Install(b.Context(), c, at(home), bundle, 0, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkProbe(b *testing.B) {
	c := node(b, "")
	for b.Loop() {
		if _, err := Probe(b.Context(), c, ""); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAgain is what a visit costs when the bundle is there and nobody knew.
func BenchmarkAgain(b *testing.B) {
	bundle := small(b, "", 1000)
	c := node(b, "")
	for b.Loop() {
		path, err := Install(b.Context(), c, at(home), bundle, 0, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(c.home, path)); err != nil {
			b.Fatal(fmt.Errorf("%s: %w", path, err))
		}
	}
}
