package main

import (
	"encoding/json"

	"rbee/internal/fault"
	"rbee/internal/gateway/gatewaytest"
	"rbee/internal/models/shelf"
)

// playDisk is a node whose disk holds the demo model. The model's name, or the node's, says what goes wrong.
func playDisk(s *gatewaytest.Stream) {
	g := s.Request
	ref := g.GetModel().GetRef()
	demo := shelf.Row{Model: "demo", Path: "/models/demo/demo.gguf", Size: 2_300_000, Architecture: "llama", Quantization: "F16", Source: "model directory (HOME)"}
	if g.GetNode() == "broken" {
		s.Fail(fault.New(fault.DiskFull, "the disk is full"))
		return
	}
	if g.GetNode() == "evil" {
		demo.Model, demo.Quantization = "d\x1b[2Jemo", "\x1b[2J"
	}
	switch g.GetDisk().GetVerb() {
	case "pull":
		p := shelf.Pulled{Model: ref, Path: "/models/tinyllama/t.gguf", Size: 600_000_000}
		switch ref {
		case "there":
		case "wait":
			if g.GetNode() != "b" {
				break
			}
			<-s.Cancelled
			s.Fail(fault.New(fault.Cancelled, "cancelled"))
			return
		default:
			what := "downloading "
			if g.GetModel().GetPush() {
				what = "receiving "
			}
			s.Say("rbee-hive", "load", what+ref+" (600.0 MB)")
			p.Fetched = p.Size
		}
		tell(s, p)
	case "ls":
		tell(s, demo)
	case "info":
		if ref == "rubbish" {
			tell(s, map[string]any{"size": "much"})
			return
		}
		tell(s, shelf.Info{Row: demo, Context: 512, Slots: 1})
	case "verify":
		v := shelf.Verified{File: demo.Path, SHA256: "0123"}
		if ref == "damaged" {
			v.Expected, v.By = "4567", "the hub"
		}
		tell(s, v)
	case "rm":
		tell(s, shelf.Removed{Model: ref, Files: []string{demo.Path}, Freed: demo.Size})
	case "du":
		tell(s, shelf.Used{Directory: "/models", Bytes: demo.Size, Entries: []shelf.UsedBy{{Name: "demo", Bytes: demo.Size}}})
	}
}

func tell(s *gatewaytest.Stream, row any) {
	b, err := json.Marshal(row)
	if err != nil {
		panic(err)
	}
	s.Told(b)
}
