package here

import (
	"runtime"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/mem"
	features "golang.org/x/sys/cpu"

	"rbee/internal/fit"
)

// CPU is this machine's, as llama.cpp's variants look at it.
func CPU() fit.CPU {
	x, a := features.X86, features.ARM64
	mac := runtime.GOOS == "darwin" && runtime.GOARCH == "arm64" // every one of them has these; not all are reported
	return fit.CPU{
		AVX2: x.HasAVX2, AVX512: x.HasAVX512, AMX: x.HasAMXInt8 && x.HasAMXTile,
		NEON: a.HasASIMD || mac, DotProd: a.HasASIMDDP || mac, Int8: a.HasI8MM,
	}
}

// FreeMemory is what could be allocated without swapping; 0 if it cannot be known.
func FreeMemory() int64 {
	m, err := mem.VirtualMemory()
	if err != nil {
		return 0
	}
	return int64(m.Available)
}

// TotalMemory is what the machine has; 0 if it cannot be known.
func TotalMemory() int64 {
	m, err := mem.VirtualMemory()
	if err != nil {
		return 0
	}
	return int64(m.Total)
}

// Cores counts the physical cores this process may use: two threads of one core share the unit that multiplies.
func Cores() int {
	n, err := cpu.Counts(false)
	if err != nil || n < 1 {
		n = runtime.NumCPU()
	}
	return min(n, runtime.GOMAXPROCS(0)) // which follows a container's limit
}
