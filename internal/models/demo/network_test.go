package demo

import "math"

// network computes the model in plain Go, one token at a time, as an engine would: so that a change of the corpus
// or of a constant shows here, without any native library.
type network struct {
	m                               *model
	embedding                       *matrix
	q, k, v, o, gate, up, down, out sparse
	keys, vals                      [][]float64
}

func newNetwork() *network {
	m := build()
	a, f := attend(), apply(m.rules, m.codes)
	return &network{m: m, embedding: embed(m.vocabulary, m.codes, m.topics),
		q: newSparse(a.q), k: newSparse(a.k), v: newSparse(a.v), o: newSparse(a.o),
		gate: newSparse(f.gate), up: newSparse(f.up), down: newSparse(f.down), out: newSparse(answer(m.vocabulary, m.codes))}
}

// sparse is a matrix without its zeros, of which hand-made ones mostly consist.
type sparse struct {
	rows    int
	entries []entry
}

type entry struct {
	row, col int
	weight   float64
}

func newSparse(m *matrix) sparse {
	s := sparse{rows: m.rows}
	for i, w := range m.v {
		if w != 0 {
			s.entries = append(s.entries, entry{i / m.cols, i % m.cols, float64(w)})
		}
	}
	return s
}

// times is the product with a vector.
func (s sparse) times(x []float64) []float64 {
	y := make([]float64, s.rows)
	for _, e := range s.entries {
		y[e.row] += e.weight * x[e.col]
	}
	return y
}

func norm(x []float64, weight float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = weight * v / math.Sqrt(sum/float64(len(x))+1e-6)
	}
	return y
}

// rotate applies rotary position to one head.
func rotate(x []float64, pos int) []float64 {
	y := make([]float64, len(x))
	for i := 0; i < len(x); i += 2 {
		sin, cos := math.Sincos(float64(pos) * theta(i/2))
		y[i], y[i+1] = x[i]*cos-x[i+1]*sin, x[i]*sin+x[i+1]*cos
	}
	return y
}

// next reads a token and returns the logits of the one after it.
func (n *network) next(token int) []float64 {
	pos := len(n.keys)
	x := make([]float64, width)
	for i, v := range n.embedding.v[token*width : (token+1)*width] {
		x[i] = float64(v)
	}
	a := norm(x, inputNorm())
	n.keys = append(n.keys, rotate(n.k.times(a), pos))
	n.vals = append(n.vals, n.v.times(a))
	q := n.q.times(a)
	var joined []float64
	for h := range heads {
		joined = append(joined, n.attend(rotate(q[h*headSize:(h+1)*headSize], pos))...)
	}
	for i, v := range n.o.times(joined) {
		x[i] += v
	}
	b := norm(x, slotNorm())
	gate, up := n.gate.times(b), n.up.times(b)
	for i, g := range gate {
		gate[i] = g / (1 + math.Exp(-g)) * up[i]
	}
	for i, v := range n.down.times(gate) {
		x[i] += v
	}
	return n.out.times(norm(x, 1))
}

func (n *network) attend(q []float64) []float64 {
	scores := make([]float64, len(n.keys))
	top := math.Inf(-1)
	for i, k := range n.keys {
		for j := range k {
			scores[i] += q[j] * k[j] / math.Sqrt(headSize)
		}
		top = max(top, scores[i])
	}
	sum, y := 0.0, make([]float64, headSize)
	for i, s := range scores {
		w := math.Exp(s - top)
		sum += w
		for j, v := range n.vals[i] {
			y[j] += w * v
		}
	}
	for j := range y {
		y[j] /= sum
	}
	return y
}

// say decodes until the end, picking each token from its logits, and returns the text.
func (n *network) say(prompt []int, pick func([]float64) int) string {
	n.keys, n.vals = nil, nil
	var logits []float64
	for _, t := range prompt {
		logits = n.next(t)
	}
	var said []byte
	for len(n.keys) < 300 {
		t := pick(logits)
		if t == end {
			return string(said)
		}
		said = append(said, n.m.vocabulary.text(t)...)
		logits = n.next(t)
	}
	return string(said) + " (and no end)"
}

func greedy(logits []float64) int {
	best := 0
	for t, l := range logits {
		if l > logits[best] {
			best = t
		}
	}
	return best
}
