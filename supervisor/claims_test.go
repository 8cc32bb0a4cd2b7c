package supervisor

import (
	"strings"
	"testing"

	"rbee/messages"
)

func TestAChildSpeaksForWhatIsBelowItOnly(t *testing.T) {
	var all []*messages.ProcessEnd
	for _, address := range []string{"queen.1~hive-a.1~worker-0.1", "queen.1~hive-a.1", "queen.1~hive-b.1", "queen.1~hive-b.1~worker-0.1", "queen.1~hive-a.11", "queen.1", "", "x"} {
		all = append(all, &messages.ProcessEnd{Address: address, Name: "n"})
	}
	if got := Claims("queen.1~hive-a.1", all); len(got) != 1 || got[0].Address != "queen.1~hive-a.1~worker-0.1" {
		t.Errorf("%v", got)
	}
}

func TestWhatAChildClaimsFitsALine(t *testing.T) {
	below := func() *messages.ProcessEnd {
		return &messages.ProcessEnd{Address: "a~b", Name: "\x1b[2Jrbee-hive\nx", Host: strings.Repeat("h", 1<<16), Cause: strings.Repeat("\u00fc", 1<<16)}
	}
	var all []*messages.ProcessEnd
	for range maxClaims + 1 {
		all = append(all, below())
	}
	got := Claims("a", all)
	if len(got) != maxClaims {
		t.Errorf("%d of %d are kept", len(got), len(all))
	}
	if e := got[0]; strings.ContainsAny(e.Name, "\x1b\n") || !strings.Contains(e.Name, "rbee-hive") || len(e.Host) > maxClaim+3 || len(e.Cause) > maxClaim+3 {
		t.Errorf("%q, %d, %d", e.Name, len(e.Host), len(e.Cause))
	}
}
