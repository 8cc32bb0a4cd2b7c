package fit

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"rbee/internal/fault"
	"rbee/internal/gguf"
)

// fault is what the user sees: both numbers, what they are made of, and what would fit.
func (s *shortage) fault(all []string) *fault.Error {
	code, what, p := fault.InsufficientMemory, "memory", s.need.Host
	if s.vram {
		code, what, p = fault.InsufficientVRAM, "memory of "+s.device.ID, s.need.Device
	}
	context := s.load.Context
	if context <= 0 {
		context = DefaultContext(s.header)
	}
	f := fault.New(code, "not enough %s: %s with a context of %d tokens%s needs %s, and %s are free (%s)", what, s.name, context, slotText(s.load.Slots),
		Bytes(s.needed), Bytes(s.free), p).
		With("needed", s.needed).With("free", s.free).With("device", s.device.ID).With("needs", s.need)
	if len(all) > 1 {
		f.Message += "; " + strings.Join(all[1:], "; ")
		f.With("devices", all)
	}
	var would []string
	if n := s.contextThatFits(context); n > 0 {
		would = append(would, fmt.Sprintf("a context of %d tokens fits: --ctx %d", n, n))
		f.With("fits_context", n)
	}
	if n := s.layersThatFit(); n > 0 {
		would = append(would, fmt.Sprintf("%d of %d layers fit on it: --gpu-layers %d", n, s.header.Layers, n))
		f.With("fits_gpu_layers", n)
	}
	if q := s.quantizationThatFits(); q != "" {
		would = append(would, "a smaller quantisation fits: "+q)
		f.With("fits_quantization", q)
	}
	if len(would) == 0 {
		would = append(would, "choose a smaller model")
	}
	return f.WithHint("%s; or another node: --node NAME, or --node any for all of them", strings.Join(would, "; "))
}

func slotText(n int64) string {
	if n <= 1 {
		return ""
	}
	return fmt.Sprintf(" for each of %d slots", n)
}

func (p Part) String() string {
	parts := []string{"weights " + Bytes(p.Weights)}
	if p.Repacked > 0 {
		parts = append(parts, "their copy for this CPU "+Bytes(p.Repacked))
	}
	return strings.Join(append(parts, "KV cache "+Bytes(p.KV), "buffers "+Bytes(p.Compute), "process "+Bytes(p.Process)), ", ")
}

// contextThatFits is the largest below the one asked for, in whole cells; 0 if none is.
func (s *shortage) contextThatFits(asked int64) int64 {
	if trained := int64(s.header.Context); trained > 0 {
		asked = min(asked, trained)
	}
	cells := int((asked - 1) / cellPadding)
	n := sort.Search(cells, func(i int) bool { return !s.fits(func(l *Load) { l.Context = int64(i+1) * cellPadding }) })
	return int64(n) * cellPadding
}

// layersThatFit is how many the GPU could take; 0 if none, or if it is not the GPU that is short.
func (s *shortage) layersThatFit() int64 {
	if !s.vram {
		return 0
	}
	most := s.header.Layers
	if s.load.GPULayers >= 0 {
		most = min(most, int(s.load.GPULayers))
	}
	return int64(sort.Search(most, func(i int) bool { return !s.fits(func(l *Load) { l.GPULayers = int64(i + 1) }) }))
}

func (s *shortage) fits(change func(*Load)) bool {
	l := s.load
	change(&l)
	return lack(s.host, s.device, Estimate(s.header, l)) == nil
}

// usual are the quantisations that people choose from, with the bits a weight takes (llama.cpp's
// tools/quantize/README.md, Llama 3.1 8B) and the type of most matrices.
var usual = []struct {
	name string
	bits float64
	main gguf.Type
}{
	{"F16", 16, 1}, {"Q8_0", 8.5, q8_0}, {"Q6_K", 6.56, q6_K}, {"Q5_K_M", 5.7, q5_K}, {"Q4_K_M", 4.89, q4_K}, {"Q4_K_S", 4.67, q4_K},
	{"Q4_0", 4.66, q4_0}, {"Q3_K_M", 4.0, 11}, {"Q2_K", 3.16, q2_K},
}

// quantizationThatFits is the largest of the usual ones that would, at the context asked for; "" if none, or if it is not
// known what the file has.
func (s *shortage) quantizationThatFits() string {
	now := 0.0
	for _, q := range usual {
		if q.name == s.header.Quantization() {
			now = q.bits
		}
	}
	for _, q := range usual {
		if q.bits >= now {
			continue
		}
		smaller := *s.header
		w := &smaller.Weights
		for _, n := range []*int64{&smaller.TensorBytes, &w.Embedding, &w.Output, &w.Blocks} {
			*n = int64(math.Ceil(float64(*n) * q.bits / now))
		}
		clear(w.Matrices[:])
		w.Matrices[q.main], w.OutputType, w.EmbeddingType = smaller.TensorBytes, q.main, q.main
		if lack(s.host, s.device, Estimate(&smaller, s.load)) == nil {
			return q.name
		}
	}
	return ""
}
