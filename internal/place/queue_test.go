package place

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rbee/internal/fault"
)

// join puts "a b a:2" in line: a tenant each, with its weight.
func join(t *testing.T, q *Queue, tenants string) {
	t.Helper()
	for _, f := range strings.Fields(tenants) {
		w := &Waiter{}
		name, weight, _ := strings.Cut(f, ":")
		fmt.Sscan(weight, &w.Weight)
		w.Tenant = strings.TrimSuffix(name, "!")
		w.Again = name != w.Tenant
		w.ID = fmt.Sprint(w.Tenant, q.next+1)
		if _, ok := q.Join(w); !ok {
			t.Fatalf("%s found no room", f)
		}
	}
}

// drain takes all in turn, each holding its slot for a second, and returns whose they were.
func drain(q *Queue) string {
	var took []string
	for w := q.Next(); w != nil; w = q.Next() {
		q.Finished(q.Take(w), 1, true)
		took = append(took, w.ID)
	}
	return strings.Join(took, " ")
}

func TestTheOrderOfALine(t *testing.T) {
	for _, c := range []struct{ name, come, want string }{
		{"one tenant: first come first served", "a a a", "a1 a2 a3"},
		{"tenants take turns", "a a a a b b", "a1 b5 a2 b6 a3 a4"},
		{"three do too", "a a a b b b c", "a1 b4 c7 a2 b5 a3 b6"},
		{"twice the weight, twice the turns", "a a a b:2 b:2 b:2 b:2", "a1 b4 b5 a2 b6 b7 a3"},
		{"who lost a worker is next", "a a b c!", "c4 a1 b3 a2"},
		{"no tenant is a tenant", ": : a", "1 a3 2"},
	} {
		q := NewQueue(100)
		join(t, q, c.come)
		var order []string
		for _, w := range q.Order() {
			order = append(order, w.ID)
		}
		if got := strings.Join(order, " "); got != c.want {
			t.Errorf("%s: the order is %s, want %s", c.name, got, c.want)
		}
		if got := drain(q); got != c.want {
			t.Errorf("%s: taken %s, want %s", c.name, got, c.want)
		}
		if !q.Idle() || len(q.lines) != 0 {
			t.Errorf("%s: something is remembered: %+v", c.name, q)
		}
	}
}

func TestWhoWasAwayHasSavedNothing(t *testing.T) {
	q := NewQueue(100)
	join(t, q, "a a a a a a")
	var turns []Turn
	for range 4 {
		turns = append(turns, q.Take(q.Next()))
	}
	join(t, q, "b b b")
	if got, want := drain(q), "b7 a5 b8 a6 b9"; got != want {
		t.Errorf("taken %s, want %s", got, want)
	}
	for _, turn := range turns {
		q.Finished(turn, 1, true)
	}
}

func TestLongAnswersCostTurns(t *testing.T) {
	q := NewQueue(100)
	join(t, q, "a a a b b b b b b b b")
	var took string
	for w := q.Next(); w != nil; w = q.Next() {
		held := 1.
		if w.Tenant == "a" {
			held = 4
		}
		q.Finished(q.Take(w), held, true)
		took += w.Tenant
	}
	// Between two of a's, about four of b's.
	if gap := strings.Index(took[1:], "a"); gap < 3 || gap > 5 {
		t.Errorf("taken %s", took)
	}
}

func TestAFullLineLocksNobodyOut(t *testing.T) {
	q := NewQueue(4)
	join(t, q, "a a a a")
	if out, ok := q.Join(&Waiter{ID: "a5", Tenant: "a"}); ok || out != nil {
		t.Error("a tenant went on beyond the limit")
	}
	for i, want := range []string{"a4", "a3"} {
		out, ok := q.Join(&Waiter{ID: fmt.Sprint("b", i), Tenant: "b"})
		if !ok || out == nil || out.ID != want {
			t.Errorf("b%d: room %v, made by %+v; want %s to go", i, ok, out, want)
		}
	}
	if out, ok := q.Join(&Waiter{ID: "b2", Tenant: "b"}); ok {
		t.Errorf("a third of four for b, at the cost of %+v", out)
	}
	if out, ok := q.Join(&Waiter{ID: "c1", Tenant: "c", Weight: 3}); !ok || q.Len() != 4 {
		t.Errorf("no room for c; out %+v", out)
	}
	if _, ok := q.Join(&Waiter{ID: "x", Tenant: "a", Again: true}); !ok || q.Next().ID != "x" {
		t.Error("one that was served already lost its place")
	}
}

func TestAFullLineSaysWhenToComeBack(t *testing.T) {
	q := NewQueue(8)
	join(t, q, "a a a a a a b b")
	f := q.Full(&Waiter{Tenant: "b"}, "demo", 2)
	if f.Code != fault.QueueFull || f.Details["retry_after_s"] != int64(5) || f.Details["waiting"] != 8 || f.Details["yours"] != 2 {
		t.Errorf("nothing is known of how long requests take: %+v", f)
	}
	q.Finished(q.Take(q.Next()), 10, true)
	join(t, q, "a")
	if f = q.Full(&Waiter{Tenant: "b"}, "demo", 2); f.Details["retry_after_s"] != int64(10) {
		t.Errorf("a quarter of 8, 2 at a time, 10 s each: %+v", f)
	}
	if got := q.Wait(3, 2); got != 15 {
		t.Errorf("the third waits %v s", got)
	}
	if got := q.Wait(3, 0); got >= 0 {
		t.Errorf("with no slot at all it waits %v s", got)
	}
}

func TestWhoWaitedTooLongIsNamed(t *testing.T) {
	q := NewQueue(8)
	for i, until := range []float64{300, 20, 300, 10} {
		q.Join(&Waiter{ID: fmt.Sprint(i), Until: until})
	}
	if late := q.Expired(20); len(late) != 2 || late[0].ID != "1" || late[1].ID != "3" {
		t.Errorf("%+v", late)
	}
}

// Whatever happens, nobody is lost or taken twice, tenants keep their own order, and an empty line remembers nothing.
func TestALineWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := NewQueue(rapid.IntRange(1, 6).Draw(t, "limit"))
		in, turns, last := map[*Waiter]bool{}, []Turn{}, map[string]int64{}
		t.Repeat(map[string]func(*rapid.T){
			"join": func(t *rapid.T) {
				w := &Waiter{Tenant: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "tenant"), Again: rapid.IntRange(0, 9).Draw(t, "again") == 0,
					Weight: rapid.SampledFrom([]float64{0, 1, 2, 0.5}).Draw(t, "weight")}
				out, ok := q.Join(w)
				if out != nil && (!in[out] || out.Tenant == w.Tenant || out.Again) {
					t.Fatalf("%+v had to go for %+v", out, w)
				}
				if !ok && q.Len() < q.limit {
					t.Fatal("refused although there is room")
				}
				delete(in, out)
				if ok {
					in[w] = true
				}
			},
			"take": func(t *rapid.T) {
				w := q.Next()
				order := q.Order()
				if len(order) != len(in) || len(order) > 0 && order[0] != w {
					t.Fatalf("next is %+v of %+v, %d wait", w, order, len(in))
				}
				if w == nil {
					return
				}
				if !in[w] || !w.Again && w.order < last[w.Tenant] {
					t.Fatalf("%+v is taken", w)
				}
				if !w.Again {
					last[w.Tenant] = w.order
				}
				delete(in, w)
				turns = append(turns, q.Take(w))
			},
			"leave": func(t *rapid.T) {
				if order := q.Order(); len(order) > 0 {
					w := order[0]
					if !q.Leave(w) || q.Leave(w) {
						t.Fatal("cannot leave, or twice")
					}
					delete(in, w)
				}
			},
			"finish": func(t *rapid.T) {
				if len(turns) > 0 {
					q.Finished(turns[0], rapid.Float64Range(0, 9).Draw(t, "held"), rapid.Bool().Draw(t, "complete"))
					turns = turns[1:]
				}
			},
			"": func(t *rapid.T) {
				if q.Len() != len(in) || q.Idle() != (len(in) == 0 && len(turns) == 0) {
					t.Fatalf("%d are in it, it says %d", len(in), q.Len())
				}
				if q.Idle() && len(q.lines) > 0 {
					t.Fatalf("it remembers %+v", q.lines)
				}
			},
		})
	})
}
