package demo

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Tokens with a fixed place or meaning.
const (
	unknown   = 0
	begin     = 1
	end       = 2
	firstByte = 3 // the 256 bytes follow: any text can be written with them
	turnStart = "<|im_start|>"
	turnEnd   = "<|im_end|>"
	space     = "▁" // how a SentencePiece vocabulary writes a space
)

// The format's kinds of token.
const (
	kindNormal  = 1
	kindUnknown = 2
	kindControl = 3
	kindUnused  = 5
	kindByte    = 6
)

// vocabulary is a SentencePiece vocabulary that grows with the words it is shown.
//
// An engine builds a word by joining neighbours, and only through pieces that exist: so with every word all its
// prefixes become pieces, and joining from the left always arrives at the whole word.
type vocabulary struct {
	pieces []string
	kinds  []int32
	class  []int  // token -> the token whose code it is read as: upper and lower case are one
	whole  []bool // token -> it occurs in a text, and is not merely a prefix
	index  map[string]int
}

func newVocabulary() *vocabulary {
	v := &vocabulary{index: map[string]int{}}
	v.add("<unk>", kindUnknown)
	v.add("<s>", kindControl)
	v.add("</s>", kindControl)
	for b := range 256 {
		v.add(fmt.Sprintf("<0x%02X>", b), kindByte)
	}
	v.add(turnStart, kindControl)
	v.add(turnEnd, kindControl)
	v.add(space, kindNormal)
	v.class[end] = begin // whoever ignores the end gets the next text
	return v
}

func (v *vocabulary) add(piece string, kind int32) int {
	if id, ok := v.index[piece]; ok {
		return id
	}
	id := len(v.pieces)
	v.index[piece] = id
	v.pieces = append(v.pieces, piece)
	v.kinds = append(v.kinds, kind)
	v.class = append(v.class, id)
	v.whole = append(v.whole, kind == kindControl)
	return id
}

// word makes a word known as it stands and in small letters, both read alike, and returns its token.
func (v *vocabulary) word(w string, spaced bool) int {
	class := v.spell(space + strings.ToLower(w))
	id := v.spell(space + w)
	if !spaced {
		v.class[id], v.whole[class] = class, true
		id = v.spell(w)
	}
	v.class[id] = class
	v.whole[id], v.whole[class] = true, true
	return id
}

// topic makes a topic known in every form a message may hold it in and returns its class.
func (v *vocabulary) topic(w string) int {
	for _, form := range []string{w, strings.ToUpper(w[:1]) + w[1:]} {
		v.word(form, true)
		v.word(form, false)
	}
	return v.index[space+w]
}

// classes returns what the tokens are read as.
func (v *vocabulary) classes(tokens []int) []int {
	c := make([]int, len(tokens))
	for i, t := range tokens {
		c[i] = v.class[t]
	}
	return c
}

// spell adds a piece and its prefixes and returns the piece's token.
func (v *vocabulary) spell(piece string) (id int) {
	for i := range piece {
		if i > 0 {
			v.add(piece[:i], kindNormal)
		}
	}
	return v.add(piece, kindNormal)
}

// encode returns the tokens of s as an engine would make them, teaching the vocabulary the words on its way.
// Like the engine it puts a space in front of the text and after a control token.
func (v *vocabulary) encode(s string) (tokens []int) {
	for s != "" {
		if strings.HasPrefix(s, turnStart) {
			tokens = append(tokens, v.index[turnStart])
			s = s[len(turnStart):]
			continue
		}
		fragment := s
		if i := strings.Index(s, turnStart); i > 0 {
			fragment = s[:i]
		}
		tokens = append(tokens, v.fragment(" "+fragment)...)
		s = s[len(fragment):]
	}
	return tokens
}

func (v *vocabulary) fragment(s string) (tokens []int) {
	for s != "" {
		spaced := s[0] == ' '
		rest := strings.TrimPrefix(s, " ")
		n := letters(rest)
		switch {
		case n > 0:
			tokens = append(tokens, v.word(rest[:n], spaced))
			s = rest[n:]
		case spaced:
			tokens = append(tokens, v.index[space])
			v.whole[v.index[space]] = true
			s = rest
		default:
			tokens = append(tokens, firstByte+int(s[0]))
			v.whole[firstByte+int(s[0])] = true
			s = s[1:]
		}
	}
	return tokens
}

// letters counts the ASCII letters s begins with.
func letters(s string) int {
	for i, r := range s {
		if r >= utf8.RuneSelf || (r|0x20) < 'a' || (r|0x20) > 'z' {
			return i
		}
	}
	return len(s)
}

// settle ends the growth: it fills up with unused pieces to a multiple of 32, which kernels like, and makes all
// that stands in no text read as unknown.
func (v *vocabulary) settle() {
	for len(v.pieces)%32 != 0 {
		v.add(fmt.Sprintf("<unused%d>", len(v.pieces)), kindUnused)
	}
	v.whole[unknown] = true
	for id := range v.class {
		if !v.whole[id] {
			v.class[id] = unknown
		}
	}
}

// scores order the joining: earlier pieces first.
func (v *vocabulary) scores() []float32 {
	s := make([]float32, len(v.pieces))
	for i, k := range v.kinds {
		if k == kindNormal {
			s[i] = -float32(i)
		}
	}
	return s
}
