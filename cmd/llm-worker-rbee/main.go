// Command llm-worker-rbee runs one model in one process with llama.cpp. It is started by a hive and lives as long
// as its link to it.
package main

import (
	"fmt"
	"log/slog"
	"os"

	"rbee/actors/worker"
	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/engine/llamacpp"
	"rbee/internal/version"
	"rbee/messages"
)

const program = "llm-worker-rbee"

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "--version":
		fmt.Println(version.String(program))
	case len(os.Args) == 2 && os.Args[1] == "detect":
		os.Exit(detect())
	case len(os.Args) == 2 && os.Args[1] == "kind":
		os.Exit(kind())
	case len(os.Args) > 1:
		os.Exit(help(os.Args[1:]))
	default:
		os.Exit(worker.Run(program, open))
	}
}

const usage = `llm-worker-rbee runs one model with llama.cpp. A hive starts it, and speaks to it through stdin and stdout; by hand
it does this:

  llm-worker-rbee detect     print what models can be loaded on here, as JSON
  llm-worker-rbee kind       print what it is itself, as JSON
  llm-worker-rbee --version
`

// help explains the program, and what is wrong with words that it does not know.
func help(args []string) int {
	switch args[0] {
	case "-h", "--help", "help":
		fmt.Print(usage)
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: there is no command %q\n%s", program, args, usage)
	return 2
}

func open(c *messages.WorkerConfig) (engine.Engine, error) { return load(c.GetEngineDir()) }

// load loads the libraries in dir, which the hive chose for the device; "" = those that are found from here.
func load(dir string) (*llamacpp.Engine, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if dir == "" {
		dir, err = enginelib.Find(os.Getenv, exe)
	} else {
		err = enginelib.Check(dir) // the hive's word is old by now; another release would load without a word
	}
	if err != nil {
		return nil, err
	}
	return llamacpp.Open(llamacpp.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
}
