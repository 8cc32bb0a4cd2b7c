package install

import (
	"testing"
	"time"

	"rbee/internal/fault"
)

// A node may answer what it likes: that costs an error, or a hive that does not start, and no time.
func TestANodeThatAnswersNonsenseCostsAnError(t *testing.T) {
	defer func(d time.Duration) { stall = d }(stall)
	stall = 2 * time.Second
	b := small(t, "", 1<<20)
	for name, c := range map[string]struct {
		script string
		code   fault.Code // of Install
		stalls bool       // it is given up at the limit only
	}{
		"go twice":             {`say go; say go; cat >/dev/null; say done`, "", false},
		"done before go":       {`say done`, "", false},
		"a word nobody knows":  {`say x; say; say go; cat >/dev/null; say fail x "$(printf '\033[2J')"`, fault.HiveStartFailed, false},
		"never reads":          {`say go; exec sleep 600`, fault.HiveStartFailed, true},
		"never answers":        {`cat >/dev/null; exec sleep 600`, fault.HiveStartFailed, true},
		"without end":          {`while :; do say go; done`, fault.HiveStartFailed, false},
		"one line without end": {`printf 'rbee:%s ' "$nonce"; exec cat /dev/zero`, fault.HiveStartFailed, false},
		"endless stderr":       {`say go; exec cat /dev/zero >&2`, fault.HiveStartFailed, false},
		"ends at once":         {`exit 0`, fault.HiveStartFailed, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := node(t, "")
			n.tool(t, "sh", "nonce=$2; say() { echo \"rbee:$nonce $*\"; }\n"+c.script+"\n")
			began := time.Now()
			_, err := Install(t.Context(), n, at(home), b, 0, nil)
			if fault.CodeOf(err) != c.code {
				t.Errorf("%v", err)
			}
			if took := time.Since(began); took > stall+farewell/2 || took > stall && !c.stalls {
				t.Errorf("it took %v", took)
			}
			n.last().cmd.Process.Kill()
		})
	}
}
