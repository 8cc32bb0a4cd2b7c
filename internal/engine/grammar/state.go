package grammar

// State is how far a text has come in a grammar.
type State struct {
	items    []item
	complete bool
}

// Complete says that the text so far is a sentence of the grammar.
func (s State) Complete() bool { return s.complete }

// Over says that nothing can follow the text so far.
func (s State) Over() bool { return len(s.items) == 0 }

// item is one place in the grammar where a byte is awaited: at the beginning of a character (step < 0) or within one.
type item struct {
	pos, step int32
	caller    *call
}

// call is a rule begun at one place of the text, by whoever called it there. Only while its place is the current one
// does it get more callers.
type call struct {
	rule int32
	back []returnTo
	over bool // returned at the very place where it began: it can be empty
}

type returnTo struct {
	pos    int32
	caller *call
}

// Start returns the state of an empty text.
func (g *Grammar) Start() (State, error) {
	var w walker
	w.begin(g)
	for _, alt := range g.rules[g.root] {
		w.visit(alt, nil)
	}
	s := State{complete: w.run()}
	s.items = w.items
	return s, w.err
}

// Advance returns the state after more bytes of text. If they do not fit, the state is Over and not Complete. The
// error is ErrTooAmbiguous.
func (g *Grammar) Advance(s State, text []byte) (State, error) {
	var w walker
	for _, b := range text {
		w.items = nil // the last state's are its own
		s.complete = w.advance(g, s.items, b)
		s.items = w.items
		if w.err != nil {
			return State{}, w.err
		}
	}
	return s, nil
}

// walker finds the items after a byte; its memory is used again for the next.
type walker struct {
	g     *Grammar
	items []item // found ones are added here
	todo  []returnTo
	seen  []returnTo
	index map[returnTo]struct{} // of seen, once it is long
	calls map[int32]*call       // rules begun at this place
	work  int
	err   error
}

func (w *walker) begin(g *Grammar) {
	w.g, w.todo, w.seen, w.work = g, w.todo[:0], w.seen[:0], 0
	clear(w.index)
	clear(w.calls)
}

// advance appends what is awaited after the byte b, and says whether the text is complete with it.
func (w *walker) advance(g *Grammar, from []item, b byte) bool {
	w.begin(g)
	for _, it := range from {
		c := &g.classes[g.code[it.pos].arg]
		switch {
		case it.step >= 0:
			w.step(it, it.step, b)
		case b < 0x80:
			if c.hasASCII(b) {
				w.visit(it.pos+1, it.caller)
			}
		default:
			for _, first := range c.sequences {
				w.step(it, first, b)
			}
		}
	}
	return w.run()
}

func (w *walker) step(it item, at int32, b byte) {
	s := w.g.steps[at]
	if b < s.lo || b > s.hi {
		return
	}
	if s.last {
		w.visit(it.pos+1, it.caller)
		return
	}
	w.spend()
	w.items = append(w.items, item{it.pos, at + 1, it.caller})
}

func (w *walker) spend() {
	if w.work++; w.work > MaxWork {
		w.err = ErrTooAmbiguous
	}
}

// visit notes that the text may be read up to pos within caller; each such place is looked at once.
func (w *walker) visit(pos int32, caller *call) {
	w.spend()
	place := returnTo{pos, caller}
	const short = 16
	if len(w.seen) < short {
		for _, s := range w.seen {
			if s == place {
				return
			}
		}
	} else {
		if len(w.seen) == short {
			if w.index == nil {
				w.index = map[returnTo]struct{}{}
			}
			for _, s := range w.seen {
				w.index[s] = struct{}{}
			}
		}
		if _, ok := w.index[place]; ok {
			return
		}
		w.index[place] = struct{}{}
	}
	w.seen = append(w.seen, place)
	w.todo = append(w.todo, place)
}

// run follows calls and returns until only places are left that await a byte.
func (w *walker) run() (complete bool) {
	for len(w.todo) > 0 && w.err == nil {
		at := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		switch in := w.g.code[at.pos]; in.op {
		case opMatch:
			w.items = append(w.items, item{at.pos, -1, at.caller})
		case opCall:
			w.call(in.arg, at)
		case opReturn:
			if at.caller == nil {
				complete = true
				break
			}
			if w.calls[at.caller.rule] == at.caller {
				at.caller.over = true
			}
			for _, r := range at.caller.back {
				w.visit(r.pos, r.caller)
			}
		}
	}
	return complete
}

func (w *walker) call(rule int32, at returnTo) {
	caller := at.caller
	if w.g.code[at.pos+1].op != opReturn { // else it is the last in its alternative, and returns to where that returns
		c := w.calls[rule]
		if c == nil {
			c = &call{rule: rule}
			if w.calls == nil {
				w.calls = map[int32]*call{}
			}
			w.calls[rule] = c
		} else if c.over {
			w.visit(at.pos+1, at.caller)
		}
		c.back = append(c.back, returnTo{at.pos + 1, at.caller})
		caller = c
	}
	for _, alt := range w.g.rules[rule] {
		w.visit(alt, caller)
	}
}
