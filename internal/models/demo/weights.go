package demo

import "math"

// The shape of the network. The width is five slots of one code each (the current token, the three before it, the
// topic), one for the answer, and a few single channels.
const (
	width    = 256
	heads    = 4
	headSize = 64
	ropeBase = 10000

	slotTopic  = 4 * codeWidth
	slotAnswer = 5 * codeWidth
	chOne      = 6 * codeWidth   // always 1
	chTopic    = 6*codeWidth + 1 // how strongly the token names a topic: 0, weakTopic or strongTopic
	chNoTopic  = 6*codeWidth + 2 // fills up, so that every token's row has the same length for the norm
	topicHead  = heads - 1
	unitMargin = 14 // how far above its threshold a matching unit gets; a miss by one code is as far below

	weakTopic   = 0.80
	strongTopic = 0.88 // wins over a weak one up to 120 tokens later
)

// matrix is rows of cols numbers.
type matrix struct {
	rows, cols int
	v          []float32
}

func newMatrix(rows, cols int) *matrix { return &matrix{rows, cols, make([]float32, rows*cols)} }

func (m *matrix) at(row, col int) *float32 { return &m.v[row*m.cols+col] }

// put writes a code, scaled, into a row.
func (m *matrix) put(row, col int, c code, scale float32) {
	for i := range codeWidth {
		*m.at(row, col+i) += scale * c.sign(i)
	}
}

// embed builds the token matrix: the code of the token's class, and how much of a topic it is.
func embed(v *vocabulary, codes []code, topic map[int]float32) *matrix {
	m := newMatrix(len(codes), width)
	for id := range codes {
		class := v.class[id]
		m.put(id, 0, codes[class], 1)
		f := topic[class]
		*m.at(id, chOne) = 1
		*m.at(id, chTopic) = f
		*m.at(id, chNoTopic) = float32(math.Sqrt(1 - float64(f)*float64(f)))
	}
	return m
}

// inputNorm is the root mean square of a token's row: as the norm's weight it undoes the norm.
func inputNorm() float64 { return math.Sqrt((codeWidth + 2) / float64(width)) }

// slotNorm is the same behind the attention, when all five slots are filled.
func slotNorm() float64 { return math.Sqrt((5*codeWidth + 2) / float64(width)) }

// attention holds the four projections. There is one key and value head, shared by all four query heads.
type attention struct{ q, k, v, o *matrix }

// Rotary position turns pair i of a key at distance d by d*theta(i). The fast half of the pairs tells positions
// apart; of the slow half the topic head uses two.
const (
	positionPairs = headSize / 4
	recencyPair   = 24 // a thousand tokens to a radian: prefers the latest topic
	topicPair     = 31 // hardly turns at all: is it a topic?

	// A score is the product of query and key over 8, so these squared over 8 are nats. They stay small enough
	// for engines that sum products in 16-bit floats.
	positionSharp = 16 // neighbours are 1.06 times 32 nats behind
	recencySharp  = 64 // 512 nats in 1,570 tokens, half a nat for the first ones
	topicSharp    = 80 // 800 nats times the strength
)

func theta(pair int) float64 { return math.Pow(ropeBase, -2*float64(pair)/headSize) }

func attend() attention {
	a := attention{newMatrix(heads*headSize, width), newMatrix(headSize, width), newMatrix(headSize, width), newMatrix(width, heads*headSize)}
	for i := range positionPairs {
		*a.k.at(2*i, chOne) = positionSharp
		for h := range topicHead { // turned by h+1 tokens: the score peaks at that distance
			angle := -float64(h+1) * theta(i)
			*a.q.at(h*headSize+2*i, chOne) = float32(positionSharp * math.Cos(angle))
			*a.q.at(h*headSize+2*i+1, chOne) = float32(positionSharp * math.Sin(angle))
		}
	}
	// A quarter turn ahead the cosine falls as a line: nearer is better.
	*a.k.at(2*recencyPair, chOne) = recencySharp
	*a.q.at(topicHead*headSize+2*recencyPair+1, chOne) = recencySharp
	*a.k.at(2*topicPair, chTopic) = topicSharp
	*a.q.at(topicHead*headSize+2*topicPair, chOne) = topicSharp
	for i := range codeWidth {
		*a.v.at(i, i) = 1
		for h := range heads {
			*a.o.at((h+1)*codeWidth+i, h*headSize+i) = 1
		}
	}
	return a
}

// feedForward holds the rules: gate says when a unit fires, down what it then says.
type feedForward struct {
	gate, up, down *matrix
}

const (
	unitSlope = 3    // how steeply a unit switches: one code less must be as good as off, even for the loudest
	louder    = 40   // what one more code in the context multiplies a rule's weight with
	second    = 0.95 // what the second choice has of the first one's weight; the shorter rules cannot close the gap
)

// units is one for each rule, up to whole blocks of 32.
func units(rules []rule) int { return (len(rules) + 31) / 32 * 32 }

func apply(rules []rule, codes []code) feedForward {
	n := units(rules)
	f := feedForward{newMatrix(n, width), newMatrix(n, width), newMatrix(width, n)}
	for u, r := range rules {
		f.set(u, r, codes, float32(math.Pow(louder, float64(r.level()-1))))
	}
	return f
}

// level is how many codes must match.
func (r rule) level() int {
	if r.topic != 0 {
		return len(r.context) + 1
	}
	return len(r.context)
}

func (f feedForward) set(u int, r rule, codes []code, weight float32) {
	for i, class := range r.context { // the newest code is in slot 0
		f.gate.put(u, (len(r.context)-1-i)*codeWidth, codes[class], unitSlope)
	}
	if r.topic != 0 {
		f.gate.put(u, slotTopic, codes[r.topic], unitSlope)
	}
	*f.gate.at(u, chOne) = unitSlope * (unitMargin - float32(r.level()*codeWidth))
	*f.up.at(u, chOne) = 1
	share := weight / (unitSlope * unitMargin)
	for _, t := range r.next {
		for i := range codeWidth {
			*f.down.at(slotAnswer+i, u) += share * codes[t].sign(i)
		}
		share *= second
	}
}

// answerScale sets how sure the model is: logits of the right token reach about 16 times this times the root of
// codeWidth.
const answerScale = 0.8

// answer builds the output matrix: a token's own code, not its class's, so that capitals come out as they were
// written. Only what stands in a text can be said.
func answer(v *vocabulary, codes []code) *matrix {
	m := newMatrix(len(codes), width)
	for id := range codes {
		if id == end || v.whole[id] && v.kinds[id] != kindControl && id != unknown {
			m.put(id, slotAnswer, codes[id], answerScale)
		}
	}
	return m
}
