package treetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// behaviours is what rbee must do in front of a user, in the words of the list it began with, and which tests show it:
// "package.Test", or a script of cmd/rbee and a line of it. Who looks for a test of something begins here.
var behaviours = []struct {
	what  string
	shown []string
}{
	{"an unreachable node: three attempts are shown", []string{"internal/nodetest.TestTreeAHostThatDoesNotAnswerIsGivenUpAfterThreeAttempts"}},
	{"a download fails with its last cause", []string{"internal/treetest.TestTreeADownloadThatFailsSaysWhyAndLeavesNoModel", "internal/models/fetch.TestSixAttemptsAndTheirWaits"}},
	{"too little GPU memory: both numbers", []string{"internal/treetest.TestTreeTooLittleGPUMemoryIsRefusedWithBothNumbers"}},
	{"a worker crashes: n of m tokens", []string{"internal/treetest.TestTreeACrashSaysHowManyTokensOfHowMany", "internal/treetest.TestFaultACrashAfterTokensKeepsThemAndSaysHowMany"}},
	{"Ctrl-C", []string{"internal/treetest.TestTreeSignalsCancelAndKeepWhatWasPrinted", "internal/treetest.TestTreeASecondSignalKills", "signals.txtar: # A signal cancels the request"}},
	{"all slots are busy: counts", []string{"internal/treetest.TestTreeAFullLineSaysWhenToComeBack", "internal/treetest.TestTreeWhoWaitsIsToldItsPlace"}},
	{"a load over its limit", []string{"internal/treetest.TestTreeALoadOverItsLimitIsGivenUp"}},
	{"another version: both are shown", []string{"internal/treetest.TestTreeAWorkerOfAnotherBuildIsRefusedWithBothVersions", "daemon.txtar: # A daemon of another build is refused, with both versions."}},
	{"an idle worker is unloaded", []string{"internal/treetest.TestTreeAnIdleWorkerIsUnloaded"}},
	{"a machine is looked at first: programs, engine, disk, and no port", []string{"internal/treetest.TestTreeAMachineIsLookedAtBeforeItIsUsed",
		"internal/nodetest.TestTreeACheckGoesTheWayOfAnAnswerAndLeavesNothing", "internal/nodetest.TestTreeACheckStopsAtWhatFailsAndSaysWhatToDo",
		"internal/treetest.TestTreeNobodyElseCanUseItsPorts"}},
	{"an answer on this machine, nothing after it: no process, no .db", []string{"internal/treetest.TestTreeAnswersAndLeavesNothing", "internal/testkit.TestLeftoversAreSocketsDatabasesAndUnfinishedFiles"}},
	{"an answer on another machine, nothing after it: no process, no .db", []string{"internal/nodetest.TestTreeABareHostAnswersAndKeepsNothingButTheCache"}},

	{"both engines pass one contract", []string{"internal/engine/enginetest.TestFakePassesTheContract", "internal/engine/llamacpp.TestContract", "internal/engine/llamacpp.TestVulkanPassesTheContract"}},
	{"two workers do not fight for the same cores", []string{"internal/treetest.TestTreeWorkersOnOneCPUShareItsCores"}},
	{"references are fuzzed", []string{"internal/models.FuzzParseRef"}},
	{"what a download wrote is what is found", []string{"internal/models/fetch.TestWhatIsFetchedIsWhatResolveFindsInEveryForm", "internal/models.TestWhatAShortNameFetchedIsFoundByItsLongName"}},
	{"a tree of the older script works as it is", []string{"internal/models.TestATreeOfTheOlderScriptWorksAsItIs"}},
	{"only the header of a large file is read", []string{"internal/gguf.TestOnlyTheHeaderOfABigFileIsRead", "bench.BenchmarkHeaderCheck"}},
	{"an estimate is what a worker then takes", []string{"internal/treetest.TestTreeAWorkerOccupiesWhatWasEstimated"}},
	{"a plan is what is then done", []string{"internal/treetest.TestTreeAPlanSaysWhatIsThenDone"}},
	{"never a silent fall-back to the CPU", []string{"internal/treetest.TestTreeAGPUIsNeverReplacedByTheCPU", "internal/treetest.TestTreeACPUThatIsChosenForWantOfADriverIsSaidSo"}},
	{"the libraries of each backend, pinned and chosen", []string{"internal/engine/enginelib.TestSetsLieSideBySideAndThePlainOneIsFirst", "internal/treetest.TestTreeAWorkerLoadsTheSetOfItsDevice",
		"internal/treetest.TestTreeABackendWhoseLibrariesAreNotInstalledSaysHowToInstallThem", "internal/treetest.TestVulkanAnswersAsTheCPUDoes"}},
	{"a second kind of worker", []string{"internal/treetest.TestTreeASecondKindOfWorkerIsOneMoreProgram", "internal/treetest.TestTreeAnUnknownKindOfWorkerIsRefusedWithThoseThereAre"}},
}

func TestEachBehaviourHasTheTestsThatAreSaidToShowIt(t *testing.T) {
	for _, b := range behaviours {
		if len(b.shown) == 0 {
			t.Errorf("%s: no test", b.what)
		}
		for _, s := range b.shown {
			if !exists(t, s) {
				t.Errorf("%s: there is no %s", b.what, s)
			}
		}
	}
}

// exists looks for a test, a benchmark or a fuzz target in its package, or for a line in a script.
func exists(t *testing.T, shown string) bool {
	t.Helper()
	pattern, what := "", ""
	if script, line, ok := strings.Cut(shown, ": "); ok {
		pattern, what = filepath.Join("../../cmd/rbee/testdata/script", script), line
	} else {
		i := strings.LastIndexByte(shown, '.')
		pattern, what = filepath.Join("../..", shown[:i], "*_test.go"), "\nfunc "+shown[i+1:]+"("
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), what) {
			return true
		}
	}
	return false
}
