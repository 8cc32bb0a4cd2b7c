package llamacpp

import (
	"log/slog"
	"sync"

	"github.com/ebitengine/purego"
	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/engine/enginelib"
	"rbee/internal/fault"
)

// Options say where the libraries are and who hears what they say.
type Options struct {
	Dir string       // the engine folder, as enginelib.Find returns it; it is not checked again
	Log *slog.Logger // gets llama.cpp's warnings and errors; nil = nobody
}

// Engine is llama.cpp in this process.
type Engine struct{ dir string }

var _ engine.Engine = (*Engine)(nil)

// The libraries are loaded once per process and never unloaded: their state is global, and so is this.
var library struct {
	sync.Mutex
	dir      string  // where they were loaded from; "" = not yet
	abort    uintptr // C function: is the byte behind the argument not zero?
	progress uintptr // C function: onProgress
}

// Open loads the libraries and starts llama.cpp (some 15 ms). It may be called again with the same folder; the log
// then goes to the newest Options.Log. The error is an ENGINE_UNAVAILABLE.
func Open(o Options) (*Engine, error) {
	library.Lock()
	defer library.Unlock()
	logTo(o.Log)
	if library.dir == o.Dir && o.Dir != "" {
		return &Engine{o.Dir}, nil
	}
	if library.dir != "" {
		return nil, fault.New(fault.EngineUnavailable, "cannot open the engine in %s: this process has loaded %s", o.Dir, library.dir)
	}
	if err := start(o.Dir); err != nil {
		return nil, fault.Wrap(fault.EngineUnavailable, err, "cannot load llama.cpp %s from %s: %v", enginelib.Release, o.Dir, err).
			WithHint("it needs glibc 2.34, libstdc++ and libffi 8; %s", enginelib.InstallHint("")).
			With("folder", o.Dir)
	}
	library.dir = o.Dir
	return &Engine{o.Dir}, nil
}

func start(dir string) error {
	if err := llama.Load(dir); err != nil {
		return err
	}
	var err error
	if library.abort, err = purego.Dlsym(purego.RTLD_DEFAULT, abortFunction); err != nil {
		return err
	}
	library.progress = purego.NewCallback(onProgress)
	llama.LogSet(purego.NewCallback(onLog)) // before the backends load: they are loud on stderr
	llama.BackendInit()
	return llama.GGMLBackendLoadAllFromPath(dir)
}

// Name returns "llama.cpp".
func (e *Engine) Name() string { return "llama.cpp" }

// Release returns llama.cpp's own version.
func (e *Engine) Release() string { return enginelib.Release }
