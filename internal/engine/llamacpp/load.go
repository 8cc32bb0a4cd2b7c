package llamacpp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hybridgroup/yzma/pkg/llama"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

const (
	defaultContext = 4096
	maxSlots       = 256 // llama.cpp's LLAMA_MAX_SEQ
	maxContext     = 16 << 20
	maxGPULayers   = 1 << 20
)

// loading is the load in progress; one at a time, because llama.cpp's progress callback and log are global to it.
type loading struct {
	ctx      context.Context
	progress func(float64)
}

var (
	loadMu     sync.Mutex
	loadingNow atomic.Pointer[loading]
)

// onProgress is called by native code while it reads weights; 0 ends the load.
func onProgress(fraction float32, _ uintptr) uintptr {
	l := loadingNow.Load()
	if l == nil {
		return 1
	}
	if l.ctx.Err() != nil {
		return 0
	}
	if l.progress != nil {
		l.progress(float64(fraction))
	}
	return 1
}

// Load reads a model file and makes its context. Beside the codes that engine.Engine names it returns
// MODEL_NOT_FOUND, INVALID_REQUEST (options out of range, a model that does not generate), and ctx's error.
func (e *Engine) Load(ctx context.Context, o engine.LoadOptions) (engine.Model, error) {
	if err := checkOptions(&o); err != nil {
		return nil, err
	}
	if err := checkFile(o.Path); err != nil {
		return nil, err
	}
	dev, err := findDevice(o.Device, devices(), e.dir)
	if err != nil {
		return nil, err
	}
	loadMu.Lock()
	defer loadMu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	before := residentMemory()
	loadingNow.Store(&loading{ctx, o.Progress})
	defer loadingNow.Store(nil)
	forgetComplaints()

	m := newModel()
	ready := make(chan error)
	go m.run(o, dev, ready)
	if err := <-ready; err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	m.info.MemoryBytes = max(0, residentMemory()-before)
	return m, nil
}

// checkOptions fills in the defaults that need no model.
func checkOptions(o *engine.LoadOptions) error {
	bad := func(field string, value, low, high int) error {
		return fault.New(fault.InvalidRequest, "%s is %d: it must be between %d and %d", field, value, low, high)
	}
	if o.Slots == 0 {
		o.Slots = 1
	}
	if o.Threads == 0 { // GOMAXPROCS follows a container's limit, NumCPU does not
		o.Threads = max(1, min(physicalCores(), runtime.GOMAXPROCS(0))-1)
	}
	switch {
	case o.Context < 0 || o.Context > maxContext:
		return bad("context", o.Context, 0, maxContext)
	case o.Slots < 1 || o.Slots > maxSlots:
		return bad("slots", o.Slots, 1, maxSlots)
	case o.Threads < 1 || o.Threads > 512:
		return bad("threads", o.Threads, 1, 512)
	case o.GPULayers != nil && (*o.GPULayers < 0 || *o.GPULayers > maxGPULayers):
		return bad("gpu_layers", *o.GPULayers, 0, maxGPULayers)
	}
	return nil
}

// checkFile refuses what is no GGUF file at all before native code opens it.
func checkFile(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.ModelNotFound, err, "no model file %s", path)
	}
	if err != nil {
		return fault.Wrap(fault.ModelNotFound, err, "cannot read the model file %s: %v", path, err)
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil || string(magic) != "GGUF" {
		return fault.New(fault.ModelCorrupt, "%s is no GGUF file: it begins with %q, not with \"GGUF\"", path, magic)
	}
	return nil
}

// open makes model and context, on the loop's thread.
func (m *model) open(o engine.LoadOptions, dev device) error {
	p := llama.ModelDefaultParams()
	p.ProgressCallback = library.progress
	// An empty list: the CPU, and no GPU by accident. llama.cpp keeps the pointer, and calls back into Go while it
	// loads: that may move this goroutine's stack, and a list that lay on it would be somebody else's memory by then.
	m.devices = append(make([]llama.GGMLBackendDevice, 0, 2), 0)
	if dev.Backend == "cpu" {
		p.NGpuLayers = 0
	} else {
		m.devices = append(m.devices[:0], dev.handle, 0)
		p.NGpuLayers = 1 << 20 // all of them
		if o.GPULayers != nil {
			p.NGpuLayers = int32(*o.GPULayers)
		}
	}
	if err := p.SetDevices(m.devices); err != nil {
		return err
	}
	var err error
	m.weights, err = llama.ModelLoadFromFile(o.Path, p)
	if err != nil {
		return loadFailure(o.Path)
	}
	m.vocab, m.path = llama.ModelGetVocab(m.weights), o.Path
	if err := m.describe(o, dev); err != nil {
		return err
	}
	return m.openContext()
}

// describe fills m.info and checks that this is a model that answers, or an encoder of embeddings.
func (m *model) describe(o engine.LoadOptions, dev device) error {
	trained := int(llama.ModelNCtxTrain(m.weights))
	arch, _ := llama.ModelMetaValStr(m.weights, "general.architecture")
	name, _ := llama.ModelMetaValStr(m.weights, "general.name")
	m.info = engine.Info{
		Architecture:   arch,
		Name:           name,
		Context:        o.Context,
		ContextTrained: trained,
		Slots:          o.Slots,
		Threads:        o.Threads,
		Vocabulary:     int(llama.VocabNTokens(m.vocab)),

		EmbeddingLength: int(llama.ModelNEmbdOut(m.weights)),
		Backend:         dev.Backend,
		Device:          dev.ID,
	}
	m.readTemplate()
	m.markers = findMarkers(m.vocab, toolMarkers)
	if m.info.Vocabulary == 0 || llama.ModelHasEncoder(m.weights) || !llama.ModelHasDecoder(m.weights) {
		return fault.New(fault.InvalidRequest, "%s (%s) does not generate text", o.Path, arch).
			WithHint("choose a text generation model, or one for embeddings; those of the T5 family are not served")
	}
	if m.info.Context == 0 {
		m.info.Context = min(trained, defaultContext)
	}
	if m.info.Context > trained {
		return fault.New(fault.ContextOverflow, "a context of %d tokens: the model was trained for %d", o.Context, trained).
			WithHint("choose --ctx %d or less", trained).
			With("context", o.Context).With("trained", trained)
	}
	return nil
}

// contextParams are those of any context of this model.
func (m *model) contextParams() llama.ContextParams {
	p := llama.ContextDefaultParams()
	p.NBatch = batchSize
	if m.info.Backend == "cpu" {
		p.OpOffload = 0
	}
	p.NUbatch = uint32(microBatch(m.chunk))
	p.NThreads, p.NThreadsBatch = int32(m.info.Threads), int32(m.info.Threads)
	p.AbortCallback, p.AbortCallbackData = library.abort, m.abort.address()
	return p
}

func (m *model) openContext() error {
	m.chunk = chunkGPU
	if m.info.Backend == "cpu" {
		m.chunk = chunkCPU
	}
	p := m.contextParams()
	p.NSeqMax = uint32(m.info.Slots)
	p.NCtx = uint32(m.info.Context * m.info.Slots)
	// Cells of its own for each slot. In one pool for all (KVUnified) every token's attention would run over the cells of
	// all slots, a step could fail because others hold the cells it needs, and it costs 60-100 us a token on a small
	// model, even with one slot. What a pool is for, a prefix that several have, is copied here instead: see slot.go.
	p.KVUnified = 0
	var err error
	if m.context, err = llama.InitFromModel(m.weights, p); err != nil {
		return contextFailure(m.info)
	}
	if m.memory, err = llama.GetMemory(m.context); err != nil {
		return err
	}
	m.batch = newBatch(batchSize)
	if encoder, err := m.asEncoder(); encoder || err != nil {
		return err // an encoder has no slots
	}
	for id := range m.info.Slots {
		m.all = append(m.all, &slot{id: llama.SeqId(id)})
	}
	m.slots = slices.Clone(m.all)
	if m.info.Slots > 1 && !llama.ModelIsRecurrent(m.weights) && !llama.ModelIsHybrid(m.weights) {
		m.minCopy = max(minCopy, m.info.Context/copyShare)
	}
	return nil
}

func loadFailure(path string) error {
	said := complaints()
	if outOfMemory(said) {
		return fault.New(fault.InsufficientMemory, "not enough memory to load %s (%s)", path, fileSize(path)).
			WithHint("choose a smaller quantisation, or free memory").With("engine_said", said)
	}
	return fault.New(fault.ModelCorrupt, "llama.cpp cannot load %s: %s", path, lastOf(said)).
		WithHint("the file is damaged, or of an architecture that this release does not know").With("engine_said", said)
}

func contextFailure(i engine.Info) error {
	said := complaints()
	if outOfMemory(said) {
		return fault.New(fault.InsufficientMemory, "not enough memory for %d slots of %d tokens", i.Slots, i.Context).
			WithHint("choose a smaller --ctx").With("engine_said", said)
	}
	return fault.New(fault.Internal, "llama.cpp cannot make a context of %d slots of %d tokens: %s", i.Slots, i.Context, lastOf(said)).
		With("engine_said", said)
}

// outOfMemory recognises the words llama.cpp's allocators use; it has no error codes for it.
func outOfMemory(said []string) bool {
	for _, line := range said {
		for _, words := range []string{"failed to allocate", "unable to allocate", "out of memory", "cannot allocate memory", "bad_alloc"} {
			if strings.Contains(strings.ToLower(line), words) {
				return true
			}
		}
	}
	return false
}

// lastOf returns the first of the last complaints, which is the cause; those after it say that the caller failed too.
func lastOf(said []string) string {
	if len(said) == 0 {
		return "it does not say why"
	}
	return said[0]
}

func fileSize(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "size unknown"
	}
	return fmt.Sprintf("%.1f GB", float64(info.Size())/1e9)
}
