package enginetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

func TestParse(t *testing.T) {
	got, err := Parse("tokens=50, rate=100,hang=decode@3,crash=load,prefill=2ms,load=1s,text=a b c,ctx=512,memory=7,template,clock,code=MODEL_CORRUPT,once=/tmp/x,fail=prefill")
	want := Script{
		Tokens: 50, Rate: 100, Prefill: 2 * time.Millisecond, Load: time.Second, Text: "a b c", Context: 512, Memory: 7,
		Template: true, Clock: true, Code: fault.ModelCorrupt, OnlyOnce: "/tmp/x",
		Harm: map[Point]Harm{{AtDecode, 3}: Hang, {Stage: AtLoad}: Crash, {Stage: AtPrefill}: Fail},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := Parse(""); err != nil {
		t.Errorf("an empty script: %v", err)
	}
}

func TestTheWordsOfAClockAreWhenTheyWereMade(t *testing.T) {
	m := fakeModel{script: Script{Clock: true}}
	before := time.Now().UnixNano()
	var made int64
	if n, err := fmt.Sscanf(m.word(0, engine.Sampling{}), " %d", &made); n != 1 || err != nil || made < before || made > time.Now().UnixNano() {
		t.Errorf("%d, %v", made, err)
	}
}

func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, s := range []string{"tokns=5", "tokens=0", "tokens=x", "rate=-1", "rate=NaN", "hang=somewhere", "hang=load@3", "crash=decode@-1", "crash=decode@x", "prefill=fast", "load", "hang"} {
		if got, err := Parse(s); err == nil {
			t.Errorf("%q gave %+v", s, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("tokens=50,rate=100,hang=decode@3,crash=load")
	f.Add("text=a b,,once=/x")
	f.Fuzz(func(t *testing.T, script string) {
		s, err := Parse(script)
		if err != nil {
			return
		}
		for p, h := range s.Harm {
			if p.Token < 0 || h == "" {
				t.Errorf("%q: %v at %v", script, h, p)
			}
		}
		if !(s.Rate >= 0) || s.Tokens < 0 {
			t.Errorf("%q: %+v", script, s)
		}
	})
}
